"""Experiments: named studies over several seeds.

An installed one is named by an entry point of the group ``ernsnn.experiments``; a user's Python file calls its own
``EXPERIMENT``.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ernsnn.backend.discovery import discover
from ernsnn.describe.arguments import checked
from ernsnn.errors import InvalidModel, quoted, unknown
from ernsnn.studies.estimates import INTERVAL, plain
from ernsnn.studies.estimates import Estimate as Estimate
from ernsnn.studies.models import load_file
from ernsnn.studies.pictures import Picture

GROUP = "ernsnn.experiments"
NAME_IN_FILE = "EXPERIMENT"
_NAME = re.compile(r"\w[\w\-]{0,79}")
_TAKEN = ("backend", "seeds", "progress")
QUICK = "quick"
"""The name of the setting with all defaults."""


@checked
@dataclass(frozen=True, kw_only=True)
class Repeats:
    """The backend and the seeds of an experiment; ``progress`` is called with the fraction done."""

    backend: str
    seeds: Sequence[int]
    progress: Callable[[float], object] = lambda fraction: None

    def __iter__(self) -> Iterator[int]:
        """Iterate over the seeds; each counts as done when the next one is requested."""
        for n, seed in enumerate(self.seeds):
            yield seed
            self.progress((n + 1) / len(self.seeds))


@checked
@dataclass(frozen=True)
class Findings:
    """Results of an experiment.

    - ``results``: numbers for programs, nested as in JSON; estimates become mean, interval and values.
    - ``heads``, ``rows``: the same as a table for people; cells are shown as text.
    - ``notes``: remarks below the table. Where cells are estimates, the first says that they are means with intervals.
    - ``pictures``: see ``ernsnn.studies.pictures``.

    Raises InvalidModel on results that JSON does not have, and on rows that are longer or shorter than the heads.
    """

    results: Mapping[str, Any]
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    notes: Sequence[str] = ()
    pictures: Sequence[Picture] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", plain(self.results, "Findings.results"))
        estimated = any(isinstance(cell, Estimate) for row in self.rows for cell in row)
        if estimated and not any(INTERVAL in note for note in self.notes):
            object.__setattr__(self, "notes", [INTERVAL, *self.notes])
        for k, row in enumerate(self.rows):
            if len(row) != len(self.heads):
                raise InvalidModel(f"Findings.rows[{k}]: has {len(row)} cells, and there are {len(self.heads)} heads")


@checked
@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A named study over several seeds.

    - ``name``: what the command ``ernsnn experiment`` calls it.
    - ``title``: one line on what it shows or asks.
    - ``run``: ``run(repeats, *, setting=default, ...) -> Findings``; its keyword arguments are the settings, and their
      defaults the quick ones.
    - ``backend``: the default backend.
    - ``about``: what is done, in paragraphs; names of code stand between double backticks.
    - ``source``: where the experiment comes from; ``published``: its results, in a line.
    - ``measured``: a function from the results (as JSON has them) to one line on them.
    - ``settings``: name -> values that differ from the defaults, such as ``{"full": {"train": 2000}}``.

    Raises InvalidModel where ``run`` has other parameters, and where ``settings`` name one that it does not have.
    """

    name: str
    title: str
    run: Callable[..., Findings]
    backend: str
    about: str | None = None
    source: str = "of this package"
    published: str = ""
    measured: Callable[[Mapping[str, Any]], str] | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first, others = self._parameters()
        if not first or first[0].kind > inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise InvalidModel(f"{self.name}: run: must take the repeats first: run(repeats, *, ...)")
        if not _NAME.fullmatch(self.name):
            raise InvalidModel(f"{quoted(self.name)}: an experiment's name is up to 80 letters, digits, _ and -")
        taken = [p.name for p in others if p.name in _TAKEN]
        if taken:
            raise InvalidModel(f"{self.name}: run: {taken[0]} is an attribute of what it runs on, and no setting")
        wrong = [p.name for p in others if p.kind is not p.KEYWORD_ONLY or p.default is p.empty]
        if wrong:
            raise InvalidModel(f"{self.name}: run: {wrong[0]} must be a keyword argument (after a *) with a default")
        for each in self.settings.values():
            self.check(each)

    def _parameters(self) -> tuple[list[inspect.Parameter], list[inspect.Parameter]]:
        """The first parameter of ``run``, if it has one, and the others."""
        try:
            parameters = list(inspect.signature(self.run).parameters.values())
        except ValueError:
            raise InvalidModel(f"{self.name}: run: must be a function of yours, got {quoted(self.run)}") from None
        return parameters[:1], parameters[1:]

    @property
    def defaults(self) -> dict[str, Any]:
        """Name -> default of every setting."""
        return {p.name: p.default for p in self._parameters()[1]}

    def named(self, name: str) -> dict[str, Any]:
        """The values of a named setting; ``quick`` has the defaults. Raises InvalidModel on an unknown name."""
        known = {QUICK: {}, **self.settings}
        if name not in known:
            raise InvalidModel(unknown(f"{self.name}: no settings", name, known))
        return {**self.defaults, **known[name]}

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise InvalidModel on a setting that does not exist, or is of another kind than its default."""
        defaults = self.defaults
        for key, value in settings.items():
            if key not in defaults:
                raise InvalidModel(unknown(f"{self.name}: no setting", key, defaults))
            _check_kind(f"{self.name}: {key}", value, defaults[key])

    def findings(
        self,
        seeds: Sequence[int] = (0, 1, 2),
        backend: str | None = None,
        progress: Callable[[float], object] = lambda fraction: None,
        **settings: Any,
    ) -> Findings:
        """Run it on ``seeds`` and ``backend``, by default its own.

        Raises InvalidModel on settings that do not exist or are of another kind than their defaults.
        """
        self.check(settings)
        if not seeds:
            raise InvalidModel(f"{self.name}: needs a seed")
        findings = self.run(Repeats(backend=backend or self.backend, seeds=seeds, progress=progress), **settings)
        if not isinstance(findings, Findings):
            raise InvalidModel(f"{self.name}: run must return Findings, got {quoted(findings)}")
        return findings


def experiment_names() -> list[str]:
    """The names of all installed experiments."""
    return list(discover(GROUP))


def get_experiment(name: str) -> Experiment:
    """The experiment of that name, or in that file. Raises InvalidModel if there is none, or if it does not load."""
    if name.endswith(".py"):
        experiment = getattr(load_file(name, Path(name)), NAME_IN_FILE, None)
        if not isinstance(experiment, Experiment):
            raise InvalidModel(f"{name}: has no {NAME_IN_FILE} that is an Experiment")
        return experiment
    loaders = discover(GROUP)
    if name not in loaders:
        own = " - an experiment of your own is a file that ends in .py"
        raise InvalidModel(unknown("no experiment", name, loaders) + own)
    try:
        experiment = loaders[name]()
    except Exception as error:
        raise InvalidModel(f"experiment {name!r} does not load: {type(error).__name__}: {error}") from error
    if not isinstance(experiment, Experiment) or experiment.name != name:
        raise InvalidModel(f"experiment {name!r} is no Experiment of that name: fix its entry point")
    return experiment


def _check_kind(name: str, value: object, default: object) -> None:
    kinds: dict[type, tuple[str, tuple[type, ...]]] = {
        bool: ("true or false", (bool,)),
        int: ("a whole number", (int,)),
        float: ("a number", (int, float)),
        str: ("text", (str,)),
        tuple: (f"a list such as {json.dumps(default, default=str)}", (list, tuple)),
    }
    words, allowed = kinds.get(type(default), ("", (object,)))
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed and object not in allowed):
        raise InvalidModel(f"{name}: must be {words}, got {json.dumps(value, default=repr)}")
    if isinstance(default, tuple) and default and isinstance(value, list | tuple):
        for k, part in enumerate(value):
            _check_kind(f"{name}[{k}]", part, default[0])
