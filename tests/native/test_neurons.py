"""Neurons of every kind, with constants that are alike, that come in runs, and that all differ."""

from __future__ import annotations

import re

import numba
import numpy as np
import pytest
from alike import assert_alike

import ernsnn as ern
from ernsnn.describe.neurons import LIBRARY
from ernsnn.hardware_backends.machine_code import Kernel
from ernsnn.hardware_backends.native.codegen.neurons import advance
from ernsnn.hardware_backends.native.engine import Engine
from ernsnn.hardware_backends.native.kernels.jit import compiled
from ernsnn.hardware_backends.native.populations import Ring
from ernsnn.hardware_backends.native.spikes import Emitted
from ernsnn.hardware_backends.reference.engine import Engine as Reference

SIZE = 150


def spread(layout: str, low: float, high: float, rng: np.random.Generator) -> float | np.ndarray:
    """A parameter of all neurons, of runs of them, or of each."""
    if layout == "alike":
        return (low + high) / 2
    if layout == "runs":
        return np.repeat(rng.uniform(low, high, 3), SIZE // 3)
    return rng.choice([low, high], SIZE) if layout == "two values" else rng.uniform(low, high, SIZE)


def network(scheme: str, layout: str, seed: int) -> ern.Network:
    """A population of each kind, driven by the same inputs and by one another; ``layout`` is of their parameters."""
    rng = np.random.default_rng(seed)

    def some(low: float, high: float) -> float | np.ndarray:
        return spread(layout, low, high, rng)

    net = ern.Network(dt_ms=0.5, current_integration=scheme)
    inputs = net.population("inputs", 60, ern.Poisson(30.0))
    kinds = {"currents": ern.LIF, "adaptive": ern.AdaptiveLIF, "conductances": ern.ConductanceLIF}
    if scheme == "exact":
        kinds["delta"] = ern.DeltaLIF
    cells = []
    for name, kind in kinds.items():
        given = {"tau_m_ms": some(10, 20), "tau_refrac_ms": some(0.5, 3), "v_reset_mV": some(-68, -65)}
        if kind is not ern.DeltaLIF:
            given |= {"tau_syn_E_ms": some(1, 5), "tau_syn_I_ms": some(2, 6)}
        if kind is ern.AdaptiveLIF:
            given |= {"tau_threshold_ms": some(20, 40), "threshold_increment_mV": some(1, 2), "noise_mV": some(0.5, 1)}
        weight = {"weight_mV": 2.5} if kind is ern.DeltaLIF else {"weight_nA": 0.7}
        if kind is ern.ConductanceLIF:
            given |= {"e_rev_E_mV": some(-5, 5), "e_rev_I_mV": some(-80, -70), "cm_nF": some(0.8, 1.2)}
            weight = {"weight_uS": 0.02}
        population = net.population(name, SIZE, kind(**given))
        net.projection(f"{name}_in", inputs, population, ern.FixedProbability(0.3), **weight, delay_ms=1.0)
        for other in cells:
            few = ern.FixedProbability(0.02)
            net.projection(f"{other.name}_{name}", other, population, few, **weight, receptor="inhibitory")
        net.probe(population, "v_mV")
        cells.append(population)
    net.inject(cells[0], ern.Schedule([0.0, 30.0], [0.1, 0.0]))
    return net


@pytest.mark.parametrize("layout", ["alike", "runs", "two values", "all differ"])
@pytest.mark.parametrize("scheme", ["exact", "step_average"])
def test_constants_in_any_layout(scheme: str, layout: str) -> None:
    graph = ern.lower(network(scheme, layout, seed=1), 2)
    expected = Reference(graph).run(200, lambda fraction: None)
    assert all(len(expected.spikes[p.name][0]) > 50 for p in graph.neurons())
    engine = Engine(graph, "float64")
    assert all(part.alike == (layout in ("alike", "runs")) for part in engine.neurons.parts.values())
    assert_alike(engine.run(200, lambda fraction: None), expected)


KINDS = {kind.name: kind for kind in LIBRARY.values()}
TABLES = [
    (name, scheme, alike)
    for name, kind in KINDS.items()
    for scheme in ("exact", "step_average")
    if scheme == "exact" or kind.step_average is not None
    for alike in (True, False)
]
IN_FLOAT32 = [(name, scheme, True) for name, scheme, alike in TABLES if alike]


def compiled_text(kernel: Kernel, *given: object) -> str:
    """What LLVM makes of a kernel."""
    types = tuple(map(numba.typeof, given))
    kernel.jitted.compile(types)
    return str(kernel.jitted.overloads[types].library.get_llvm_str())


@pytest.mark.parametrize(
    ("name", "scheme", "alike", "single"), [*((*t, False) for t in TABLES), *((*t, True) for t in IN_FLOAT32)]
)
def test_loops_over_neurons_are_vectorised(name: str, scheme: str, alike: bool, single: bool) -> None:
    kind = KINDS[name]
    drawn = {p.name for p in kind.parameters if single and p.name == "noise_mV"}  # neurons that draw are float64
    equations = kind.given(scheme, {p.name for p in kind.parameters} - drawn)  # with noise and a lowest V
    if single and "uniform" in equations.names:
        pytest.skip("it draws")
    kernel = advance(kind, equations, alike, shifted=True, single=single)
    arriving, whole = np.zeros(9), np.zeros(9, np.int64)
    numbers = arriving.astype(np.float32) if single else arriving
    emitted = Emitted(whole, whole, whole, whole)
    given = (numbers, numbers, np.zeros((1, 4), np.int64), whole, Ring(arriving, 1, 1, 1), emitted)
    text = compiled_text(kernel, *given, 0, 1, 0)
    # The loops that empty what arrived are calls of memset, unless it is rounded on the way; that over flags, if it
    # can spike, is not over all neurons.
    emptied = 0 if single else len(kind.receptors)
    loops = kernel.text.count("for i in range(m):") - emptied + (equations.spike is not None)
    assert loops >= 2
    if single and not set(re.findall(r"\b(log|cos|power)\(", kernel.text)):
        assert "<16 x float>" in text or "<8 x float>" in text
    assert len(re.findall(r"^vector\.body\d*:", text, re.MULTILINE)) >= loops
    assert "@llvm.exp." not in text


@compiled
def _by_the_library(V: np.ndarray) -> None:
    for i in range(len(V)):
        V[i] = np.exp(V[i])


def test_the_exponential_function_of_the_library_is_not_vectorised() -> None:
    assert "@llvm.exp." in compiled_text(_by_the_library, np.zeros(9))
