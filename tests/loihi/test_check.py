"""The capability check: every code is documented and can be met, and everything is told at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import networks

import ernsnn
from ernsnn import (
    LIF,
    AllToAll,
    DeltaLIF,
    Factor,
    LearningRule,
    Network,
    OneToOne,
    SpikeTimes,
    Term,
    stdp,
)
from ernsnn.backend.issues import Issue
from ernsnn.backend.registry import get_backend
from ernsnn.describe.marks import Labile, Stable
from ernsnn.errors import UnsupportedOnBackend
from ernsnn.hardware_backends.loihi.check import features as check_features
from ernsnn.hardware_backends.loihi.check.check import check_graph
from ernsnn.hardware_backends.loihi.codes import CODES
from ernsnn.hardware_backends.loihi.floats import not_in_floats
from ernsnn.hardware_backends.loihi.lava.backend import LavaBackend
from ernsnn.hardware_backends.loihi.quantise.quantise import quantise, required
from ernsnn.models.ca3_memory.network import build

CELL = LIF(tau_m_ms=10, tau_syn_E_ms=2, tau_syn_I_ms=2, cm_nF=0.2)


def check(net: Network, *, chip: bool = False) -> list[Issue]:
    return [
        limit.issue("loihi2", CODES) for limit in check_graph(LavaBackend().known(ernsnn.lower(net)), chip=chip).limits
    ]


def base(cell: object = CELL, dt_ms: float = 1.0, size: int = 2) -> Network:
    net = Network(dt_ms=dt_ms, current_integration="exact")
    net.population("s", 2, SpikeTimes([[1.0], [2.0]]))
    net.population("n", size, cell)  # type: ignore[arg-type]
    return net


def wired(cell: object = CELL, dt_ms: float = 1.0, **how: object) -> Network:
    net = base(cell, dt_ms)
    how = {"weight_nA": 0.37, "delay_ms": 2.0, "connector": AllToAll(), **how}
    net.projection("p", net.populations["s"], net.populations["n"], **how)  # type: ignore[arg-type]
    return net


def learning(rule: LearningRule, **how: object) -> Network:
    return wired(weight_nA=0.3, learning=rule, **how)


def with_glia(rule: LearningRule, **glia: object) -> Network:
    net = base()
    source, target = net.populations["s"], net.populations["n"]
    astrocyte = net.astrocyte("glia", [source], **glia)  # type: ignore[arg-type]
    net.projection("p", source, target, weight_nA=0.3, learning=rule, third_factors={"P": astrocyte})
    return net


def gated(trace: str | None = None) -> LearningRule:
    return LearningRule.from_equations(
        traces={"x": ernsnn.Trace("pre", tau_ms=10, gate=trace)},
        on_post={"w": "0.3*x*P"},
        third_factors=["P"],
        bounds={"w": (0, 1)},
    )


def two_delays() -> Network:
    return learning(stdp.pair(A_plus=0.1, A_minus=0.1), delay_ms=np.array([[1.0, 2.0], [1.0, 1.0]]))


def many_traces() -> Network:
    names = ["a", "b", "c"]
    return learning(
        LearningRule.from_equations(
            traces={name: ernsnn.Trace("pre", tau_ms=10) for name in names},
            on_post={"w": " + ".join(f"0.1*{name}" for name in names)},
            bounds={"w": (0, 1)},
        )
    )


def wide() -> Network:
    factors = tuple(Factor(variable="w", scale=-1, offset=1) for _ in range(4))
    return learning(LearningRule(terms=[Term("w", "post", 0.3, factors)], bounds={"w": (0, 1)}))


def marks(*which: str) -> Network:
    made = {
        "a": Labile("a", tau_s=2, rise=0.2),
        "b": Labile("b", tau_s=2, rise=0.2),
        "m": Stable("m", tau_s=5, consolidated_by="P", tag="a"),
        "budgeted": Stable("m", tau_s=5, consolidated_by="P", tag="a", budget=0.5),
    }
    rule = stdp.pair(A_plus=0.1, A_minus=0.1, marks=[made[k] for k in which], epoch_ms=10)
    return with_glia(rule, tau_ms=50) if rule.third_factors else learning(rule)


def injected() -> Network:
    net = wired()
    net.inject(net.populations["n"], ernsnn.Schedule(times_ms=[0, 5], values=[0.1, 0.0]))
    return net


def frozen() -> Network:
    net = learning(stdp.pair(A_plus=0.1, A_minus=0.1))
    net.freeze(2, 5)
    return net


def probed() -> Network:
    net = wired()
    net.probe(net.populations["n"], "I_E_nA")
    return net


def intrinsic() -> Network:
    net = base()
    rule = LearningRule.from_equations(on_epoch={"w": "0.1"}, epoch_ms=10, bounds={"w": (-60, -40)})
    net.population("i", 1, CELL, plasticity=ernsnn.IntrinsicPlasticity(target="v_threshold_mV", rule=rule))
    return net


def normalised() -> Network:
    rule = stdp.pair(A_plus=0.1, A_minus=0.1)
    total = [ernsnn.Normalise("post", "w", 1)]
    return learning(LearningRule(terms=rule.terms, traces=rule.traces, bounds=rule.bounds, epoch_ms=8, normalise=total))


def crowd() -> Network:
    """600 spikes at once, of a weight that needs all its bits."""
    net = Network(dt_ms=1.0)
    many, target = net.population("s", 600, SpikeTimes([[1.0]] * 600)), net.population("n", 1, CELL)
    net.projection("p", many, target, weight_nA=0.37)
    return net


def storm() -> Network:
    """600 neurons that would have to spike at once."""
    net = Network(dt_ms=1.0)
    net.projection("p", net.population("s", 600, CELL), net.population("n", 1, CELL), weight_nA=0.37)
    return net


def towards_a_half() -> Network:
    rule = {"w": "0.2*x*(0.5 - w)"}
    traces = {"x": ernsnn.Trace("pre", tau_ms=10)}
    return learning(LearningRule.from_equations(traces=traces, on_post=rule, bounds={"w": (0, 1)}))


def large() -> Network:
    net = Network(dt_ms=1.0)
    a, b = net.population("a", 1000, CELL), net.population("b", 1000, CELL)
    net.projection("p", a, b, weight_nA=0.1)
    net.population("c", 140_000, CELL)
    return net


def probed_v() -> Network:
    net = wired()
    net.probe(net.populations["n"], "v_mV")
    return net


def crowded() -> Network:
    """A core for each of 129 populations."""
    net = Network(dt_ms=1.0)
    for k in range(129):
        net.population(f"n{k}", 1, CELL)
    return net


def inhibited() -> Network:
    net = wired(LIF(tau_syn_E_ms=2, tau_syn_I_ms=5))
    net.projection("q", net.populations["s"], net.populations["n"], weight_nA=0.2, receptor="inhibitory")
    return net


PAIR = stdp.pair(A_plus=0.1, A_minus=0.1)
EXAMPLES: dict[str, Callable[[], Network]] = {
    "L101": wired,
    "L102": lambda: wired(weight_nA=20.0),
    "L103": lambda: wired(LIF(i_offset_nA=0.123)),
    "L104": lambda: wired(weight_nA=np.array([[0.31, 0.7], [1.0, 0.9]])),
    "L105": lambda: learning(stdp.pair(A_plus=0.13, A_minus=0.1)),
    "L106": towards_a_half,
    "L107": lambda: learning(PAIR),
    "L108": lambda: marks("a"),
    "L109": lambda: learning(PAIR),
    "L110": lambda: learning(stdp.pair(A_plus=0.1, A_minus=0.1, dependence="multiplicative")),
    "L111": lambda: with_glia(gated(), tau_ms=50),
    "L112": lambda: learning(stdp.pair(A_plus=1e-6, A_minus=0.1)),
    "L113": lambda: learning(stdp.pair(A_plus=0.002, A_minus=0.1)),
    "L114": lambda: wired(dt_ms=0.1),
    "L115": lambda: marks("a", "m"),
    "L116": wired,
    "L202": intrinsic,
    "L203": lambda: wired(LIF(noise_mV=1.0)),
    "L204": lambda: wired(LIF(v_min_mV=-80.0)),
    "L205": lambda: wired(LIF(v_reset_mV=-70.0)),
    "L206": lambda: wired(LIF(v_threshold_mV=np.array([-50.0, -51.0]))),
    "L207": inhibited,
    "L208": injected,
    "L209": frozen,
    "L210": lambda: with_glia(gated(), tau_ms=50, bias=0.3),
    "L211": two_delays,
    "L212": many_traces,
    "L213": lambda: marks("a", "b"),
    "L214": wide,
    "L215": lambda: marks("a", "budgeted"),
    "L216": normalised,
    "L217": lambda: learning(stdp.pair(A_plus=0.1, A_minus=0.1, marks=[Labile("a", 2, 0.2)]), transmit="w + a"),
    "L218": lambda: learning(LearningRule(terms=PAIR.terms, traces=PAIR.traces)),
    "L219": lambda: with_glia(gated("P"), tau_ms=50),
    "L220": probed,
    "L221": lambda: wired(short_term=ernsnn.TsodyksMarkram()),
    "L301": lambda: wired(delay_ms=63.0),
    "L302": lambda: wired(LIF(v_threshold_mV=1000.0), weight_nA=1e-5),
    "L303": crowd,
    "L304": large,
    "L305": lambda: wired(LIF(tau_refrac_ms=65)),
    "L306": wired,
    "L307": large,
    "L308": storm,
    "L309": lambda: wired(LIF(cm_nF=1e40)),
    "L310": lambda: base(size=10**9),
    "L401": lambda: wired(LIF(tau_refrac_ms=2.0)),
    "L402": lambda: learning(PAIR),
    "L403": lambda: learning(PAIR),
    "L404": lambda: with_glia(gated(), tau_ms=50),
    "L405": lambda: learning(PAIR, connector=OneToOne()),
    "L406": probed_v,
    "L407": wired,
    "L408": crowded,
    "L501": lambda: learning(PAIR),
}


def test_every_code_has_an_example() -> None:
    assert set(EXAMPLES) == set(CODES)
    assert list(CODES) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_met(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_features, "LARGEST_MATRIX", 500_000)
    monkeypatch.setattr("ernsnn.hardware_backends.loihi.quantise.quantise.LARGEST_MATRIX", 500_000)
    if code == "L310":
        monkeypatch.setattr("ernsnn.backend.memory.available_bytes", lambda: 10**9)
    floats = code >= "L5"
    every = not_in_floats(ernsnn.lower(EXAMPLES[code]())) if floats else check(EXAMPLES[code](), chip=code >= "L4")
    issues = [i for i in every if i.code == code]
    assert issues
    for i in issues:
        assert i.path.split(".")[0] in ("s", "n", "p", "q", "i", "c", "a", "b", "glia", "network")


def test_everything_is_told_at_once() -> None:
    net = wired(LIF(v_min_mV=-90.0), delay_ms=80.0)
    net.freeze(1, 2)
    codes = {i.code for i in check(net)}
    assert {"L204", "L209", "L301", "L101"} <= codes
    with pytest.raises(UnsupportedOnBackend, match=r"(?s)L204.*L209.*L301"):
        required(ernsnn.lower(net), n_steps=0)


def test_equal_roundings_are_one_issue_with_the_worst_case() -> None:
    issues = check(build())
    assert len([i for i in issues if i.code == "L102"]) == 1
    (threshold,) = (i for i in issues if i.code == "L102")
    assert threshold.path == "OUT.v_threshold_mV"
    assert "2.5 -> 117 = 2.50845 (+0.34%) (the worst of 9)" in threshold.message
    (weight,) = (i for i in issues if i.code == "L104")
    assert "-60 -> -159*2^4 = -59.8588 (-0.24%) (the worst of 3; 15 more are exact)" in weight.message
    assert not [i for i in issues if i.fidelity == "unsupported"]


def test_an_astrocyte_that_hears_none_of_the_neurons_that_are_there_is_checked_too() -> None:
    """Of kinds that Loihi has not nothing is left; what they drive still has its own issues."""
    net = base()
    for name, threshold in (("glia", 1.0), ("level", None)):
        cells = net.population(f"of-{name}", 3, ernsnn.ConductanceLIF())
        net.astrocyte(name, [cells], tau_ms=50, threshold=threshold)
    issues = get_backend("loihi-emulator").check(ernsnn.lower(net))
    assert [i.path for i in issues if i.code == "G201"] == ["of-glia", "of-level"]
    assert [i.path for i in issues if i.code == "L111"] == ["glia.tau_ms", "level"]


@settings(deadline=None, derandomize=True, max_examples=25, suppress_health_check=list(HealthCheck))
@given(networks())
def test_no_network_is_too_strange_to_be_checked(network: Network) -> None:
    issues = check(network)
    assert [i.code for i in issues].count("L306") == 2
    assert {i.code for i in issues} <= set(CODES)


def test_what_learns_onto_one_population_shares_its_integers() -> None:
    net = learning(stdp.pair(A_plus=0.1, A_minus=0.1, w_max=1.0))
    rule = stdp.pair(A_plus=1e-5, A_minus=1e-5, w_max=1e-4)
    net.projection("q", net.populations["s"], net.populations["n"], weight_nA=0.0, learning=rule)
    # Their ratio is 10^4, exponents reach 2^7.
    assert [i.path for i in check(net) if i.code == "L218"]


def test_a_threshold_below_rest_is_told() -> None:
    issues = check(wired(LIF(v_rest_mV=-40, v_reset_mV=-60, v_threshold_mV=-50)))
    assert any(i.code == "L302" and i.path == "n.v_threshold_mV" for i in issues)


def test_a_graph_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[ernsnn.Graph] = []

    def counted(graph: ernsnn.Graph, **how: Any) -> Any:
        looked.append(graph)
        return quantise(graph, **how)

    monkeypatch.setattr("ernsnn.hardware_backends.loihi.check.check.quantise", counted)
    backend, graph, other = get_backend("loihi2"), ernsnn.lower(wired()), ernsnn.lower(wired(delay_ms=63.0))
    assert len(backend.placement(graph)) == len([i for i in backend.check(graph) if i.code == "L306"]) == 2
    assert looked == [graph]
    assert not [i for i in backend.check(graph) if i.code == "L301"]
    assert [i for i in backend.check(other) if i.code == "L301"]
    # Without a chip there is more.
    assert {i.code for i in backend.check(graph)} - {i.code for i in get_backend("lava").check(graph)} == {"L407"}
    assert looked == [graph, other, graph]


def test_issues_carry_the_name_of_their_backend() -> None:
    issues = ernsnn.check(build(), "lava", order="loihi")
    assert {i.backend for i in issues} == {"lava"}
    assert [i.path for i in issues if i.code == "L110"]
    assert all(i.fidelity == CODES[i.code][0] for i in issues if i.code in CODES)


@pytest.mark.parametrize("backend", ["loihi-emulator", "lava"])
def test_a_check_is_of_the_order_that_runs(backend: str) -> None:
    def told(**options: str) -> list[str]:
        return [
            i.path
            for i in ernsnn.check(learning(stdp.pair(A_plus=0.1, A_minus=0.1)), backend, **options)
            if i.code == "L110"
        ]

    assert (told(), told(order="loihi")) == ([], ["p"])


def test_a_delta_neuron_says_what_it_hears_too_much() -> None:
    issues = check(wired(DeltaLIF(tau_refrac_ms=2.0), weight_nA=None, weight_mV=3.0))
    assert any(i.code == "L110" and i.path == "n" for i in issues)


def test_a_probe_of_a_delta_neuron_says_when_it_reads() -> None:
    net = wired(DeltaLIF(), weight_nA=None, weight_mV=3.0)
    assert not [i for i in check(net) if i.code == "L110"]
    net.probe(net.populations["n"], "v_mV")
    assert [i.path for i in check(net) if i.code == "L110"] == ["n.v_mV"]


def test_predictions_are_those_of_the_integers() -> None:
    # At dt = .1 ms the decay of 20 ms is 20 of 4096 instead of 20.4: a potential rises higher.
    issues = [i for i in check(wired(LIF(tau_m_ms=20), dt_ms=0.1)) if i.code == "L114"]
    assert any("peak in mV" in i.message for i in issues)


def test_a_kind_of_neurons_that_the_chip_has_not_is_left_out_of_its_placement() -> None:
    net = wired(LIF())
    alone = get_backend("loihi2").placement(ernsnn.lower(net))
    net.population("others", 500, ernsnn.ConductanceLIF())
    net.population("more", 500, ernsnn.AdaptiveLIF())
    graph = ernsnn.lower(net)
    assert {i.path for i in ernsnn.check(graph, "loihi2") if i.code == "G201"} == {"others", "more"}
    assert [placed.cores for placed in get_backend("loihi2").placement(graph)] == [placed.cores for placed in alone]
    other = Network()
    other.population("others", 1, ernsnn.ConductanceLIF())
    assert get_backend("loihi2").placement(ernsnn.lower(other)) == ()


def test_a_rule_of_which_nothing_is_left_is_refused_before_it_runs() -> None:
    net = ernsnn.Network()
    source = net.population("source", 2, ernsnn.Poisson(5.0))
    cells = net.population("cells", 2, ernsnn.LIF(v_rest_mV=0, v_reset_mV=0, v_threshold_mV=1e29))
    rule = ernsnn.stdp.pair(A_plus=0.5, A_minus=0.5, w_max=1e29)
    net.projection("learns", source, cells, weight_nA=1e28, learning=rule)
    [found] = ernsnn.check(net, "loihi-emulator").errors
    assert (found.code, found.path) == ("L309", "learns.learning")
    with pytest.raises(UnsupportedOnBackend, match="nothing would be learned"):
        ernsnn.run(net, duration_ms=5, backend="loihi-emulator")
