"""Loihi's integers: what a network is in them, what they can hold, and how numbers and rules are put into them."""
