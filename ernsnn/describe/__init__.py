"""Descriptions that users write: networks, neurons, plasticity, stimuli, connectors and units, independent of
backends."""
