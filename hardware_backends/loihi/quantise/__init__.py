"""Quantisation of a graph of floats to a network of integers, by subject, and the report of all changes."""
