"""Numbers at the ends of the floats: a check says what it has to say, and a run ends, or says what left the numbers."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import get_backend
from ernsnn.graph.checks import shapes
from ernsnn.graph.values import Draw

ENDS = (1e308, 1e-308, 1e-320, -1e308, 5e-324, 1e300)
WEIGHTS = {
    ern.DeltaLIF: {"weight_mV": 0.5},
    ern.ConductanceLIF: {"weight_uS": 0.5},
    ern.AlphaConductanceLIF: {"weight_uS": 0.5},
}
PAIR = {"A_plus": 0.01, "A_minus": 0.01, "tau_plus_ms": 20.0, "tau_minus_ms": 20.0, "w_max": 1.0}


def network(model=None, dt_ms=1.0, integration="exact", source=None, **projection):
    net = ern.Network(dt_ms=dt_ms, current_integration=integration)
    source = net.population("s", 3, source or ern.SpikeTimes([[0.0], [2 * dt_ms], [3 * dt_ms]]))
    cells = net.population("p", 3, model or ern.LIF(i_offset_nA=0.3))
    projection = {**WEIGHTS.get(type(model), {"weight_nA": 0.5}), "delay_ms": dt_ms, **projection}
    net.projection("j", source, cells, **projection)
    return net


def with_astrocyte(**constants):
    net = network()
    net.calcium_astrocyte("g", [net.populations["s"]], **constants)
    return net


MADE = {
    **{
        f"{kind.__name__}.{field.name}": lambda v, kind=kind, name=field.name: network(kind(**{name: v}))
        for kind in (ern.LIF, ern.AdaptiveLIF, ern.DeltaLIF, ern.ConductanceLIF, ern.AlphaLIF, ern.AlphaConductanceLIF)
        for field in dataclasses.fields(kind)
    },
    "a current into a small membrane": lambda v: network(ern.LIF(i_offset_nA=v, cm_nF=0.001)),
    "a slow and small membrane": lambda v: network(ern.LIF(tau_m_ms=1e300, cm_nF=v)),
    "a threshold far from rest": lambda v: network(ern.LIF(v_threshold_mV=1e300, v_rest_mV=v)),
    "dt_ms": lambda v: network(dt_ms=v),
    "dt_ms, averaged": lambda v: network(dt_ms=v, integration="step_average"),
    "dt_ms, learning": lambda v: network(dt_ms=v, learning=ern.stdp.pair(**PAIR)),
    **{f"stdp.{name}": lambda v, name=name: network(learning=ern.stdp.pair(**{**PAIR, name: v})) for name in PAIR},
    "weight_nA": lambda v: network(weight_nA=v, receptor="signed"),
    "delay_ms": lambda v: network(delay_ms=v),
    "rate_hz": lambda v: network(source=ern.Poisson(v)),
    "Normal": lambda v: network(weight_nA=ern.Normal(v, abs(v)), receptor="signed"),
    "Normal.sd": lambda v: network(ern.LIF(v_init_mV=ern.Normal(-65.0, v))),
    "Uniform": lambda v: network(weight_nA=ern.Uniform(-abs(v), abs(v)), receptor="signed"),
    "LogNormal": lambda v: network(weight_nA=ern.LogNormal(v, 2.0)),
    "LogNormal.sigma": lambda v: network(weight_nA=ern.LogNormal(1.0, v)),
    "Exponential": lambda v: network(weight_nA=ern.Exponential(v)),
    "Exponential delay": lambda v: network(delay_ms=ern.Exponential(v)),
    "K_P": lambda v: with_astrocyte(K_P_uM=v),
    "K_D": lambda v: with_astrocyte(K_D_uM=v),
    "K_delta": lambda v: with_astrocyte(K_delta_uM=v),
    "O_delta": lambda v: with_astrocyte(O_delta_uM_per_s=v),
}


@pytest.mark.parametrize("what", MADE)
def test_no_number_ends_in_a_warning_or_an_error_that_is_not_ours(what):
    ended = set()
    for value in ENDS:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ern.ModelWarning)
            try:
                graph = ern.lower(MADE[what](value))
            except ern.InvalidModel:
                ended.add("refused")
                continue
            for backend in backend_names():
                errors = ern.check(graph, backend).errors
                if backend in ("reference", "native") and not errors:
                    try:
                        ern.run(graph, duration_ms=10 * graph.dt_ms, backend=backend)
                        ended.add("ran")
                    except (ern.InvalidModel, ern.ProgramFailed):
                        ended.add("refused")
    assert ended


def test_what_draws_beyond_the_numbers_is_refused_where_it_is_described():
    for drawn in (ern.Normal(1e308, 1e308), ern.LogNormal(1.0, 1e3), ern.LogNormal(1e308, 1.0), ern.Exponential(1e308)):
        with pytest.raises(ern.InvalidModel, match=rf"{type(drawn).__name__}\(.*\) draws is beyond the numbers"):
            network(weight_nA=drawn)
        with pytest.raises(ern.InvalidModel, match=r"beyond the numbers"):
            network(ern.LIF(tau_m_ms=drawn))


def test_a_graph_that_draws_beyond_the_numbers_is_none_that_was_lowered():
    graph = ern.lower(network(weight_nA=ern.Normal(1.0, 0.1), receptor="signed"))
    (projection,) = graph.projections
    assert not list(shapes(graph))
    far = dataclasses.replace(projection.weight, parameters=(1e308, 1e308, -np.inf, np.inf))
    assert isinstance(far, Draw)
    changed = dataclasses.replace(graph, projections=(dataclasses.replace(projection, weight=far),))
    assert any("nothing is distributed by" in problem for problem in shapes(changed))


def test_constants_of_an_astrocyte_are_those_that_its_equations_can_hold():
    for value in (1e31, 1e-31):
        with pytest.raises(ern.InvalidModel, match=r"g.K_D_uM: must lie in \[1e-30, 1e\+30\], got 1e"):
            with_astrocyte(K_D_uM=value)
    assert get_backend("reference").check(ern.lower(with_astrocyte(O_delta_uM_per_s=0.0))).errors == []
