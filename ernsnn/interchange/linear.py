"""Linear nodes of NIR graphs as sparse matrices: weights, convolutions, pooling, scales and delays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ernsnn.errors import InvalidModel, quoted
from ernsnn.graph.memory import require_memory
from ernsnn.interchange.nodes import NEURONS, Node

Shape = tuple[int, ...]
MOST_ELEMENTS = 2**31 - 1
"""The largest number of elements of a signal."""
_MANY = 64
"""How many entries a synapse must become for full matrices to be the shorter way."""
MOST_WAYS = 64
"""The most ways of different delays between two elements."""
_ENTRY_BYTES = 150
"""The bytes that an entry of a matrix takes while it is made and multiplied."""


class Synapses(NamedTuple):
    """Weights from elements of a source to those of a signal, and how long each takes, in s."""

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    delay_s: np.ndarray

    @classmethod
    def identity(cls, n: int) -> Synapses:
        """Element i to element i, with weight 1."""
        return cls(np.arange(n), np.arange(n), np.ones(n), np.zeros(n))

    def merged(self) -> Synapses:
        """The same with one entry for each pair of elements and delay, in order of pre and post."""
        if not len(self.pre):
            return self
        order = np.lexsort((self.delay_s, self.post, self.pre))
        pre, post, weight, delay = (part[order] for part in self)
        new = np.ones(len(pre), bool)
        new[1:] = (np.diff(pre) != 0) | (np.diff(post) != 0) | (np.diff(delay) != 0)
        return Synapses(pre[new], post[new], np.add.reduceat(weight, np.flatnonzero(new)), delay[new])

    def plus(self, other: Synapses) -> Synapses:
        """Both together. Raises InvalidModel where ways of too many delays lead from one element to another."""
        both = Synapses(*map(np.concatenate, zip(self, other, strict=True))).merged()
        new = np.flatnonzero((np.diff(both.pre) != 0) | (np.diff(both.post) != 0))
        if np.max(np.diff(new, prepend=-1, append=len(both.pre) - 1), initial=0) > MOST_WAYS:
            raise InvalidModel(f"more than {MOST_WAYS} ways of different delays lead from one element to another")
        return both


@dataclass(frozen=True, eq=False)
class Matrix:
    """y = A x + bias, with the entries of A in order of their columns: ``starts`` has the first one of each column."""

    starts: np.ndarray
    rows: np.ndarray
    values: np.ndarray
    delay_s: np.ndarray | None = None
    bias: np.ndarray | None = None

    @classmethod
    def of(cls, n: int, columns: np.ndarray, rows: np.ndarray, values: np.ndarray, bias: np.ndarray | None) -> Matrix:
        """The matrix of ``n`` columns with these entries."""
        order = np.argsort(columns, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=n))]).astype(np.int64)
        return cls(starts, rows[order], values[order], bias=bias)

    def after(self, synapses: Synapses, path: str) -> Synapses:
        """What reaches y of what reaches x through ``synapses``."""
        first, counts = self.starts[synapses.post], np.diff(self.starts)[synapses.post]
        if self.delay_s is None and counts.sum() > _MANY * len(synapses.pre) and not np.ptp(synapses.delay_s):
            return self._product(synapses, path)
        require_entries(path, int(counts.sum()))
        each = np.repeat(np.arange(len(counts)), counts)
        at = np.arange(len(each)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        delay = synapses.delay_s[each] + (0.0 if self.delay_s is None else self.delay_s[self.rows[at]])
        return Synapses(synapses.pre[each], self.rows[at], synapses.weight[each] * self.values[at], delay).merged()

    def _product(self, synapses: Synapses, path: str) -> Synapses:
        """``after`` of synapses of one delay, as a product of full matrices."""
        sources, column = np.unique(synapses.pre, return_inverse=True)
        targets, row = np.unique(self.rows, return_inverse=True)
        n_in = len(self.starts) - 1
        require_memory(path, 8 * (n_in + 6 * len(targets)) * (len(sources) + len(targets)), "take a smaller network")
        weights, matrix = np.zeros((len(sources), n_in)), np.zeros((n_in, len(targets)))
        weights[column, synapses.post] = synapses.weight
        np.add.at(matrix, (np.repeat(np.arange(n_in), np.diff(self.starts)), row), self.values)
        reached = ((weights != 0).astype(float) @ (matrix != 0).astype(float)) > 0
        pre, post = np.nonzero(reached)
        delay = np.full(len(pre), synapses.delay_s[0])
        return Synapses(sources[pre], targets[post], (weights @ matrix)[pre, post], delay)


def require_entries(path: str, n: int) -> None:
    """Raise InvalidModel where a matrix of ``n`` entries does not fit into memory."""
    require_memory(path, n * _ENTRY_BYTES, "take a smaller network")


def size_of(shape: Shape) -> int:
    """The number of elements."""
    return math.prod(shape)


# Shapes


def output_shape(node: Node, shape: Shape) -> Shape:
    """The shape of a node's output for an input of ``shape``. Raises InvalidModel where the node does not take it."""
    if node.type in ("Affine", "Linear"):
        weight = node.numbers("weight")
        if weight.ndim < 2:
            raise InvalidModel(f"{node.name}.weight: needs two axes (output, input), has shape {weight.shape}")
        _require(node, shape, (*weight.shape[:-2], weight.shape[-1]))
        made = weight.shape[:-1]
    elif node.type in ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d"):
        made = _window(node, shape).shape
    elif node.type == "Flatten":
        made = _flattened(node, shape)
    elif node.type in ("Scale", "Delay"):
        factors = node.numbers(node.type.lower())
        if factors.size != 1:
            _require(node, shape, factors.shape)
        made = shape
    elif node.type in NEURONS:
        made = parameter_shape(node) or shape
        if made == (1,) and size_of(shape) != 1:
            made = shape
        _require(node, shape, made)
    else:
        made = shape
    if size_of(made) > MOST_ELEMENTS:
        raise InvalidModel(f"{node.name}: its output has {size_of(made)} elements, more than {MOST_ELEMENTS}")
    if not size_of(made):
        raise InvalidModel(f"{node.name}: its output of shape {made} has no elements")
    return made


def parameter_shape(node: Node) -> Shape:
    """The shape of a neuron's parameters: that of the first which is more than a number, or ()."""
    shapes = sorted((node.numbers(name).shape for name in NEURONS[node.type]), key=lambda s: (size_of(s), len(s)))
    return shapes[-1]


def _require(node: Node, given: Shape, needed: Shape) -> None:
    same = given == needed if len(given) == len(needed) else size_of(given) == size_of(needed)
    if not same:
        raise InvalidModel(f"{node.name}: needs an input of shape {needed}, what leads to it has shape {given}")


def _flattened(node: Node, shape: Shape) -> Shape:
    first, last = (int(node.numbers(name).reshape(-1)[0]) for name in ("start_dim", "end_dim"))
    last = last + len(shape) if last < 0 else min(last, len(shape) - 1)
    if not 0 <= first <= max(last, 0) <= max(len(shape) - 1, 0):
        if len(shape) == 1:
            return shape
        raise InvalidModel(f"{node.name}: has no axes {first} to {last} to flatten in an input of shape {shape}")
    return (*shape[:first], size_of(shape[first : last + 1]), *shape[last + 1 :])


# Matrices


def matrix_of(node: Node, shape: Shape) -> Matrix | None:
    """The matrix of a linear node for an input of ``shape``; None where the elements stay as they are."""
    if node.type in ("Affine", "Linear"):
        return _dense(node)
    if node.type in ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d"):
        return _window(node, shape).matrix()
    n = size_of(shape)
    if node.type == "Scale":
        factors = np.broadcast_to(node.numbers("scale").reshape(-1), n)
        return Matrix(np.arange(n + 1), np.arange(n), factors)
    if node.type == "Delay":
        delay = np.broadcast_to(node.numbers("delay").reshape(-1), n)
        if (delay < 0).any():
            raise InvalidModel(f"{node.name}.delay: must be >= 0 s, got {delay.min():g}")
        return Matrix(np.arange(n + 1), np.arange(n), np.ones(n), delay_s=delay)
    return None


def _dense(node: Node) -> Matrix:
    weight = node.numbers("weight")
    n_out, n_in = weight.shape[-2:]
    stacked = weight.reshape(-1, n_out, n_in)
    require_entries(node.name, stacked.size)
    bias = None
    if node.type == "Affine":
        bias = node.numbers("bias").reshape(-1)
        if len(bias) not in (1, n_out, len(stacked) * n_out):
            raise InvalidModel(f"{node.name}.bias: needs {n_out} numbers, has {len(bias)}")
        bias = np.resize(bias, len(stacked) * n_out)
    offsets = np.arange(len(stacked))[:, None, None] * n_out
    rows = np.broadcast_to(offsets + np.arange(n_out), (len(stacked), n_in, n_out)).reshape(-1)
    values = stacked.transpose(0, 2, 1).reshape(-1)
    return Matrix(np.arange(len(stacked) * n_in + 1) * n_out, rows, values, bias=bias)


@dataclass(frozen=True, eq=False)
class _Windowed:
    """A convolution or pooling in two dimensions; one dimension is a plane of height 1."""

    node: Node
    plane: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    weight: np.ndarray | None
    groups: int
    bias: np.ndarray | None
    flat: bool

    @property
    def out(self) -> tuple[int, int]:
        """Height and width of the output."""
        sizes = [
            (n + sum(pad) - d * (k - 1) - 1) // s + 1
            for n, pad, d, k, s in zip(
                self.plane[1:], self.padding, self.dilation, self.kernel, self.stride, strict=True
            )
        ]
        return max(0, sizes[0]), max(0, sizes[1])

    @property
    def channels(self) -> int:
        """Channels of the output."""
        return self.plane[0] if self.weight is None else len(self.weight)

    @property
    def shape(self) -> Shape:
        """The shape of the output."""
        height, width = self.out
        return (self.channels, width) if self.flat else (self.channels, height, width)

    def matrix(self) -> Matrix:
        """Every output element's weighted sum of the input elements in its window."""
        (c_in, height, width), (rows, columns) = self.plane, self.out
        c_out, per_group = self.channels, 1 if self.weight is None else self.weight.shape[1]
        require_entries(self.node.name, c_out * per_group * self.kernel[0] * self.kernel[1] * rows * columns)
        outputs = np.arange(c_out)
        if self.weight is None:
            inputs = outputs[:, None]
        else:
            inputs = (outputs // (c_out // self.groups) * per_group)[:, None] + np.arange(per_group)
        found = []
        for ky in range(self.kernel[0]):
            y = np.arange(rows) * self.stride[0] - self.padding[0][0] + ky * self.dilation[0]
            for kx in range(self.kernel[1]):
                x = np.arange(columns) * self.stride[1] - self.padding[1][0] + kx * self.dilation[1]
                y_in, x_in = np.flatnonzero((y >= 0) & (y < height)), np.flatnonzero((x >= 0) & (x < width))
                at = (y[y_in][:, None] * width + x[x_in]).reshape(-1)
                to = (y_in[:, None] * columns + x_in).reshape(-1)
                pre = inputs[:, :, None] * (height * width) + at
                post = np.broadcast_to((outputs * (rows * columns))[:, None, None] + to, pre.shape)
                value = self._share if self.weight is None else self.weight[:, :, ky, kx, None]
                found.append((pre.reshape(-1), post.reshape(-1), np.broadcast_to(value, pre.shape).reshape(-1)))
        parts = [np.concatenate(part) for part in zip(*found, strict=True)]
        bias = None if self.bias is None else np.repeat(np.broadcast_to(self.bias, c_out), rows * columns)
        return Matrix.of(c_in * height * width, parts[0], parts[1], parts[2], bias)

    @property
    def _share(self) -> float:
        return 1.0 / (self.kernel[0] * self.kernel[1]) if self.node.type == "AvgPool2d" else 1.0


def _window(node: Node, shape: Shape) -> _Windowed:
    """A convolution or pooling of an input of ``shape``, of which a plane may lack the channels where there is one."""
    n_axes = 1 if node.type == "Conv1d" else 2
    pooled = node.type.endswith("Pool2d")
    weight, groups, bias = None, 1, None
    if not pooled:
        weight = node.numbers("weight")
        groups = node.whole("groups", lowest=1)[0]
        bias = node.numbers("bias").reshape(-1)
        if weight.ndim != n_axes + 2 or not weight.size or len(weight) % groups:
            raise InvalidModel(
                f"{node.name}.weight: shape {weight.shape} does not fit a {node.type} of {groups} groups"
            )
        if len(bias) not in (1, len(weight)):
            raise InvalidModel(f"{node.name}.bias: needs {len(weight)} numbers, has {len(bias)}")
        weight = weight.reshape(*weight.shape[:2], *([1] * (2 - n_axes)), *weight.shape[2:])
    plane = (1, *shape) if len(shape) == n_axes else shape
    if len(plane) != n_axes + 1 or (weight is not None and plane[0] != weight.shape[1] * groups):
        channels = "any" if weight is None else weight.shape[1] * groups
        axes = "(channels, length)" if n_axes == 1 else "(channels, height, width)"
        raise InvalidModel(
            f"{node.name}: needs an input {axes} of {channels} channels, what leads to it has shape {shape}"
        )
    one = (1,) * (2 - n_axes)
    kernel = node.whole("kernel_size", 2, 1) if weight is None else weight.shape[2:]
    stride = (*one, *node.whole("stride", n_axes, 1))
    dilation = (1, 1) if pooled else (*one, *node.whole("dilation", n_axes, 1))
    channels, *rest = plane
    sized = (channels, *([1] * (2 - n_axes)), *rest)
    padding = _padding(node, n_axes, kernel, dilation, stride)
    return _Windowed(node, sized, kernel, stride, dilation, padding, weight, groups, bias, flat=n_axes == 1)


def _padding(node: Node, n_axes: int, kernel: Shape, dilation: Shape, stride: Shape) -> tuple[tuple[int, int], ...]:
    """How many zeros stand before and after each axis."""
    given = node.fields["padding"]
    word = given.decode("utf-8", "replace") if isinstance(given, bytes) else given
    if isinstance(word, str):
        if word == "valid":
            return (0, 0), (0, 0)
        if word != "same" or set(stride) != {1}:
            raise InvalidModel(
                f"{node.name}.padding: must be numbers, 'valid', or 'same' at a stride of 1, got {quoted(word)}"
            )
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return tuple((n // 2, n - n // 2) for n in total)
    around = (0,) * (2 - n_axes) + node.whole("padding", n_axes)
    return tuple((n, n) for n in around)
