"""Checking, compiling and running a graph on a backend, and what comes back."""
