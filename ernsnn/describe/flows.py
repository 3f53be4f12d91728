r"""Flows: how variables of synapses move between events, in closed form, applied at epochs.

A flow stands for a differential equation that runs all the time. Every ``epoch_ms`` = D its exact solution over D is
applied, with everything that it reads held at the values of that moment: the cost grows with synapses * epochs, not
with synapses * steps. All flows of an epoch read the values from before them (and after the epoch terms); then every
variable that they changed is clipped to its bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.units import to_single, to_unit
from ernsnn.errors import InvalidModel


def _tau(value: object, path: str) -> float:
    """A time constant in s as one number above 0."""
    tau = to_unit(value, "s", path)
    if not isinstance(tau, float):
        raise InvalidModel(f"{path}: must be one number, got {value!r}")
    if not tau > 0:
        raise InvalidModel(f"{path}: must be > 0, got {tau}")
    return tau


@checked
@dataclass(frozen=True)
class Relax:
    r"""Relaxation of ``variable`` with time constant ``tau_s``, to a value that another variable may set.

    .. math:: \dot v = -(v - v_\infty)/\tau, \quad v_\infty = to + slope \cdot u, \qquad
              v \leftarrow v_\infty + (v - v_\infty) e^{-D/\tau}

    with u the synapse's variable ``of`` (none: v_inf = to). ``tau_s`` in s (or text with a unit), ``to`` and
    ``slope * u`` in the unit of the variable. Raises InvalidModel, naming the flow, unless tau_s > 0.
    """

    variable: str
    tau_s: float
    to: float = 0.0
    of: str | None = None
    slope: float = 0.0

    def __post_init__(self) -> None:
        path = f"Relax of {self.variable!r}"
        object.__setattr__(self, "tau_s", _tau(self.tau_s, f"{path}.tau_s"))
        for name in ("to", "slope"):
            object.__setattr__(self, name, to_single(getattr(self, name), f"{path}.{name}"))
        if (self.of is None) != (self.slope == 0):
            raise InvalidModel(f"{path}: 'of' (which variable) and a slope other than 0 go together")

    @property
    def reads(self) -> tuple[str, ...]:
        """The variables of the synapse that it reads besides its own."""
        return () if self.of is None else (self.of,)

    @property
    def signals(self) -> tuple[str, ...]:
        """The third factors that it reads."""
        return ()

    @property
    def draws(self) -> bool:
        """Whether it draws random numbers."""
        return False


@checked
@dataclass(frozen=True, kw_only=True)
class Latch:
    r"""A bistable variable m that is driven up where a tag meets a signal, and then keeps itself up.

    .. math:: \dot m = (H(m - \theta) - m)/\tau + k P [\bar a - \theta_a]_+ (1 - m)

    H(x) = 1 for x > 0, else 0: at m = threshold exactly it falls. abar is the mean over the epoch of the ``tag`` a,
    which decays to 0 with ``tag_tau_s``; P is the third factor ``signal`` (values below 0 count as 0). Over an epoch D,
    with H and P held,

    .. math:: \bar a = a \frac{\tau_a}{D} (1 - e^{-D/\tau_a}), \quad r = k P [\bar a - \theta_a]_+, \quad
              L = 1/\tau + r, \quad m_\infty = (H/\tau + r)/L, \qquad m \leftarrow m_\infty + (m - m_\infty) e^{-D L}

    Without drive that is exact while m stays on its side of the threshold; with drive the latch is late by at most D.

    **Erasure** (competitive demethylation). With a ``budget`` (beta), old marks give way where there are too many, so
    that an endless stream of memories replaces the oldest ones instead of saturating: with M the mean of m over the
    synapses of the same projection onto the same neuron, at every epoch a synapse with m > theta and abar < theta_a is
    set to 0 with probability

    .. math:: p = k_e \, P \, [M/\beta - 1]_+ \qquad (P \text{ at most } 1)

    by a random number of its own (``graph.streams``). All of it reads the values from before the epoch's flows.

    ``threshold`` (theta) and ``tag_threshold`` (theta_a) are in the units of m and a, ``rate_per_s`` (k) in 1/s.
    ``budget`` is in the unit of m, ``erasure`` (k_e, .5 unless given) a probability per epoch. Raises InvalidModel,
    naming the flow, on tau_s, tag_tau_s or budget <= 0, on negative rates, and on an erasure without a budget.

    Source: the mark model of this project; of the kind of Brader, Senn and Fusi 2007 (bistable synapse) and of Clopath
    et al. 2008 (tagging and capture).
    """

    variable: str
    tau_s: float
    threshold: float
    tag: str
    tag_tau_s: float
    tag_threshold: float
    rate_per_s: float
    signal: str
    budget: float | None = None
    erasure: float | None = None

    def __post_init__(self) -> None:
        path = f"Latch of {self.variable!r}"
        for name in ("tau_s", "tag_tau_s"):
            object.__setattr__(self, name, _tau(getattr(self, name), f"{path}.{name}"))
        for name in ("threshold", "tag_threshold", "rate_per_s"):
            object.__setattr__(self, name, to_single(getattr(self, name), f"{path}.{name}"))
        if self.rate_per_s < 0:
            raise InvalidModel(f"{path}.rate_per_s: must be >= 0, got {self.rate_per_s}")
        if self.budget is None:
            if self.erasure is not None:
                raise InvalidModel(f"{path}.erasure: needs a budget above which marks are erased")
        else:
            budget = to_single(self.budget, f"{path}.budget")
            erasure = to_single(0.5 if self.erasure is None else self.erasure, f"{path}.erasure")
            if not budget > 0 or erasure < 0:
                raise InvalidModel(f"{path}: needs budget > 0 and erasure >= 0, got {budget} and {erasure}")
            object.__setattr__(self, "budget", budget)
            object.__setattr__(self, "erasure", erasure)
        if self.tag == self.variable:
            raise InvalidModel(f"{path}: it cannot be its own tag")

    @property
    def reads(self) -> tuple[str, ...]:
        """The variables of the synapse that it reads besides its own."""
        return (self.tag,)

    @property
    def signals(self) -> tuple[str, ...]:
        """The third factors that it reads."""
        return (self.signal,)

    @property
    def draws(self) -> bool:
        """Whether it draws random numbers."""
        return self.budget is not None


Flow = Relax | Latch
