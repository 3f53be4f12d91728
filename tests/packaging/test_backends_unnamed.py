"""The core names no backend: what it must know of one is a trait of ``Backend``, so that a new one costs no line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from imports import FOLDERS

NAMES = {e.name for e in entry_points(group="ernsnn.backends") if e.value.startswith("ernsnn.")}
WORDS = {"native", "reference"}
"""Names that are words of English and of PyNN, too: they count only as a whole text, or in quotes."""
CONVENTION = "spinnaker"
"""What ``ernsnn.pynn.setup(convention=...)`` takes, which is a dialect of PyNN's scripts and no backend."""
LIBRARY = "torch"
"""A library, after which a backend is named: ``ernsnn.learn`` imports it, and ``ern.torch`` is a module for it."""
OF_THE_DIALECT = {"spinnaker_get_data"}
"""Methods that scripts of that dialect call."""


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of every text but docstrings, be it of a module, class, function or attribute, and CSS classes."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    alone |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "class_"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of everything that has a name: variables, attributes, arguments, functions, classes, modules."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "module", "asname"):
            if isinstance(name := getattr(node, field, None), str):
                yield getattr(node, "lineno", 0), name


def named(source: str, of_pynn: bool = False, of_learn: bool = False) -> Iterator[str]:
    """One line for every place in which a backend is named."""
    tree = ast.parse(source)
    for line, text in texts(tree):
        if of_pynn:
            text = re.sub(rf"^{CONVENTION}$|convention='{CONVENTION}'", "", text)
        if of_learn:
            text = re.sub(rf"^(ernsnn\.learn\.)?{LIBRARY}$", "", text)
        found = {word for word in re.findall(r"[a-z][a-z0-9-]*[a-z0-9]", text) if word in NAMES - WORDS}
        found |= {name for name in WORDS if text == name or re.search(rf"['\"`]{name}['\"`]", text)}
        yield from (f"line {line}: {name!r} in {text!r}" for name in sorted(found))
    plain = {name.replace("-", "") for name in NAMES - WORDS}
    for line, name in identifiers(tree):
        if (of_pynn and name in OF_THE_DIALECT) or (of_learn and name == LIBRARY):
            continue
        parts = re.findall(r"[a-z0-9]+", re.sub(r"([A-Z])", r"_\1", name).lower().replace("py_nn", "pynn"))
        of_one = {part for part in parts if part in plain} | {w for w in WORDS if f"{w.capitalize()}Backend" in name}
        yield from (f"line {line}: {part!r} in the name {name}" for part in sorted(of_one))


@pytest.mark.parametrize("path", sorted(FOLDERS["ernsnn"].rglob("*.py")), ids=lambda p: str(p.name))
def test_the_core_names_no_backend(path: Path) -> None:
    folder = path.parent.name
    of_learn = folder == "learn" or path == FOLDERS["ernsnn"] / "__init__.py"
    assert list(named(path.read_text(), of_pynn=folder == "pynn", of_learn=of_learn)) == []


@pytest.mark.parametrize(
    "line",
    [
        'backend = "native"',
        "f\"use backend 'native' or {other}\"",
        'order = ("brian2", "reference")',
        'raise ValueError(f"loihi2 and {others} do")',
        'settings = {"nest": 1}',
        "from ernsnn.hardware_backends.nest.backend import NestBackend",
        "import brian2",
        "def on_lava(graph): ...",
        "x = lava_options",
        "use(NativeBackend)",
        "run(backend=ReferenceBackend())",
        "class ForSpinnaker: ...",
        'convention = "spinnaker"',
    ],
)
def test_a_backend_that_is_named_is_found(line: str) -> None:
    assert list(named(line))


@pytest.mark.parametrize(
    "line",
    [
        '"""On native and brian2 it is fast."""',
        'def f():\n    """Runs on nest."""',
        'x = 1\n"""What brian2 has."""',
        "# native, brian2, nest",
        'help = "the first is the reference"',
        "get_native_parameters(reference)",
        'tag("path", class_="reference")',
        'message = "the nesting is too deep"',
    ],
)
def test_prose_and_other_words_are_not(line: str) -> None:
    assert not list(named(line))


def test_a_convention_of_scripts_is_no_backend() -> None:
    assert not list(named("if convention == 'spinnaker': say(\"setup(convention='spinnaker')\")", of_pynn=True))
    assert list(named("use('spinnaker and others')", of_pynn=True))
    assert not list(named("def spinnaker_get_data(self): ...", of_pynn=True))
    assert list(named("def spinnaker_get_data(self): ..."))
    assert list(named("def spinnaker_data(self): ...", of_pynn=True))


def test_the_library_of_a_backend_is_none_where_one_learns():
    assert not list(named("import torch\ntorch.optim.Adam([])", of_learn=True))
    assert not list(named("LATER = {'torch': 'ernsnn.learn.torch'}", of_learn=True))
    assert list(named("import brian2", of_learn=True))
    assert list(named("say('run it on torch')", of_learn=True))
    assert list(named("import torch"))
