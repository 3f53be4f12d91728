"""Experiments on the models, one ``EXPERIMENT`` a module; found through entry points."""
