r"""Experiment ``nalsm``: a liquid whose plasticity an astrocyte keeps at the edge of chaos.

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

Arms: ``lsm`` (fixed weights of magnitude .7: on seeds 100 and 101, with 1,000 images, none of .5, .6, .85, 1 and 1.4
did better), ``stdp`` (A = .15), ``fixed`` (A as it is on average in ``nalsm``) and ``nalsm``; the last three begin with
magnitudes of 3, as their program does. Published at 1,000 neurons on all of MNIST: 95.30, 89.46, 95.49 and 95.96 %.

Branching factor, as theirs: at each spike, the spikes of the neuron's targets in the next 4 ms over those of its
sources in the last 4 (at least 1); mean over a neuron's spikes, then over neurons; from 25 ms after an image's start to
25 ms before its end. Published: from 1.42 to .89 as w_astro goes from .002 to .2.

Different here: MNIST-5k, hence fewer images to learn from. A runs on from image to image, as its equation says; their
program puts it back to .15 every 20 ms. Images are read with weights that stay; in their program each also changes the
weights that it is read with, ever less over 100 ms, and leaves no trace of it. Simulated apart (seed 100, 600 images)
the branching factor goes from 1.37 to .92 if both are as theirs, from 1.40 to 1.14 if only A is put back, and from 1.28
to .98 as here. Their program draws tau_u from the whole numbers from 1 to below 2, so that it is 1 step throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.astrocytes import Modulator
from ernsnn.describe.connectors import FromList
from ernsnn.describe.learning import LearningRule, Trace
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import AdaptiveLIF
from ernsnn.describe.populations import Population
from ernsnn.describe.stimuli import Poisson, Schedule
from ernsnn.errors import InvalidModel
from ernsnn.report import charts
from ernsnn.result import Result, run
from ernsnn.studies.experiment import Estimate, Findings

from .draws import rng_of
from .images import Split, baselines, linear_readout, load, split

SOURCE = "Ivanov and Michmizos 2021, NeurIPS 34"
ARMS = ("lsm", "stdp", "fixed", "nalsm")
PUBLISHED = "MNIST: LSM 95.30, STDP 89.46, fixed 95.49, NALSM 95.96 %; branching factor 1.42 to .89"
PUBLISHED_ACCURACY = {"lsm": 0.9530, "stdp": 0.8946, "fixed": 0.9549, "nalsm": 0.9596}
SETTINGS: dict[str, dict[str, Any]] = {"full": {"train": 2000, "test": 1000}}
W_ASTRO, BIAS, POTENTIATION, W_MAX = 0.015, 0.15, 0.15, 3.0
C = np.array([[0.2, 0.1], [0.3, 0.05]])
"""From excitatory (first) and inhibitory neurons, to either."""
RECEPTORS = {"E": "excitatory", "I": "inhibitory", "input": "signed"}
COPIES, ROUNDS = 20, 20
"""So many copies of a liquid, side by side, read an image each, so often in a run; then spikes are counted: those of
all images would take gigabytes. Branching factors are of the first COPIES test images."""
LEARN_MS, SHOW_MS, REST_MS = 20, 250, 10
_LEAK, _FLOOR_MV = 1 / 64, -1000.0
_TAU_M_MS = -1 / np.log(1 - _LEAK)
_TAU_A_MS = -1 / np.log(1 - 1 / 100)
_CAPACITY_NF = _TAU_M_MS * (1 - np.exp(-1)) * _LEAK
"""With it a weight of 1 moves v by 1 in the step after its spike, by 1/e in the next, and so on."""
_WINDOW, _MARGIN = 4, 25


@dataclass(frozen=True, eq=False)
class Liquid:
    """``size`` neurons, the excitatory ones first, and synapses as (pre, post) pairs from ``E``, ``I`` and ``input``.

    ``signs`` are those of the first weights.
    """

    size: int
    pairs: dict[str, np.ndarray]
    signs: dict[str, np.ndarray]


def liquid(seed: int, inputs: int, grid: tuple[int, int, int]) -> Liquid:
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


def _cells(net: Network, shown: np.ndarray, show_ms: int, size: int) -> list[Population]:
    """Inputs, which are ``shown`` rates (n, inputs), each for ``show_ms``, and ``size`` neurons that rest in between.

    A threshold that leaps at a spike, and after 2 steps is back but for .001, lets v move while there are no spikes.
    """
    starts = (show_ms + REST_MS) * np.arange(len(shown), dtype=float)
    rates = np.stack([shown, np.zeros_like(shown)], axis=1).reshape(2 * len(shown), -1)
    inputs = net.population("inputs", shown.shape[1], Poisson(Schedule(_times(starts, 0, show_ms), rates)))
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
    stops = starts + show_ms
    net.inject(cells, Schedule(_times(stops, 0, REST_MS - 2, REST_MS - 1), np.tile(down_and_up, len(shown))))
    return [inputs, cells]


def _times(since: np.ndarray, *after: int) -> np.ndarray:
    return np.asarray(np.add.outer(since, after)).ravel()


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


def build(drops: Liquid, rates: np.ndarray, w_astro: float | None = W_ASTRO, depression: float = BIAS) -> Network:
    """The liquid while it learns from images; A is probed. Without ``w_astro`` A is always ``depression``."""
    net = Network(name="nalsm", dt_ms=1.0, current_integration="step_average")
    inputs, cells = _cells(net, rates, LEARN_MS, drops.size)
    astrocyte: Modulator
    if w_astro is None:
        astrocyte = net.signal("A", times_ms=[0.0], values=[depression])
    else:
        each = w_astro / 100
        astrocyte = net.astrocyte("A", [cells, inputs], tau_ms=_TAU_A_MS, weight=[each, -each], bias=BIAS)
    net.probe(astrocyte, "value")
    for kind, pairs in drops.pairs.items():
        net.projection(
            kind,
            inputs if kind == "input" else cells,
            cells,
            FromList(pairs),
            weight_nA=W_MAX * drops.signs[kind],
            receptor=RECEPTORS[kind],
            learning=_rule(kind == "I", -W_MAX if kind == "input" else 0.0),
            third_factors={"A": astrocyte},
        )
    return net


def counting(drops: Liquid, rates: np.ndarray, weights: dict[str, np.ndarray]) -> Network:
    """COPIES of the liquid with ``weights``, which stay; the k-th reads images k, k + COPIES, ... (``rates``)."""
    net = Network(name="nalsm_counts", dt_ms=1.0, current_integration="step_average")
    pixels, rounds = rates.shape[1], -(-len(rates) // COPIES)
    shown = np.zeros((rounds * COPIES, pixels))
    shown[: len(rates)] = rates
    inputs, cells = _cells(net, shown.reshape(rounds, COPIES * pixels), SHOW_MS, COPIES * drops.size)
    for kind, pairs in drops.pairs.items():
        step = np.array([pixels if kind == "input" else drops.size, drops.size])
        copied = (pairs[None] + step * np.arange(COPIES)[:, None, None]).reshape(-1, 2)
        pre = inputs if kind == "input" else cells
        weight = np.tile(weights[kind], COPIES)
        net.projection(kind, pre, cells, FromList(copied), weight_nA=weight, receptor=RECEPTORS[kind])
    return net


def counted(drops: Liquid, result: Result, images: int) -> np.ndarray:
    """How often each neuron spikes at each image (images, neurons)."""
    steps, neurons = result.recording.spikes["liquid"]
    cuts = np.searchsorted(steps, (SHOW_MS + REST_MS) * np.arange(1, -(-images // COPIES)))
    of_round = [np.bincount(spiking, minlength=COPIES * drops.size) for spiking in np.split(neurons, cuts)]
    return np.concatenate(of_round).reshape(-1, drops.size)[:images]


def rasters(drops: Liquid, result: Result, images: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(ms since the image appeared, neuron) of every spike at each of the first images; at most COPIES of them."""
    steps, neurons = result.recording.spikes["liquid"]
    first = np.searchsorted(steps, SHOW_MS)
    of_copy = [neurons[:first] // drops.size == copy for copy in range(images)]
    return [(steps[:first][own], neurons[:first][own] % drops.size) for own in of_copy]


def branching_factor(drops: Liquid, spikes: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """See the module's text; mean over the images whose ``rasters`` are given. NaN where nothing spikes."""
    size, length = drops.size, SHOW_MS - 2 * _MARGIN
    connected = np.zeros((size, size), np.float32)
    for kind in ("E", "I"):
        connected[tuple(drops.pairs[kind].T)] = 1
    found = []
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
            found.append(float(np.mean((factor * at).sum(axis=0)[active] / count[active])))
    return float(np.mean(found)) if found else float("nan")


def learnt(drops: Liquid, result: Result) -> dict[str, np.ndarray]:
    """The weights in the end, by kind."""
    return {kind: np.asarray(result.recording.synapses[kind]["w"], float) for kind in drops.pairs}


def experiment(
    *,
    backend: str = "native",
    seeds: Sequence[int] = tuple(range(5)),
    progress: Callable[[float], None] = lambda fraction: None,
    data_set: str = "mnist",
    train: int = 150,
    test: int = 100,
    passes: int = 1,
    grid: tuple[int, ...] = (10, 10, 10),
    lsm_weight: float = 0.7,
    w_astro_swept: tuple[float, ...] = (0.002, 0.2),
) -> Findings:
    """All arms on the same images; seeds draw images and liquid. ``lsm_weight`` is the magnitude of ``lsm``.

    The liquid learns from every training image ``passes`` times. The branching factor is told for ``w_astro_swept``
    beside the .015 of the arm.
    """
    if len(grid) != 3 or min(grid) < 1 or np.prod(grid) < 5:
        raise InvalidModel(f"nalsm: grid must be three whole numbers with a product of at least 5, got {list(grid)}")
    if not 0 < lsm_weight <= W_MAX:
        raise InvalidModel(f"nalsm: lsm_weight must lie above 0 and not above {W_MAX:g}, got {lsm_weight}")
    if not all(w > 0 for w in w_astro_swept):
        raise InvalidModel(f"nalsm: w_astro_swept must be numbers above 0, got {list(w_astro_swept)}")
    if passes < 1:
        raise InvalidModel(f"nalsm: passes must be at least 1, got {passes}")
    found: dict[str, dict[str, list[float]]] = {arm: {} for arm in ARMS}
    plain: dict[str, list[float]] = {}
    swept: dict[float, list[float]] = {w: [] for w in sorted({*w_astro_swept, W_ASTRO})}
    for n, seed in enumerate(seeds):
        trial = _Trial(data_set, split(data_set, train, test, seed), passes, seed, (grid[0], grid[1], grid[2]), backend)
        for name, score in baselines(trial.data).items():
            plain.setdefault(name, []).append(score)
        nalsm = trial.taught(w_astro=W_ASTRO)
        weights = {
            "nalsm": nalsm,
            "fixed": trial.taught(w_astro=None, depression=nalsm[1]),
            "stdp": trial.taught(w_astro=None, depression=BIAS),
            "lsm": ({k: lsm_weight * s for k, s in trial.drops.signs.items()}, None),
        }
        for k, arm in enumerate(ARMS):
            for measure, value in trial.measured(*weights[arm]).items():
                found[arm].setdefault(measure, []).append(value)
            progress((n + (k + 1) / (len(ARMS) + len(swept))) / len(seeds))
        for k, w in enumerate(swept):
            known = found["nalsm"]["branching"][-1]
            swept[w].append(known if w == W_ASTRO else trial.branching(trial.taught(w_astro=w)[0]))
            progress((n + (k + 1 + len(ARMS)) / (len(ARMS) + len(swept))) / len(seeds))
    return _findings(found, plain, swept, {"data_set": data_set, "train": train, "test": test, "passes": passes})


def measured(results: dict[str, Any]) -> str:
    """A line for the table of published systems."""
    setting = results["setting"]
    arms = ", ".join(f"{a} {100 * of['accuracy']['mean']:.1f}" for a, of in results["arms"].items())
    gains = {other: results["gain_points"][f"nalsm over {other}"] for other in ("stdp", "lsm")}
    over = ", ".join(
        f"over {other} {gain['mean']:.1f} ± {gain['ci95'] or 0:.1f} points" for other, gain in gains.items()
    )
    plain = ", ".join(f"{name} {100 * of['mean']:.1f}" for name, of in results["baselines"].items())
    (low, first), *_, (high, last) = results["branching_by_w_astro"].items()
    return (
        f"{setting['train']} images of {setting['data_set']}: {arms} % (pixels: {plain} %); nalsm {over}; branching "
        f"factor {first['mean']:.2f} to {last['mean']:.2f} as w_astro goes {low} to {high}"
    )


class _Trial:
    """One seed: images, a liquid, and what is done with them."""

    def __init__(
        self, data_set: str, data: Split, passes: int, seed: int, grid: tuple[int, int, int], backend: str
    ) -> None:
        images, _ = load(data_set)
        highest = float(np.max(images / images.sum(axis=1, keepdims=True)))
        self.data, self.passes, self.seed, self.backend = data, passes, seed, backend
        self.train, self.test = (input_rates_hz(images, highest) for images in (data.train, data.test))
        bright = self.train.any(axis=0) | self.test.any(axis=0)  # an input of a pixel that is always dark does nothing
        self.train, self.test = self.train[:, bright], self.test[:, bright]
        self.drops = liquid(seed, int(bright.sum()), grid)

    def taught(self, **how: Any) -> tuple[dict[str, np.ndarray], float]:
        """The weights after learning from the training images, and the mean of A while one was shown."""
        rates = np.tile(self.train, (self.passes, 1))
        duration = (LEARN_MS + REST_MS) * len(rates)
        result = run(build(self.drops, rates, **how), duration_ms=duration, seed=self.seed, backend=self.backend)
        A = result.signal("A", "value")[1]
        shown = np.arange(len(A)) % (LEARN_MS + REST_MS) < LEARN_MS
        return learnt(self.drops, result), float(A[shown].mean())

    def shown(self, rates: np.ndarray, weights: dict[str, np.ndarray], start: int = 0) -> tuple[int, Result]:
        """How many images from ``start`` on fit into a run, and the run in which the liquid reads them."""
        some = rates[start : start + ROUNDS * COPIES]
        duration = (SHOW_MS + REST_MS) * -(-len(some) // COPIES)
        net, seed = counting(self.drops, some, weights), self.seed + start
        return len(some), run(net, duration_ms=duration, seed=seed, backend=self.backend)

    def branching(self, weights: dict[str, np.ndarray]) -> float:
        """Branching factor on the first test images."""
        n, result = self.shown(self.test[:COPIES], weights)
        return branching_factor(self.drops, rasters(self.drops, result, n))

    def measured(self, weights: dict[str, np.ndarray], A: float | None) -> dict[str, float]:
        """Everything about one arm, whose mean A was given; None: it has none."""
        rates, n = np.concatenate([self.test, self.train]), len(self.test)
        counts, branching = np.zeros((len(rates), self.drops.size), int), float("nan")
        for start in range(0, len(rates), ROUNDS * COPIES):
            some, result = self.shown(rates, weights, start)
            counts[start : start + some] = counted(self.drops, result, some)
            if start == 0:
                branching = branching_factor(self.drops, rasters(self.drops, result, min(n, COPIES)))
        return {
            "accuracy": linear_readout(counts[n:], self.data.train_labels, counts[:n], self.data.test_labels),
            "rate_hz": float(counts.mean()) * 1000 / SHOW_MS,
            "branching": branching,
            **({} if A is None else {"A": A}),
        }


def _findings(
    found: dict[str, dict[str, list[float]]],
    plain: dict[str, list[float]],
    swept: dict[float, list[float]],
    setting: dict[str, Any],
) -> Findings:
    arms = {arm: {m: Estimate.of(v) for m, v in measures.items()} for arm, measures in found.items()}
    beside = {name: Estimate.of(values) for name, values in plain.items()}
    branching = {f"{w:g}": Estimate.of(values) for w, values in swept.items()}

    def against(other: str) -> Estimate:
        pairs = zip(found["nalsm"]["accuracy"], found[other]["accuracy"], strict=True)
        return Estimate.of([100 * (a - b) for a, b in pairs])

    gains = {f"nalsm over {other}": against(other) for other in ARMS[:-1]}
    rows = []
    for arm, of in arms.items():
        A = "-" if arm == "lsm" else str(of["A"])
        rows.append(
            [arm, str(of["accuracy"]), f"{PUBLISHED_ACCURACY[arm]:g}", str(of["rate_hz"]), str(of["branching"]), A]
        )
    rows += [[f"{name} on pixels", str(e), "-", "-", "-", "-"] for name, e in beside.items()]
    notes = ["mean ± 95 % interval over seeds; published: all of MNIST"]
    notes += [f"{name}: {gain} points" for name, gain in gains.items()]
    notes.append("branching factor by w_astro: " + ", ".join(f"{w}: {e}" for w, e in branching.items()))
    results = {
        "setting": setting,
        "arms": {
            arm: {m: e.to_json() for m, e in of.items()} | {"published_accuracy": PUBLISHED_ACCURACY[arm]}
            for arm, of in arms.items()
        },
        "baselines": {name: e.to_json() for name, e in beside.items()},
        "gain_points": {name: e.to_json() for name, e in gains.items()},
        "branching_by_w_astro": {w: e.to_json() for w, e in branching.items()},
    }
    pictures = [
        charts.bars(
            [*arms, *(f"{name} on pixels" for name in beside)],
            {"accuracy": [*(of["accuracy"] for of in arms.values()), *beside.values()]},
            title="Accuracy",
            x_label="accuracy",
            references={"accuracy": [*(PUBLISHED_ACCURACY[arm] for arm in arms), *(None for _ in beside)]},
        ),
        charts.line(
            list(swept),
            {"branching factor": list(branching.values())},
            title="The astrocyte sets how far activity branches",
            x_label="w_astro",
            y_label="branching factor",
            log_x=True,
        ),
    ]
    heads = ["arm", "accuracy", "published", "rate (Hz)", "branching factor", "mean A"]
    return Findings(results, heads, rows, notes, pictures)
