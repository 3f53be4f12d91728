"""Learning by gradients: surrogates, losses, and ``fit``, which returns an ordinary network."""
