"""The compiled loop: windows, calls that end anywhere, logs that grow, threads, and the order in which kernels run."""

from __future__ import annotations

import numpy as np
import pytest
from alike import assert_alike

import ernsnn as ern
from ernsnn.backend.recorder import Recorder, joined
from ernsnn.backend.source_spikes import SourceSpikes
from ernsnn.hardware_backends.native import engine as native
from ernsnn.hardware_backends.native import spikes as log
from ernsnn.hardware_backends.native.kernels.driver import BARRIER, Driver
from ernsnn.hardware_backends.native.kernels.jit import compiled
from ernsnn.hardware_backends.native.loop import Loop
from ernsnn.hardware_backends.reference.engine import Engine as Reference

STEPS = 300


def network(delay_ms: object = 1.5, every_ms: float = 1.5, **probed: object) -> ern.Graph:
    """Two populations of several tiles that drive each other, with a current that changes and one that does not."""
    net = ern.Network(dt_ms=0.5)
    inputs = net.population("inputs", 80, ern.Poisson(60.0))
    rng = np.random.default_rng(1)
    cells = [
        net.population("alike", 700, ern.LIF(tau_refrac_ms=2.0, noise_mV=0.4)),
        net.population("each", 300, ern.ConductanceLIF(tau_m_ms=rng.uniform(10, 20, 300))),
    ]
    some = ern.FixedProbability(0.1)
    for k, weight in enumerate(({"weight_nA": 0.8}, {"weight_uS": 0.03})):
        net.projection(f"drive{k}", inputs, cells[k], some, **weight, delay_ms=delay_ms)
        net.projection(f"to{k}", cells[1 - k], cells[k][50:], some, **weight, delay_ms=delay_ms, receptor="inhibitory")
        net.probe(cells[k][3:260], "v_mV", every_ms=every_ms)
    net.inject(cells[0][:90], ern.Schedule([0.0, 20.0, 70.0], [0.4, 0.0, 0.2]))
    return ern.lower(net, 4)


def recorded(graph: ern.Graph, threads: int = 1) -> ern.Recording:
    return native.Engine(graph, "float64", threads=threads).run(STEPS, lambda fraction: None)


def expected(graph: ern.Graph) -> ern.Recording:
    found = Reference(graph).run(STEPS, lambda fraction: None)
    assert all(len(found.spikes[p.name][0]) > 500 for p in graph.neurons())
    return found


@pytest.mark.parametrize(
    ("delay_ms", "every_ms", "window"),
    [(0.5, 0.5, 1), (1.5, 1.5, 3), (1.5, 2.0, 3), (ern.Uniform(2.0, 9.0), 3.5, 4), (50.0, 35.0, 64)],
)
def test_windows_of_any_length(delay_ms, every_ms, window):
    graph = network(delay_ms, every_ms)
    assert native.Engine(graph, "float64").window == window
    assert_alike(recorded(graph), expected(graph))


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_change_nothing(threads):
    graph = network(ern.Uniform(1.0, 4.0))
    one, more = recorded(graph).to_arrays(), recorded(graph, threads).to_arrays()
    assert one.keys() == more.keys()
    assert all(array.tobytes() == more[name].tobytes() for name, array in one.items())


@pytest.mark.parametrize("steps", [1, 2, 5, 64])
def test_calls_that_end_anywhere(steps, monkeypatch):
    graph = network()
    whole = recorded(graph).to_arrays()
    monkeypatch.setattr(native, "LONGEST_CALL", steps)
    assert all(array.tobytes() == whole[name].tobytes() for name, array in recorded(graph).to_arrays().items())


def test_a_log_that_is_too_small_grows_and_a_call_ends_where_it_is_full(monkeypatch):
    graph = network()
    whole = recorded(graph).to_arrays()
    monkeypatch.setattr(log, "SPARE_SPIKES", 1)
    engine, chunks = native.Engine(graph, "float64"), []
    recorder, sources, t, calls = Recorder(engine, chunks.append), SourceSpikes(graph, STEPS), 0, 0
    size = len(engine.log.spikes.neurons)
    while t < STEPS:
        t, calls = engine.advance(t, STEPS, sources, recorder), calls + 1
    recorder.flush()
    assert len(engine.log.spikes.neurons) > size
    assert calls > 20
    found = joined(chunks)
    assert all(found[name].tobytes() == whole[name].tobytes() for name in found)


def test_a_run_says_how_many_kernels_it_has():
    net = ern.Network()
    net.population("few", 2, ern.LIF(i_offset_nA=1.0))
    alone = ern.run(net, duration_ms=2, backend="native").meta["kernels"]
    net.population("others", 2, ern.AdaptiveLIF(i_offset_nA=1.0))
    assert (alone, ern.run(net, duration_ms=2, backend="native").meta["kernels"]) == (3, 4)  # room, sort, neurons


@compiled
def note(calls: np.ndarray, number: int, a: int, b: int, worker: int) -> int:
    """Note a call; number 9 refuses to begin a window at step 8."""
    if worker == 0:
        n = calls[0, 0]
        calls[n + 1, 0], calls[n + 1, 1], calls[n + 1, 2] = number, a, b
        calls[0, 0] = n + 1
    return int(number == 9 and a >= 8)


@pytest.mark.parametrize(("workers", "python"), [(1, False), (3, False), (1, True)])
def test_the_order_of_calls(workers, python):
    calls = np.zeros((99, 3), np.int64)

    def beside(a: int, b: int, worker: int) -> None:
        assert (b - a, worker) == (1, 0)

    first, each, last = (
        [note.bind(calls, 9), BARRIER],
        [note.bind(calls, 1), note.bind(calls, 2)],
        [note.bind(calls, 3)],
    )
    if python:
        each.append(beside)
    loop = Loop(first, [*each, BARRIER], last, 4, 5, workers)
    assert isinstance(loop.run, Driver) == (not python)
    assert loop.run(2, 30) == 9
    seen = [tuple(row) for row in calls[1 : calls[0, 0] + 1].tolist()]

    def window(a: int, b: int) -> list[tuple[int, int, int]]:
        return [(9, a, b), *((n, t, t + 1) for t in range(a, b) for n in (1, 2)), (3, a, b)]

    assert seen == [*window(2, 5), *window(5, 9), (9, 9, 10)]
