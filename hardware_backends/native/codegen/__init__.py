"""From learning rules to the text of kernels."""
