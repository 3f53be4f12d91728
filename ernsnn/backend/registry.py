"""The installed backends, found through entry points, and the choice of one for a graph."""

from __future__ import annotations

from contextlib import suppress

from ernsnn.backend.discovery import GROUP, discover
from ernsnn.backend.protocol import Backend
from ernsnn.errors import BackendNotAvailable, UnsupportedOnBackend, unknown
from ernsnn.graph.graph import Graph

AUTO = "auto"
_FASTEST_FIRST = ("native", "brian2", "reference")


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


def auto_options() -> set[str]:
    """The options of all backends that ``choose_backend`` may choose."""
    found: set[str] = set()
    for name in _FASTEST_FIRST:
        with suppress(BackendNotAvailable):
            found |= get_backend(name).options.keys()
    return found


def choose_backend(graph: Graph) -> tuple[Backend, list[str]]:
    """The fastest backend that is there and can run ``graph``, and why faster ones were passed over.

    Raises UnsupportedOnBackend where none can.
    """
    passed_over: list[str] = []
    for name in _FASTEST_FIRST:
        try:
            backend = get_backend(name)
        except BackendNotAvailable as error:
            passed_over.append(f"{name}: {' '.join(str(error).split())}")
            continue
        missing, errors = backend.missing(), backend.check(graph).errors
        if missing is None and not errors:
            return backend, passed_over
        passed_over += [f"{name}: {reason}" for reason in ([missing] if missing else map(str, errors))]
    raise UnsupportedOnBackend("\n  ".join([f"no backend can run {graph.name}:", *passed_over]))
