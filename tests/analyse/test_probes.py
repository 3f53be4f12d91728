"""A signal that was not recorded: the message has the probe that records it."""

from __future__ import annotations

import re

import pytest

import ernsnn as ern


def parts(probe: bool = False) -> ern.Network:
    net = ern.Network()
    source = net.population("source", 2, ern.SpikeTimes([[1.0], [2.0]]))
    for name, model in {
        "plain": ern.LIF(),
        "moving": ern.AdaptiveLIF(),
        "jumps": ern.DeltaLIF(),
        "conducts": ern.ConductanceLIF(),
    }.items():
        net.population(name, 2, model)
    rule = ern.stdp.pair(A_plus=0.1, A_minus=0.1, marks=[ern.marks.Labile("a", tau_s=1, rise=0.1)])
    net.projection("plastic", source, net.populations["plain"], weight_nA=0.5, learning=rule)
    net.projection("fixed", source, net.populations["moving"], weight_nA=0.5)
    glia = net.astrocyte("glia", [source], tau_ms=50)
    net.calcium_astrocyte("calcium", [source])
    net.signal("reward", times_ms=[0], values=[1.0])
    net.gate("gate", opens={glia: 1.0})
    if probe:
        net.probe(net.populations["plain"], "v_mV")
    return net


ALL = [
    *(("plain", name) for name in ("v_mV", "I_E_nA", "I_I_nA")),
    *(("moving", name) for name in ("v_mV", "I_E_nA", "I_I_nA", "theta_mV")),
    ("jumps", "v_mV"),
    *(("conducts", name) for name in ("v_mV", "g_E_uS", "g_I_uS")),
    *(("plastic", name) for name in ("w", "a")),
    ("fixed", "w"),
    *(("glia", name) for name in ("C", "value")),
    *(("calcium", name) for name in ("C", "I", "h", "Gamma_A", "Y", "value")),
    ("reward", "value"),
    ("gate", "value"),
]


@pytest.fixture(scope="module")
def result() -> ern.Result:
    return ern.run(parts(), duration_ms=3, backend="reference")


@pytest.mark.parametrize(("target", "variable"), ALL)
def test_the_probe_that_the_message_names_records_it(result, target, variable):
    with pytest.raises(ern.InvalidModel, match=rf"no probe '{target}\.{variable}'") as error:
        result.signal(target, variable)
    called = re.search(r"add (net\.probe\(.*\)) before", str(error.value))
    assert called
    net = parts()
    eval(called[1], {"net": net})
    times, values = ern.run(net, duration_ms=3, backend="reference").signal(target, variable)
    assert len(times) == len(values) == 3


@pytest.mark.parametrize(
    ("target", "variable", "words"),
    [
        ("plain", "v_mv", "a probe of plain records no 'v_mv'; did you mean 'v_mV'?"),
        ("jumps", "I_E_nA", "a probe of jumps records no 'I_E_nA' (there is: v_mV)"),
        ("source", "rate_hz", "a probe of source records no 'rate_hz' (there is: none)"),
        ("fixed", "a", "a probe of fixed records no 'a' (there is: w)"),
        ("glea", "value", "no population, projection or third factor 'glea'; did you mean 'glia'?"),
    ],
)
def test_what_no_probe_records(result, target, variable, words):
    with pytest.raises(ern.InvalidModel, match=re.escape(words)):
        result.signal(target, variable)


def test_what_was_recorded_is_named():
    result = ern.run(parts(probe=True), duration_ms=3, backend="reference")
    with pytest.raises(ern.InvalidModel, match=r"before the run \(recorded: plain\.v_mV\)"):
        result.signal("moving", "v_mV")
