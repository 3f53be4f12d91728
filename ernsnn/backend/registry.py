"""The installed backends, found through entry points, and the choice of one for a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from ernsnn.backend.discovery import GROUP, backend_names, discover
from ernsnn.backend.protocol import Backend
from ernsnn.errors import BackendNotAvailable, UnsupportedOnBackend, unknown
from ernsnn.graph.graph import Graph

AUTO = "auto"


def get_backend(given: str | Backend) -> Backend:
    """The backend of that name. Raises BackendNotAvailable if there is none, or if its plug-in is broken."""
    if isinstance(given, Backend):
        return given
    loaders = discover(GROUP)
    if given == AUTO:
        raise BackendNotAvailable("backend 'auto' is chosen for the run of one network; name a backend here")
    if given not in loaders:
        raise BackendNotAvailable(unknown("no backend", given, loaders))
    try:
        backend = loaders[given]()()
    except Exception as error:
        raise BackendNotAvailable(f"backend {given!r} does not load: {type(error).__name__}: {error}") from error
    if not isinstance(backend, Backend):
        raise BackendNotAvailable(f"backend {given!r} is no ernsnn.Backend: fix the entry point of its package")
    return backend


def installed() -> Iterator[Backend]:
    """All backends that load, by their names; each is loaded when it is asked for."""
    for name in backend_names():
        with suppress(BackendNotAvailable):
            yield get_backend(name)


def default_backend() -> Backend:
    """The backend of a run that names none. Raises BackendNotAvailable where no installed one is the default."""
    default = next((backend for backend in installed() if backend.default), None)
    if default is None:
        raise BackendNotAvailable(f"no backend is the default here: name one of {', '.join(backend_names())}")
    return default


def fastest_first(having: Callable[[Backend], bool]) -> list[Backend]:
    """The backends of which ``having`` is true, by their ``speed``, then by their names."""
    return sorted(filter(having, installed()), key=lambda backend: (-backend.speed, backend.name))


def names_of(having: Callable[[Backend], bool]) -> str:
    """The names of these backends, for messages: ``'a', 'b' or 'c'``."""
    names = [repr(backend.name) for backend in fastest_first(having)]
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "another"


def auto_options() -> set[str]:
    """The options of all backends that ``choose_backend`` may choose."""
    return {name for backend in fastest_first(_for_auto) for name in backend.options}


def _for_auto(backend: Backend) -> bool:
    return backend.speed > 0


def choose_backend(graph: Graph) -> tuple[Backend, list[str]]:
    """(the fastest installed backend that can run ``graph``, the reasons against faster ones).

    Raises UnsupportedOnBackend where none can.
    """
    passed_over: list[str] = []
    names: list[str] = []
    for backend in fastest_first(_for_auto):
        missing, errors = backend.missing(), backend.check(graph).errors
        if missing is None and not errors:
            return backend, passed_over
        passed_over += [f"{backend.name}: {reason}" for reason in ([missing] if missing else map(str, errors))]
        names += [name for issue in errors for name in (issue.path, *issue.names)]
    raise UnsupportedOnBackend(f"no backend can run {graph.name}:", issues=passed_over, names=names)
