"""Digits are fitted once, and the network then runs on several backends, beside plain classifiers on the same split.

A tenth of the training images chooses the epoch. ``shifted``: the share of a backend's spikes in whose step that neuron
does not spike on the first one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ernsnn.backend.registry import get_backend
from ernsnn.errors import InvalidModel
from ernsnn.graph.lower import lower
from ernsnn.learn.fitting import fit
from ernsnn.learn.losses import most_spikes, spikes
from ernsnn.learn.surrogates import FastSigmoid
from ernsnn.result import Result, run
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars, Matrix, Picture

from .. import digits
from ..digits import build, trials
from ..images import CLASSES, Split, baselines, split

_ALL = (1437, 360)
_CHIP = "Loihi"
_LAYERS = ("hidden", "out")
_HEADS = {
    "accuracy": "accuracy",
    "spikes": "spikes an image",
    "operations": "synaptic operations an image",
    "low_uJ": f"uJ an image on {_CHIP}, at least",
    "high_uJ": "at most",
    "shifted": "spikes shifted",
}


def experiment(
    repeats: Repeats,
    *,
    train: int = 600,
    test: int = 150,
    hidden: int = 100,
    epochs: int = 12,
    sparsity: float = 1e-4,
    backends: tuple[str, ...] = ("loihi-emulator",),
) -> Findings:
    """Fit ``train`` images for ``epochs``, then run ``test`` others; seeds draw the split, the weights and the order.

    ``sparsity`` is the loss of one spike of the ``hidden`` neurons. train=0 and test=0 take all 1437 and 360 images.
    """
    if hidden < 1 or epochs < 1 or sparsity < 0:
        raise InvalidModel(
            f"digits: needs hidden and epochs >= 1 and sparsity >= 0, got {hidden}, {epochs} and {sparsity}"
        )
    train, test = train or _ALL[0], test or _ALL[1]
    by_backend: dict[str, list[dict[str, Any]]] = {name: [] for name in dict.fromkeys((repeats.backend, *backends))}
    notes: list[str] = []
    plain: list[dict[str, float]] = []
    for seed in repeats:
        data = split("digits", train, test, seed)
        plain.append(baselines(data))
        fitted = _fitted(data, hidden, epochs, sparsity, seed)
        shown, first = trials(data.test, data.test_labels), None
        for name, of in by_backend.items():
            backend = get_backend(name)
            refused = backend.missing() or next(iter(backend.check(lower(fitted, seed, shown)).errors), None)
            if refused is not None:
                notes += [f"{name}: not run: {refused}"] if seed == repeats.seeds[0] else []
                continue
            result = run(fitted, trials=shown, seed=seed, backend=name)
            first = first or result
            of.append(_read(result, first))
    setting = {"train": train, "test": test, "hidden": hidden, "epochs": epochs, "sparsity": sparsity}
    return _findings({name: of for name, of in by_backend.items() if of}, plain, setting, notes)


def _fitted(data: Split, hidden: int, epochs: int, sparsity: float, seed: int) -> Any:
    """The network that is fitted to nine tenths of the training images, of the epoch that is best on the last tenth."""
    kept = len(data.train) * 9 // 10
    learnt = trials(data.train[:kept], data.train_labels[:kept])
    return fit(
        build(learnt, hidden),
        learnt,
        learn=["see.w", "tell.w"],
        loss=most_spikes("out", per_spike=0.3) + sparsity * spikes("hidden"),
        surrogate=FastSigmoid(slope_per_mV=1.0),
        epochs=epochs,
        batch=32,
        validation=trials(data.train[kept:], data.train_labels[kept:]),
        learning_rate=0.05,
        seed=seed,
    ).network


def _read(result: Result, first: Result) -> dict[str, Any]:
    """What one run has to show."""
    shown = result.trials
    assert shown is not None
    assert shown.labels is not None
    n, labels = shown.n, shown.labels
    answers = result.counts("out").argmax(axis=1)
    energy = result.energy(_CHIP)
    low, high = energy.band(_CHIP) or (float("nan"), float("nan"))
    confusion = np.zeros((CLASSES, CLASSES))
    np.add.at(confusion, (labels, answers), 1.0)
    here, there = _places(result), _places(first)
    return {
        "accuracy": float(np.mean(answers == labels)),
        "spikes": len(here) / n,
        "operations": energy.totals["synaptic_operation"] / n,
        "low_uJ": 1e6 * low / n,
        "high_uJ": 1e6 * high / n,
        "shifted": len(here - there) / max(len(here), 1),
        "confusion": confusion / np.maximum(np.bincount(labels, minlength=CLASSES), 1)[:, None],
    }


def _places(result: Result) -> set[tuple[str, int, int]]:
    """(population, step, neuron) of all spikes but those that are given."""
    return {
        (name, step, neuron)
        for name in _LAYERS
        for step, neuron in zip(*(each.tolist() for each in result.recording.spikes[name]), strict=True)
    }


def measured(results: Mapping[str, Any]) -> str:
    """A line for the table of published systems."""
    plain = ", ".join(f"{name} {100 * of['mean']:.1f}" for name, of in results["baselines"].items())
    of = ", ".join(
        f"{name} {100 * each['accuracy']['mean']:.1f}" for name, each in results.items() if name not in _BESIDES
    )
    return "{train} images, {hidden} hidden: ".format(**results["setting"]) + f"{of} % (pixels: {plain} %)"


_BESIDES = ("setting", "baselines", "confusion")


def _findings(
    by_backend: Mapping[str, Sequence[Mapping[str, Any]]],
    plain: Sequence[Mapping[str, float]],
    setting: Mapping[str, Any],
    notes: Sequence[str],
) -> Findings:
    baseline = Estimate.of_runs(plain)
    of = {name: {key: Estimate.of([r[key] for r in runs]) for key in _HEADS} for name, runs in by_backend.items()}
    confusion = np.mean([r["confusion"] for r in next(iter(by_backend.values()))], axis=0)
    rows = [[name, *each.values()] for name, each in of.items()]
    rows += [[f"{name} on pixels", estimate, *"-" * (len(_HEADS) - 1)] for name, estimate in baseline.items()]
    said = (
        f"{INTERVAL}; {{train}} images fitted for {{epochs}} epochs, a tenth of them to choose the epoch, {{test}} "
        "classified, {hidden} hidden neurons".format(**setting)
    )
    groups = [*of, *baseline]
    pictures: list[Picture] = [
        Bars(
            groups,
            {"accuracy": [*(each["accuracy"] for each in of.values()), *baseline.values()]},
            title="Accuracy on each backend and of plain classifiers",
            x_label="share of test images classified right",
        ),
        Matrix(
            confusion,
            title="Answers to each digit",
            x_label="digit answered",
            y_label="digit shown",
            limits=(0.0, 1.0),
            note="Share of the images of the digit, mean over seeds, on the first backend.",
        ),
    ]
    results = {"setting": dict(setting), "baselines": baseline, **of, "confusion": np.round(confusion, 4).tolist()}
    return Findings(results, ["backend", *_HEADS.values()], rows, [said, *notes], pictures)


EXPERIMENT = Experiment(
    name="digits",
    title="Digits fitted by surrogate gradients, and what several backends make of the network",
    about=f"{digits.__doc__}\n{__doc__}",
    source="of this package; surrogate gradients: Neftci et al. 2019, IEEE Signal Process. Mag. 36:51",
    measured=measured,
    settings={
        "full": {
            "train": 0,
            "test": 0,
            "hidden": 200,
            "epochs": 18,
            "backends": ("reference", "brian2", "torch", "loihi-emulator"),
        }
    },
    backend="native",
    run=experiment,
)
