"""Neurons composed of a membrane and named receptors: PyNN's ``PointNeuron``, written as equations."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from pyNN.standardmodels import StandardCellType, cells, receptors

from ernsnn.describe.neurons import Neuron
from ernsnn.errors import InvalidModel

from .cells import ADAPTATION, MEMBRANE, Cell, same


class LIF(cells.LIF):
    __doc__ = cells.LIF.__doc__
    translations = same(cells.LIF.default_parameters)


class AdExp(cells.AdExp):
    __doc__ = cells.AdExp.__doc__
    translations = same(cells.AdExp.default_parameters)


class CurrExpPostSynapticResponse(receptors.CurrExpPostSynapticResponse):
    __doc__ = receptors.CurrExpPostSynapticResponse.__doc__
    translations = same(receptors.CurrExpPostSynapticResponse.default_parameters)


class CondExpPostSynapticResponse(receptors.CondExpPostSynapticResponse):
    __doc__ = receptors.CondExpPostSynapticResponse.__doc__
    translations = same(receptors.CondExpPostSynapticResponse.default_parameters)


class CondAlphaPostSynapticResponse(receptors.CondAlphaPostSynapticResponse):
    __doc__ = receptors.CondAlphaPostSynapticResponse.__doc__
    translations = same(receptors.CondAlphaPostSynapticResponse.default_parameters)


_LEAK = "(v_rest_mV - V)/tau_m_ms + ({current} + i_offset_nA)/cm_nF"
_UPSTROKE = """(cm_nF/tau_m_ms*(v_rest_mV - U + delta_T_mV*exp((U - v_threshold_mV)/delta_T_mV))
             + {current} - w_nA + i_offset_nA)/cm_nF
    dw_nA/dt = (a_uS*(U - v_rest_mV) - w_nA)/tau_w_ms"""
_EXP = "dx_{r}/dt = -x_{r}/tau_syn_{r}_ms"
_ALPHA = "dx_{r}/dt = y_{r} - x_{r}/tau_syn_{r}_ms\n    dy_{r}/dt = -y_{r}/tau_syn_{r}_ms"
_RESPONSES: dict[type, tuple[str, str]] = {
    CurrExpPostSynapticResponse: (_EXP, "x_{r} += w"),
    CondExpPostSynapticResponse: (_EXP, "x_{r} += w"),
    CondAlphaPostSynapticResponse: (_ALPHA, "y_{r} += exp(1)/tau_syn_{r}_ms*w"),
}
"""Response -> (its equations, what a spike does)."""


def _own(receptor: str, parameter: str) -> str:
    """The name in equations of a receptor's parameter."""
    return f"{parameter}_{receptor}_{'mV' if parameter == 'e_syn' else 'ms'}"


@cache
def _model(membrane: type, responses: tuple[tuple[str, type], ...]) -> type[Neuron]:
    """The kind of neurons with this membrane and these receptors by name."""
    adapts, conducts = membrane is AdExp, responses[0][1].conductance_based  # type: ignore[attr-defined]
    v = "U" if adapts else "V"
    terms = [f"x_{r}*({_own(r, 'e_syn')} - {v})" if conducts else f"x_{r}" for r, _ in responses]
    lines = ["U = min(V, v_spike_mV)"] if adapts else []
    lines += ["dV/dt = " + (_UPSTROKE if adapts else _LEAK).format(current=" + ".join(terms))]
    lines += [_RESPONSES[kind][0].format(r=r) for r, kind in responses]
    names = MEMBRANE | (ADAPTATION if adapts else {})
    defaults = {names[n]: float(value) for n, value in membrane.default_parameters.items()}  # type: ignore[attr-defined]
    taus = {_own(r, p): value for r, kind in responses for p, value in _parameters(kind).items()}
    positive = [n for n in (*defaults, *taus) if n.startswith(("cm", "tau", "delta")) and n != "tau_refrac_ms"]
    whole = "_".join([membrane.__name__, *(f"{r}_{kind.__name__}" for r, kind in responses)])
    return Neuron.from_equations(
        f"{membrane.__name__}_{hashlib.sha256(whole.encode()).hexdigest()[:12]}",
        "\n".join(lines),
        parameters={**defaults, **taus, "v_init_mV": "v_rest_mV"},
        positive=positive,
        receptors={f"r_{r}": _RESPONSES[kind][1].format(r=r) for r, kind in responses},
        units={f"r_{r}": "uS" if conducts else "nA" for r, _ in responses},
        threshold="V >= v_spike_mV" if adapts else "V >= v_threshold_mV",
        reset="V = v_reset_mV; w_nA += b_nA" if adapts else "V = v_reset_mV",
        refractory="tau_refrac_ms",
        method="rk4" if adapts or conducts else "exact",
    )


def _parameters(kind: Any) -> dict[str, float]:
    return {name: value for name, value in kind.default_parameters.items() if name != "locations"}


class Composed(Cell, StandardCellType):
    """A cell of a membrane and receptors."""

    states: dict[str, tuple[str, float]] = {}  # noqa: RUF012 - as in ``Cell``
    probes = states


def PointNeuron(neuron: Any, **post_synaptic_receptors: Any) -> Composed:
    """A cell of a membrane (LIF or AdExp) and receptors by name, all of which are conductances, or all currents.

    Receptors are CurrExpPostSynapticResponse, CondExpPostSynapticResponse (ExpPSR) and CondAlphaPostSynapticResponse
    (AlphaPSR). Parameters and variables of a receptor are ``AMPA.tau_syn``, ``AMPA.gsyn``; weights of currents have
    both signs. Raises InvalidModel on other parts.
    """
    parts = tuple(sorted(post_synaptic_receptors.items()))
    if type(neuron) not in (LIF, AdExp):
        raise InvalidModel(f"PointNeuron: the neuron must be LIF or AdExp, got {type(neuron).__name__}")
    wrong = [f"{name}={type(part).__name__}" for name, part in parts if type(part) not in _RESPONSES]
    if wrong or not parts:
        raise InvalidModel(
            "PointNeuron: receptors must be CurrExpPostSynapticResponse, CondExpPostSynapticResponse or "
            f"CondAlphaPostSynapticResponse, got {', '.join(wrong) or 'none'}"
        )
    if taken := {"excitatory", "inhibitory"}.intersection(post_synaptic_receptors):
        raise InvalidModel(
            f"PointNeuron: {', '.join(sorted(taken))} are receptors whose weights have one sign; name it otherwise, as "
            "AMPA or GABAA"
        )
    if len({part.conductance_based for _, part in parts}) > 1:
        raise InvalidModel("PointNeuron: its receptors are conductances, or all are currents; both are there")
    responses = tuple((name, type(part)) for name, part in parts)
    model = _model(type(neuron), responses)  # type: ignore[arg-type]  # a class is hashable
    variable = "gsyn" if parts[0][1].conductance_based else "isyn"
    flat = {f"{name}.{p}": _own(name, p) for name, part in parts for p in _parameters(type(part))}
    membrane = MEMBRANE | (ADAPTATION if isinstance(neuron, AdExp) else {})
    defaults = type(neuron).default_parameters | dict.fromkeys(flat, 0.0)
    states = {"v": ("v_mV", 1.0)} | ({"w": ("w_nA", 1.0)} if isinstance(neuron, AdExp) else {})
    probe = {of: name for name, of in model.kind.probes.items()}
    states |= {f"{name}.{variable}": (probe[f"x_{name}"], 1.0) for name, _ in parts}
    attributes = {
        "default_parameters": defaults,
        "default_initial_values": {n: type(neuron).default_initial_values.get(n, 0.0) for n in states},
        "translations": {n: _kept(n) for n in defaults},
        "names": {**membrane, **flat},
        "scales": {"a": 1e-3} if isinstance(neuron, AdExp) else {},
        "model": model,
        "states": states,
        "probes": states,
        "receptor_types": tuple(name for name, _ in parts),
        "own_receptors": {name: f"r_{name}" for name, _ in parts},
        "conductance_based": parts[0][1].conductance_based,
        "injectable": True,
        "units": {n: "mV" if n == "v" else "uS" if n.endswith("gsyn") else "nA" for n in states},
    }
    given = {n: value.base_value for n, value in neuron.parameter_space.items()}
    for name, part in parts:
        given |= {f"{name}.{p}": part.parameter_space[p].base_value for p in _parameters(type(part))}
    made: Composed = type("PointNeuron", (Composed,), attributes)(**given)
    return made


def _kept(name: str) -> dict[str, Any]:
    """A translation that keeps a name and its value; PyNN would evaluate a name with a dot."""

    def value(**parameters: Any) -> Any:
        return parameters[name]

    return {"translated_name": name, "forward_transform": value, "reverse_transform": value, "type": "simple"}


ExpPSR, AlphaPSR = CondExpPostSynapticResponse, CondAlphaPostSynapticResponse
