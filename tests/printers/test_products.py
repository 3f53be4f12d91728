"""Products as text, in the notations of native and Brian2, mean what the reference computes."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn.describe.learning import Term
from ernsnn.describe.products import Factor, Product
from ernsnn.hardware_backends.brian2.expressions import Constants, total
from ernsnn.hardware_backends.printers import Notation
from ernsnn.hardware_backends.reference.terms import product

NOTATIONS = {
    "repeated": Notation(str, repr, lambda base, power: f"({'*'.join([base] * power)})"),
    "**": Notation(str, repr, lambda base, power: f"{base}**{power}"),
}


def drawn(rng):
    numbers = [1.0, -1.0, 0.0, 0.5, -2.5, 1e-9]
    factors = [
        Factor(variable=str(v), scale=rng.choice(numbers), offset=rng.choice(numbers), power=int(rng.integers(1, 4)))
        for v in rng.choice(list("xyz"), rng.integers(0, 4))
    ]
    return Product(float(rng.choice(numbers)), tuple(factors))


@pytest.mark.parametrize("notation", NOTATIONS)
def test_the_text_is_worth_what_the_reference_computes(notation):
    rng = np.random.default_rng(0)
    for _ in range(300):
        p, values = drawn(rng), {name: float(rng.normal()) for name in "xyz"}
        text = NOTATIONS[notation].product(p)
        expected = product(p.coefficient, p.factors, values.__getitem__)
        assert eval(text, {"__builtins__": {}}, values) == pytest.approx(expected, rel=1e-14, abs=0), text


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (Factor(variable="w"), "w"),
        (Factor(variable="w", scale=-1.0), "(-w)"),
        (Factor(variable="w", scale=-1.0, offset=1.0), "(1.0 - w)"),
        (Factor(variable="w", scale=2.0, offset=1.0), "(1.0 + 2.0*w)"),
        (Factor(variable="w", scale=-1.0, power=2), "(-w)**2"),
        (Factor(variable="w", power=3), "w**3"),
    ],
)
def test_a_factor_is_written_as_a_person_would(factor, text):
    assert NOTATIONS["**"].factor(factor) == text


def test_a_coefficient_of_1_is_left_out_and_a_known_factor_has_its_name():
    f = Factor(variable="w", scale=-1.0, offset=1.0)
    assert NOTATIONS["**"].product(Product(1.0, (f,))) == "(1.0 - w)"
    assert NOTATIONS["**"].product(Product(1.0)) == "1.0"
    known = Notation(str, repr, lambda base, power: f"{base}**{power}", {f: "h0"})
    assert known.product(Term("w", "pre", 0.5, (f,))) == "0.5*h0"


def test_brian2_shares_equal_numbers():
    constants = Constants()
    products = [Product(0.5, (Factor(variable="x"),)), Product(0.5, (Factor(variable="y", scale=0.5, offset=2.0),))]
    assert total(products, str, constants) == "k0*x + k0*(k1 + k0*y)"
    assert constants.values == {"k0": 0.5, "k1": 2.0}
