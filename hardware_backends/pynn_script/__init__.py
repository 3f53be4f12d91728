"""What PyNN scripts for NEST and for SpiNNaker share: their parts, limits and rules."""
