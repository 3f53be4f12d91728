"""Layout of PyNN scripts: populations, spike trains and injected currents, as templates write them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ernsnn.graph.constants import refractory_steps
from ernsnn.graph.graph import Graph, Injected, Neurons
from ernsnn.graph.values import columns_of

CELLS = {"LIF": "IF_curr_exp", "ConductanceLIF": "IF_cond_exp"}
"""Kind of neurons -> its name in PyNN."""
Value = float | str
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Cells:
    """A population of neurons of one of PyNN's kinds: its parameters, each a number or the key of an array."""

    name: str
    size: int
    kind: str
    parameters: dict[str, Value]
    v_init: Value


def parameters(p: Neurons, dt_ms: float) -> dict[str, float | np.ndarray]:
    """The parameters of IF_curr_exp or IF_cond_exp, by PyNN's names; a refractory time is whole steps."""
    g = p.parameters
    reversal = {"e_rev_E": g["e_rev_E_mV"], "e_rev_I": g["e_rev_I_mV"]} if p.kind.name == "ConductanceLIF" else {}
    return {
        "cm": g["cm_nF"],
        "tau_m": g["tau_m_ms"],
        "tau_refrac": refractory_steps(g["tau_refrac_ms"], dt_ms) * dt_ms,
        "tau_syn_E": g["tau_syn_E_ms"],
        "tau_syn_I": g["tau_syn_I_ms"],
        "v_rest": g["v_rest_mV"],
        "v_reset": g["v_reset_mV"],
        "v_thresh": g["v_threshold_mV"],
        "i_offset": g["i_offset_nA"],
        **reversal,
    }


def cells(p: Neurons, dt_ms: float, arrays: Arrays) -> Cells:
    """A population of neurons; parameters that differ between them are added to ``arrays``."""

    def stored(name: str, value: float | np.ndarray) -> Value:
        if np.ndim(value) == 0:
            return float(value)
        arrays[f"{p.name}/{name}"] = np.asarray(value, dtype=float)
        return f"{p.name}/{name}"

    parameters_of = {name: stored(name, value) for name, value in parameters(p, dt_ms).items()}
    kind = CELLS[p.kind.name]
    return Cells(p.name, p.size, kind, parameters_of, stored("v", p.parameters["v_init_mV"]))


def trains(graph: Graph, n_steps: int, arrays: Arrays) -> None:
    """The spikes of all sources: neuron i of one spikes in ``steps[indptr[i]:indptr[i + 1]]``."""
    for source in graph.sources():
        steps, neurons = source.spikes.once().between(0, n_steps)
        order = np.lexsort((steps, neurons))
        arrays[f"{source.name}/steps"] = steps[order]
        arrays[f"{source.name}/indptr"] = np.concatenate([[0], np.cumsum(np.bincount(neurons, minlength=source.size))])


def injections(graph: Graph, arrays: Arrays) -> list[tuple[str, Injected]]:
    """Injected currents and their keys: neuron i has column ``of[i]`` of ``values``."""
    named = [(f"injected/{k}", injected) for k, injected in enumerate(graph.injections)]
    for key, injected in named:
        columns, of = columns_of(injected.values)
        arrays |= {f"{key}/steps": injected.steps, f"{key}/values": columns, f"{key}/of": of}
    return named
