r"""A liquid whose plasticity an astrocyte keeps at the edge of chaos, and copies of it that read images.

Ivanov and Michmizos (2021, NeurIPS 34), with the numbers of their published program where the paper has none. Steps of
1 ms; 1,000 neurons on a 10 x 10 x 10 grid, 80 % excitatory; two neurons at distance D are connected with probability
C exp(-(D/3)^2), C = .2 (E to E), .1 (E to I), .3 (I to E), .05 (I to I); each input reaches each neuron with .15:

    u = u/e + weights,  v = v - v/64 + u,  spike at 20, reset 0, no spike in the next 2 steps, in which v moves on
    post: w += .15 x,  pre: w -= A y;  inhibitory synapses the other way round;  x, y: tau 10 ms, increment .1
    A += (w_astro (liquid spikes - input spikes) + .15 - A)/100

with weights of excitatory synapses from 0 to 3, of inhibitory ones from -3 to 0, of inputs (half of them negative at
first) from -3 to 3. Images are Poisson: each step p = the pixel over the sum of its image, scaled so that the highest
of all is 1, excites an input, which spikes then, or as soon as its 2 refractory steps are over: at a rate of
1/(1/p + 3p - p^2). The liquid first learns from the training images, 20 ms each; then weights stay, every image is
shown for 250 ms, and a linear classifier reads spike counts. Each image finds all neurons at rest: before it a current
takes them to the floor of v, far below, and from there to 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ernsnn.describe.connectors import FromList
from ernsnn.describe.learning import LearningRule, Trace
from ernsnn.describe.modulators import Modulator
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import AdaptiveLIF
from ernsnn.describe.populations import Population
from ernsnn.describe.stimuli import Poisson, Schedule
from ernsnn.describe.trials import Trials
from ernsnn.result import Result

from .draws import rng_of
from .side_by_side import side_by_side

W_ASTRO, BIAS, POTENTIATION, W_MAX = 0.015, 0.15, 0.15, 3.0
C = np.array([[0.2, 0.1], [0.3, 0.05]])
"""Probability constants C from excitatory (first) and inhibitory neurons, to either."""
RECEPTORS = {"E": "excitatory", "I": "inhibitory", "input": "signed"}
COPIES, ROUNDS = 20, 20
"""The number of copies of a liquid that read an image each, side by side, and how often in a run; spikes are counted
after each run, since those of all images would take gigabytes. Branching factors are of the first COPIES test
images."""
LEARN_MS, SHOW_MS, REST_MS = 20, 250, 10
_LEAK, _FLOOR_MV = 1 / 64, -1000.0
_TAU_M_MS = -1 / np.log(1 - _LEAK)
_TAU_A_MS = -1 / np.log(1 - 1 / 100)
_CAPACITY_NF = _TAU_M_MS * (1 - np.exp(-1)) * _LEAK
"""The factor with which a weight of 1 moves v by 1 in the step after its spike, by 1/e in the next, and so on."""
_WINDOW, _MARGIN = 4, 25


@dataclass(frozen=True, eq=False)
class Liquid:
    """``size`` neurons, the excitatory ones first, and synapses as (pre, post) pairs from ``E``, ``I`` and ``input``.

    ``signs`` are those of the first weights.
    """

    size: int
    pairs: dict[str, np.ndarray]
    signs: dict[str, np.ndarray]


def draw_liquid(seed: int, inputs: int, grid: tuple[int, int, int]) -> Liquid:
    """A liquid drawn by ``seed``; see the module's text."""
    rng = rng_of(seed, "nalsm.liquid")
    size = int(np.prod(grid))
    inhibitory = np.arange(size) >= round(0.8 * size)
    places = rng.permutation(np.stack(np.meshgrid(*map(np.arange, grid), indexing="ij"), -1).reshape(-1, 3))
    distance2 = np.sum((places[:, None] - places[None]) ** 2, axis=-1)
    connected = rng.random((size, size)) < C[inhibitory[:, None].astype(int), inhibitory.astype(int)] * np.exp(
        -distance2 / 9
    )
    np.fill_diagonal(connected, False)
    pairs = {"E": connected & ~inhibitory[:, None], "I": connected & inhibitory[:, None]}
    listed = {kind: np.argwhere(which) for kind, which in pairs.items()}
    listed["input"] = np.argwhere(rng.random((inputs, size)) < 0.15)
    signs = {kind: np.ones(len(p)) for kind, p in listed.items()}
    signs["input"] = rng.choice([-1.0, 1.0], len(listed["input"]))
    return Liquid(size, listed, signs)


def input_rates_hz(images: np.ndarray, highest: float) -> np.ndarray:
    """Rates of inputs (n, pixels) as the module's text has them; ``highest`` is the highest pixel/sum of all images."""
    p = np.minimum(images / images.sum(axis=1, keepdims=True) / highest, 1.0)
    return np.asarray(1000 * p / (1 + 3 * p**2 - p**3))


def images_to_learn(rates: np.ndarray) -> Trials:
    """Trials in which one liquid learns from images (``rates``, images by inputs)."""
    return Trials(show_ms=LEARN_MS, rest_ms=REST_MS, rates=rates)


def images_to_count(rates: np.ndarray) -> Trials:
    """Trials in which COPIES of a liquid read images; the k-th reads images k, k + COPIES, ..."""
    shown = np.zeros((-(-len(rates) // COPIES) * COPIES, rates.shape[1]))
    shown[: len(rates)] = rates
    return Trials(show_ms=SHOW_MS, rest_ms=REST_MS, rates=shown.reshape(-1, COPIES * rates.shape[1]))


def _cells(net: Network, images: Trials, size: int) -> list[Population]:
    """Inputs with the rates of ``images``, and ``size`` neurons that are taken back to rest between them.

    A threshold that leaps at a spike, and after 2 steps is back but for .001, lets v move while there are no spikes.
    """
    shown = images.schedule("rates")
    inputs = net.population("inputs", np.shape(shown.values)[1], Poisson(shown, at_most_one=True))
    cell = AdaptiveLIF(
        cm_nF=_CAPACITY_NF,
        tau_m_ms=_TAU_M_MS,
        tau_syn_E_ms=1.0,
        tau_syn_I_ms=1.0,
        v_rest_mV=0.0,
        v_reset_mV=0.0,
        v_threshold_mV=20.0,
        v_min_mV=_FLOOR_MV,
        tau_threshold_ms=1 / np.log(1e6),
        threshold_increment_mV=1e15,
    )
    cells = net.population("liquid", size, cell)
    down_and_up = np.array([1e3 * _FLOOR_MV, -_FLOOR_MV * (1 - _LEAK), 0.0]) * _CAPACITY_NF / _TAU_M_MS / _LEAK
    times = np.add.outer(images.starts_ms, images.show_ms + np.array([0, REST_MS - 2, REST_MS - 1])).ravel()
    net.inject(cells, Schedule(times, np.tile(down_and_up, len(images))))
    return [inputs, cells]


def _rule(inhibitory: bool, low: float) -> LearningRule:
    """STDP whose depression rate is the third factor A; of inhibitory synapses the magnitude learns.

    A spike of the post neuron reaches its synapses a step late: it counts there as one that has already decayed by one.
    """
    up, down = f"{POTENTIATION} * {{}}", "A * {}"
    post, pre = (down, up) if inhibitory else (up, down)
    return LearningRule.from_equations(
        traces={"x": Trace("pre", 10.0, 0.1), "y": Trace("post", 10.0, 0.1 * np.exp(-0.1))},
        on_post={"w": post.format("x")},
        on_pre={"w": "-" + pre.format("y")},
        bounds={"w": (low, W_MAX)},
        third_factors=["A"],
    )


def build(liquid: Liquid, images: Trials, w_astro: float | None = W_ASTRO, depression: float = BIAS) -> Network:
    """The liquid while it learns from ``images``; A is probed. Without ``w_astro`` A is always ``depression``."""
    net = Network(name="nalsm", dt_ms=1.0, current_integration="step_average")
    inputs, cells = _cells(net, images, liquid.size)
    astrocyte: Modulator
    if w_astro is None:
        astrocyte = net.signal("A", times_ms=[0.0], values=[depression])
    else:
        each = w_astro / 100
        astrocyte = net.astrocyte("A", [cells, inputs], tau_ms=_TAU_A_MS, weight=[each, -each], bias=BIAS)
    net.probe(astrocyte, "value")
    for kind, pairs in liquid.pairs.items():
        net.projection(
            kind,
            inputs if kind == "input" else cells,
            cells,
            FromList(pairs),
            weight_nA=W_MAX * liquid.signs[kind],
            receptor=RECEPTORS[kind],
            learning=_rule(kind == "I", -W_MAX if kind == "input" else 0.0),
            third_factors={"A": astrocyte},
        )
    return net


def counting(liquid: Liquid, images: Trials, weights: dict[str, np.ndarray]) -> Network:
    """COPIES of the liquid with ``weights``, which stay, while they read ``images_to_count``."""
    net = Network(name="nalsm_counts", dt_ms=1.0, current_integration="step_average")
    inputs, cells = _cells(net, images, COPIES * liquid.size)
    for kind, pairs in liquid.pairs.items():
        n_pre = inputs.size // COPIES if kind == "input" else liquid.size
        copied = side_by_side([pairs] * COPIES, n_pre, liquid.size)
        pre = inputs if kind == "input" else cells
        weight = np.tile(weights[kind], COPIES)
        net.projection(kind, pre, cells, FromList(copied), weight_nA=weight, receptor=RECEPTORS[kind])
    return net


def counted(liquid: Liquid, result: Result, images: int) -> np.ndarray:
    """Counts of spikes (images, neurons) of trials that were ``images_to_count``."""
    return result.counts("liquid").reshape(-1, liquid.size)[:images]


def rasters(liquid: Liquid, result: Result, images: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(ms since the image appeared, neuron) of every spike at each of the first images; at most COPIES of them."""
    steps, neurons = result.recording.spikes["liquid"]
    first = np.searchsorted(steps, SHOW_MS)
    of_copy = [neurons[:first] // liquid.size == copy for copy in range(images)]
    return [(steps[:first][own], neurons[:first][own] % liquid.size) for own in of_copy]


def branching_factor(liquid: Liquid, spikes: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Mean over the images whose ``rasters`` are given, NaN where nothing spikes; as Ivanov and Michmizos have it.

    At each spike, the spikes of the neuron's targets in the next 4 ms over those of its sources in the last 4 (at least
    1); mean over a neuron's spikes, then over neurons; from 25 ms after an image's start to 25 ms before its end.
    """
    size, length = liquid.size, SHOW_MS - 2 * _MARGIN
    connected = np.zeros((size, size), np.float32)
    for kind in ("E", "I"):
        connected[tuple(liquid.pairs[kind].T)] = 1
    factors = []
    for steps, neurons in spikes:
        inside = (steps >= _MARGIN) & (steps < SHOW_MS - _MARGIN)
        raster = np.zeros((length, size), np.float32)
        raster[steps[inside] - _MARGIN, neurons[inside]] = 1
        total = np.concatenate([np.zeros((1, size), np.float32), np.cumsum(raster, axis=0)])
        t = np.arange(_WINDOW, length - _WINDOW)
        before, after = total[t] - total[t - _WINDOW], total[t + 1 + _WINDOW] - total[t + 1]
        factor = (after @ connected.T) / np.maximum(before @ connected, 1.0)
        at, count = raster[t], raster[t].sum(axis=0)
        active = count > 0
        if active.any():
            factors.append(float(np.mean((factor * at).sum(axis=0)[active] / count[active])))
    return float(np.mean(factors)) if factors else float("nan")


def learnt(liquid: Liquid, result: Result) -> dict[str, np.ndarray]:
    """Kind of synapses -> final weights."""
    return {kind: np.asarray(result.recording.synapses[kind]["w"], float) for kind in liquid.pairs}
