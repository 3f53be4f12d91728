"""The algebra from Terms to monomials: it evaluates to the same change, at every event and every coincidence."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernsnn.describe.kinds import RECEPTORS
from ernsnn.describe.learning import EPOCH, POST, PRE, Term
from ernsnn.describe.products import Factor
from ernsnn.graph.graph import Projection
from ernsnn.hardware_backends.loihi.arithmetic.integers import Operand, Product
from ernsnn.hardware_backends.loihi.arithmetic.rules import (
    Axis,
    Monomial,
    alternatives,
    monomials,
    rounded_ends,
    text,
    widened,
)
from ernsnn.hardware_backends.loihi.quantise.learning import mark_axis, weight_axis

SETTINGS = settings(deadline=None, derandomize=True)


def axis_on(receptor: str, low: float, high: float) -> Axis | None:
    """How a projection onto ``receptor`` would hold weights from ``low`` to ``high``."""
    projection = SimpleNamespace(receptor=receptor, arrives_at=RECEPTORS[receptor])
    return weight_axis(cast("Projection", projection), low, high)


W = axis_on("excitatory", 0.0, 1.0)
assert W is not None
X = Axis("x1", 1 / 64, 0, 0, 127, "pre", 64)
Y = Axis("y1", 1 / 64, 0, 0, 127, "post", 64)
M = mark_axis(0.0, 1.0)
AXES = {"w": W, "x": X, "y": Y, "m": M}


def evaluated(found: list[Monomial], n: dict[str, int], coincident: bool) -> float:
    """The change of the target's integer, with traces as Lava sees them."""
    values = {**n, "x0": int(coincident)}
    return sum(m.coefficient * math.prod(values[p.variable] + p.constant for p in m.parts) for m in found)


# Factors whose constants are whole numbers in the integers' units, so that nothing is rounded here.
FACTORS = st.lists(
    st.sampled_from(
        [
            Factor(variable="w"),
            Factor(variable="w", scale=-1, offset=1),
            Factor(variable="w", scale=-1, offset=3),
            Factor(variable="x"),
            Factor(variable="x", scale=2, offset=1, power=2),
            Factor(variable="y", scale=0.5, offset=0.5),
            Factor(variable="m"),
            Factor(variable="m", scale=-1, offset=1, power=2),
            Factor(variable="m", scale=2, offset=1),
        ]
    ),
    max_size=3,
)


@SETTINGS
@given(
    FACTORS,
    st.sampled_from([PRE, POST, EPOCH]),
    st.booleans(),
    st.integers(0, 63),
    st.integers(0, 63),
    st.integers(0, 255),
    st.integers(-257, 255),
)
def test_monomials_change_the_weight_as_the_term_does(
    factors: list[Factor], event: str, meet: bool, x: int, y: int, w: int, m: int
) -> None:
    term = Term("w", event, 0.25, tuple(factors))  # type: ignore[arg-type]
    values = {"w": W.value(w), "x": X.value(x), "y": Y.value(y), "m": M.value(m)}
    if event == PRE and meet:
        # The specification lets a PRE term see the post trace with the impulse of the step, as Lava does.
        values["y"] += 1
    asked = term.coefficient * math.prod((f.offset + f.scale * values[f.variable]) ** f.power for f in factors)
    # Lava: traces after the impulses of the step.
    seen_x = x + 64 * (event == PRE or (event == POST and meet))
    seen_y = y + 64 * (event == POST or (event == PRE and meet))
    seen = {"w": w, "t": m, "x1": seen_x, "y1": seen_y}
    found = monomials(term, W.step, AXES, {PRE: "x0", POST: "y0", EPOCH: "u0"}[event])
    assert evaluated(found, seen, meet) * W.step == pytest.approx(asked, rel=1e-9, abs=1e-9)


def test_a_pair_rule_in_monomials() -> None:
    up = monomials(Term("w", POST, 0.5, (Factor(variable="x"),)), W.step, AXES, "y0")
    # What a coincident pre spike added is taken back.
    assert [(m.coefficient, m.parts) for m in up] == [
        (pytest.approx(127.5 / 64), (Operand("x1"),)),
        (pytest.approx(-127.5), (Operand("x0"),)),
    ]
    (down,) = monomials(Term("w", PRE, -0.5, (Factor(variable="y"),)), W.step, AXES, "x0")
    assert (down.coefficient, down.parts) == (pytest.approx(-127.5 / 64), (Operand("y1"),))


def test_widths_and_shifts_are_lavas() -> None:
    # loihi.md: trace * trace is 8 times smaller than in float, trace * tag 32 times.
    assert Monomial(1.0, "y0", (Operand("x1"), Operand("y1"))).shift == 3
    assert Monomial(1.0, "y0", (Operand("x1"), Operand("t"))).shift == 5
    assert Monomial(1.0, "y0", (Operand("x1"),)).shift == 0


@SETTINGS
@given(
    st.floats(1e-7, 1e-2),
    st.lists(
        st.sampled_from([Operand("x1"), Operand("y1"), Operand("w"), Operand("t", constant=257)]),
        max_size=2,
    ),
)
def test_a_widened_product_is_the_same_and_has_a_coefficient(number: float, parts: list[Operand]) -> None:
    m = Monomial(number, "y0", tuple(parts))
    wide, constant = widened(m)
    values = {"x1": 50, "y1": 30, "w": 100, "t": -40, "d": 0, "x0": 0}
    assert evaluated([wide], values, False) == pytest.approx(evaluated([m], values, False))
    assert wide.coefficient * constant == pytest.approx(number)
    if constant > 1:
        mantissa = math.ldexp(wide.coefficient, wide.shift + 7)
        assert constant == 511 or mantissa == pytest.approx(round(mantissa), rel=0.5 / constant)
    assert widened(replace(m, event="u3")) == (replace(m, event="u3"), 1)


def test_a_factor_stays_one_where_it_fits_and_is_a_sum_where_not() -> None:
    assert alternatives(Factor(variable="w", scale=-1, offset=1), W, POST) == [
        (pytest.approx(-1 / 255), (Operand("w", constant=-255),))
    ]
    assert alternatives(Factor(variable="m", scale=1, offset=1), M, POST) == [
        (pytest.approx(1 / 512), (Operand("t", constant=257),)),
        (1, ()),
    ]
    assert alternatives(Factor(variable="m", scale=0, offset=2), M, POST) == [(2, ())]


def test_a_gate_may_leave_its_width_a_little_and_says_so() -> None:
    gate = Factor(variable="m", scale=-0.98, offset=1, power=2)
    assert len(alternatives(gate, M, POST)) == 1
    (open_asked, open_stored), (shut_asked, shut_stored) = rounded_ends(gate, M)
    assert open_asked == 1
    assert open_stored == pytest.approx(1, abs=0.03)
    assert shut_asked == pytest.approx(0.02)
    assert shut_stored == pytest.approx(0.02, abs=0.002)


def test_weights_and_marks_fill_their_integers() -> None:
    assert [W.value(n) for n in (W.low, W.high)] == [0, 1]
    assert [M.value(n) for n in (M.low, M.high)] == pytest.approx([0, 1])
    low = mark_axis(-1.0, 3.0)
    assert [low.value(n) for n in (low.low, low.high)] == pytest.approx([-1, 3])
    inhibitory = axis_on("inhibitory", 0.0, 2.0)
    assert inhibitory is not None
    assert inhibitory.value(-255) == pytest.approx(2)
    for low_bound, high_bound, receptor in (
        (0.1, 1.0, "excitatory"),
        (0.0, math.inf, "excitatory"),
        (-math.inf, 1.0, "excitatory"),
        (-2.0, 1.0, "signed"),
        (-1.0, 1.0, "excitatory"),
    ):
        assert axis_on(receptor, low_bound, high_bound) is None


def test_products_are_written_in_lavas_syntax() -> None:
    parts = (
        Operand("x1"),
        Operand("w", constant=-255),
        Operand("t", sign=-1, constant=3),
        Operand("t", sgn=True, constant=-64),
    )
    assert text(Product(-4, 3, "y0", parts)) == "-4*2^3*y0*x1*(w-255)*(-t+3)*sgn(t-64)"
    assert text(Product(5, 0, "u3", (Operand("w", sign=-1),))) == "5*u3*(-w)"
