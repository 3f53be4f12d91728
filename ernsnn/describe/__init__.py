"""Descriptions that users write: networks, neurons, plasticity, stimuli, connectors and units; no backends."""
