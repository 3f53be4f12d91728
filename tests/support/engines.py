"""The backends that compute a graph as it is specified, in float64, and how tests run them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import ernsnn as ern
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import get_backend
from ernsnn.backend.stepping import SteppedBackend
from ernsnn.graph.graph import Graph
from ernsnn.hardware_backends.native.engine import Engine as Native
from ernsnn.recording.recording import Recording

PROGRAMS = {"brian2": "brian2", "nest": "pyNN.nest"}
"""Backends whose programs are run in forks of this process, and what they import: once, for all of them."""
_SETTINGS = {"precision": "float64", "target": "numpy"}


def options_of(backend: Backend) -> dict[str, str]:
    """The options with which a backend is exact, and starts fast."""
    return {name: value for name, value in _SETTINGS.items() if name in backend.options}


def exact(name: str, graph: Graph) -> bool:
    """Whether that backend says that it runs ``graph`` as it is; doubts on the network itself (G3...) are no matter."""
    backend = get_backend(name)
    issues = backend.check(graph, **options_of(backend))
    return all(issue.fidelity == "exact" or issue.code.startswith("G3") for issue in issues)


def having(graph: Graph | None) -> Sequence[str]:
    """The backends that run ``graph`` exactly; all where there is no graph."""
    return [name for name in (*stepped(), *PROGRAMS) if graph is None or exact(name, graph)]


def _plain() -> Graph:
    net = ern.Network()
    net.population("n", 1, ern.LIF())
    return ern.lower(net)


def stepped() -> Sequence[str]:
    """The exact backends that are installed and step in this process."""
    found = [n for n in backend_names() if isinstance(get_backend(n), SteppedBackend)]
    return [n for n in found if not get_backend(n).missing() and exact(n, _plain())]


def run(name: str, graph: Graph, n_steps: int) -> Recording:
    """A run on one of these, or of a program.

    Native's learning rules are plain Python, since to compile each would take seconds.
    """
    backend = get_backend(name)
    if name == "native":
        return Native(graph, "float64", compiled=False).run(n_steps, lambda fraction: None)
    if name in PROGRAMS:
        from forked import recording_of

        import_module(PROGRAMS[name])
        return recording_of(backend.compile(graph, n_steps, **options_of(backend)))
    return backend.run(graph, n_steps, lambda fraction: None, **options_of(backend))
