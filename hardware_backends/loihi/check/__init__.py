"""Checks of a network for Loihi: missing features, overflows, and limits of the chip."""
