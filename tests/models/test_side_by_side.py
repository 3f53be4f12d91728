"""Networks side by side: each has its synapses within itself."""

from __future__ import annotations

import numpy as np

from ernsnn.models.side_by_side import side_by_side


def test_each_network_has_its_own_neurons() -> None:
    first, third = np.array([[0, 1], [1, 0]]), np.array([[1, 4]])
    found = side_by_side([first, None, third], n_pre=2, n_post=5)
    assert found.tolist() == [[0, 1], [1, 0], [1 + 2 * 2, 4 + 2 * 5]]
    assert (found // [2, 5] == np.array([0, 0, 2])[:, None]).all()


def test_none_has_no_synapses() -> None:
    assert side_by_side([None, None], 2, 5).shape == (0, 2)
    assert side_by_side([], 2, 5).dtype.kind == "i"
