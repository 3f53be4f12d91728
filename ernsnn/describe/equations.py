"""Parsing of equations of learning rules into sums of products. Text is read as a syntax tree and never executed."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from ernsnn.describe.products import Factor, Product
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel, quoted

_LONGEST_TEXT = 2000
_HIGHEST_POWER = 16
_MOST_PRODUCTS = 200
_LARGEST = 1e300


def parse_products(
    text: str, names: Collection[str], parameters: Mapping[str, float], where: str
) -> tuple[Product, ...]:
    """The products whose sum ``text`` is.

    ``names`` may appear as variables, ``parameters`` are replaced by their numbers. A sum in one variable alone, such
    as (1 - lam*m)**2, stays one factor; a sum of several is multiplied out. Raises InvalidModel, naming ``where``.
    """
    tree = _read(text, where)
    if isinstance(tree.body, ast.Name) and tree.body.id in names and tree.body.id not in parameters:
        return (Product(1.0, (Factor(variable=tree.body.id),)),)  # the common case, without waiting for sympy
    reader = _Reader(set(names), dict(parameters), where, text)
    return reader.products(reader.build(tree.body))


def names_in(text: str, where: str) -> set[str]:
    """The names in ``text``. Raises InvalidModel, naming ``where``, on text that is no expression."""
    return {node.id for node in ast.walk(_read(text, where)) if isinstance(node, ast.Name)}


def _read(text: str, where: str) -> ast.Expression:
    if not isinstance(text, str):
        raise InvalidModel(f"{where}: an equation is text, got {text!r}")
    if len(text) > _LONGEST_TEXT:
        raise InvalidModel(f"{where}: longer than {_LONGEST_TEXT} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as "invalid decimal literal": what is wrong fails below
            return ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        hint = ' ("lambda" is a word of Python: call it "lam")' if "lambda" in text else ""
        raise InvalidModel(f"{where}: cannot read {quoted(text)}: {getattr(error, 'msg', error)}{hint}") from None


class _Reader:
    """Builds sympy expressions node by node, from whitelisted nodes only, then takes them apart into products."""

    def __init__(self, names: set[str], parameters: dict[str, float], where: str, text: str) -> None:
        import sympy  # half a second: only who writes equations pays for it

        self.sympy = sympy
        self.where, self.text = where, text
        both = sorted(names & parameters.keys())
        if both:
            raise InvalidModel(f"{where}: {', '.join(both)} is both a variable and a parameter; rename one")
        self.symbols = {name: sympy.Dummy(name) for name in names}
        self.name_of = {symbol: name for name, symbol in self.symbols.items()}
        self.parameters = parameters

    def fail(self, problem: str) -> NoReturn:
        raise InvalidModel(f"{self.where}: {problem} in {quoted(self.text)}")

    def build(self, node: ast.expr, depth: int = 0) -> Any:
        if depth > 100:
            self.fail("too deeply nested")
        match node:
            case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
                return self.number(value)
            case ast.Name(id=name):
                return self.name(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.build(operand, depth + 1)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.build(operand, depth + 1)
            case ast.BinOp(left=left, op=op, right=right):
                result = self.binary(op, self.build(left, depth + 1), self.build(right, depth + 1))
                if result.is_number and not abs(result) < _LARGEST:
                    self.fail("a number grows too large")
                return result
        try:
            shown = repr(ast.unparse(node))
        except RecursionError:
            shown = type(node).__name__
        self.fail(f"{shown} is not allowed (only + - * / **, numbers and names)")

    def number(self, value: float) -> Any:
        if not abs(value) < _LARGEST:
            self.fail(f"the number {quoted(value)} is too large")
        whole = float(value).is_integer() and abs(value) < 2**53
        return self.sympy.Integer(int(value)) if whole else self.sympy.Float(value)

    def name(self, name: str) -> Any:
        if name in self.parameters:
            value = self.parameters[name]
            if isinstance(value, bool | str):
                self.fail(f"the parameter {name!r} must be a number, got {quoted(value)}")
            value = to_single(value, f"{self.where}: the parameter {name!r}")
            return self.number(value)
        if name in self.symbols:
            return self.symbols[name]
        self.fail(f"unknown name {name!r} (known: {', '.join(sorted([*self.symbols, *self.parameters]))})")

    def binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        match op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                if right.free_symbols:
                    self.fail("division by a variable is no product form")
                return left / right if right != 0 else self.fail("division by zero")
            case ast.Pow():
                if right.free_symbols or float(right) != int(right) or not 1 <= int(right) <= _HIGHEST_POWER:
                    self.fail(f"a power must be a whole number from 1 to {_HIGHEST_POWER}")
                return left ** int(right)
        self.fail(f"the operator {type(op).__name__} is not allowed")

    def products(self, expression: Any) -> tuple[Product, ...]:
        if expression == 0:
            return ()
        if expression.is_Add and not self.affine(expression):
            return self.total([p for term in expression.args for p in self.products(term)])
        coefficient, factors = 1.0, []
        for part in expression.args if expression.is_Mul else (expression,):
            base, power = (part.base, int(part.exp)) if part.is_Pow else (part, 1)
            if power > _HIGHEST_POWER:
                self.fail(f"a power above {_HIGHEST_POWER}")
            if not base.free_symbols:
                coefficient *= float(part)
            elif affine := self.affine(base):
                factors.append(Factor(variable=affine[0], scale=affine[1], offset=affine[2], power=power))
            elif base.is_Add:  # a sum of several variables: multiply this one out, the others stay factored
                if self.most_products(part) > _MOST_PRODUCTS:
                    self.fail(f"more than {_MOST_PRODUCTS} products")
                rest = expression / part
                inner = base if power == 1 else self.sympy.expand(part)
                return self.total([p for term in inner.args for p in self.products(rest * term)])
            else:
                self.fail("no sum of products")
        ordered = tuple(sorted(factors, key=lambda f: (f.variable, f.scale, f.offset)))
        return (Product(coefficient, ordered),)

    def total(self, products: list[Product]) -> tuple[Product, ...]:
        if len(products) > _MOST_PRODUCTS:
            self.fail(f"more than {_MOST_PRODUCTS} products")
        # sympy orders a sum by internal keys; a fixed order makes digests equal everywhere.
        return tuple(sorted(products, key=lambda p: (repr(p.factors), p.coefficient)))

    def most_products(self, expression: Any) -> int:
        """An upper bound of how many products an expression has when it is multiplied out."""
        if expression.is_Add:
            return sum(self.most_products(part) for part in expression.args)
        if expression.is_Mul:
            return math.prod(self.most_products(part) for part in expression.args)
        if expression.is_Pow and expression.free_symbols:
            power = int(expression.exp)
            return math.comb(self.most_products(expression.base) + power - 1, power)
        return 1

    def affine(self, expression: Any) -> tuple[str, float, float] | None:
        """(variable, scale, offset) of offset + scale * variable in one variable; None if it is something else."""
        # What expands to very much is no affine expression, and expanding it could take hours.
        if len(expression.free_symbols) != 1 or self.most_products(expression) > _MOST_PRODUCTS:
            return None
        (symbol,) = expression.free_symbols
        scale = self.sympy.expand(expression).coeff(symbol, 1)
        offset = self.sympy.expand(expression).coeff(symbol, 0)
        if scale.free_symbols or scale == 0 or self.sympy.expand(expression - scale * symbol - offset) != 0:
            return None
        return self.name_of[symbol], float(scale), float(offset)
