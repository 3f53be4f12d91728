"""Recordings of runs, in steps, and readings of them, by names and in milliseconds."""
