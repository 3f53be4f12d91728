"""Ready-made spike-timing dependent plasticity. Amplitudes are absolute, in the unit of the weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from ernsnn.describe.arguments import checked
from ernsnn.describe.fields import is_one_of
from ernsnn.describe.flows import Relax
from ernsnn.describe.learning import EPOCH, POST, PRE, LearningRule, Mark, Term, Trace
from ernsnn.describe.marks import AnyMark, with_marks
from ernsnn.describe.products import Factor
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel

Dependence = Literal["additive", "multiplicative", "additive_multiplicative", "power"]
_POWERS: dict[str, tuple[int, int]] = {
    "additive": (0, 0),
    "multiplicative": (1, 1),
    "additive_multiplicative": (0, 1),
}
"""Dependence on the weight -> powers of its distance from the upper bound in potentiation, from the lower else."""


@checked
def pair(
    *,
    tau_plus_ms: float = 20.0,
    tau_minus_ms: float = 20.0,
    A_plus: float,
    A_minus: float,
    w_min: float = 0.0,
    w_max: float = 1.0,
    dependence: Dependence = "additive",
    mu_plus: float | None = None,
    mu_minus: float | None = None,
    pairing: Literal["all", "nearest"] = "all",
    marks: Sequence[AnyMark] = (),
    epoch_ms: float | None = None,
    rest: Relax | None = None,
) -> LearningRule:
    r"""Pair rule (Song, Miller and Abbott 2000; multiplicative: Rubin, Lee and Sompolinsky 2001).

    .. math:: post: w \mathrel{+}= A_+ x (w_{max} - w)^{\mu_+}, \qquad pre: w \mathrel{-}= A_- y (w - w_{min})^{\mu_-}

    with traces x of pre and y of post spikes that decay with tau_plus and tau_minus. ``dependence`` says both powers:
    ``"additive"`` 0 and 0, ``"multiplicative"`` 1 and 1, ``"additive_multiplicative"`` 0 and 1 (van Rossum, Bi and
    Turrigiano 2000), ``"power"`` those given as ``mu_plus`` and ``mu_minus`` (Guetig et al. 2003), whole numbers from
    0 on: terms of rules are products, and other powers raise InvalidModel.
    ``pairing="nearest"`` lets each trace remember the last spike only: see ``nearest``. Weights stay in [w_min, w_max].
    ``marks``, ``epoch_ms`` and ``rest`` compose epigenetic marks into it: see ``marks.with_marks``.
    """
    if not is_one_of(pairing, ("all", "nearest")):
        raise InvalidModel(f"stdp.pair: pairing must be 'all' or 'nearest', got {pairing!r}")
    up, down = _soft("stdp.pair", dependence, mu_plus, mu_minus, w_min, w_max)
    mode: Literal["add", "set"] = "add" if pairing == "all" else "set"
    rule = LearningRule(
        traces={"x": Trace("pre", tau_plus_ms, mode=mode), "y": Trace("post", tau_minus_ms, mode=mode)},
        terms=(
            Term("w", POST, A_plus, (Factor(variable="x"), *up)),
            Term("w", PRE, -to_single(A_minus, "stdp.pair.A_minus"), (Factor(variable="y"), *down)),
        ),
        bounds={"w": (w_min, w_max)},
    )
    return with_marks(rule, marks, epoch_ms, rest)


@checked
def nearest(
    *,
    scheme: Literal["symmetric", "pre_centered", "restricted"] = "symmetric",
    tau_plus_ms: float = 20.0,
    tau_minus_ms: float = 20.0,
    A_plus: float,
    A_minus: float,
    w_min: float = 0.0,
    w_max: float = 1.0,
    dependence: Dependence = "additive",
    mu_plus: float | None = None,
    mu_minus: float | None = None,
    marks: Sequence[AnyMark] = (),
    epoch_ms: float | None = None,
    rest: Relax | None = None,
) -> LearningRule:
    r"""Pair rule of nearest neighbours (Morrison, Diesmann and Gerstner 2008, fig. 7); the rest as ``pair``.

    ========================  =====================  =========================================================
    ``scheme``                NEST's synapse         pairs that count
    ========================  =====================  =========================================================
    ``"symmetric"``           stdp_nn_symm           a post spike with the last pre spike, and the reverse
    ``"pre_centered"``        stdp_nn_pre_centered   a pre spike with the last and with the next post spike
    ``"restricted"``          stdp_nn_restr          immediate neighbours: no other spike lies between the two
    ========================  =====================  =========================================================

    The latter two need what each synapse alone knows, and keep it in a mark. ``"pre_centered"``: ``paired`` is the
    value of x, the trace of all pre spikes, at the last post spike, and r decays from 1 since that spike as x does:

    .. math:: post: w \mathrel{+}= A_+ (x - paired \, r) (w_{max} - w)^{\mu_+}, \quad paired \leftarrow x

    ``"restricted"``: ``pre_last`` is 1 where the last spike was a pre spike, else 0:

    .. math:: post: w \mathrel{+}= A_+ x \, pre\_last, \qquad pre: w \mathrel{-}= A_- y (1 - pre\_last)
    """
    if not is_one_of(scheme, ("symmetric", "pre_centered", "restricted")):
        raise InvalidModel(f"stdp.nearest: scheme must be 'symmetric', 'pre_centered' or 'restricted', got {scheme!r}")
    up, down = _soft("stdp.nearest", dependence, mu_plus, mu_minus, w_min, w_max)
    A_plus, A_minus = to_single(A_plus, "stdp.nearest.A_plus"), to_single(A_minus, "stdp.nearest.A_minus")
    x, y = Factor(variable="x"), Factor(variable="y")
    traces = {
        "x": Trace("pre", tau_plus_ms, mode="add" if scheme == "pre_centered" else "set"),
        "y": Trace("post", tau_minus_ms, mode="set"),
    }
    changes, own, potentiating, depressing = list[Term](), list[Mark](), [x], [y]
    if scheme == "pre_centered":
        traces["r"] = Trace("post", tau_plus_ms, mode="set")
        paired = Factor(variable="paired")
        own = [Mark("paired", 0.0, 0.0, math.inf)]
        changes = [
            Term("w", POST, -A_plus, (Factor(variable="r"), paired, *up)),
            *_assigned("paired", POST, Term("paired", POST, 1.0, (x,))),
        ]
    elif scheme == "restricted":
        own = [Mark("pre_last", 0.0)]
        potentiating.append(Factor(variable="pre_last"))
        depressing.append(Factor(variable="pre_last", scale=-1.0, offset=1.0))
        changes = [*_assigned("pre_last", POST), *_assigned("pre_last", PRE, Term("pre_last", PRE, 1.0))]
    rule = LearningRule(
        traces=traces,
        terms=(
            Term("w", POST, A_plus, (*potentiating, *up)),
            Term("w", PRE, -A_minus, (*depressing, *down)),
            *changes,
        ),
        marks=own,
        bounds={"w": (w_min, w_max)},
    )
    return with_marks(rule, marks, epoch_ms, rest)


@checked
def triplet(
    *,
    tau_plus_ms: float = 16.8,
    tau_minus_ms: float = 33.7,
    tau_x_ms: float = 101.0,
    tau_y_ms: float = 125.0,
    A2_plus: float = 7.5e-10,
    A2_minus: float = 7e-3,
    A3_plus: float = 9.3e-3,
    A3_minus: float = 2.3e-4,
    w_min: float = 0.0,
    w_max: float = 1.0,
    marks: Sequence[AnyMark] = (),
    epoch_ms: float | None = None,
    rest: Relax | None = None,
) -> LearningRule:
    r"""Triplet rule (Pfister and Gerstner 2006, eqs. 3 and 4; defaults: table 4, all-to-all, visual cortex).

    .. math:: post: w \mathrel{+}= r_1 (A_2^+ + A_3^+ o_2), \qquad pre: w \mathrel{-}= o_1 (A_2^- + A_3^- r_2)

    r1, r2 are traces of pre spikes (tau_plus, tau_x), o1, o2 of post spikes (tau_minus, tau_y); the slow traces r2, o2
    are read before the spike's own increment. ``marks``, ``epoch_ms`` and ``rest``: see ``marks.with_marks``.
    """
    r1, r2, o1, o2 = (Factor(variable=name) for name in ("r1", "r2", "o1", "o2"))
    rule = LearningRule(
        traces={
            "r1": Trace("pre", tau_plus_ms),
            "r2": Trace("pre", tau_x_ms),
            "o1": Trace("post", tau_minus_ms),
            "o2": Trace("post", tau_y_ms),
        },
        terms=(
            Term("w", POST, A2_plus, (r1,)),
            Term("w", POST, A3_plus, (r1, o2)),
            Term("w", PRE, -to_single(A2_minus, "stdp.triplet.A2_minus"), (o1,)),
            Term("w", PRE, -to_single(A3_minus, "stdp.triplet.A3_minus"), (o1, r2)),
        ),
        bounds={"w": (w_min, w_max)},
    )
    return with_marks(rule, marks, epoch_ms, rest)


@checked
def vogels(
    *,
    tau_ms: float = 20.0,
    eta: float,
    rate_hz: float = 3.0,
    w_min: float = 0.0,
    w_max: float = 1.0,
    marks: Sequence[AnyMark] = (),
    epoch_ms: float | None = None,
    rest: Relax | None = None,
) -> LearningRule:
    r"""Inhibitory plasticity that holds post neurons at ``rate_hz`` (Vogels, Sprekeler et al. 2011).

    .. math:: post: w \mathrel{+}= \eta x, \qquad pre: w \mathrel{+}= \eta (y - \alpha), \qquad \alpha = 2 \rho \tau

    x and y are traces of pre and post spikes that decay with tau, rho is the rate. It is for projections to the
    receptor ``"I"``. NEST's vogels_sprekeler_synapse takes alpha itself, 2 tau_ms rate_hz / 1000.
    ``marks``, ``epoch_ms`` and ``rest``: see ``marks.with_marks``. A negative rate raises InvalidModel.
    """
    if (rate := to_single(rate_hz, "stdp.vogels.rate_hz")) < 0:
        raise InvalidModel(f"stdp.vogels.rate_hz: must be at least 0, got {rate_hz}")
    alpha = 2.0 * to_single(tau_ms, "stdp.vogels.tau_ms") * rate / 1000.0
    rule = LearningRule(
        traces={"x": Trace("pre", tau_ms), "y": Trace("post", tau_ms)},
        terms=(
            Term("w", POST, eta, (Factor(variable="x"),)),
            Term("w", PRE, eta, (Factor(variable="y", offset=-alpha),)),
        ),
        bounds={"w": (w_min, w_max)},
    )
    return with_marks(rule, marks, epoch_ms, rest)


@checked
def neuromodulated(
    *,
    tau_plus_ms: float = 20.0,
    tau_minus_ms: float = 20.0,
    A_plus: float,
    A_minus: float,
    tau_eligibility_ms: float = 1000.0,
    tau_signal_ms: float | None = None,
    signal: str = "D",
    epoch_ms: float = 1.0,
    w_min: float = 0.0,
    w_max: float = 1.0,
) -> LearningRule:
    r"""Pair rule that a third factor turns into changes of weights (Izhikevich 2007).

    .. math:: \frac{dc}{dt} = -\frac{c}{\tau_c} + A_+ x \, \delta_{post} - A_- y \, \delta_{pre}, \qquad
              \frac{dw}{dt} = \frac{c D}{1 s}

    c is a mark of each synapse, its eligibility, which decays with tau_eligibility; D is the third factor that the
    projection binds to the name ``signal``. At every epoch w takes the integral over the epoch to come, c and D
    decaying in it: D with ``tau_signal_ms`` as ``Leaky`` signals do, or, with None, not at all. With ``epoch_ms`` of
    one step that is exact; with longer ones spikes within an epoch count from its end on.
    """
    taus = {"tau_eligibility_ms": tau_eligibility_ms}
    if tau_signal_ms is not None:
        taus["tau_signal_ms"] = tau_signal_ms
    rates = [1.0 / _time(value, f"stdp.neuromodulated.{name}") for name, value in taus.items()]
    epoch = _time(epoch_ms, "stdp.neuromodulated.epoch_ms")
    integral = -math.expm1(-epoch * sum(rates)) / sum(rates) / 1000.0
    c = Factor(variable="c")
    return LearningRule(
        traces={"x": Trace("pre", tau_plus_ms), "y": Trace("post", tau_minus_ms)},
        terms=(
            Term("c", POST, A_plus, (Factor(variable="x"),)),
            Term("c", PRE, -to_single(A_minus, "stdp.neuromodulated.A_minus"), (Factor(variable="y"),)),
            Term("w", EPOCH, integral, (c, Factor(variable=signal))),
            Term("c", EPOCH, math.expm1(-epoch * rates[0]), (c,)),
        ),
        marks=[Mark("c", 0.0, -math.inf, math.inf)],
        bounds={"w": (w_min, w_max)},
        third_factors=[signal],
        epoch_ms=epoch_ms,
    )


def _time(value: Any, path: str) -> float:
    if not (time := to_single(value, path)) > 0:
        raise InvalidModel(f"{path}: must be > 0, got {value}")
    return time


def _assigned(variable: str, event: Literal["pre", "post"], *value: Term) -> tuple[Term, ...]:
    """Terms that set a variable to the sum of the terms ``value``."""
    return (*value, Term(variable, event, -1.0, (Factor(variable=variable),)))


def _soft(
    rule: str, dependence: str, mu_plus: Any, mu_minus: Any, w_min: float, w_max: float
) -> tuple[tuple[Factor, ...], tuple[Factor, ...]]:
    """The factors of potentiation, (w_max - w)^mu_plus, and of depression, (w - w_min)^mu_minus."""
    if not is_one_of(dependence, (*_POWERS, "power")):
        known = ", ".join(map(repr, _POWERS))
        raise InvalidModel(f"{rule}: dependence must be {known} or 'power', got {dependence!r}")
    given = {"mu_plus": mu_plus, "mu_minus": mu_minus}
    if dependence != "power":
        for name, value in given.items():
            if value is not None:
                raise InvalidModel(f"{rule}.{name}: belongs to dependence='power', got {dependence!r}")
        up, down = _POWERS[dependence]
    else:
        up, down = (_power(value, f"{rule}.{name}") for name, value in given.items())
    low, high = to_single(w_min, f"{rule}.w_min"), to_single(w_max, f"{rule}.w_max")
    return (
        (Factor(variable="w", scale=-1.0, offset=high, power=up),) if up else (),
        (Factor(variable="w", offset=-low, power=down),) if down else (),
    )


def _power(value: Any, path: str) -> int:
    if value is None:
        raise InvalidModel(f"{path}: dependence='power' needs it")
    power = to_single(value, path)
    if not (power >= 0 and power.is_integer()):
        raise InvalidModel(
            f"{path}: must be a whole number from 0 on, got {value}: terms of learning rules are products; 0 and 1 "
            "are the additive and the multiplicative dependence"
        )
    return int(power)


pair_stdp = pair
triplet_stdp = triplet
