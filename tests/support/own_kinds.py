"""Kinds of neurons as users write them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import ernsnn as ern
from ernsnn.describe.kinds import Kind, Parameter, Receptor, Table, positive, state, table
from ernsnn.describe.neurons.membrane import PARAMETERS, Membrane


def neuron(
    name: str,
    exact: Table,
    *,
    states: Mapping[str, str],
    parameters: Sequence[Parameter] = (),
    receptors: Sequence[str] = ("E", "I"),
    unit: Any = "nA",
    **how: Any,
) -> Any:
    """A class of neurons with these equations: every state can be probed under its own name."""
    kind = Kind(
        name=name,
        parameters=(*PARAMETERS, *parameters),
        states=tuple(state(s, initial, s) for s, initial in states.items()),
        receptors=tuple(Receptor(r, unit) for r in receptors),
        exact=exact,
        **how,
    )
    fields: list[Any] = [(p.name, Any, dataclasses.field(default=None if p.optional else 1.0)) for p in parameters]
    options = {"frozen": True, "eq": False, "kw_only": True}
    return dataclasses.make_dataclass(name, fields, bases=(Membrane,), namespace={"kind": kind}, **options)


ADEX = neuron(
    "AdEx",
    table(
        "P_w = exp(-dt/tau_w_ms)\nG_ampa = exp(-dt/tau_ampa_ms)\ng_leak = cm_nF/tau_m_ms",
        """
        U = min(V, v_peak_mV)
        blocked = 1/(1 + exp(-0.062*U)/3.57)
        upstroke = g_leak*delta_T_mV*exp((U - v_threshold_mV)/delta_T_mV)
        I = g_leak*(v_rest_mV - U) + upstroke + (ampa + nmda*blocked)*(0.0 - U) + gaba*(-80.0 - U) - w + i_offset_nA
        w = a_uS*(V - v_rest_mV)*(1 - P_w) + w*P_w
        V = V + dt/cm_nF*I
        if noise_mV: V += noise_mV*0.1*normal
        if v_min_mV: V = max(V, v_min_mV)
        """,
        "V >= v_peak_mV",
        "V = v_reset_mV; w += b_nA",
        "ampa = ampa*G_ampa + in_ampa; gaba = gaba*0.95 + in_gaba; nmda = nmda*0.99 + in_nmda",
    ),
    states={"V": "v_init_mV", "w": "0", "ampa": "0", "gaba": "0", "nmda": "0"},
    parameters=(
        *positive("tau_w_ms", "tau_ampa_ms", "delta_T_mV"),
        *map(Parameter, ("a_uS", "b_nA", "v_peak_mV")),
    ),
    receptors=("ampa", "gaba", "nmda"),
    unit="uS",
)


def adex(**given: Any) -> Any:
    values = {"cm_nF": 0.2, "a_uS": 0.002, "b_nA": 0.05, "delta_T_mV": 2.0, "v_peak_mV": 0.0, "tau_w_ms": 100.0}
    return ADEX(**values | {"tau_ampa_ms": 3.0, "v_reset_mV": -58.0} | given)


def three_receptors() -> ern.Network:
    """Two populations of AdEx, of which one is noisy, beside LIF; plastic synapses reach each receptor, too."""
    net = ern.Network(dt_ms=0.25)
    source = net.population("source", 12, ern.Poisson(rate_hz=120.0))
    homeostasis = ern.LearningRule.from_equations(on_post={"w": "0.2"}, bounds={"w": (-60, -30)})
    learns = ern.IntrinsicPlasticity(target="v_threshold_mV", rule=homeostasis)
    first = net.population("first", 5, adex(tau_m_ms=ern.Uniform(12, 20), tau_refrac_ms=1.0), plasticity=learns)
    second = net.population("second", 4, adex(noise_mV=1.0, v_min_mV=-75.0, i_offset_nA=1.0))
    others = net.population("others", 3, ern.LIF(cm_nF=0.2))
    rule = ern.stdp.pair(A_plus=0.001, A_minus=0.001, w_max=0.05)
    for k, receptor in enumerate(("ampa", "gaba", "nmda")):
        for post in (first, second):
            weight, delay_ms = ern.Uniform(0, 0.01 / (1 + k)), ern.Uniform(0.25, 2)
            name = f"{receptor}-{post.name}"
            net.projection(name, source, post, weight_uS=weight, receptor=receptor, delay_ms=delay_ms)
    for receptor, post in (("ampa", first), ("nmda", first), ("gaba", second)):
        net.projection(
            f"learns-{receptor}", source, post, weight_uS=0.01, receptor=receptor, delay_ms=0.75, learning=rule
        )
    stronger = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=2.0)
    net.projection("on", first, others, weight_nA=1.0, delay_ms=0.5, learning=stronger)
    net.projection("back", others, first, weight_uS=0.01, receptor="gaba", delay_ms=1.0)
    glia = net.astrocyte("glia", [first, others], tau_ms=20)
    net.modulate(first, glia, "i_offset_nA", gain=0.02)
    net.modulate(second[1:], glia, "v_threshold_mV", gain=-0.1)
    net.inject(second[:2], ern.CurrentSteps(times_ms=[10, 30], amplitudes_nA=[0.2, 0.0]))
    net.inject(others, ern.CurrentSteps(times_ms=[5], amplitudes_nA=[0.4]))
    for population in (first, second):
        for variable in ("V", "w", "ampa", "gaba", "nmda"):
            net.probe(population, variable)
    return net
