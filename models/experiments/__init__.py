"""Experiments on the models, one ``EXPERIMENT`` a module; entry points name them."""
