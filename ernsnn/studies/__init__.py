"""Models by name, and experiments with them."""
