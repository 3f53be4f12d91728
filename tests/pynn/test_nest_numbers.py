"""Numbers at the ends of what NEST holds: they run as on the reference, or an issue says that they cannot."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from alike import assert_alike
from forked import recording_of

import ernsnn as ern
from ernsnn.hardware_backends.nest.backend import NestBackend
from ernsnn.hardware_backends.reference.engine import Engine

STEPS = 60
RULE = {"A_plus": 0.1, "A_minus": 0.1, "w_max": 30.0}


def network(
    weight_nA: float = 20.0, scheme: str = "exact", rule: dict[str, float] | None = None, **cell: Any
) -> ern.Network:
    net = ern.Network(dt_ms=1.0, current_integration=scheme)  # type: ignore[arg-type]
    source = net.population("s", 2, ern.SpikeTimes([np.arange(1.0, STEPS, 3).tolist(), [2.0, 9.0, 16.0, 30.0]]))
    target = net.population("n", 2, ern.LIF(**{"tau_m_ms": 20.0, "cm_nF": 1.0, **cell}))
    learning = ern.stdp.pair(**{**RULE, **rule}) if rule is not None else None  # type: ignore[arg-type]
    net.projection("p", source, target, weight_nA=weight_nA, learning=learning)
    net.probe(target, "v_mV", every_ms=2.0)
    return net


def codes(net: ern.Network, backend: str = "nest") -> set[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return {i.code for i in ern.check(net, backend)}


RUNS: dict[str, dict[str, Any]] = {
    **{f"refractory {t:g} ms": {"tau_refrac_ms": t} for t in (2.0**31, 2.0**32, 2.0**32 + 5, 1e15, 1e300)},
    "refractory, averaged": {"tau_refrac_ms": 2.0**32, "scheme": "step_average"},
    **{
        f"rest at {v:g} mV": {"v_rest_mV": v, "v_reset_mV": v, "v_threshold_mV": 1.5 * v, "weight_nA": v}
        for v in (2e9, 1e12, 1e50)
    },
    "deep inhibition": {"v_rest_mV": -2e9, "v_reset_mV": -2e9, "v_threshold_mV": -1.9e9, "weight_nA": 1e9},
    **{f"tau_minus {t:g}": {"rule": {"tau_minus_ms": t}} for t in (1e-2, 1e-3, 1e-5, 1e-300, 1e90)},
    **{f"tau_plus {t:g}": {"rule": {"tau_plus_ms": t}} for t in (1e-3, 1e-5, 5e-324, 1e90)},
    **{f"tau_m {t:g}": {"tau_m_ms": t, "cm_nF": t / 40, "weight_nA": 5.0} for t in (1e-3, 1e-9, 1e-80)},
    "tau_syn near its end": {"tau_syn_E_ms": 1 / 690, "tau_syn_I_ms": 1 / 690, "weight_nA": 1e4},
    "huge weights": {"weight_nA": 1e90, "cm_nF": 1e88},
}


@pytest.mark.nest
@pytest.mark.usefixtures("simulators")
@pytest.mark.parametrize("name", RUNS)
def test_what_is_not_refused_runs_as_on_the_reference(name: str) -> None:
    net = network(**RUNS[name])
    assert not {"P103", "P303"} & codes(net)
    graph = ern.lower(net)
    expected = Engine(graph).run(STEPS, lambda fraction: None)
    assert len(expected.spikes["n"][0]) >= 2
    assert_alike(recording_of(NestBackend().compile(graph, STEPS)), expected)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ({"tau_syn_E_ms": 0.0014}, "P303"),
        ({"tau_syn_I_ms": 5e-324}, "P303"),
        ({"tau_syn_E_ms": 0.0014, "scheme": "step_average"}, ""),  # of half a step
        ({"tau_syn_E_ms": 0.0007, "scheme": "step_average"}, "P303"),
        ({"tau_m_ms": 1e6}, ""),
        ({"tau_m_ms": 1e9}, "P103"),
        ({"tau_m_ms": 1e9, "scheme": "step_average"}, "P103"),
        ({"tau_m_ms": 1e12}, "P303"),
        ({"tau_m_ms": 1e15}, "P303"),
        ({"v_threshold_mV": 1e101}, "P303"),
        ({"i_offset_nA": -1e200}, "P303"),
        ({"cm_nF": 1e300}, "P303"),
        ({"weight_nA": 1e300}, "P303"),
        ({"rule": {"w_max": 1e200}, "weight_nA": 1.0}, "P303"),
    ],
)
def test_what_nest_cannot_hold_is_told(cell: dict[str, Any], code: str) -> None:
    assert {"P103", "P303"} & codes(network(**cell)) == ({code} if code else set())


def test_a_current_is_told_by_where_it_goes() -> None:
    net = network()
    net.inject(net.populations["n"], ern.Schedule(times_ms=[0.0], values=[1e150]))
    (found,) = (i for i in ern.check(net, "nest") if i.code == "P303")
    assert (found.path, found.fidelity) == ("a current into n", "unsupported")


@pytest.mark.parametrize("backend", ["nest", "spinnaker"])
@pytest.mark.parametrize("value", [5e-324, 1e-300, 1e-9, 1e9, 1e300, 1.7e308])
def test_no_number_is_too_strange_to_be_checked(backend: str, value: float) -> None:
    names = ("tau_m_ms", "cm_nF", "tau_syn_E_ms", "tau_refrac_ms", "i_offset_nA", "weight_nA", "v_threshold_mV")
    for name in names:
        codes(network(**{name: value}), backend)
    for name in ("A_plus", "A_minus", "tau_plus_ms", "tau_minus_ms", "w_max"):
        codes(network(rule={name: value}, weight_nA=0.0), backend)
    net = ern.Network(dt_ms=value)
    net.population("n", 1, ern.LIF())
    codes(net, backend)


@pytest.mark.parametrize(("weight_uS", "told"), [(1e12, set()), (1e17, {"P303"}), (1e30, {"P303"})])
def test_conductances_of_which_the_solver_does_not_end(weight_uS: float, told: set[str]) -> None:
    net = ern.Network(dt_ms=0.1)
    source = net.population("s", 1, ern.SpikeTimes([[1.0]]))
    net.projection("p", source, net.population("n", 2, ern.ConductanceLIF()), weight_uS=weight_uS)
    assert {"P303"} & codes(net) == told
