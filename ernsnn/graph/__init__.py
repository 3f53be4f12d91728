"""Graphs, which backends read: plain numbers, lowered from a network with all randomness fixed by the seed."""
