"""Rules from text: read, never executed; factors stay factored; anything else is refused by name, and at once."""

from __future__ import annotations

import ast
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernsnn import Factor, InvalidModel, LearningRule, Mark, Product, Trace
from ernsnn.describe.equations import parse_products

NAMES = ("w", "m", "x", "y", "g", "E", "S", "N", "I", "pi", "O")


def parse(text, parameters=None):
    return parse_products(text, NAMES, parameters or {}, "on_post['w']")


def value(products, numbers):
    return sum(
        p.coefficient * math.prod((f.offset + f.scale * numbers[f.variable]) ** f.power for f in p.factors)
        for p in products
    )


# What is understood


def test_a_product():
    assert parse("-A*x*w/4", {"A": 2.0}) == (Product(-0.5, (Factor(variable="w"), Factor(variable="x"))),)


def test_affine_factors_stay_factored():
    squared = Factor(variable="m", scale=-0.8, offset=1.0, power=2)
    assert parse("(1 - lam*m)**2", {"lam": 0.8}) == (Product(1.0, (squared,)),)
    assert parse("eta*x*(1 - lam*m)**2*(1 - w)", {"lam": 0.8, "eta": 0.5}) == (
        Product(0.5, (squared, Factor(variable="w", scale=-1.0, offset=1.0), Factor(variable="x"))),
    )
    assert parse("(1 - m)*(1 - m)") == (Product(1.0, (Factor(variable="m", scale=-1.0, offset=1.0, power=2),)),)


def test_a_sum_of_several_variables_is_multiplied_out_and_the_rest_stays():
    found = parse("(x + y)*(1 - w)**3")
    cubed = Factor(variable="w", scale=-1.0, offset=1.0, power=3)
    assert set(found) == {Product(1.0, (cubed, Factor(variable="x"))), Product(1.0, (cubed, Factor(variable="y")))}
    assert len(parse("(x + y)**16")) == 17


@pytest.mark.parametrize("text", ["0", "0*x", "x - x", "w*(x + y) - w*x - w*y"])
def test_nothing(text):
    numbers = dict.fromkeys(NAMES, 0.7)
    assert value(parse(text), numbers) == pytest.approx(0, abs=1e-15)


def test_names_that_sympy_would_take_for_its_own():
    assert parse("E*S*N*I*pi*O")[0].factors == tuple(
        Factor(variable=n) for n in sorted(("E", "S", "N", "I", "pi", "O"))
    )


def test_the_order_of_terms_is_fixed():
    assert parse("x + y*w + 3") == parse("3 + w*y + x") == parse("w*y + x + 3")


# Random polynomials: the sum of the products is the text's value in plain Python

atoms = st.one_of(
    st.sampled_from(["w", "m", "x", "y", "kappa", "lam"]),
    st.integers(0, 9).map(str),
    st.floats(0.01, 9, allow_nan=False).map(repr),
)


def combined(inner):
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.integers(1, 9)).map(lambda t: f"({t[0]} / {t[1]})"),
        st.tuples(inner, st.integers(1, 3)).map(lambda t: f"({t[0]})**{t[1]}"),
        inner.map(lambda t: f"-{t}"),
    )


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(st.recursive(atoms, combined, max_leaves=8), st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_the_products_sum_up_to_the_value_of_the_text(text, drawn):
    parameters = {"kappa": 0.37, "lam": -1.2}
    numbers = dict(zip(("w", "m", "x", "y"), drawn, strict=True))
    try:
        products = parse(text, parameters)
    except InvalidModel as refused:
        assert "power above" in str(refused) or "products" in str(refused)  # noqa: PT017
        return
    expected = eval(text, {"__builtins__": {}}, {**parameters, **numbers})
    size = sum(abs(value([p], numbers)) for p in products)
    assert value(products, numbers) == pytest.approx(expected, rel=1e-9, abs=1e-12 * (1 + size))


# What is refused

INJECTIONS = [
    "__import__('os').system('touch /tmp/ernsnn_was_here')",
    "w.__class__",
    "w.real",
    "().__class__.__bases__[0].__subclasses__()",
    "(lambda: w)()",
    "lambda: w",
    "[w for w in x]",
    "{w for w in x}",
    "{w: x for w in x}",
    "(w for w in x)",
    "f'{w}'",
    "f'{__import__(\"os\")}'",
    "(z := w)",
    "w if x else y",
    "w and x",
    "not w",
    "w < x",
    "w[0]",
    "w[0:1]",
    "(w, x)",
    "[w]",
    "{w}",
    "*w",
    "**w",
    "await w",
    "yield w",
    "exec('1')",
    "eval('1')",
    "print(w)",
    "exp(w)",
    "abs(w)",
    "'w'",
    "b'w'",
    "None",
    "True",
    "...",
    "1j*w",
    "w @ x",
    "w // x",
    "w % x",
    "w << 2",
    "w | x",
    "w ^ x",
    "~w",
    "w; x",
    "w = x",
    "w\nx",
    "import os",
    "__builtins__",
    "w x",
    "",
    "   ",
    "\x00",
    "w*\\",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_everything_but_arithmetic_is_refused(text):
    with pytest.raises(InvalidModel, match=r"on_post\['w'\]"):
        parse(text)


@pytest.mark.parametrize("text", [None, 3, b"w", ["w"], ast.parse("w")])
def test_only_text_is_read(text):
    with pytest.raises(InvalidModel, match=r"on_post\['w'\]"):
        parse(text)


@pytest.mark.parametrize("text", ["w*q", "q", "w*lam", "nan*w", "inf", "oo", "Ww", "λ*w"])
def test_unknown_names_are_told_with_the_known_ones(text):
    with pytest.raises(InvalidModel, match=r"unknown name .*known: .*kappa.*w"):
        parse(text, {"kappa": 1.0})


def test_lambda_has_a_hint():
    with pytest.raises(InvalidModel, match="lam"):
        parse("1 - lambda*w")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1/w", "division by a variable"),
        ("x/(1 + w)", "division by a variable"),
        ("w/0", "division by zero"),
        ("w/(2 - 2)", "division by zero"),
        ("w/(x - x)", "division by zero"),
        ("w**-1", "power"),
        ("w**0.5", "power"),
        ("w**0", "power"),
        ("w**x", "power"),
        ("2**w", "power"),
        ("w**17", "power"),
        ("w**16*w", "power"),
        ("((1 - w)**16)**16", "power"),
        ("1e400*w", "too large"),
        ("9" * 400, "too large"),
        ("((10**16)**16)**16*w", "too large"),
        ("(1e200*w)*1e200", "finite"),
    ],
)
def test_what_is_no_product_form(text, words):
    with pytest.raises(InvalidModel, match=words):
        parse(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9",
        "10**16**16*w",
        "(((w + x)**7 + 1)**7 + w*x)**7",
        "(((w + 1)**7 + w)**16 + w)**16",
        "((((w**2 + w)**16 + w)**16 + w)**16 + w)**16",
        "(w + x + y + m + g)**16",
        "(w + x)*" * 40 + "1",
        "(" * 150 + "w" + ")" * 150 + "**99",
        "(" * 900 + "w" + ")" * 900,
        "-" * 1900 + "w",
        "not " * 400 + "w",
        "[" * 90 + "]" * 90 + "*2",
        "w+" * 900 + "w",
        "w" + "**2" * 500,
        "w*" * 3000 + "w",
        "0x" + "f" * 1900,
        "lambda:" * 250 + "w",
    ],
)
def test_huge_and_deep_texts_are_refused_quickly(text):
    with pytest.raises(InvalidModel, match=r"on_post\['w'\]"):
        parse(text)


def test_nothing_was_executed(tmp_path):
    target = tmp_path / "here"
    with pytest.raises(InvalidModel):
        parse(f"__import__('pathlib').Path({str(target)!r}).touch()")
    assert not target.exists()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "x", None, True, [1.0]])
def test_parameters_are_numbers(number):
    with pytest.raises(InvalidModel, match=r"'A'|too large"):
        parse("A*w", {"A": number})


def test_a_name_with_two_meanings():
    with pytest.raises(InvalidModel, match="x is both"):
        parse("x", {"x": 1.0})


def test_whole_rules():
    rule = LearningRule.from_equations(
        traces={"x": Trace("pre", 20), "y": Trace("post", 30)},
        on_post={"w": "A*x*(1 - w) + B", "m": "x*g"},
        on_pre={"w": "-A*y*w"},
        on_epoch={"m": "-m**2"},
        parameters={"A": 0.5, "B": 0.25},
        bounds={"w": (0, 1)},
        marks=[Mark("m")],
        third_factors=["g"],
        epoch_ms=10,
    )
    assert [(t.target, t.event) for t in rule.terms] == [
        ("w", "pre"),
        ("w", "post"),
        ("w", "post"),
        ("m", "post"),
        ("m", "epoch"),
    ]
    assert rule.parameters == {"A": 0.5, "B": 0.25}


@pytest.mark.parametrize("event", ["pre", "post", "epoch"])
def test_errors_say_which_equation(event):
    with pytest.raises(InvalidModel, match=rf"on_{event}\['w'\].*'q'"):
        LearningRule.from_equations(**{f"on_{event}": {"w": "q"}})
