"""Numbers at the ends of what floats hold: the check of every backend on Loihi's arithmetic tells, and never raises."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.registry import get_backend
from ernsnn.describe.marks import Labile, Stable
from ernsnn.errors import InvalidModel

BACKENDS = ("loihi-emulator", "lava", "loihi2", "lava-float")
ENDS = (5e-324, 1e-308, 1e-150, 1e-31, 1e-29, 1e-12, 0.0014, 1e12, 1e29, 1e31, 1e150, 1e300, sys.float_info.max)

CELL = {"cm_nF": 1.0, "tau_m_ms": 20.0, "tau_refrac_ms": 0.0, "v_rest_mV": -65.0, "v_threshold_mV": -50.0}
INPUT = {"tau_syn_ms": 5.0, "weight": 0.3, "recurrent": 0.2, "delay_ms": 2.0, "rate_hz": 20.0, "probability": 0.5}
OTHER = {"dt_ms": 1.0, "i_offset_nA": 0.1, "glia_tau_ms": 50.0, "opens": 1.0, "probe_ms": 1.0}
USUAL = {
    "none": CELL | INPUT | OTHER,
    "pair": {"A_plus": 0.1, "tau_plus_ms": 20.0, "A_minus": 0.1, "w_max": 1.0},
    "marks": {"mark_tau_s": 2.0, "rise": 0.2, "stable_tau_s": 5.0, "epoch_ms": 10.0},
    "equations": {"coefficient": 0.1, "offset": 0.5, "increment": 1.0, "tau_ms": 10.0},
}
"""By the rule that a number belongs to."""
ALL = {name: value for group in USUAL.values() for name, value in group.items()}


def build(values: Mapping[str, float], rule: str, delta: bool, scheme: str) -> ern.Network:
    x = ALL | dict(values)
    net = ern.Network(dt_ms=x["dt_ms"], current_integration=scheme)  # type: ignore[arg-type]
    source = net.population("s", 3, ern.Poisson(x["rate_hz"]))
    rest = {"v_rest_mV": x["v_rest_mV"], "v_reset_mV": x["v_rest_mV"], "v_threshold_mV": x["v_threshold_mV"]}
    given = {name: x[name] for name in ("cm_nF", "tau_m_ms", "tau_refrac_ms", "i_offset_nA")} | rest
    taus = {} if delta else {"tau_syn_E_ms": x["tau_syn_ms"], "tau_syn_I_ms": x["tau_syn_ms"]}
    cells = net.population("n", 2, (ern.DeltaLIF if delta else ern.LIF)(**given, **taus))
    glia = net.astrocyte("glia", [source], tau_ms=x["glia_tau_ms"], threshold=x["opens"])
    how = {"learning": learns(x, rule), "third_factors": {"P": glia} if rule == "marks" else {}}
    unit = "weight_mV" if delta else "weight_nA"
    connector = ern.FixedProbability(x["probability"]) if rule == "none" else ern.AllToAll()
    net.projection("p", source, cells, connector, delay_ms=x["delay_ms"], **{unit: x["weight"]}, **how)  # type: ignore[arg-type]
    net.projection("q", cells, cells, delay_ms=x["dt_ms"], receptor="inhibitory", **{unit: x["recurrent"]})  # type: ignore[arg-type]
    net.probe(cells, "v_mV", every_ms=x["probe_ms"])
    return net


def learns(x: Mapping[str, float], rule: str) -> ern.LearningRule | None:
    pair = {"A_plus": x["A_plus"], "A_minus": x["A_minus"], "tau_plus_ms": x["tau_plus_ms"], "w_max": x["w_max"]}
    if rule == "pair":
        return ern.stdp.pair(**pair, dependence="multiplicative")
    if rule == "marks":
        marks = [
            Labile("a", tau_s=x["mark_tau_s"], rise=x["rise"]),
            Stable("m", tau_s=x["stable_tau_s"], consolidated_by="P", tag="a"),
        ]
        return ern.stdp.pair(**pair, marks=marks, epoch_ms=x["epoch_ms"])
    if rule == "equations":
        return ern.LearningRule.from_equations(
            traces={"x": ern.Trace("pre", tau_ms=x["tau_ms"], increment=x["increment"])},
            on_post={"w": f"{x['coefficient']!r}*x*({x['offset']!r} - w)"},
            on_epoch={"w": f"-{x['coefficient']!r}*w"},
            epoch_ms=x["epoch_ms"],
            bounds={"w": (0, x["w_max"])},
        )
    return None


def checked(net: ern.Network) -> dict[str, list[str]]:
    """{backend: codes}, where the description itself does not refuse the number."""
    graph = ern.lower(net)
    return {name: [i.code for i in get_backend(name).check(graph)] for name in BACKENDS}


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule, group in USUAL.items() for name in group])
def test_one_extreme_number(rule: str, name: str) -> None:
    met = 0
    for k, value in enumerate((*ENDS, *(-end for end in ENDS[::4]), 0.0)):
        try:
            found = checked(build({name: value}, rule, delta=k % 2 == 1, scheme="exact"))
        except InvalidModel:
            continue  # no network at all
        met += 1
        assert all(found.values())
    assert met or name in ("dt_ms", "probe_ms", "delay_ms")


@pytest.mark.parametrize("seed", range(30))
def test_several_extreme_numbers(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(3):
        delta = rng.random() < 0.3
        scheme = "exact" if delta else rng.choice(["exact", "step_average"])
        values = {name: rng.choice(ENDS) * rng.choice([1, 1, 1, -1]) for name in rng.sample(sorted(ALL), 4)}
        try:
            checked(build(values, rng.choice(list(USUAL)), delta, scheme))
        except InvalidModel:
            continue


def test_the_number_is_named() -> None:
    issues = get_backend("loihi-emulator").check(
        ern.lower(build({"cm_nF": 1e40, "tau_plus_ms": 1e-40}, "pair", False, "exact"))
    )
    assert {i.path for i in issues if i.code == "L309"} >= {"n.cm_nF", "p.learning.traces[0].trace.tau_ms"}
    (cm,) = (i for i in issues if i.path == "n.cm_nF")
    assert (cm.fidelity, cm.message) == (
        "unsupported",
        "1e+40 is beyond what integers can be chosen for, 1e-30 to 1e+30",
    )


@pytest.mark.parametrize("tau_m_ms", [0.1, 0.0015, 1 / 745, 1 / 746, 1e-9, 1e29])
def test_a_membrane_that_forgets_at_once_or_never_runs(tau_m_ms: float) -> None:
    """dt is 1 ms: exp(-dt/tau_m) leaves the floats at tau_m = dt/745."""
    net = ern.Network(dt_ms=1.0)
    source = net.population("s", 1, ern.SpikeTimes([[1.0, 3.0, 4.0]]))
    # V is R I then, and R = tau_m/cm.
    cm = min(tau_m_ms, 1.0)
    cells = net.population(
        "n", 1, ern.LIF(tau_m_ms=tau_m_ms, cm_nF=cm, tau_syn_E_ms=2, tau_syn_I_ms=2, tau_refrac_ms=2)
    )
    net.projection("p", source, cells, weight_nA=20.0)
    found, asked = (ern.run(net, duration_ms=20, backend=name) for name in ("loihi-emulator", "reference"))
    assert asked.trains("n")[0]
    assert found.trains("n") == asked.trains("n")


def test_so_many_factors_that_they_would_never_be_multiplied_out() -> None:
    power = 10 * (ern.Factor(variable="x", scale=-1.0, offset=0.3, power=1000),)
    rule = ern.LearningRule(
        terms=[ern.Term("w", "post", 0.1, power)], traces={"x": ern.Trace("pre", tau_ms=10)}, bounds={"w": (0, 1)}
    )
    net = ern.Network(dt_ms=1.0)
    source, cells = net.population("s", 1, ern.SpikeTimes([[1.0]])), net.population("n", 1, ern.LIF())
    net.projection("p", source, cells, weight_nA=0.3, learning=rule)
    assert "L214" in [i.code for i in get_backend("loihi-emulator").check(ern.lower(net))]


def test_weights_of_one_matrix_may_be_out_of_range_one_by_one() -> None:
    net = ern.Network(dt_ms=1.0)
    source, cells = net.population("s", 2, ern.SpikeTimes([[1.0], []])), net.population("n", 1, ern.LIF())
    net.projection("p", source, cells, weight_nA=np.array([[0.3], [1e300]]))
    issues = get_backend("loihi-emulator").check(ern.lower(net))
    assert [i.path for i in issues if i.code == "L309" and "1e+300" in i.message] == ["p.weight"]
