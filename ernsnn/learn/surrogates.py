"""Surrogate gradients: what takes the place of the derivative of a spike by the margin V - threshold, in mV.

A spike is 1 where V >= threshold and else 0, whose derivative is 0 nearly everywhere. Gradients are computed as if it
were that of a smooth function (Neftci, Mostafa and Zenke 2019, IEEE Signal Processing Magazine 36:51). The margin may
be a number, an array or a tensor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ernsnn.describe.arguments import checked
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel


@dataclass(frozen=True)
class Surrogate:
    """Base of all surrogates: a function of the margin, of the steepness ``slope_per_mV`` > 0."""

    slope_per_mV: float = 1.0

    def __post_init__(self) -> None:
        path = f"{type(self).__name__}.slope_per_mV"
        object.__setattr__(self, "slope_per_mV", to_single(self.slope_per_mV, path))
        if not self.slope_per_mV > 0:
            raise InvalidModel(f"{path}: must be > 0, got {self.slope_per_mV}")

    def __call__(self, margin_mV: Any) -> Any:
        """The derivative of a spike, in 1/mV, where V is ``margin_mV`` above the threshold."""
        raise NotImplementedError


@checked
@dataclass(frozen=True)
class FastSigmoid(Surrogate):
    r"""The derivative of the fast sigmoid x/(1 + k |x|), scaled to rise from 0 to 1.

    .. math:: \sigma(x) = \frac12 \left(1 + \frac{k x}{1 + k |x|}\right), \qquad
              \sigma'(x) = \frac{k}{2 (1 + k |x|)^2}

    k = ``slope_per_mV``. Its integral over all x is 1. Source: Zenke and Vogels 2021, Neural Computation 33:899.
    """

    def __call__(self, margin_mV: Any) -> Any:
        return 0.5 * self.slope_per_mV / (1.0 + self.slope_per_mV * abs(margin_mV)) ** 2


@checked
@dataclass(frozen=True)
class SuperSpike(Surrogate):
    r"""The partial derivative of SuperSpike, which is 1 at the threshold whatever its slope.

    .. math:: \sigma'(x) = \frac{1}{(1 + \beta |x|)^2}

    :math:`\beta` = ``slope_per_mV``, x in mV. Source: Zenke and Ganguli 2018, Neural Computation 30:1514.
    """

    def __call__(self, margin_mV: Any) -> Any:
        return 1.0 / (1.0 + self.slope_per_mV * abs(margin_mV)) ** 2


@checked
@dataclass(frozen=True)
class Arctangent(Surrogate):
    r"""The derivative of an arctangent that rises from 0 to 1.

    .. math:: \sigma(x) = \frac1\pi \arctan\left(\frac{\pi}{2} \alpha x\right) + \frac12, \qquad
              \sigma'(x) = \frac{\alpha}{2 \left(1 + (\frac{\pi}{2} \alpha x)^2\right)}

    :math:`\alpha` = ``slope_per_mV``. Source: Fang et al. 2021, ICCV, arXiv 2007.05785.
    """

    def __call__(self, margin_mV: Any) -> Any:
        return 0.5 * self.slope_per_mV / (1.0 + (0.5 * math.pi * self.slope_per_mV * margin_mV) ** 2)
