"""Expressions and statements of neurons, as data: read from text by Python's ``ast``, checked, and never executed."""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from ernsnn.errors import InvalidModel, quoted, unknown


@dataclass(frozen=True)
class Num:
    """A number."""

    value: float


@dataclass(frozen=True)
class Name:
    """A parameter, state, constant, or a name that the step itself gives (``kinds.GIVEN``)."""

    id: str


@dataclass(frozen=True)
class Op:
    """An operation of ``OPERATIONS`` on ``args``: ``Op("+", (Name("a"), Num(1.0)))``."""

    op: str
    args: tuple[Expr, ...]


Expr = Num | Name | Op

FUNCTIONS = {"min": 2, "max": 2} | dict.fromkeys(
    ("abs", "exp", "expm1", "exprel", "log", "sqrt", "tanh", "cos", "floor", "ceil"), 1
)
"""The functions that an expression may call, and how many arguments each has; exprel(x) is expm1(x)/x, 1 at 0."""
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
OPERATIONS = {"+": 2, "-": 2, "*": 2, "/": 2, "**": 2, "neg": 1, "not": 1, "and": 2, "or": 2, "if": 3}
OPERATIONS |= FUNCTIONS | dict.fromkeys(COMPARISONS, 2)
"""Every operation, and how many arguments it has; ``if`` has the condition first, then both values."""
TRUTHS = {"not", "and", "or", *COMPARISONS}
"""The operations whose values are true or false."""

LONGEST_TEXT, DEEPEST, _HIGHEST_POWER = 20_000, 60, 16
_DERIVATIVE = re.compile(r"(^|[;\n])([ \t]*)d([^\W\d]\w*)/dt[ \t]*=(?!=)")
_SYMBOLS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


@dataclass(frozen=True)
class Statement:
    """``target = value``, or d target/dt = value where it is a ``derivative``.

    It is left out where the parameter ``needs``, if named, is not given: ``if v_min_mV: V = max(V, v_min_mV)``.
    """

    target: str
    value: Expr
    needs: str = ""
    derivative: bool = False


def parse_expression(text: str, where: str) -> Expr:
    """Parse an expression. Raises InvalidModel, naming ``where``, on text that is none."""
    body = _tree(text, where).body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise InvalidModel(f"{where}: {quoted(text)} must be one expression")
    return _Reader(where, text).build(body[0].value)


def parse_statements(text: str, where: str) -> tuple[Statement, ...]:
    """Parse assignments, on lines of their own or separated by ";": ``V = ...``, ``w += ...``, ``dV/dt = ...``.

    ``if NAME: ...`` before one makes it depend on whether the parameter of that name is given. Raises InvalidModel,
    naming ``where``, on anything else.
    """
    if not isinstance(text, str):
        raise InvalidModel(f"{where}: equations are text, got {quoted(text)}")
    marked = _DERIVATIVE.sub(r"\1\2__d_\3 =", text)
    reader = _Reader(where, text)
    return tuple(statement for node in _tree(marked, where).body for statement in reader.statements(node))


def _tree(text: object, where: str) -> ast.Module:
    if not isinstance(text, str):
        raise InvalidModel(f"{where}: an equation is text, got {quoted(text)}")
    if len(text) > LONGEST_TEXT:
        raise InvalidModel(f"{where}: longer than {LONGEST_TEXT} characters")
    # Lines may be indented as the program around them is; within brackets a line goes on anyway.
    unindented = "\n".join(line.strip() for line in text.splitlines())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as "invalid decimal literal": what is wrong fails below
            return ast.parse(unindented.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "text", None) or text
        hint = ' ("lambda" is a word of Python: call it "lam")' if "lambda" in text else ""
        raise InvalidModel(
            f"{where}: cannot read {quoted(line.strip())}: {getattr(error, 'msg', error)}{hint}"
        ) from None


class _Reader:
    def __init__(self, where: str, text: str) -> None:
        self.where, self.text = where, text

    def fail(self, problem: str) -> NoReturn:
        raise InvalidModel(f"{self.where}: {problem} in {quoted(self.text.strip())}")

    def shown(self, node: ast.AST) -> str:
        try:
            return quoted(ast.unparse(node))
        except RecursionError:
            return type(node).__name__

    def statements(self, node: ast.stmt) -> Iterator[Statement]:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and not node.orelse:
            yield from (self.statement(part, self.name(node.test.id)) for part in node.body)
        else:
            yield self.statement(node)

    def statement(self, node: ast.stmt, needs: str = "") -> Statement:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                derivative = name.startswith("__d_")
                return Statement(self.name(name.removeprefix("__d_")), self.build(value), needs, derivative)
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value) if type(op) in _SYMBOLS:
                return Statement(self.name(name), Op(_SYMBOLS[type(op)], (Name(name), self.build(value))), needs)
        self.fail(f"{self.shown(node)} is no assignment (write V = ..., w += ... or dV/dt = ...)")

    def name(self, name: str) -> str:
        if "__" in name or not name.isascii():
            self.fail(f"{quoted(name)} is no name here (ASCII letters, digits and single underscores)")
        return name

    def build(self, node: ast.expr, depth: int = 0) -> Expr:
        if depth > DEEPEST:
            self.fail("too deeply nested")
        deeper = depth + 1
        match node:
            case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
                return self.number(value)
            case ast.Name(id=name):
                return Name(self.name(name))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if isinstance(value, int | float):
                return Num(-self.number(value).value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Op("neg", (self.build(operand, deeper),))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.build(operand, deeper)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Op("not", (self.build(operand, deeper),))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self.power(self.build(left, deeper), self.build(right, deeper))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SYMBOLS:
                return Op(_SYMBOLS[type(op)], (self.build(left, deeper), self.build(right, deeper)))
            case ast.BoolOp(op=op, values=values):
                return _chained("and" if isinstance(op, ast.And) else "or", [self.build(v, deeper) for v in values])
            case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARED for op in ops):
                terms = [self.build(n, deeper) for n in (left, *others)]
                pairs = [Op(_COMPARED[type(op)], (terms[k], terms[k + 1])) for k, op in enumerate(ops)]
                return _chained("and", pairs)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return Op("if", tuple(self.build(n, deeper) for n in (test, body, orelse)))
            case ast.Call(func=ast.Name(id=function), args=args, keywords=[]) if function in FUNCTIONS:
                if len(args) == FUNCTIONS[function]:
                    return Op(function, tuple(self.build(a, deeper) for a in args))
                self.fail(f"{function} takes {FUNCTIONS[function]} arguments, got {len(args)}")
        functions = ", ".join(FUNCTIONS)
        self.fail(
            f"{self.shown(node)} is not allowed (only + - * / **, comparisons, and or not, a if c else b, {functions})"
        )

    def number(self, value: float) -> Num:
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if not abs(number) < float("inf"):
            self.fail(f"the number {quoted(value)} is too large")
        return Num(number)

    @staticmethod
    def power(base: Expr, exponent: Expr) -> Expr:
        """A power; whole powers become products, which round the same on every backend."""
        if not isinstance(exponent, Num) or not exponent.value.is_integer() or abs(exponent.value) > _HIGHEST_POWER:
            return Op("**", (base, exponent))
        whole = int(exponent.value)
        product = _chained("*", [base] * abs(whole)) if whole else Num(1.0)
        return product if whole >= 0 else Op("/", (Num(1.0), product))


def _chained(op: str, args: Sequence[Expr]) -> Expr:
    """``args`` joined by a binary operation, from left to right."""
    result = args[0]
    for arg in args[1:]:
        result = Op(op, (result, arg))
    return result


_PLAIN = re.compile(r"[A-Za-z_]\w{0,199}", re.ASCII)


def is_plain(name: object) -> bool:
    """Whether ``name`` can stand in the programs that equations become: ASCII letters, digits and underscores."""
    return isinstance(name, str) and bool(_PLAIN.fullmatch(name)) and not keyword.iskeyword(name)


def check_expression(value: object, where: str, depth: int = 0) -> None:
    """Raise InvalidModel, naming ``where``, on an expression that the parser cannot have made.

    It is called on expressions from files, because programs are written from them.
    """
    if depth > 2 * DEEPEST:
        raise InvalidModel(f"{where}: an expression is too deeply nested")
    if isinstance(value, Op):
        if len(value.args) != OPERATIONS.get(value.op):
            raise InvalidModel(f"{where}: no operation {quoted(value.op)} of {len(value.args)} arguments")
        for arg in value.args:
            check_expression(arg, where, depth + 1)
    elif not (isinstance(value, Name) and is_plain(value.id)) and not (
        isinstance(value, Num) and abs(value.value) < float("inf")
    ):
        raise InvalidModel(f"{where}: {quoted(value)} is no part of an expression")


def names_in(value: Expr) -> Iterator[str]:
    """The names in an expression, in order of reading, each as often as it stands there."""
    if isinstance(value, Name):
        yield value.id
    elif isinstance(value, Op):
        for arg in value.args:
            yield from names_in(arg)


def check_known(value: Expr, known: Collection[str], where: str) -> None:
    """Raise InvalidModel, beginning with ``where``, on a name in ``value`` that is not ``known``."""
    for name in names_in(value):
        if name not in known:
            raise InvalidModel(unknown(f"{where} uses no known name", name, known))


def substituted(value: Expr, given: Mapping[str, Expr]) -> Expr:
    """``value`` with expressions in place of names."""
    if isinstance(value, Name):
        return given.get(value.id, value)
    if isinstance(value, Op):
        return Op(value.op, tuple(substituted(arg, given) for arg in value.args))
    return value


def is_truth(value: Expr, names: Collection[str] = ()) -> bool:
    """Whether the value of an expression is true or false instead of a number; ``names`` are those of such values."""
    if isinstance(value, Op) and value.op == "if":
        return all(is_truth(arg, names) for arg in value.args[1:])
    return value.op in TRUTHS if isinstance(value, Op) else isinstance(value, Name) and value.id in names


Templates = Mapping[str, str]
"""Operation -> its text in a language, with ``{0}``, ``{1}`` for the arguments; see ``printed``."""

_BINDING = {"if": 0, "or": 1, "and": 2, "not": 3} | dict.fromkeys(COMPARISONS, 4)
_BINDING |= {"+": 5, "-": 5, "*": 6, "/": 6, "neg": 7, "**": 8}
_ATOM = 9
_CALL = re.compile(r"[\w.]+\([^()]*\)")


def printed(value: Expr, language: Templates, name: Callable[[str], str], number: Callable[[float], str] = repr) -> str:
    """The text of an expression in a ``language``, with brackets only where they are needed.

    Operations that ``language`` lacks are written as Python writes them: ``a + b``, ``not a``, ``exp(a)``.
    """
    return _printed(value, language, name, number)[0]


def _printed(
    value: Expr, language: Templates, name: Callable[[str], str], number: Callable[[float], str]
) -> tuple[str, int]:
    if isinstance(value, Num):
        return number(value.value), 7 if value.value < 0 else _ATOM
    if isinstance(value, Name):
        return name(value.id), _ATOM
    parts = [_printed(arg, language, name, number) for arg in value.args]
    if template := language.get(value.op):
        # Within a call, arguments are apart; elsewhere they need brackets.
        texts = [text if at == _ATOM or _apart(template, k) else f"({text})" for k, (text, at) in enumerate(parts)]
        text = template.format(*texts)
        return text if _CALL.fullmatch(template) else f"({text})", _ATOM
    if value.op in FUNCTIONS:
        return f"{value.op}({', '.join(text for text, _ in parts)})", _ATOM
    binding = _BINDING[value.op]
    if value.op in ("neg", "not"):
        text, at = parts[0]
        inner = text if at >= binding and not text.startswith("-") else f"({text})"
        return (f"-{inner}" if value.op == "neg" else f"not {inner}"), binding
    if value.op == "if":
        (condition, c), (then, a), (other, b) = parts
        texts = [text if at > 0 else f"({text})" for text, at in ((then, a), (condition, c), (other, b))]
        return f"{texts[0]} if {texts[1]} else {texts[2]}", binding
    (left, a), (right, b) = parts
    left = left if a >= binding + (value.op in COMPARISONS or value.op == "**") else f"({left})"
    right = right if b > binding and not (right.startswith("-") and binding > 4) else f"({right})"
    spaced = value.op in ("*", "/", "**")
    return (f"{left}{value.op}{right}" if spaced else f"{left} {value.op} {right}"), binding


def _apart(template: str, k: int) -> bool:
    """Whether the argument ``k`` stands alone between brackets or commas wherever the template has it."""
    apart = re.findall(rf"[(,] ?\{{{k}\}}(?=[,)])", template)
    return len(apart) == template.count(f"{{{k}}}")
