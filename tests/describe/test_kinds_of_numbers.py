"""Numbers of any type: whole ones by one rule everywhere, times in single precision, and True, which is none."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import ernsnn as ern

WHOLE = [3, 3.0, np.array(3), np.array(3.0), np.float32(3), np.int8(3), np.uint64(3)]
NOT_WHOLE = [True, np.True_, np.array(True), "3", 3.5, None, [3], np.array([3]), np.timedelta64(3, "s"), float("nan")]


def network(size=3):
    net = ern.Network(dt_ms=1.0)
    return net, net.population("cells", size, ern.LIF(i_offset_nA=1.0))


def takers(n):
    net, cells = network(5)
    return {
        "size": lambda: network(n)[1].size,
        "n": lambda: ern.FixedInDegree(n).n,
        "n in all": lambda: ern.FixedTotalNumber(n).n,
        "power": lambda: ern.Factor(variable="w", power=n).power,
        "seed of a graph": lambda: ern.lower(net, n).seed,
        "seed of a run": lambda: ern.run(net, duration_ms=1.0, seed=n, backend="reference").graph.seed,
        "seed of a replay": lambda: len(ern.replay("s", 3.0, "x", [1.0], cue_ms=1.0, seed=n)),
        "threads": lambda: ern.run(net, duration_ms=1.0, backend="native", threads=n).meta["options"]["threads"],
        "bound": lambda: cells[:n].size,
    }


@pytest.mark.parametrize("what", takers(3))
def test_whole_numbers_of_any_type_are_the_same_everywhere(what):
    for given in WHOLE:
        taken = takers(given)[what]()
        assert (taken, type(taken)) == (3, int), given


@pytest.mark.parametrize("what", takers(3))
def test_what_is_no_whole_number_is_one_nowhere(what):
    for given in NOT_WHOLE:
        if given is None and what in ("bound", "seed of a run"):
            continue  # left to the default
        with pytest.raises(ern.InvalidModel, match="whole number"):
            takers(given)[what]()


@pytest.mark.parametrize("true", [True, np.True_, [True, False, True], np.array([True, False, True])])
def test_true_is_no_number(true):
    net, cells = network()
    for call in (
        lambda: ern.run(net, duration_ms=true, backend="reference"),
        lambda: ern.Network(dt_ms=true),
        lambda: ern.LIF(tau_m_ms=true),
        lambda: ern.Poisson(true),
        lambda: ern.SpikeTimes([true]),
        lambda: net.projection("j", cells, cells, ern.OneToOne(), weight_nA=true),
        lambda: net.projection("k", cells, cells, weight_nA=0.1, delay_ms=true),
        lambda: ern.FixedProbability(true),
        lambda: ern.Schedule([0.0, 1.0, 2.0], true),
        lambda: ern.Phase("p", 1.0, P=true),
        lambda: ern.Phase("p", true),
        lambda: ern.stdp.pair(A_plus=true, A_minus=0.1),
        lambda: ern.Trace("pre", true),
        lambda: net.astrocyte("g", [cells], tau_ms=true),
        lambda: net.freeze(0.0, true),
    ):
        with pytest.raises(ern.InvalidModel, match=r"number"):
            call()


def test_times_in_single_precision_are_the_decimal_numbers_that_they_are_written_as():
    short = np.float32
    one = ern.Timeline(
        [ern.Phase("a", short(0.1)), ern.Phase("b", short(0.6)), ern.Phase("c", 1.0, start_ms=short(0.7))]
    )
    assert [phase.start_ms for phase in one] == [0.0, 0.1, 0.7]
    assert one["c"].stop_ms == ern.Timeline([ern.Phase("a", 0.7), ern.Phase("c", np.float16(1.0))]).duration_ms
    times = np.array([0.1, 100.1, 1000.7], np.float32)
    for given in (times, list(times), tuple(times)):
        assert ern.Schedule(given, [1.0, 2.0, 3.0]).times_ms.tolist() == [0.1, 100.1, 1000.7]
        assert ern.SpikeTimes([given]).times_ms[0].tolist() == [0.1, 100.1, 1000.7]
    net = ern.Network(dt_ms=short(0.1))
    cells = net.population("cells", 1, ern.LIF(i_offset_nA=1.0))
    net.projection("j", cells, cells, weight_nA=0.1, delay_ms=short(0.7))
    net.probe(cells, "v_mV", every_ms=short(0.3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ern.ModelWarning)
        assert ern.run(net, duration_ms=short(100.1), backend="reference").recording.n_steps == 1001
