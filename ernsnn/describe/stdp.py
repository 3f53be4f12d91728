"""Ready-made spike-timing dependent plasticity. Amplitudes are absolute, in the unit of the weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ernsnn.describe.arguments import checked
from ernsnn.describe.fields import is_one_of
from ernsnn.describe.flows import Relax
from ernsnn.describe.learning import POST, PRE, LearningRule, Term, Trace
from ernsnn.describe.marks import AnyMark, with_marks
from ernsnn.describe.products import Factor
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel


@checked
def pair(
    *,
    tau_plus_ms: float = 20.0,
    tau_minus_ms: float = 20.0,
    A_plus: float,
    A_minus: float,
    w_min: float = 0.0,
    w_max: float = 1.0,
    dependence: Literal["additive", "multiplicative"] = "additive",
    pairing: Literal["all", "nearest"] = "all",
    marks: Sequence[AnyMark] = (),
    epoch_ms: float | None = None,
    rest: Relax | None = None,
) -> LearningRule:
    r"""Pair rule (Song, Miller and Abbott 2000; multiplicative: Rubin, Lee and Sompolinsky 2001).

    A post spike adds :math:`A_+ x`, a pre spike :math:`-A_- y`, with traces x of pre and y of post spikes that decay
    with tau_plus and tau_minus. ``"multiplicative"`` scales these by (w_max - w) and (w - w_min).
    ``pairing="nearest"`` lets each trace remember the last spike only. Weights stay in [w_min, w_max].
    ``marks``, ``epoch_ms`` and ``rest`` compose epigenetic marks into it: see ``marks.with_marks``.
    """
    if not is_one_of(dependence, ("additive", "multiplicative")):
        raise InvalidModel(f"stdp.pair: dependence must be 'additive' or 'multiplicative', got {dependence!r}")
    if not is_one_of(pairing, ("all", "nearest")):
        raise InvalidModel(f"stdp.pair: pairing must be 'all' or 'nearest', got {pairing!r}")
    soft = dependence == "multiplicative"
    up = (Factor(variable="w", scale=-1.0, offset=w_max),) if soft else ()
    down = (Factor(variable="w", offset=-to_single(w_min, "stdp.pair.w_min")),) if soft else ()
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


pair_stdp = pair
triplet_stdp = triplet
