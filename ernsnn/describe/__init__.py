"""What a user writes: networks, neurons, plasticity, stimuli, connectors, units. Knows nothing of how it is run."""
