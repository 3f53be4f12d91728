"""Names: what may be one, and that none of them, however it came in, is more than a name in a program."""

from __future__ import annotations

import ast
import random
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import ernsnn as ern
from ernsnn.backend.protocol import Program
from ernsnn.backend.registry import get_backend
from ernsnn.errors import ErnsnnError, InvalidModel
from ernsnn.graph.graph import Graph
from ernsnn.graph.storage import load_graph, save_graph
from ernsnn.hardware_backends.templates import script_template

WRITERS = {"brian2": {}, "nest": {}, "spinnaker": {}, "lava": {}, "lava-float": {}, "loihi2": {}}
"""Backends that write programs."""
OPENS = 'a"""\nopen("x", "w")\n"""'


def network(name: str = "net", part: str = "s", plain: bool = False) -> ern.Network:
    """With ``plain``, without what Lava's floating-point models have not."""
    net = ern.Network(name=name, dt_ms=1.0, current_integration="step_average")
    source = net.population(part, 2, ern.SpikeTimes([[1.0], [2.0]]))
    cells = net.population(f"{part}-n", 2, ern.LIF(tau_m_ms=10, cm_nF=0.2))
    rule = ern.stdp.pair(A_plus=0.1, A_minus=0.1)
    net.projection(f"{part}-p", source, cells, weight_nA=0.5, learning=None if plain else rule)
    if not plain:
        net.probe(cells, "v_mV", every_ms=2)
    return net


def programs(graph: Graph, names: list[str]) -> Iterator[tuple[str, Program]]:
    for name in names:
        yield name, get_backend(name).compile(graph, 5)


def calls(text: str) -> list[str]:
    """Which functions a program calls, and what it imports: names of users are neither."""
    tree = ast.parse(text)
    compile(tree, "program.py", "exec")
    # Of a call of a part's own method, what matters is the method: parts have other names here.
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = [f.attr if isinstance(f, ast.Attribute) else ast.unparse(f) for f in functions]
    return called + [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


# What may be a name


@pytest.mark.parametrize(
    "name", [OPENS, "a\nb", "a\0b", "\ud800", "", "a\u2028b", "a\x7fb", "x" * 201, "é" * 101, 3, None, b"net", ["a"]]
)
def test_what_cannot_name_a_network(name: object) -> None:
    with pytest.raises(InvalidModel, match=r"Network\.name: must") as caught:
        ern.Network(name=name)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200
    net = network()
    net.name = name  # type: ignore[assignment]
    with pytest.raises(InvalidModel, match=r"Network\.name: must"):
        ern.lower(net)


@pytest.mark.parametrize(
    "name", ["a b", 'say "hi"', '"""', "'''", "back\\slash", "\\", 'a"', "{{ x }}", "{% raw %}", "é→😀"]
)
def test_what_can_name_a_network_is_what_its_programs_say(name: str) -> None:
    graph = ern.lower(network(name))
    for backend, program in programs(graph, ["brian2", "nest", "spinnaker"]):
        text = str(program.files["program.py"])
        assert (ast.get_docstring(ast.parse(text), clean=False) or "").startswith(f"{name} in "), backend


@pytest.mark.parametrize("name", ["L" * 201, "é" * 101, "1a", "a b", "a/b", "../a", "", "a\n"])
def test_what_cannot_name_a_part(name: str) -> None:
    net, members = ern.Network(), ern.Network().population("s", 1, ern.LIF())
    for add in (
        lambda: net.population(name, 1, ern.LIF()),
        lambda: net.signal(name, ern.Schedule(times_ms=[0.0], values=[1.0])),
    ):
        with pytest.raises(InvalidModel, match="a name "):
            add()
    assert members.name == "s"


@pytest.mark.parametrize("name", ["m" * 201, "a b", "a-b", "1", "a.b"])
def test_what_cannot_name_a_mark_or_trace(name: str) -> None:
    with pytest.raises(InvalidModel, match="its name must"):
        ern.marks.Labile(name, tau_s=2, rise=0.1)
    with pytest.raises(InvalidModel, match="is no name"):
        ern.LearningRule.from_equations(traces={name: ern.Trace("pre", tau_ms=10)}, on_post={"w": "0.1"})


# Programs


def hostile(seed: int) -> str:
    """A text that tries to be more than a name."""
    rng = random.Random(seed)
    pieces = ['"""', "'''", '"', "'", "\\", "\n", "\r", "\0", "\ud800", "{{", "}}", "{%", "%}", "#", ";", "=", "("]
    pieces += [
        'open("x", "w")',
        "import os",
        "exit()",
        "__import__('os').system('touch x')",
        "\u2028",
        "\x0c",
        "é",
        ")",
    ]
    pieces += [
        "%s",
        "%(a)s",
        "{0}",
        "\\N{DIGIT ONE}",
        "\\x",
        "\\u12",
        "$(touch x)",
        "`touch x`",
        "//",
        "-->",
        "\t",
        "😀",
    ]
    return "".join(rng.choice([*pieces, rng.choice(string.ascii_letters)]) for _ in range(rng.randint(1, 12)))


def renamed(graph: Graph, seed: int, what: str) -> Graph:
    """A graph as no network makes it, and as a file might bring it in."""
    text = hostile(seed)
    if what == "network":
        return replace(graph, name=text)
    if what == "seed":
        odd = replace(graph)
        object.__setattr__(odd, "seed", text)  # which the class itself refuses
        return odd
    old = {"population": graph.populations[0].name, "cells": graph.populations[1].name, "projection": "s-p"}[what]
    populations = tuple(replace(p, name=text if p.name == old else p.name) for p in graph.populations)
    projections = tuple(
        replace(
            p, **{field: text if getattr(p, field) == old else getattr(p, field) for field in ("name", "pre", "post")}
        )
        for p in graph.projections
    )
    probes = tuple(replace(p, target=text if p.target == old else p.target) for p in graph.probes)
    return replace(graph, populations=populations, projections=projections, probes=probes)


@pytest.mark.parametrize("backend", WRITERS)
def test_hostile_names_do_nothing_in_a_program(backend: str) -> None:
    graph, written = ern.lower(network(plain=backend in ("lava-float", "loihi2"))), 0
    harmless = calls(str(get_backend(backend).compile(graph, 5).files["program.py"]))
    for seed in range(500):
        what = ["network", "seed", "population", "cells", "projection"][seed % 5]
        try:
            program = get_backend(backend).compile(renamed(graph, seed, what), 5)
        except ErnsnnError:
            continue  # said in words
        written += 1
        text = str(program.files["program.py"])
        text.encode("utf-8")
        assert calls(text) == harmless, (seed, what)
    assert written >= 100


@pytest.mark.parametrize("backend", ["brian2", "nest"])
def test_programs_with_odd_names_run_and_leave_nothing(backend: str, tmp_path: Path) -> None:
    if get_backend(backend).missing():
        pytest.skip("not installed")
    graph = replace(ern.lower(network('a\\""" \'{{ 1/0 }}')), name=OPENS)
    folder = get_backend(backend).compile(graph, 5).write(tmp_path / "program")
    subprocess.run([sys.executable, "program.py"], cwd=folder, check=True, timeout=100, capture_output=True)
    assert not (folder / "x").exists()
    assert (folder / "recording.npz").exists()


def test_a_template_prints_no_text_that_no_filter_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py.j2").write_text("x = {{ x }}\ny = {{ y | repr }}\n")
    monkeypatch.setattr("ernsnn.hardware_backends.templates.files", lambda package: tmp_path)
    template = script_template("any of a test")
    assert template.render(x="plain_word-1", y='a"\n') == "x = plain_word-1\ny = 'a\"\\n'\n"
    assert template.render(x=3.5, y=None) == "x = 3.5\ny = None\n"
    for text in ('"', "'", "\\", "\n", "f()", "a[0]", "\ud800", "@a", "x; y"):
        with pytest.raises(InvalidModel, match="cannot stand in a program"):
            template.render(x=text, y=0)


def test_no_template_prints_a_name_of_the_network_bare() -> None:
    for path in Path(ern.__file__).resolve().parents[1].glob("hardware_backends/**/*.j2"):
        assert not re.search(r"\{\{ (graph\.name|title) \}\}", path.read_text(encoding="utf-8")), path


# Files


@pytest.mark.parametrize("what", ["network", "seed", "population", "cells", "projection"])
def test_a_graph_from_a_file_is_held_to_the_same_names(what: str, tmp_path: Path) -> None:
    graph, refused = ern.lower(network()), 0
    for seed in range(20):
        odd = renamed(graph, seed, what)
        try:
            folder = save_graph(odd, tmp_path / str(seed))
        except UnicodeEncodeError:
            continue  # half a character, in no file
        if what == "network" and odd.name.isprintable():
            assert load_graph(folder).name == odd.name
            continue
        refused += 1
        with pytest.raises(InvalidModel, match="what no network has"):
            load_graph(folder)
    assert refused > 5


@pytest.mark.parametrize("variable", ["__import__('os').system('touch x')", "w + exit()", "a;b", "w\nimport os"])
def test_a_symbol_of_a_rule_from_a_file_is_a_symbol(variable: str, tmp_path: Path) -> None:
    graph = ern.lower(network())
    (p,) = graph.projections
    assert p.learning is not None
    terms = tuple(replace(t, factors=tuple(replace(f, variable=variable) for f in t.factors)) for t in p.learning.terms)
    odd = replace(graph, projections=(replace(p, learning=replace(p.learning, terms=terms)),))
    with pytest.raises(InvalidModel, match="what no network has"):
        load_graph(save_graph(odd, tmp_path / "graph"))
