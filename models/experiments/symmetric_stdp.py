"""Digits are learnt by symmetric STDP and classified, beside networks that lack a part, and plain classifiers.

Levels are accuracies to reach on ``digits``: .88 works, .92 is full, .95 beyond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel, unknown
from ernsnn.result import Result, run
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars, Matrix, Picture

from .. import symmetric_stdp
from ..images import CLASSES, Split, baselines, split
from ..symmetric_stdp import ARMS, build, protocol

LEVELS = {"works": 0.88, "full": 0.92, "beyond": 0.95}
"""Accuracies to reach on ``digits``."""
_COPIES = {"digits": 12, "mnist": 1}
_ALL = {"digits": (1437, 360), "mnist": (4000, 1000)}


def classified(counts: np.ndarray) -> np.ndarray:
    """The digit with the most spikes (images, digits); -1 where there is none."""
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1)


def experiment(
    repeats: Repeats,
    *,
    images: str = "digits",
    train: int = 500,
    test: int = 80,
    hidden: int = 100,
    epochs: int = 1,
    ablations: bool = True,
) -> Findings:
    """Learn ``train`` images ``epochs`` times, then classify ``test`` others; seeds draw the split, weights and spikes.

    train=0 and test=0 take all that there are: 1437 and 360 of images="digits", 4000 and 1000 of "mnist".
    """
    if hidden < CLASSES or epochs < 1:
        raise InvalidModel(f"symmetric_stdp: needs hidden >= {CLASSES} and epochs >= 1, got {hidden} and {epochs}")
    if images not in _ALL:
        raise InvalidModel(unknown("symmetric_stdp: no set of images", images, _ALL))
    train, test = train or _ALL[images][0], test or _ALL[images][1]
    arms = ARMS if ablations else {"full": ARMS["full"]}
    by_arm: dict[str, list[dict[str, Any]]] = {name: [] for name in arms}
    plain: list[dict[str, float]] = []
    for seed in repeats:
        data = split(images, train, test, seed)
        learning, tests = protocol(data, epochs, seed, _COPIES[images])
        net = build(learning, hidden, arms, seed)
        result = run(net, trials=tests, start=run(net, trials=learning, seed=seed, backend=repeats.backend))
        plain.append(baselines(data))
        for name, of in by_arm.items():
            of.append(_read(result, name, data))
    return _findings(
        by_arm, plain, {"images": images, "train": train, "test": test, "hidden": hidden, "epochs": epochs}
    )


def _read(result: Result, arm: str, data: Split) -> dict[str, Any]:
    """The accuracy of a network on the test images, and measures of its hidden layer."""
    hidden, output = (result.counts(f"{arm}.{layer}") for layer in ("hidden", "output"))
    digit = np.eye(CLASSES)[result.weights(f"{arm}.tell").argmax(axis=1)]
    answers = classified(output)
    confusion = np.zeros((CLASSES, CLASSES))
    np.add.at(confusion, (data.test_labels[answers >= 0], answers[answers >= 0]), 1.0)
    return {
        "accuracy": float(np.mean(answers == data.test_labels)),
        "votes": float(np.mean(classified(hidden @ digit) == data.test_labels)),
        "spikes_per_image": float(hidden.sum(axis=1).mean()),
        "neurons_per_image": float((hidden > 0).sum(axis=1).mean()),
        "silent_neurons": float(np.mean(hidden.sum(axis=0) == 0)),
        "confusion": confusion / np.maximum(np.bincount(data.test_labels, minlength=CLASSES), 1)[:, None],
    }


def measured(results: Mapping[str, Any]) -> str:
    """A line for the table of published systems."""
    arms = ", ".join(f"{name} {100 * results[name]['accuracy']['mean']:.1f}" for name in ARMS if name in results)
    plain = ", ".join(f"{name} {100 * of['mean']:.1f}" for name, of in results["baselines"].items())
    return "{train} of {images}, {hidden} hidden: ".format(**results["setting"]) + f"{arms} % (pixels: {plain} %)"


_HEADS = {
    "accuracy": "accuracy",
    "votes": "hidden votes",
    "spikes_per_image": "hidden spikes an image",
    "neurons_per_image": "neurons an image",
    "silent_neurons": "neurons silent in the test",
}


def _findings(
    by_arm: Mapping[str, Sequence[Mapping[str, Any]]],
    plain: Sequence[Mapping[str, float]],
    setting: Mapping[str, Any],
) -> Findings:
    baseline = Estimate.of_runs(plain)
    arms = {name: {key: Estimate.of([r[key] for r in of]) for key in _HEADS} for name, of in by_arm.items()}
    confusion = np.mean([r["confusion"] for r in by_arm["full"]], axis=0)
    results = {
        "setting": dict(setting),
        "baselines": baseline,
        **arms,
        "confusion": np.round(confusion, 4).tolist(),
    }
    rows = [[name, *of.values()] for name, of in arms.items()]
    rows += [[f"{name} on pixels", estimate, *"-" * (len(_HEADS) - 1)] for name, estimate in baseline.items()]
    accuracy = {name: of["accuracy"] for name, of in arms.items()}
    notes = [
        f"{INTERVAL}; {{train}} images of {{images}} learnt {{epochs}} times, {{test}} classified, "
        "{hidden} hidden neurons".format(**setting)
    ]
    if setting["images"] == "digits":
        reached = [f"{name} ({level:g})" for name, level in LEVELS.items() if accuracy["full"].mean >= level]
        missed = [f"{name} ({level:g})" for name, level in LEVELS.items() if accuracy["full"].mean < level]
        notes.append(
            f"full: reaches {', '.join(reached) or 'no level'}" + (f"; misses {', '.join(missed)}" if missed else "")
        )
    pictures: list[Picture] = [
        Bars(
            [*accuracy, *baseline],
            {"accuracy": [*accuracy.values(), *baseline.values()]},
            title="Accuracy of each arm and of plain classifiers",
            x_label="share of test images classified right",
        ),
        Matrix(
            confusion,
            title="Answers of the full network to each digit",
            x_label="digit answered",
            y_label="digit shown",
            limits=(0.0, 1.0),
            note="Share of the images of the digit, mean over seeds; a row lacks those without an answer.",
        ),
    ]
    return Findings(results, ["arm", *_HEADS.values()], rows, notes, pictures)


EXPERIMENT = Experiment(
    name="symmetric_stdp",
    title="Digits learnt by symmetric STDP, synaptic scaling and a threshold that adapts",
    about=symmetric_stdp.__doc__,
    source="Hao et al. 2020, Neural Networks 121:387 (arXiv 1812.06574)",
    published="MNIST: 60,000 images learnt 5 times by 400 hidden neurons; no figure at hand for so few images",
    measured=measured,
    settings={
        "full": {"train": 0, "test": 0, "hidden": 400, "epochs": 6, "ablations": False},
        "mnist": {"images": "mnist", "train": 0, "test": 0, "hidden": 400, "epochs": 3, "ablations": False},
    },
    backend="native",
    run=experiment,
)
