"""PyNN scripts for NEST, which runs them in a process of its own."""
