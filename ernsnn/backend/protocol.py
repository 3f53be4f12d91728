"""The protocol of backends, their programs and their placements on chips."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from ernsnn.backend.discovery import GROUP, discover
from ernsnn.backend.doubts import doubts
from ernsnn.backend.issues import CODES, Codes, Issue, Issues, Limit
from ernsnn.backend.options import Option, filled
from ernsnn.backend.sources import crowded
from ernsnn.describe.arguments import checked
from ernsnn.describe.kinds import Kind
from ernsnn.describe.neurons import LIBRARY
from ernsnn.errors import BackendNotAvailable, UnsupportedOnBackend
from ernsnn.files import Content, write_folder
from ernsnn.graph.graph import Graph
from ernsnn.graph.modulator import Modulator
from ernsnn.graph.subgraph import without
from ernsnn.recording.recording import Recording

Progress = Callable[[float], None]
Capability = Callable[[Graph], Iterable[Limit | Issue]]
"""Yields every limit that a graph meets, as a ``Limit``, which ``Backend.check`` completes, or as a whole ``Issue``."""


@checked
@dataclass(frozen=True, eq=False)
class Program:
    """A compiled graph: files that run on their own.

    ``main`` is the script to start, ``makes`` what it leaves in its folder: files, and "NAME/", a folder and all in it.
    """

    files: dict[str, Content]
    main: str = "program.py"
    makes: Sequence[str] = ("recording.npz", "__pycache__/")

    def write(self, folder: str | Path) -> Path:
        """Write the program; the folder appears whole or not at all."""
        return write_folder(folder, self.files, also=self.makes)


class Placed(Protocol):
    """The placement of a graph on a chip; prints as a table."""

    def cores_of(self, graph: Graph) -> dict[str, np.ndarray]:
        """Population -> the core of each neuron (neurons,), counted from 0."""

    def links_of(self, graph: Graph) -> dict[str, np.ndarray] | None:
        """Population that sends -> the number of links between chips that a spike of each neuron crosses (neurons,).

        None on chips that send a packet to each core, so that ``cores_of`` is enough.
        """

    def to_json(self) -> dict[str, Any]:
        """The placement as plain values."""


class Backend(ABC):
    """Turns a graph into a run. Subclasses name themselves and list their limits as small functions."""

    name: ClassVar[str]
    description: ClassVar[str]
    capabilities: ClassVar[Sequence[Capability]] = ()
    codes: ClassVar[Codes] = {}
    """Code -> (fidelity, meaning) of its limits."""
    options: ClassVar[Mapping[str, Option]] = {}
    kinds: ClassVar[Collection[str] | None] = ("LIF", "AdaptiveLIF", "DeltaLIF")
    """Names of the kinds of neurons that it has; None: all, computed from their equations."""
    poisson_inputs: ClassVar[bool] = False
    """Whether it has Poisson input: see ``graph.PoissonInput``."""
    resets: ClassVar[bool] = False
    """Whether a run resets the network before the steps ``Graph.resets``: stage 0 of the time step."""
    counts: ClassVar[bool] = False
    """Whether a neuron of a source can spike several times in a step: see ``graph.spikes``."""
    modulators: ClassVar[Collection[str] | None] = ()
    """Names of the kinds of third factors that it has; None: all, computed from their equations."""
    continues: ClassVar[bool] = False
    """Whether ``run`` takes a further argument ``start``: the recording from whose end it goes on."""
    stepwise: ClassVar[bool] = False
    """Whether it runs step by step in this process: see ``stepping.SteppedBackend``."""
    places: ClassVar[bool] = False
    """Whether ``placement`` puts neurons on a chip."""
    speed: ClassVar[int] = 0
    """``"auto"`` tries the backends above 0, from the largest on."""
    differentiates: ClassVar[bool] = False
    """Whether ``batch`` computes runs beside each other, with gradients."""
    rounds: ClassVar[bool] = False
    """Whether ``stored`` gives other weights than those of a graph."""
    default: ClassVar[bool] = False
    """Whether a run that names no backend takes this one."""
    doubles: ClassVar[Mapping[str, Any]] = {}
    """Options with which it stores all numbers in double precision, where its defaults do not."""

    def missing(self) -> str | None:
        """A sentence on what must be installed before this backend can run; None if nothing is missing."""
        return None

    def limits(self, settings: Mapping[str, Any]) -> Sequence[Capability]:
        """The ``capabilities`` of a run with these settings, all of its options."""
        return self.capabilities

    def check(self, graph: Graph, **options: Any) -> Issues:
        """Every limit that ``graph`` meets in a run with these options; never stops at the first.

        Raises InvalidModel on an unknown option or value, and nothing else.
        """
        known = self.known(graph)
        limits = self.limits(self.settings(options)) if known.populations else ()
        limits_met = [limit for capability in limits for limit in capability(known)]
        limits_met += [*self._kinds(graph), *self._modulators(graph), *self._poisson_inputs(graph)]
        limits_met += [*self._resets(graph), *self._crowded(graph), *doubts(graph)]
        codes = {**CODES, **self.codes}
        return Issues(
            self.name, [each.issue(self.name, codes) if isinstance(each, Limit) else each for each in limits_met]
        )

    def known(self, graph: Graph) -> Graph:
        """``graph`` without the populations whose kinds of neurons this backend has not."""
        return without(graph, {p.name for p in graph.neurons() if not self.has(p.kind)})

    def has(self, kind: Kind) -> bool:
        """Whether it has neurons of this kind. A user's kind is never one of those that it has by name."""
        return self.kinds is None or (kind.name in self.kinds and LIBRARY.get(kind.name) is kind)

    def _kinds(self, graph: Graph) -> Iterator[Limit]:
        """Yield a limit for every population of a kind that this backend does not have."""
        for p in graph.neurons():
            if not self.has(p.kind):
                message = f"its neurons are {p.kind.name}, and {self.name} has {' and '.join(self.kinds or ())} alone"
                remedy = f"use one of these, or run it on {_having(Backend.has, p.kind)}"
                yield Limit("G201", p.name, message, remedy)

    def _poisson_inputs(self, graph: Graph) -> Iterator[Limit]:
        """Poisson input, where this backend has none."""
        for p in graph.poisson_inputs if not self.poisson_inputs else ():
            message, others = f"{self.name} has no Poisson input to neurons", _having(lambda b: b.poisson_inputs)
            remedy = f"project a population of Poisson sources onto {p.target.population}, or run it on {others}"
            yield Limit("G203", p.name, message, remedy)

    def _resets(self, graph: Graph) -> Iterator[Limit]:
        """Resets, where this backend has none."""
        if graph.resets and not self.resets:
            message = f"{self.name} cannot reset the network as a trial starts"
            remedy = "leave out reset, and give a rest_ms of several time constants, in which the state decays"
            others = _having(lambda b: b.resets)
            yield Limit("G210", "Trials.reset", message, f"{remedy}; or run it on {others}")

    def _crowded(self, graph: Graph) -> Iterable[Limit]:
        """Sources that draw several spikes in a step, where this backend takes one."""
        return () if self.counts else crowded(graph, _having(lambda b: b.counts))

    def computes(self, m: Modulator) -> bool:
        """Whether it has third factors of the kind of ``m``: a user's own is none of those that it has by name."""
        return self.modulators is None or (m.kind.name in self.modulators and m.of_library)

    def _modulators(self, graph: Graph) -> Iterator[Limit]:
        """Third factors that this backend has not."""
        for m in graph.modulators:
            if not self.computes(m):
                has = f"{' and '.join(self.modulators)} alone" if self.modulators else "no third factors"
                message = f"its kind is {m.kind.name}, and {self.name} has {has}"
                yield Limit("G204", m.name, message, f"run it on {_having(Backend.computes, m)}")

    def recorded_bytes(self, kind: str, options: Mapping[str, Any]) -> int:
        """The bytes that one recorded number, or one spike of a source, takes during a run.

        ``kind`` is that of ``graph.Probe``, or ``"spikes"`` of sources. Programs hold numbers twice when they write
        them, and a spike of a source in a table, too.
        """
        return 64 if kind == "spikes" else 16

    def placement(self, graph: Graph) -> Sequence[Placed]:
        """The placements of ``graph``, one for each kind of chip of this backend; empty if it is for no chip."""
        return ()

    def compile(self, graph: Graph, n_steps: int, **options: Any) -> Program:
        """The program for ``graph``. Raises UnsupportedOnBackend where there is nothing to compile, or too much."""
        raise UnsupportedOnBackend(f"{self.name} runs the graph directly; there is nothing to compile")

    @abstractmethod
    def run(self, graph: Graph, n_steps: int, progress: Progress, **options: Any) -> Recording:
        """Run ``graph`` for ``n_steps`` steps; ``progress`` is called with the fraction done.

        Steps are counted on from the end of ``start``, where one is given (see ``continues``): spikes that are given
        and schedules are those of the steps from there on.
        """

    def stored(self, graph: Graph, **options: Any) -> dict[str, np.ndarray]:
        """The weights that it holds, by their paths in ``Graph.values``, where it ``rounds`` them; else none."""
        return {}

    def batch(
        self,
        graph: Graph,
        n_steps: int,
        *,
        first: Sequence[int] | np.ndarray,
        values: Mapping[str, Any],
        surrogate: Callable[[Any], Any] | None,
        given: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """Runs of ``n_steps`` beside each other, each from the initial state on, in the steps from ``first`` on.

        ``values`` are tensors in place of numbers of ``Graph.values``; ``surrogate`` is the derivative of spikes by
        their margin; ``given`` has tensors of spikes (runs, steps, neurons) in place of those of some sources. The
        result has ``spikes`` by population, (runs, steps, neurons), and ``probes`` by their keys, (runs, times,
        values), as tensors. Raises UnsupportedOnBackend where this backend has no gradients.
        """
        raise UnsupportedOnBackend(f"{self.name} has no gradients")

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options with ``given`` filled in. Raises InvalidModel on an unknown option or value."""
        return filled(self.name, self.options, given)

    def require_installed(self) -> None:
        """Raise BackendNotAvailable where something is missing."""
        missing = self.missing()
        if missing:
            raise BackendNotAvailable(missing)

    def require(self, graph: Graph, **options: Any) -> Issues:
        """``check``, raising one UnsupportedOnBackend that lists every error."""
        issues = self.check(graph, **options)
        if issues.errors:
            raise UnsupportedOnBackend(f"{self.name} cannot run {graph.name}:", issues=issues.errors)
        return issues


def _having(feature: Callable[..., bool], *what: Any) -> str:
    """The installed backends of which ``feature(backend, *what)`` is true, as a list in words."""
    found = []
    for name, load in discover(GROUP).items():
        with suppress(Exception):  # of a plug-in that is broken
            if feature(load()(), *what):
                found.append(name)
    return ", ".join(found)
