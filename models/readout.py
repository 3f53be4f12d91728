"""Read-out of a reservoir that receives numbers u, by ridge regression on the states of its neurons.

The first two thirds of the numbers are learnt from (the ridge is the one that does best on the last quarter of them),
and the last third is read:

    memory capacity:  sum over k = 1 .. 20 of r^2 between u(t - k) and its read-out
    NARMA-10:  y(t+1) = .3 y + .05 y sum(y(t-9) .. y(t)) + 1.5 v(t-9) v(t) + .1, v = u/2; root mean square error over
               the spread of y
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LAGS = 20
RIDGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
_WASH_OUT = 50


def capacity(state: np.ndarray, numbers: np.ndarray) -> float:
    """The memory capacity of the module's text; a silent network has none."""
    delayed = np.column_stack([np.roll(numbers, k) for k in range(1, LAGS + 1)])
    answers, asked = _read_out(state, delayed)
    tells = answers.std(axis=0) > 1e-9
    return float(sum(np.corrcoef(answers[:, k], asked[:, k])[0, 1] ** 2 for k in np.flatnonzero(tells)))


def narma(numbers: np.ndarray) -> np.ndarray:
    """NARMA-10 of ``numbers``; it is held below 1, which it can leave for ever."""
    v, y = numbers / 2, np.zeros(len(numbers))
    for t in range(9, len(v) - 1):
        y[t + 1] = min(0.3 * y[t] + 0.05 * y[t] * y[t - 9 : t + 1].sum() + 1.5 * v[t - 9] * v[t] + 0.1, 1.0)
    return y


def error(state: np.ndarray, wanted: np.ndarray) -> float:
    """Root mean square error of the read-out of ``wanted`` (numbers,), over its spread."""
    answers, asked = _read_out(state, wanted[:, None])
    return float(np.sqrt(np.mean((answers - asked) ** 2) / np.var(asked)))


def _read_out(state: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(answers of ridge regression on the last third, learnt from the rest, the wanted ones)."""
    cut, features = 2 * len(state) // 3, np.hstack([state, np.ones((len(state), 1))])
    x, y = features[_WASH_OUT:cut], wanted[_WASH_OUT:cut]
    early = len(x) - len(x) // 4
    misses = [np.sum((x[early:] @ weights - y[early:]) ** 2) for weights in _learnt(x[:early], y[:early], RIDGES)]
    (weights,) = _learnt(x, y, [RIDGES[int(np.argmin(misses))]])
    return features[cut:] @ weights, wanted[cut:]


def _learnt(x: np.ndarray, y: np.ndarray, ridges: Sequence[float]) -> list[np.ndarray]:
    """The weights of ridge regression of y on x for each ridge."""
    squares, products = x.T @ x, x.T @ y
    return [np.linalg.solve(squares + ridge * np.eye(len(squares)), products) for ridge in ridges]
