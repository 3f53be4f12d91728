"""sPyNNaker's connectors between populations that are images: kernels, convolutions, and pooling into dense layers.

An image of ``rows`` x ``columns`` cells is numbered row by row. A population is one by its ``Grid2D`` structure, whose
``aspect_ratio`` is rows / columns, or by a size of two numbers. Hints of sPyNNaker's that change no result
(``verbose``, ``filter_edges``, ``shape_common``) are taken as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN import errors
from pyNN.random import RandomDistribution
from pyNN.space import Grid2D

from ernsnn.describe.arguments import whole
from ernsnn.errors import InvalidModel, quoted

from .connectors import Listed
from .drawing import seeded
from .synapses import StaticSynapse

Shape = tuple[int, int]


class Convolution(StaticSynapse):
    """sPyNNaker's synapse for ``ConvolutionConnector``: a static one, whose weights the connector gives."""

    def __init__(self, delay: Any = None) -> None:
        super().__init__(weight=0.0, delay=delay)


class PoolDense(Convolution):
    """sPyNNaker's synapse for ``PoolDenseConnector``: a static one, whose weights the connector gives."""


class TwoSigned(Listed):
    """A connector whose positive weights go to one receptor, and the negative ones, as magnitudes, to another."""

    def __init__(self, positive_receptor_type: str, negative_receptor_type: str, safe: bool, callback: Any) -> None:
        super().__init__(safe, callback)
        self.receptors = (positive_receptor_type, negative_receptor_type)

    def check(self, projection: Any) -> None:
        """Raise InvalidModel where synapses learn, and ConnectionError where the post cells lack a receptor."""
        what = f"{projection.label}: {type(self).__name__}"
        if projection.synapse_type.plastic or not isinstance(projection.synapse_type, StaticSynapse):
            raise InvalidModel(
                f"{what} takes the synapse type Convolution, PoolDense or StaticSynapse, whose weights it gives; "
                f"use KernelConnector for {type(projection.synapse_type).__name__}"
            )
        for receptor in self.receptors:
            if receptor not in projection.post.receptor_types:
                known = ", ".join(projection.post.receptor_types)
                raise errors.ConnectionError(f"{what}: {projection.post.label} has no receptor {receptor!r}: {known}")


class ConvolutionConnector(TwoSigned):
    """Each post cell gets a kernel's weights from the pre cells that the kernel lies on.

    Post cell (R, C) is reached by pre cell (s R + i - p, s C + j - p) with weight ``kernel[i, j]``: s are ``strides``,
    p is ``padding`` (``True``: half the kernel), a pair of these (rows, columns). With ``pool_shape`` a pre cell stands
    at its place divided by ``pool_stride``, and weights are divided by the number of cells of a pool. A kernel is a
    matrix, or, with ``kernel_shape``, a number, a list or a distribution. ``get_post_shape`` gives the shape that the
    post population must have. Weights of 0 make no synapse.

    Raises InvalidModel on shapes that cannot be, and ConnectionError on populations with others.
    """

    def __init__(
        self,
        kernel_weights: Any,
        kernel_shape: Any = None,
        strides: Any = None,
        padding: Any = None,
        pool_shape: Any = None,
        pool_stride: Any = None,
        positive_receptor_type: str = "excitatory",
        negative_receptor_type: str = "inhibitory",
        safe: bool = True,
        verbose: bool = False,
        callback: Any = None,
        filter_edges: bool = True,
    ) -> None:
        super().__init__(positive_receptor_type, negative_receptor_type, safe, callback)
        name = type(self).__name__
        self.strides = _pair(1 if strides is None else strides, f"{name}.strides", 1)
        area = _pair(1 if pool_shape is None else pool_shape, f"{name}.pool_shape", 1)
        self.pool_stride = area if pool_stride is None else _pair(pool_stride, f"{name}.pool_stride", 1)
        self.kernel = _kernel(kernel_weights, kernel_shape, name) / (area[0] * area[1])
        halves = (self.kernel.shape[0] // 2, self.kernel.shape[1] // 2)
        given = 0 if padding is None or padding is False else halves if padding is True else padding
        self.padding = _pair(given, f"{name}.padding", 0)

    @property
    def kernel_weights(self) -> np.ndarray:
        """The weights of the kernel, divided by the number of cells of a pool."""
        return self.kernel

    def get_post_shape(self, shape: Any) -> Shape:
        """The (rows, columns) of the post image of a pre image of ``shape``."""
        pre = _pair(shape, "get_post_shape", 1)
        sizes = zip(pre, self.pool_stride, self.kernel.shape, self.padding, self.strides, strict=True)
        rows, columns = (max((n // q - (k - 1) + 2 * p) // s, 1) for n, q, k, p, s in sizes)
        return rows, columns

    def listed(self, projection: Any) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """See ``Listed``."""
        self.check(projection)
        pre, post = (_image(side, projection.label) for side in (projection.pre, projection.post))
        if post != (wanted := self.get_post_shape(pre)):
            raise errors.ConnectionError(
                f"{projection.label}: a convolution of {pre[0]} x {pre[1]} cells of {projection.pre.label} needs "
                f"{wanted[0]} x {wanted[1]} of {projection.post.label}, got {post[0]} x {post[1]}"
            )
        parts = zip(pre, post, self.kernel.shape, self.padding, self.strides, self.pool_stride, strict=True)
        rows, columns = (_along(*part) for part in parts)
        return _crossed(rows, columns, self.kernel, pre[1], post[1])


class PoolDenseConnector(TwoSigned):
    """Every cell of a pre image reaches every post cell, cells of one pool with one weight.

    ``weights``: a number, a distribution, or as many numbers as pools times post cells, pools in the order of the
    image. They are divided by the number of cells of a pool. ``pool_shape``, ``pool_stride``: see
    ``ConvolutionConnector``; cells beyond the last whole pool reach no cell.
    """

    def __init__(
        self,
        weights: Any,
        pool_shape: Any = None,
        pool_stride: Any = None,
        positive_receptor_type: str = "excitatory",
        negative_receptor_type: str = "inhibitory",
        safe: bool = True,
        verbose: bool = False,
        callback: Any = None,
    ) -> None:
        super().__init__(positive_receptor_type, negative_receptor_type, safe, callback)
        self.weights = seeded(weights)
        self.pool_shape = _pair(1 if pool_shape is None else pool_shape, "PoolDenseConnector.pool_shape", 1)
        self.pool_stride = self.pool_shape
        if pool_stride is not None:
            self.pool_stride = _pair(pool_stride, "PoolDenseConnector.pool_stride", 1)

    def listed(self, projection: Any) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """See ``Listed``."""
        self.check(projection)
        rows, columns = _image(projection.pre, projection.label)
        down, across = rows // self.pool_stride[0], columns // self.pool_stride[1]
        n_post = projection.post.size
        values = _numbers(self.weights, down * across * n_post, f"{projection.label}: PoolDenseConnector.weights")
        weights = values.reshape(down * across, n_post) / (self.pool_shape[0] * self.pool_shape[1])
        row, column = np.divmod(np.arange(rows * columns), columns)
        row, column = row // self.pool_stride[0], column // self.pool_stride[1]
        pre = np.flatnonzero((row < down) & (column < across))
        found = weights[(row * across + column)[pre]]
        sources, targets = np.nonzero(found)
        return pre[sources], targets, {"weight": found[sources, targets]}


class KernelConnector(Listed):
    """Each post cell is reached by the pre cells under a kernel that is centred on it; shapes are (rows, columns).

    Both images lie on common coordinates: pre cells ``pre_sample_steps_in_post`` apart from
    ``pre_start_coords_in_post`` on, post cells ``post_sample_steps_in_pre`` apart from ``post_start_coords_in_pre`` on.
    ``weight_kernel`` and ``delay_kernel`` (a matrix, a number or a distribution) go before weight and delay of the
    synapse type, of which a distribution is drawn once for each place of the kernel.

    Raises InvalidModel on shapes that cannot be, and ConnectionError on populations of other sizes.
    """

    def __init__(
        self,
        shape_pre: Any,
        shape_post: Any,
        shape_kernel: Any,
        weight_kernel: Any = None,
        delay_kernel: Any = None,
        shape_common: Any = None,
        pre_sample_steps_in_post: Any = None,
        pre_start_coords_in_post: Any = None,
        post_sample_steps_in_pre: Any = None,
        post_start_coords_in_pre: Any = None,
        safe: bool = True,
        space: Any = None,
        verbose: bool = False,
        callback: Any = None,
    ) -> None:
        super().__init__(safe, callback)
        name = type(self).__name__
        if space is not None:
            raise InvalidModel(f"{name}: space has no meaning for a kernel; leave it out")
        self.pre, self.post = _pair(shape_pre, f"{name}.shape_pre", 1), _pair(shape_post, f"{name}.shape_post", 1)
        self.shape = _pair(shape_kernel, f"{name}.shape_kernel", 1)
        self.kernels = {
            parameter: _kernel(given, self.shape, f"{name}.{parameter}_kernel")
            for parameter, given in (("weight", weight_kernel), ("delay", delay_kernel))
            if given is not None
        }
        steps, starts = (
            (pre_sample_steps_in_post, post_sample_steps_in_pre),
            (
                pre_start_coords_in_post,
                post_start_coords_in_pre,
            ),
        )
        self.steps = [_pair(1 if given is None else given, f"{name}: sample steps", 1) for given in steps]
        self.starts = [_pair(0 if given is None else given, f"{name}: start coordinates", 0) for given in starts]

    def listed(self, projection: Any) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """See ``Listed``."""
        for side, (rows, columns) in ((projection.pre, self.pre), (projection.post, self.post)):
            if side.size != rows * columns:
                raise errors.ConnectionError(
                    f"{projection.label}: KernelConnector has {rows} x {columns} cells for {side.label}, which has "
                    f"{side.size}"
                )
        numbers = np.arange(self.shape[0] * self.shape[1]).reshape(self.shape) + 1.0
        pre, post, found = _crossed(self._along(0), self._along(1), numbers, self.pre[1], self.post[1])
        place = found["weight"].astype(int) - 1
        return pre, post, {name: kernel.reshape(-1)[place] for name, kernel in self._kernels(projection).items()}

    def _kernels(self, projection: Any) -> dict[str, np.ndarray]:
        """The kernels that are given, and those of the synapse type's distributions."""
        space = projection.synapse_type.parameter_space
        drawn = {name: space[name].base_value for name in ("weight", "delay")}
        drawn = {name: given for name, given in drawn.items() if isinstance(given, RandomDistribution)}
        what = f"{projection.label}: KernelConnector"
        return {name: _kernel(given, self.shape, what) for name, given in drawn.items()} | self.kernels

    def _along(self, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs of coordinates of pre and post cells along an axis, and that in the kernel."""
        (pre_step, post_step), (pre_start, post_start) = (
            [pair[axis] for pair in pairs] for pairs in (self.steps, self.starts)
        )
        pre, post = np.arange(self.pre[axis]), np.arange(self.post[axis])
        common = post_start + post * post_step
        centre = (common - pre_start - 1) // pre_step + 1
        inside = self.shape[axis] // 2 - (centre - pre[:, None])
        taken = ((pre - pre_start) % pre_step == 0)[:, None]
        one, other = np.nonzero(taken & (inside >= 0) & (inside < self.shape[axis]))
        return one, other, inside[one, other]


def _along(n: int, m: int, k: int, p: int, s: int, q: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates of ``n`` pre and ``m`` post cells along an axis, and those in a kernel of length ``k`` between."""
    pre, post = np.arange(n) // q, np.arange(m)
    inside = pre[:, None] + p - s * post
    whole_pools = (pre < n // q)[:, None]
    one, other = np.nonzero(whole_pools & (inside >= 0) & (inside < k))
    return one, other, inside[one, other]


def _crossed(
    rows: tuple[np.ndarray, ...], columns: tuple[np.ndarray, ...], kernel: np.ndarray, n_pre: int, n_post: int
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The synapses of which rows and columns are listed, with the weights of a kernel that are not 0."""
    pre, post = ((rows[side][:, None] * n + columns[side]).reshape(-1) for side, n in ((0, n_pre), (1, n_post)))
    weights = kernel[rows[2][:, None], columns[2]].reshape(-1)
    there = weights != 0
    return pre[there], post[there], {"weight": weights[there]}


def _pair(given: Any, what: str, least: int) -> Shape:
    """A shape or a step as (rows, columns). Raises InvalidModel."""
    pair = list(given) if np.ndim(given) == 1 else [given, given]
    numbers = [whole(each) for each in pair]
    if len(numbers) != 2 or any(n is None or n < least for n in numbers):
        raise InvalidModel(f"{what}: must be a whole number >= {least}, or (rows, columns), got {quoted(given)}")
    return numbers[0], numbers[1]  # type: ignore[return-value]


def _numbers(given: Any, count: int, what: str) -> np.ndarray:
    """So many finite numbers: of a list, of a distribution, or all the same. Raises InvalidModel."""
    drawn = seeded(given).next(count) if isinstance(given, RandomDistribution) else given
    try:
        values = np.asarray(drawn, dtype=float)
    except (TypeError, ValueError):
        values = np.full(0, np.nan)
    values = np.full(count, values) if values.ndim == 0 else values.reshape(-1)
    if len(values) != count or not np.isfinite(values).all():
        raise InvalidModel(f"{what}: needs one finite number, a distribution, or {count} numbers, got {quoted(given)}")
    return values


def _kernel(given: Any, shape: Any, what: str) -> np.ndarray:
    """The weights of a kernel as a matrix. Raises InvalidModel."""
    if shape is None:
        if np.ndim(given) != 2 or isinstance(given, RandomDistribution):
            raise InvalidModel(f"{what}: a kernel that is no matrix needs kernel_shape=(rows, columns)")
        shape = np.shape(given)
    rows, columns = _pair(shape, f"{what}: kernel_shape", 1)
    if np.ndim(given) == 2 and np.shape(given) != (rows, columns):
        raise InvalidModel(f"{what}: the kernel has {rows} x {columns} weights by its shape, got {np.shape(given)}")
    return _numbers(given, rows * columns, what).reshape(rows, columns)


def _image(side: Any, label: str) -> Shape:
    """The (rows, columns) of a population. Raises ConnectionError where it is no image."""
    structure = getattr(side, "structure", None)
    if isinstance(structure, Grid2D):
        rows = round((side.size * structure.aspect_ratio) ** 0.5)
        if rows and side.size % rows == 0:
            return rows, side.size // rows
    raise errors.ConnectionError(
        f"{label}: the {side.size} cells of {side.label} are no image; give it structure=Grid2D(rows / columns)"
    )
