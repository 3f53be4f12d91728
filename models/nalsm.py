r"""Experiment ``nalsm``: a liquid whose plasticity an astrocyte keeps at the edge of chaos.

Ivanov and Michmizos (2021, NeurIPS 34), with the numbers of their published program where the paper has none. Steps of
1 ms; 1,000 neurons on a 10 x 10 x 10 grid, 80 % excitatory; two neurons at distance D are connected with probability
C exp(-(D/3)^2), C = .2 (E to E), .1 (E to I), .3 (I to E), .05 (I to I); each input reaches each neuron with .15:

    u = u e^(-1/tau_u) + weights,  v = v - v/64 + u,  spike at 20, reset 0, refractory 2;  tau_u 1 or 2 at random
    post: w += .15 x,  pre: w -= A y;  inhibitory synapses the other way round;  x, y: tau 10 ms, increment .1
    A += (w_astro (liquid spikes - input spikes) + .15 - A)/100

with weights of excitatory synapses from 0 to 3, of inhibitory ones from -3 to 0, of inputs (half of them negative at
first) from -3 to 3. Images are Poisson: the probability of a spike in a step is the pixel over the sum of the image,
scaled so that the highest of all is 1, and inputs are refractory for 2 steps. The liquid first learns from the training
images, 20 ms each; then weights stay, every image is shown for 250 ms, and a linear classifier reads spike counts.

Arms: ``lsm`` (fixed weights of magnitude 1: on seed 100, with 240 images, neither .5 nor 1.5 did better), ``stdp``
(A = .15), ``fixed`` (A as it is on average in ``nalsm``) and ``nalsm``; the last three begin with magnitudes of 3, as
their program does. Published at 1,000 neurons on all of MNIST: 95.30, 89.46, 95.49 and 95.96 %.

Branching factor, as theirs: at each spike, the spikes of the neuron's targets in the next 4 ms over those of its
sources in the last 4 (at least 1); mean over a neuron's spikes, then over neurons; from 25 ms after an image's start to
25 ms before its end. Published: from 1.42 to .89 as w_astro goes from .002 to .2.

Different here: MNIST-5k, hence fewer images to learn from; no learning while images are read (there it fades within
100 ms); between images the liquid is not reset, but has ``pause_ms`` without input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.analyse.result import Result
from ernsnn.describe.astrocytes import Modulator
from ernsnn.describe.connectors import FromList
from ernsnn.describe.learning import LearningRule, Trace
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF
from ernsnn.describe.populations import Population
from ernsnn.describe.projections import Receptor
from ernsnn.describe.stimuli import Poisson, Schedule
from ernsnn.errors import InvalidModel
from ernsnn.execution.experiments import Estimate, Findings
from ernsnn.execution.simulate import run
from ernsnn.report import charts

from .images import Split, baselines, linear_readout, split

SOURCE = "Ivanov and Michmizos 2021, NeurIPS 34"
ARMS = ("lsm", "stdp", "fixed", "nalsm")
PUBLISHED = "MNIST: LSM 95.30, STDP 89.46, fixed 95.49, NALSM 95.96 %; branching factor 1.42 to .89"
PUBLISHED_ACCURACY = {"lsm": 0.9530, "stdp": 0.8946, "fixed": 0.9549, "nalsm": 0.9596}
W_ASTRO, BIAS, POTENTIATION, W_MAX = 0.015, 0.15, 0.15, 3.0
C = np.array([[0.2, 0.1], [0.3, 0.05]])
"""From excitatory (first) and inhibitory neurons, to either."""
RECEPTORS: dict[str, Receptor] = {"E": "excitatory", "I": "inhibitory", "input": "signed"}
COPIES = 10
"""So many copies of a liquid, side by side, read images at once: ten times fewer steps."""
LEARN_MS, SHOW_MS = 20, 250
_TAU_M_MS = -1 / np.log(1 - 1 / 64)
_TAU_A_MS = -1 / np.log(1 - 1 / 100)
_WINDOW, _MARGIN, _BRANCHING_IMAGES = 4, 25, 20


@dataclass(frozen=True, eq=False)
class Liquid:
    """Synapses as (pre, post) pairs from ``E``, ``I`` and ``input``, the signs of their first weights, and tau_u."""

    tau_u_ms: np.ndarray
    pairs: dict[str, np.ndarray]
    signs: dict[str, np.ndarray]

    @property
    def size(self) -> int:
        """How many neurons it has, the excitatory ones first."""
        return len(self.tau_u_ms)


def liquid(seed: int, inputs: int, grid: tuple[int, int, int]) -> Liquid:
    """A liquid drawn by ``seed``; see the module's text."""
    rng = np.random.default_rng(seed)
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
    return Liquid(rng.integers(1, 3, size).astype(float), listed, signs)


def input_rates_hz(images: np.ndarray, highest: float) -> np.ndarray:
    """Rates of Poisson inputs (n, pixels): p = pixel/sum/``highest``; with 2 steps of refractoriness p/(1 + 2 p)."""
    p = np.minimum(images / images.sum(axis=1, keepdims=True) / highest, 1.0)
    return np.asarray(1000 * p / (1 + 2 * p))


def _cells(net: Network, tau_u_ms: np.ndarray, times_ms: np.ndarray, rates: np.ndarray) -> list[Population]:
    """Inputs with ``rates`` from ``times_ms`` on, and neurons that a weight of 1 moves by 1 in the step after it."""
    inputs = net.population("inputs", rates.shape[1], Poisson(Schedule(times_ms, rates)))
    capacity = _TAU_M_MS * tau_u_ms / (tau_u_ms - _TAU_M_MS) * (np.exp(-1 / tau_u_ms) - (1 - 1 / 64))
    cell = LIF(
        cm_nF=capacity,
        tau_m_ms=_TAU_M_MS,
        tau_syn_E_ms=tau_u_ms,
        tau_syn_I_ms=tau_u_ms,
        tau_refrac_ms=2.0,
        v_rest_mV=0.0,
        v_reset_mV=0.0,
        v_threshold_mV=20.0,
    )
    return [inputs, net.population("liquid", len(tau_u_ms), cell)]


def _rule(inhibitory: bool, low: float) -> LearningRule:
    """STDP whose depression rate is the third factor A; of inhibitory synapses the magnitude learns."""
    up, down = f"{POTENTIATION} * {{}}", "A * {}"
    post, pre = (down, up) if inhibitory else (up, down)
    return LearningRule.from_equations(
        traces={"x": Trace("pre", 10.0, 0.1), "y": Trace("post", 10.0, 0.1)},
        on_post={"w": post.format("x")},
        on_pre={"w": "-" + pre.format("y")},
        bounds={"w": (low, W_MAX)},
        third_factors=["A"],
    )


def build(
    drops: Liquid, images: np.ndarray, highest: float, w_astro: float | None = W_ASTRO, depression: float = BIAS
) -> Network:
    """The liquid while it learns from ``images``; A is probed. Without ``w_astro`` A is always ``depression``."""
    net = Network(name="nalsm", dt_ms=1.0)
    times = LEARN_MS * np.arange(len(images), dtype=float)
    inputs, cells = _cells(net, drops.tau_u_ms, times, input_rates_hz(images, highest))
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


def counting(drops: Liquid, rates: np.ndarray, weights: dict[str, np.ndarray], pause_ms: float) -> Network:
    """COPIES of the liquid with ``weights``, which stay; the k-th reads images k, k + COPIES, ... (``rates``)."""
    net = Network(name="nalsm_counts", dt_ms=1.0)
    pixels, rounds = rates.shape[1], -(-len(rates) // COPIES)
    shown = np.zeros((rounds * COPIES, pixels))
    shown[: len(rates)] = rates
    shown = shown.reshape(rounds, COPIES * pixels)
    times = np.add.outer((SHOW_MS + pause_ms) * np.arange(rounds), [0.0, SHOW_MS]).ravel()
    values = np.stack([shown, np.zeros_like(shown)], axis=1).reshape(2 * rounds, -1)
    inputs, cells = _cells(net, np.tile(drops.tau_u_ms, COPIES), times, values)
    for kind, pairs in drops.pairs.items():
        step = np.array([pixels if kind == "input" else drops.size, drops.size])
        copied = (pairs[None] + step * np.arange(COPIES)[:, None, None]).reshape(-1, 2)
        pre = inputs if kind == "input" else cells
        weight = np.tile(weights[kind], COPIES)
        net.projection(kind, pre, cells, FromList(copied), weight_nA=weight, receptor=RECEPTORS[kind])
    return net


def rasters(drops: Liquid, result: Result, images: int, pause_ms: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """(ms since the image appeared, neuron) of every spike while an image is shown, image by image."""
    steps, neurons = result.recording.spikes["liquid"]
    period = round(SHOW_MS + pause_ms)
    image, within = steps // period * COPIES + neurons // drops.size, steps % period
    shown = np.flatnonzero((within < SHOW_MS) & (image < images))
    shown = shown[np.argsort(image[shown], kind="stable")]
    cuts = np.searchsorted(image[shown], np.arange(1, images))
    pairs = zip(np.split(within[shown], cuts), np.split(neurons[shown] % drops.size, cuts), strict=True)
    return list(pairs)


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
    grid: tuple[int, ...] = (10, 10, 10),
    lsm_weight: float = 1.0,
    pause_ms: float = 30.0,
    w_astro_swept: tuple[float, ...] = (0.002, 0.2),
) -> Findings:
    """All arms on the same images; seeds draw images and liquid. ``lsm_weight`` is the magnitude of ``lsm``.

    The branching factor is told for ``w_astro_swept`` beside the .015 of the arm. A minute or two a seed; full setting:
    train=2000, test=1000.
    """
    if len(grid) != 3 or min(grid) < 1 or np.prod(grid) < 5:
        raise InvalidModel(f"nalsm: grid must be three whole numbers with a product of at least 5, got {list(grid)}")
    found: dict[str, dict[str, list[float]]] = {arm: {} for arm in ARMS}
    plain: dict[str, list[float]] = {}
    swept: dict[float, list[float]] = {w: [] for w in sorted({*w_astro_swept, W_ASTRO})}
    for n, seed in enumerate(seeds):
        trial = _Trial(split(data_set, train, test, seed), seed, (grid[0], grid[1], grid[2]), backend, pause_ms)
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
    return _findings(found, plain, swept, {"data_set": data_set, "train": train, "test": test})


def measured(results: dict[str, Any]) -> str:
    """A line for the table of published systems."""
    setting = results["setting"]
    arms = ", ".join(f"{a} {100 * of['accuracy']['mean']:.1f}" for a, of in results["arms"].items())
    gain = results["gain_points"]["nalsm over stdp"]
    branching = [e["mean"] for e in results["branching_by_w_astro"].values()]
    return (
        f"{setting['train']} images of {setting['data_set']}: {arms} %; "
        f"nalsm over stdp {gain['mean']:.1f} ± {gain['ci95'] or 0:.1f} points; "
        f"branching factor {branching[0]:.2f} to {branching[-1]:.2f}"
    )


class _Trial:
    """One seed: images, a liquid, and what is done with them."""

    def __init__(self, data: Split, seed: int, grid: tuple[int, int, int], backend: str, pause_ms: float) -> None:
        self.data, self.seed, self.backend, self.pause_ms = data, seed, backend, pause_ms
        self.drops = liquid(seed, data.train.shape[1], grid)
        self.highest = float(np.max(data.train / data.train.sum(axis=1, keepdims=True)))

    def taught(self, **how: Any) -> tuple[dict[str, np.ndarray], float]:
        """The weights after learning from the training images, and the mean of A."""
        net = build(self.drops, self.data.train, self.highest, **how)
        result = run(net, duration_ms=LEARN_MS * len(self.data.train), seed=self.seed, backend=self.backend)
        return learnt(self.drops, result), float(result.signal("A", "value")[1].mean())

    def shown(self, images: np.ndarray, weights: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        """The liquid's answers to images."""
        net = counting(self.drops, input_rates_hz(images, self.highest), weights, self.pause_ms)
        duration = (SHOW_MS + self.pause_ms) * -(-len(images) // COPIES)
        result = run(net, duration_ms=duration, seed=self.seed, backend=self.backend)
        return rasters(self.drops, result, len(images), self.pause_ms)

    def branching(self, weights: dict[str, np.ndarray]) -> float:
        """Branching factor on the first test images."""
        return branching_factor(self.drops, self.shown(self.data.test[:_BRANCHING_IMAGES], weights))

    def measured(self, weights: dict[str, np.ndarray], A: float | None) -> dict[str, float]:
        """Everything about one arm, whose mean A was given; None: it has none."""
        spikes = self.shown(np.concatenate([self.data.test, self.data.train]), weights)
        counts = np.array([np.bincount(neurons, minlength=self.drops.size) for _, neurons in spikes])
        n = len(self.data.test)
        return {
            "accuracy": linear_readout(counts[n:], self.data.train_labels, counts[:n], self.data.test_labels),
            "rate_hz": float(counts.mean()) * 1000 / SHOW_MS,
            "branching": branching_factor(self.drops, spikes[: min(n, _BRANCHING_IMAGES)]),
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
