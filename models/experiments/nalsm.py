"""A liquid learns from images, by fixed rules and under an astrocyte; a linear classifier reads it.

Arms: ``lsm`` (fixed weights of magnitude .7: on seeds 100 and 101, with 1,000 images, none of .5, .6, .85, 1 and 1.4
did better), ``stdp`` (A = .15), ``fixed`` (A as it is on average in ``nalsm``) and ``nalsm``; the last three begin with
magnitudes of 3, as their program does. Published at 1,000 neurons on all of MNIST: 95.30, 89.46, 95.49 and 95.96 %.

Branching factor: see ``ernsnn.models.nalsm.branching_factor``. Published: from 1.42 to .89 as w_astro goes from .002
to .2.

Different here: MNIST-5k, hence fewer images to learn from. A runs on from image to image, as its equation says; their
program puts it back to .15 every 20 ms. Images are read with weights that stay; in their program each also changes the
weights that it is read with, ever less over 100 ms, and leaves no trace of it. Simulated apart (seed 100, 600 images)
the branching factor goes from 1.37 to .92 if both are as theirs, from 1.40 to 1.14 if only A is put back, and from 1.28
to .98 as here. Their program draws tau_u from the whole numbers from 1 to below 2, so that it is 1 step throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.result import Result, run
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars, Line, Picture

from .. import nalsm
from ..images import Split, baselines, linear_readout, load, split
from ..nalsm import (
    BIAS,
    COPIES,
    LEARN_MS,
    REST_MS,
    ROUNDS,
    SHOW_MS,
    W_ASTRO,
    W_MAX,
    branching_factor,
    build,
    counted,
    counting,
    draw_liquid,
    images_to_count,
    images_to_learn,
    input_rates_hz,
    learnt,
    rasters,
)

ARMS = ("lsm", "stdp", "fixed", "nalsm")
PUBLISHED_ACCURACY = {"lsm": 0.9530, "stdp": 0.8946, "fixed": 0.9549, "nalsm": 0.9596}


def experiment(
    repeats: Repeats,
    *,
    data_set: str = "mnist",
    train: int = 150,
    test: int = 100,
    passes: int = 1,
    grid: tuple[int, ...] = (10, 10, 10),
    lsm_weight: float = 0.7,
    w_astro_swept: tuple[float, ...] = (0.002, 0.2),
) -> Findings:
    """All arms on the same images; seeds draw images and liquid. ``lsm_weight`` is the magnitude of ``lsm``.

    The liquid learns from every training image ``passes`` times. The branching factor is measured for ``w_astro_swept``
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
    by_arm: dict[str, dict[str, list[float]]] = {arm: {} for arm in ARMS}
    plain: dict[str, list[float]] = {}
    swept: dict[float, list[float]] = {w: [] for w in sorted({*w_astro_swept, W_ASTRO})}
    places, seeds = (grid[0], grid[1], grid[2]), repeats.seeds
    for n, seed in enumerate(seeds):
        trial = _Trial(data_set, split(data_set, train, test, seed), passes, seed, places, repeats.backend)
        for name, score in baselines(trial.data).items():
            plain.setdefault(name, []).append(score)
        with_astrocyte = trial.taught(w_astro=W_ASTRO)
        weights = {
            "nalsm": with_astrocyte,
            "fixed": trial.taught(w_astro=None, depression=with_astrocyte[1]),
            "stdp": trial.taught(w_astro=None, depression=BIAS),
            "lsm": ({k: lsm_weight * s for k, s in trial.liquid.signs.items()}, None),
        }
        for k, arm in enumerate(ARMS):
            for measure, value in trial.measured(*weights[arm]).items():
                by_arm[arm].setdefault(measure, []).append(value)
            repeats.progress((n + (k + 1) / (len(ARMS) + len(swept))) / len(seeds))
        for k, w in enumerate(swept):
            known = by_arm["nalsm"]["branching"][-1]
            swept[w].append(known if w == W_ASTRO else trial.branching(trial.taught(w_astro=w)[0]))
            repeats.progress((n + (k + 1 + len(ARMS)) / (len(ARMS) + len(swept))) / len(seeds))
    return _findings(by_arm, plain, swept, {"data_set": data_set, "train": train, "test": test, "passes": passes})


def measured(results: Mapping[str, Any]) -> str:
    """A line for the table of published systems."""
    setting = results["setting"]
    arms = ", ".join(f"{a} {100 * of['accuracy']['mean']:.1f}" for a, of in results["arms"].items())
    gains = {other: results["gain_points"][f"nalsm over {other}"] for other in ("stdp", "lsm")}
    over = ", ".join(f"over {other} {Estimate.from_json(gain):.1f} points" for other, gain in gains.items())
    plain = ", ".join(f"{name} {100 * of['mean']:.1f}" for name, of in results["baselines"].items())
    (low, first), *_, (high, last) = results["branching_by_w_astro"].items()
    return (
        f"{setting['train']} images of {setting['data_set']}: {arms} % (pixels: {plain} %); nalsm {over}; branching "
        f"factor {first['mean']:.2f} to {last['mean']:.2f} as w_astro goes {low} to {high}"
    )


class _Trial:
    """One seed: its images, its liquid, and the runs of it."""

    def __init__(
        self, data_set: str, data: Split, passes: int, seed: int, grid: tuple[int, int, int], backend: str
    ) -> None:
        images, _ = load(data_set)
        highest = float(np.max(images / images.sum(axis=1, keepdims=True)))
        self.data, self.passes, self.seed, self.backend = data, passes, seed, backend
        self.train, self.test = (input_rates_hz(images, highest) for images in (data.train, data.test))
        bright = self.train.any(axis=0) | self.test.any(axis=0)  # an input of a pixel that is always dark does nothing
        self.train, self.test = self.train[:, bright], self.test[:, bright]
        self.liquid = draw_liquid(seed, int(bright.sum()), grid)

    def taught(self, **how: Any) -> tuple[dict[str, np.ndarray], float]:
        """The weights after learning from the training images, and the mean of A while one was shown."""
        images = images_to_learn(np.tile(self.train, (self.passes, 1)))
        result = run(build(self.liquid, images, **how), trials=images, seed=self.seed, backend=self.backend)
        A = result.signal("A", "value")[1]
        shown = np.arange(len(A)) % (LEARN_MS + REST_MS) < LEARN_MS
        return learnt(self.liquid, result), float(A[shown].mean())

    def shown(self, rates: np.ndarray, weights: dict[str, np.ndarray], start: int = 0) -> tuple[int, Result]:
        """(the number of images from ``start`` on that fit into a run, the run in which the liquid reads them)."""
        some = rates[start : start + ROUNDS * COPIES]
        images = images_to_count(some)
        net, seed = counting(self.liquid, images, weights), self.seed + start
        return len(some), run(net, trials=images, seed=seed, backend=self.backend)

    def branching(self, weights: dict[str, np.ndarray]) -> float:
        """Branching factor on the first test images."""
        n, result = self.shown(self.test[:COPIES], weights)
        return branching_factor(self.liquid, rasters(self.liquid, result, n))

    def measured(self, weights: dict[str, np.ndarray], A: float | None) -> dict[str, float]:
        """All measures of one arm with this mean of A; None: it has none."""
        rates, n = np.concatenate([self.test, self.train]), len(self.test)
        counts, branching = np.zeros((len(rates), self.liquid.size), int), float("nan")
        for start in range(0, len(rates), ROUNDS * COPIES):
            some, result = self.shown(rates, weights, start)
            counts[start : start + some] = counted(self.liquid, result, some)
            if start == 0:
                branching = branching_factor(self.liquid, rasters(self.liquid, result, min(n, COPIES)))
        return {
            "accuracy": linear_readout(counts[n:], self.data.train_labels, counts[:n], self.data.test_labels),
            "rate_hz": float(counts.mean()) * 1000 / SHOW_MS,
            "branching": branching,
            **({} if A is None else {"A": A}),
        }


def _findings(
    by_arm: dict[str, dict[str, list[float]]],
    plain: dict[str, list[float]],
    swept: dict[float, list[float]],
    setting: dict[str, Any],
) -> Findings:
    arms = {arm: Estimate.of_each(measures) for arm, measures in by_arm.items()}
    beside = Estimate.of_each(plain)
    branching = Estimate.of_each({f"{w:g}": values for w, values in swept.items()})

    def against(other: str) -> Estimate:
        pairs = zip(by_arm["nalsm"]["accuracy"], by_arm[other]["accuracy"], strict=True)
        return Estimate.of([100 * (a - b) for a, b in pairs])

    gains = {f"nalsm over {other}": against(other) for other in ARMS[:-1]}
    rows: list[list[object]] = [
        [arm, of["accuracy"], f"{PUBLISHED_ACCURACY[arm]:g}", of["rate_hz"], of["branching"], of.get("A", "-")]
        for arm, of in arms.items()
    ]
    rows += [[f"{name} on pixels", e, "-", "-", "-", "-"] for name, e in beside.items()]
    notes = [f"{INTERVAL}; published: all of MNIST"]
    notes += [f"{name}: {gain} points" for name, gain in gains.items()]
    notes.append("branching factor by w_astro: " + ", ".join(f"{w}: {e}" for w, e in branching.items()))
    results = {
        "setting": setting,
        "arms": {arm: {**of, "published_accuracy": PUBLISHED_ACCURACY[arm]} for arm, of in arms.items()},
        "baselines": beside,
        "gain_points": gains,
        "branching_by_w_astro": branching,
    }
    pictures: list[Picture] = [
        Bars(
            [*arms, *(f"{name} on pixels" for name in beside)],
            {"accuracy": [*(of["accuracy"] for of in arms.values()), *beside.values()]},
            title="Accuracy",
            x_label="accuracy",
            references={"accuracy": [*(PUBLISHED_ACCURACY[arm] for arm in arms), *(None for _ in beside)]},
        ),
        Line(
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


EXPERIMENT = Experiment(
    name="nalsm",
    title="A liquid whose plasticity an astrocyte keeps at the edge of chaos",
    about=f"{nalsm.__doc__}\n{__doc__}",
    source="Ivanov and Michmizos 2021, NeurIPS 34",
    published="MNIST: LSM 95.30, STDP 89.46, fixed 95.49, NALSM 95.96 %; branching factor 1.42 to .89",
    measured=measured,
    settings={"full": {"train": 2000, "test": 1000}},
    backend="native",
    run=experiment,
)
