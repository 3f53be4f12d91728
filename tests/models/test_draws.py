"""No two draws of a model share a generator: they would be the same numbers, and so no independent draws."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ernsnn import models
from ernsnn.models.draws import rng_of
from ernsnn.models.images import split
from ernsnn.models.symmetric_stdp import build, protocol

FOLDER = Path(models.__file__).parent
MODULES = {path.relative_to(FOLDER).with_suffix("").as_posix().replace("/", "."): path for path in FOLDER.rglob("*.py")}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def uses(name: str) -> set[str]:
    """The modules of models that this one imports, and those that they do."""
    found, folders = {name}, name.split(".")
    for node in ast.walk(tree_of(MODULES[name])):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = [*folders[: len(folders) - node.level], *([node.module] if node.module else [])]
            modules = [".".join(above), *(".".join([*above, alias.name]) for alias in node.names)]
            found |= {used for module in modules if module in MODULES for used in uses(module)}
    return found


def generators(name: str) -> list[str]:
    """What each generator in the text of a module is made from."""
    calls = [node for node in ast.walk(tree_of(MODULES[name])) if isinstance(node, ast.Call)]
    called = {"default_rng", "rng_of"}
    return [ast.unparse(call) for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) in called]


@pytest.mark.parametrize("name", MODULES)
def test_a_generator_is_made_in_one_place(name: str) -> None:
    made = Counter(made for module in uses(name) for made in generators(module))
    assert {call: count for call, count in made.items() if count > 1} == {}


def test_there_are_generators_to_look_at() -> None:
    assert len({made for name in MODULES for made in generators(name)}) > 8
    assert {"images", "nalsm", "draws"} <= uses("experiments.nalsm")


def test_other_draws_and_other_seeds_give_other_numbers() -> None:
    numbers = [rng_of(seed, draw).random() for seed in (0, 1) for draw in ("a", "b")]
    assert len(set(numbers)) == 4
    assert rng_of(0, "a").random() == numbers[0]


def test_the_first_weights_are_no_other_draw_of_the_seed() -> None:
    data = split("digits", 20, 10, 5)
    see = build(protocol(data, 1, 5, 1)[0], hidden=10, seed=5).projections["full.see"].weight
    alone = np.random.default_rng(5).random(see.shape)
    assert not np.allclose(see / see.sum(axis=0), alone / alone.sum(axis=0))
