"""PyNN scripts for SpiNNaker, which are mapped on virtual boards, and run where there is a real one."""
