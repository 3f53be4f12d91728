"""Neurons in float32: close to those in float64, the same for any number of threads, and announced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import ernsnn as ern
from ernsnn.describe.neurons import CLASSES
from ernsnn.hardware_backends.native.engine import Engine
from ernsnn.hardware_backends.native.kernels.arithmetic32 import FUNCTIONS
from ernsnn.hardware_backends.native.kernels.jit import load
from ernsnn.hardware_backends.native.precision import LONGEST_WAIT

EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "exprel": lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1),
    "tanh": mpmath.tanh,
    "log": lambda x: mpmath.log(abs(x)) if x else -mpmath.inf,
    "cos": mpmath.cos,
}
WEIGHTS = {"nA": 0.6, "mV": 2.0, "uS": 0.01}
"""Large ones by their unit."""
OFFSETS = {"Izhikevich": 12.0, "IzhikevichCurrents": 12.0, "AdEx": 1.2, "AlphaAdEx": 1.2, "LeakyIntegrator": 0.5}
"""The largest current of kinds whose threshold is not some 1 nA away."""
RNG = np.random.default_rng(3)
NUMBERS = np.concatenate([[0.0, 0.35, -0.35, 88.7, -86.0], RNG.uniform(-86, 88, 2000), RNG.normal(size=2000)])


def assert_identical(found: ern.Recording, expected: ern.Recording) -> None:
    mine, other = found.to_arrays(), expected.to_arrays()
    assert mine.keys() == other.keys()
    for key, array in other.items():
        assert (mine[key].dtype, mine[key].tobytes()) == (array.dtype, array.tobytes()), key


def each(name: str, *given: np.ndarray) -> np.ndarray:
    """A function in float32, of every number."""
    args = ", ".join(f"x{k}[i]" for k in range(len(given)))
    head = f"def {name}_32({', '.join(f'x{k}' for k in range(len(given)))}, found):"
    found = np.empty(len(given[0]), np.float32)
    text = f"{head}\n    for i in range(len(found)):\n        found[i] = {name}({args})\n"
    load(text, FUNCTIONS)[f"{name}_32"](*given, found)
    return found


@pytest.mark.parametrize("name", EXACT)
def test_functions_have_seven_digits(name: str) -> None:
    numbers = np.abs(NUMBERS).astype(np.float32) if name == "log" else NUMBERS.astype(np.float32)
    numbers = numbers[np.abs(numbers) > 1e-6] if name == "log" else numbers
    exact = np.array([float(EXACT[name](float(x))) for x in numbers])
    assert (np.abs(each(name, numbers) - exact) <= 5e-7 * np.abs(exact) + (2e-7 if name == "cos" else 0)).all()


def test_functions_at_the_ends() -> None:
    ends = np.array([np.inf, -np.inf, 1000.0, -1000.0, np.nan], np.float32)
    assert each("exp", ends)[:4].tolist() == pytest.approx([np.inf, 0.0, np.inf, 0.0], abs=1e-37)
    assert np.isnan(each("exp", ends)[4])
    assert each("tanh", ends)[:4].tolist() == [1.0, -1.0, 1.0, -1.0]
    bases = RNG.uniform(0.01, 50, 500).astype(np.float32)
    assert each("power", bases, bases * 0 + np.float32(1.5)) == pytest.approx(bases.astype(float) ** 1.5, rel=2e-7)


def driven(name: str, **given: Any) -> ern.Graph:
    """300 cells of a kind with currents from below to above what makes them spike, and some spikes to all."""
    net, kind = ern.Network(dt_ms=0.1), CLASSES[name]
    known = {p.name for p in kind.kind.parameters}
    refractory = {"tau_refrac_ms": 2.0} if "tau_refrac_ms" in known else {}
    cells = net.population(
        "cells", 300, kind(i_offset_nA=np.linspace(0.0, OFFSETS.get(name, 1.5), 300), **refractory, **given)
    )
    inputs = net.population("inputs", 40, ern.Poisson(50.0))
    receptor = next(word for word in kind.kind.words if word != "signed")
    unit = kind.kind.receptor(receptor).unit
    weight: dict[str, Any] = {f"weight_{unit}": WEIGHTS[unit] / 20}
    net.projection("in", inputs, cells, ern.FixedProbability(0.1), **weight, receptor=receptor, delay_ms=0.5)
    net.probe(cells, "v_mV")
    return ern.lower(net, 1)


def run(graph: ern.Graph, steps: int, neuron_precision: str = "float32", threads: int = 1) -> ern.Recording:
    engine = Engine(graph, "float32", threads=threads, neuron_precision=neuron_precision)
    return engine.run(steps, lambda fraction: None)


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"EscapeLIF"}))
def test_close_to_float64_and_not_equal(name: str) -> None:
    graph = driven(name)
    close, exact = run(graph, 800), run(graph, 800, "float64")
    values, expected = close.signals["cells.v_mV"][1], exact.signals["cells.v_mV"][1]
    assert values.dtype == expected.dtype == np.float64
    steps, neurons = exact.spikes["cells"]
    first = np.full(300, 800)
    np.minimum.at(first, neurons, steps)
    before = np.arange(800)[:, None] < first - 20  # on the upstroke a last digit grows
    assert before.any(axis=0).mean() > 0.5
    assert 0 < np.abs(values - expected)[before].max() < 0.02
    assert np.median(np.abs(values - expected)[before]) < 2e-4
    if name != "LeakyIntegrator":
        assert len(neurons) > 250
        assert len(close.spikes["cells"][0]) == pytest.approx(len(neurons), rel=0.01)


def network() -> ern.Network:
    """Populations in both precisions that drive each other, learn, and are told things while they run."""
    net = ern.Network(dt_ms=0.5)
    inputs = net.population("inputs", 60, ern.Poisson(60.0))
    cells = net.population("cells", 700, ern.LIF(tau_refrac_ms=2.0, v_min_mV=-80.0))
    noisy = net.population("noisy", 50, ern.AdaptiveLIF(noise_mV=0.5))
    adex = net.population("adex", 300, ern.AdEx(tau_m_ms=np.linspace(10, 20, 300)))
    some = ern.FixedProbability(0.1)
    net.projection("drive", inputs, cells, some, weight_nA=1.5, delay_ms=1.5)
    net.projection("to_noisy", cells, noisy, some, weight_nA=0.3, delay_ms=1.0)
    net.projection("to_adex", inputs, adex, some, weight_uS=0.01, delay_ms=2.0)
    net.projection("back", noisy, cells, weight_nA=0.1, receptor="inhibitory", delay_ms=1.5)
    net.projection(
        "learns",
        inputs,
        cells[:90],
        weight_nA=0.3,
        delay_ms=1.0,
        learning=ern.stdp.pair(A_plus=0.1, A_minus=0.1, w_max=1.0),
    )
    net.inject(cells[:90], ern.Schedule([0.0, 20.0, 70.0], [0.4, 0.0, 0.2]))
    net.probe(cells[3:260], "v_mV", every_ms=1.5)
    net.probe(adex, "v_mV", every_ms=1.5)
    return net


def test_any_number_of_threads() -> None:
    graph = ern.lower(network(), 4)
    one = run(graph, 300)
    assert all(len(one.spikes[name][0]) > 100 for name in ("cells", "noisy", "adex"))
    for threads in (2, 5):
        assert_identical(run(graph, 300, threads=threads), one)


def test_in_two_parts_and_not_in_two_precisions() -> None:
    options: dict[str, Any] = {"backend": "native", "neuron_precision": "float32"}
    whole = ern.run(network(), duration_ms=90, seed=2, **options)
    first = ern.run(network(), duration_ms=40, seed=2, **options)
    second = ern.run(network(), duration_ms=50, start=first)
    assert second.meta["options"]["neuron_precision"] == "float32"
    for name in ("cells", "noisy", "adex"):
        counts = first.spike_counts[name] + second.spike_counts[name]
        assert np.array_equal(whole.spike_counts[name], counts), name
    with pytest.raises(ern.InvalidModel, match="float"):
        ern.run(network(), duration_ms=50, start=first, neuron_precision="float64", backend="native")


def test_announced_for_each_population() -> None:
    issues = ern.check(network(), "native", neuron_precision="float32")
    found = {(issue.code, issue.path) for issue in issues if issue.code in ("N102", "N103")}
    assert found == {("N102", "cells"), ("N103", "noisy"), ("N102", "adex")}
    assert "31 bits" in next(str(issue) for issue in issues if issue.code == "N103")
    assert not {issue.code for issue in ern.check(network(), "native")} & {"N102", "N103"}
    with pytest.raises(ern.InvalidModel, match="neuron_precision must be one of float64, float32, got 'float16'"):
        ern.check(network(), "native", neuron_precision="float16")


def test_neurons_that_draw_are_as_they_were() -> None:
    for model in (ern.AdaptiveLIF(noise_mV=1.0, i_offset_nA=0.6), ern.EscapeLIF(i_offset_nA=0.6)):
        net = ern.Network(dt_ms=0.1)
        net.probe(net.population("cells", 300, model), "v_mV")
        graph = ern.lower(net, 1)
        assert_identical(run(graph, 300), run(graph, 300, "float64"))


@pytest.mark.parametrize(("steps", "code"), [(LONGEST_WAIT, "N102"), (LONGEST_WAIT + 1, "N103")])
def test_refractory_steps_that_float32_cannot_count(steps: int, code: str) -> None:
    net = ern.Network(dt_ms=1.0)
    net.population("cells", 3, ern.LIF(tau_refrac_ms=[1.0, 2.0, float(steps)], i_offset_nA=2.0))
    assert [i.code for i in ern.check(net, "native", neuron_precision="float32") if i.code[:2] == "N1"] == [code]
    graph = ern.lower(net, 1)
    assert_identical(run(graph, 100), run(graph, 100, "float64"))


def test_a_refractory_time_that_is_made_too_long_between_runs() -> None:
    def graph(refractory: float) -> ern.Graph:
        net = ern.Network(dt_ms=1.0)
        net.population("cells", 3, ern.LIF(tau_refrac_ms=refractory, i_offset_nA=2.0))
        return ern.lower(net, 1)

    engine = Engine(graph(2.0), "float32", neuron_precision="float32")
    engine.adjust(graph(5.0))
    with pytest.raises(ern.InvalidModel, match="cells cannot go on in float32: its refractory time is longer than"):
        engine.adjust(graph(LONGEST_WAIT + 1.0))


def test_parameters_that_move_while_it_runs() -> None:
    """What third factors add to parameters, and intrinsic plasticity, are rounded as they are stored."""
    net = ern.Network(dt_ms=0.5)
    inputs = net.population("inputs", 60, ern.Poisson(60.0))
    rule = ern.LearningRule(
        terms=[ern.Term("w", "post", 1.0), ern.Term("w", "epoch", -0.05)], bounds={"w": (-60, 0)}, epoch_ms=1.0
    )
    drive = ern.IntrinsicPlasticity(target="v_threshold_mV", rule=rule)
    cells = net.population("cells", 100, ern.LIF(), plasticity=drive)
    net.projection("drive", inputs, cells, ern.FixedProbability(0.3), weight_nA=1.5, delay_ms=1.5)
    graph = ern.lower(net, 4)
    close, exact = run(graph, 600), run(graph, 600, "float64")
    thresholds = [r.neurons["cells"]["v_threshold_mV"] for r in (close, exact)]
    assert np.ptp(thresholds[1]) > 0
    assert thresholds[0] == pytest.approx(thresholds[1], abs=0.05)
    assert len(close.spikes["cells"][0]) == pytest.approx(len(exact.spikes["cells"][0]), rel=0.05)
