"""Loihi's integer arithmetic: integer networks, ranges, and conversion of numbers and rules to integers."""
