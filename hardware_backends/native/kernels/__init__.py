"""Compiled functions on arrays: how they are compiled and kept, and those that are the same for every network."""
