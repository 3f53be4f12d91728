"""Parts, limits and rules that PyNN scripts for NEST and for SpiNNaker share."""
