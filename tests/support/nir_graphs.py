"""Small NIR graphs, and rasters of what their networks do."""

from itertools import pairwise

import nir
import numpy as np


def lif(n, **other):
    fields = {"tau": 0.004, "r": 4.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": -0.5, **other}
    return nir.LIF(**{name: np.full(n, value) for name, value in fields.items()})


def chain(shape, *nodes, **more):
    """A graph of an Input ``in``, the nodes ``n0``, ``n1``, ... one after the other, and an Output ``out``."""
    named = {"in": nir.Input(np.array(shape)), **{f"n{k}": node for k, node in enumerate(nodes)}}
    names = [*named, "out"]
    named["out"] = nir.Output(None)
    return nir.NIRGraph(named, list(pairwise(names)), type_check=False, **more)


def raster(result, population):
    steps, neurons = result.recording.spikes[population]
    made = np.zeros((round(result.duration_ms / result.graph.dt_ms), result.graph.population(population).size), bool)
    made[steps, neurons] = True
    return made
