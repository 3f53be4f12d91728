"""Checks of the arguments of public functions and classes against their annotations.

``checked`` reads the annotations of a signature. An argument that does not fit - text for a sequence, a number for True
or False, an object of another class, a misspelt or missing name - is an InvalidModel that names the object and the
argument. Numbers, which may carry units, are checked in ``units``; words and ranges where they are used.
"""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ernsnn.errors import InvalidModel, quoted, unknown

_Checked = TypeVar("_Checked", bound=Callable[..., Any])
_SEQUENCES = (collections.abc.Sequence, collections.abc.Collection, collections.abc.Iterable, list, tuple)
_MAPPINGS = (collections.abc.Mapping, dict)
_SPACES = ("stdp", "marks")
"""Modules whose functions users call by the module's name, as ``stdp.pair``."""
_MOST_LOOKED_AT = 10_000
"""The number of members of a container that are checked; longer ones hold numbers, which are checked as arrays."""
_made: set[type] = set()
"""The classes whose objects users make; messages name them in place of their bases."""


def checked(described: _Checked) -> _Checked:
    """Decorate a function, method or dataclass so that its arguments are checked against its annotations at every call.

    A sequence may be given as anything that has members in an order, but text; iterators arrive as tuples, and whole
    numbers of any type as Python's. Raises
    InvalidModel, naming the object by its ``name``, if it has one: ``glia.listens_to: must be a sequence of Population
    or View, got None``.
    """
    if isinstance(described, type):
        _made.add(described)
        return held(described)
    owner, _, name = described.__qualname__.rpartition(".")
    space = described.__module__.rpartition(".")[2]
    if owner and (name == "__init__" or "cls" in inspect.unwrap(described).__code__.co_varnames):
        called, prefix = owner if name == "__init__" else f"{owner}.{name}", owner
    elif owner:
        called = prefix = name
    else:
        called, prefix = (f"{space}.{name}",) * 2 if space in _SPACES else (name, "")
    return typing.cast(_Checked, _wrapped(described, called, prefix, int(bool(owner))))


def held(made: _Checked) -> _Checked:
    """The dataclass with checks of its arguments; messages that list fitting classes do not name it."""
    made.__init__ = _wrapped(made.__init__, made.__name__, made.__name__, 1, made)  # type: ignore[method-assign, arg-type]
    return made


def named(classes: Iterable[type]) -> None:
    """Add classes to those that messages name as fitting."""
    _made.update(classes)


def _wrapped(
    function: Callable[..., Any], called: str, prefix: str, implicit: int, owner: type | None = None
) -> Callable[..., Any]:
    """The function with checks of its arguments.

    Messages call it ``called``, and its arguments ``prefix.argument``; ``implicit`` is the number of arguments that
    come first and that a user does not write. ``owner`` is the class whose ``__init__`` it is, if it is one.
    """
    known = _Signature(function, owner)

    def checked_value(name: str, value: Any, given: Mapping[str, Any]) -> Any:
        if name not in known.hints or value is known.defaults[name]:
            return value
        hint, plain = known.hints[name]
        if type(value) in plain:
            return value
        if isinstance(value, Iterator):
            value = tuple(value)
        if (wrong := misfit(value, hint, name)) is not None:
            before = _object(given, prefix, name)
            raise InvalidModel(f"{before}{'.' if before else ''}{wrong}")
        number = whole(value) if int in plain and float not in plain else None
        return value if number is None else number

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        given = dict(zip(known.places, args, strict=False)) | keywords
        first = [checked_value(name, value, given) for name, value in zip(known.places, args, strict=False)]
        named = {name: checked_value(name, value, given) for name, value in keywords.items()}
        try:
            return function(*first, *args[len(first) :], **named)
        except TypeError:
            try:
                known.signature.bind(*args, **keywords)
            except TypeError:
                raise InvalidModel(f"{called}: {_unbound(known.signature, args, keywords, implicit)}") from None
            raise

    return call


class _Signature:
    """The arguments of a function, read at its first call: a program calls few of those that it imports."""

    def __init__(self, function: Callable[..., Any], owner: type | None) -> None:
        self._function, self._owner = function, owner

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self._function)

    @functools.cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        return [p for p in self.signature.parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]

    @functools.cached_property
    def places(self) -> list[str]:
        """The names of the arguments that may be given by their place, in order."""
        return [p.name for p in self._parameters if p.kind is not p.KEYWORD_ONLY]

    @functools.cached_property
    def defaults(self) -> dict[str, Any]:
        """Name -> default of every argument; ``Parameter.empty`` where it has none."""
        return {p.name: p.default for p in self._parameters}

    @functools.cached_property
    def hints(self) -> dict[str, tuple[Any, frozenset[type]]]:
        """Name -> annotation of every argument that has one, and the types that it allows as they are."""
        annotations = {name: text for name, text in self._function.__annotations__.items() if name != "return"}
        names = _Names(self._function, self._owner)
        module = vars(sys.modules[self._function.__module__])
        known = typing.get_type_hints(types.SimpleNamespace(__annotations__=annotations), module, names)
        return {name: (known[name], _plain(known[name])) for name in self.defaults if name in known}


def _plain(hint: Any) -> frozenset[type]:
    """The types that an annotation allows as they are, for a fast check of most arguments."""
    if hint is float:
        return frozenset((int, float))
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return frozenset().union(*map(_plain, typing.get_args(hint)))
    return frozenset((hint,)) if isinstance(hint, type) and hint is not np.ndarray else frozenset()


class _Names(dict[str, Any]):
    """The names that annotations may use: of their own module, and of the modules that fields are inherited from."""

    def __init__(self, function: Callable[..., Any], owner: type | None) -> None:
        super().__init__()
        modules = [function.__module__, *(cls.__module__ for cls in (owner.__mro__ if owner else ()))]
        for module in reversed(modules):
            self |= vars(sys.modules[module])

    def __missing__(self, name: str) -> Any:
        for module_name, module in list(sys.modules.items()):
            if module_name.startswith("ernsnn.") and isinstance(owner_class := vars(module).get(name), type):
                return owner_class
        raise KeyError(name)


def _unbound(signature: inspect.Signature, args: tuple[Any, ...], keywords: Mapping[str, Any], implicit: int) -> str:
    """A message on why arguments do not fit a signature."""
    own = list(signature.parameters.values())[implicit:]
    named = [p.name for p in own if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    by_place = [p.name for p in own if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    strange = [name for name in keywords if name not in named]
    if strange and not any(p.kind is p.VAR_KEYWORD for p in own):
        longer = [name for name in named if name.startswith(f"{strange[0]}_")]
        if len(longer) > 1:
            return f"no argument {quoted(strange[0])}; did you mean {' or '.join(map(repr, longer))}?"
        return unknown("no argument", strange[0], named)
    given = args[implicit:]
    if len(given) > len(by_place) and not any(p.kind is p.VAR_POSITIONAL for p in own):
        rest = [name for name in named if name not in by_place]
        others = f"; name the others: {', '.join(rest)}" if rest else ""
        return f"takes {len(by_place)} arguments without a name, got {len(given)}{others}"
    twice = [name for name in by_place[: len(given)] if name in keywords]
    if twice:
        return f"{twice[0]} is given twice"
    needed = [p.name for p in own if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    missing = [name for name in needed if name not in keywords and name not in by_place[: len(given)]]
    return f"needs {' and '.join(missing)}"


def _object(given: Mapping[str, Any], prefix: str, wrong: str) -> str:
    """The words of a message for the object whose argument is ``wrong``: its name, or its class and variable."""
    name, variable = (given[key] if isinstance(given.get(key), str) else "" for key in ("name", "variable"))
    if name and wrong != "name":
        return quoted(name)[1:-1]
    return f"{prefix} {quoted(variable)[1:-1]}" if prefix and variable and wrong != "variable" else prefix


def misfit(value: Any, hint: Any, path: str) -> str | None:
    """A message on why an annotation does not allow ``value``, called ``path``; None if it does."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if any(_fits(value, each, typing.get_origin(each)) for each in inner):
            return None  # before messages are made, in which arrays are written out
        wrong = [misfit(value, each, path) for each in inner]
        if None in wrong:
            return None
        deeper = [w for w in wrong if w is not None and not w.startswith(f"{path}: ")]
        return deeper[0] if deeper else _message(path, hint, value)
    if origin in _MAPPINGS and isinstance(value, Mapping):
        return next(filter(None, _of_members(value, inner, path)), None)
    if origin in _SEQUENCES and _is_sequence(value):
        return next(filter(None, _in_sequence(value, inner, path, hint)), None)
    return None if _fits(value, hint, origin) else _message(path, hint, value)


def _fits(value: Any, hint: Any, origin: Any) -> bool:
    """Whether an annotation without parts allows ``value``."""
    if hint is Any or hint is object:
        return True
    if hint is None or hint is type(None):
        return value is None
    if origin is typing.Literal or hint is str:
        return isinstance(value, str)
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    if hint is int:
        return whole(value) is not None
    if hint is float:
        return _may_be_number(value) and not isinstance(value, bool | np.bool_)
    if hint is np.ndarray:
        return not isinstance(value, str) and _may_be_number(value)
    if origin in (type, collections.abc.Callable):
        return callable(value)
    if origin is not None or not isinstance(hint, type):
        return origin not in (*_MAPPINGS, *_SEQUENCES)
    return bool(getattr(hint, "_is_protocol", False)) or isinstance(value, hint)


def whole(value: Any) -> int | None:
    """A whole number of any type, or an array of one without dimensions, as Python's own; None where it is none.

    3.0 is 3; ``True`` is no number, and no duration is one.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, float | np.floating):
        return int(value) if float(value).is_integer() else None
    return int(value) if isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64) else None


def _may_be_number(value: Any) -> bool:
    """Whether a value may be a number: quantities with units are of unknown classes, so that this can be wrong."""
    if value is None or isinstance(value, Mapping | set | frozenset | bytes | type | Path | types.FunctionType):
        return False
    return not dataclasses.is_dataclass(value) and type(value) is not object


def _is_sequence(value: Any) -> bool:
    """Whether a value has members in an order."""
    if isinstance(value, str | bytes | bytearray | Mapping | set | frozenset | type):
        return False
    try:
        return len(value) >= 0 and isinstance(value, Iterable)
    except Exception:  # of a foreign class
        return False


def _of_members(mapping: Mapping[Any, Any], inner: tuple[Any, ...], path: str) -> Iterator[str | None]:
    # Another mapping may read its members from a file.
    known = (
        isinstance(mapping, dict | types.MappingProxyType | collections.UserDict) and len(mapping) <= _MOST_LOOKED_AT
    )
    for key, item in mapping.items() if inner and known else ():
        yield misfit(key, inner[0], f"{path}: a key")
        yield misfit(item, inner[1], f"{path}[{quoted(getattr(key, 'name', key))}]")


def _in_sequence(value: Any, inner: tuple[Any, ...], path: str, hint: Any) -> Iterator[str | None]:
    if not inner or len(value) > _MOST_LOOKED_AT:
        return
    several = len(inner) > 1 and inner[-1] is not Ellipsis
    if several and len(value) != len(inner):
        yield _message(path, hint, value)
        return
    if isinstance(value, np.ndarray) and value.dtype != object:
        value = value[:1]  # one speaks for all
    for k, member in enumerate(value):
        yield misfit(member, inner[k] if several else inner[0], f"{path}[{k}]")


def _message(path: str, hint: Any, value: Any) -> str:
    shown = f"the class {value.__name__}; write {value.__name__}(...)" if isinstance(value, type) else quoted(value)
    return f"{path}: must be {in_words(hint)}, got {shown}"


_WORDS: dict[Any, str] = {
    bool: "True or False",
    str: "text",
    int: "a whole number",
    float: "a number",
    np.ndarray: "an array",
    None: "None",
    type(None): "None",
    Path: "a path",
    Any: "anything",
}
_PLURALS: dict[Any, str] = {str: "text", int: "whole numbers", float: "numbers", Any: "values"}


def in_words(hint: Any) -> str:
    """An annotation in words; an abstract class as the list of those that users make."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in _WORDS:
        return _WORDS[hint]
    if origin in (typing.Union, types.UnionType):
        paths = Path in inner
        return " or ".join(dict.fromkeys(in_words(each) for each in inner if not (paths and each is str)))
    if origin is typing.Literal:
        return " or ".join(map(repr, inner))
    if hint is dict or origin in _MAPPINGS:
        return f"a mapping from {in_words(inner[0])} to {in_words(inner[1])}" if inner else "a mapping"
    if origin in _SEQUENCES:
        if len(inner) > 1 and inner[-1] is not Ellipsis:
            return f"({', '.join(map(in_words, inner))})"
        return f"a sequence of {_PLURALS.get(inner[0]) or in_words(inner[0])}" if inner else "a sequence"
    if origin in (type, collections.abc.Callable):
        return "a function"
    made = sorted(c.__name__ for c in _made if isinstance(hint, type) and issubclass(c, hint))
    return " or ".join(made) or getattr(hint, "__name__", str(hint))
