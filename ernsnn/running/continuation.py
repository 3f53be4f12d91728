"""Checks for a run that goes on from the end of another: what must be the same, and what may differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.backend.meta import ernsnn_version
from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import names_of
from ernsnn.errors import InvalidModel, UnsupportedOnBackend
from ernsnn.graph.encoding import digest
from ernsnn.graph.graph import Graph, Learning, Population, Projection, Source
from ernsnn.recording.readings import Readings
from ernsnn.recording.recording import Recording


def readings_of(start: Readings | str | Path) -> Readings:
    """``start`` as readings: a result, or the folder of one. Raises InvalidModel where there is none."""
    if not isinstance(start, Readings | str | Path):
        raise InvalidModel(f"start: must be a Result or the folder of one, got {start!r}")
    result = start if isinstance(start, Readings) else Readings.load(start)
    missing = [key for key in ("backend", "options", "versions") if key not in result.meta]
    if missing:
        raise InvalidModel(
            f"start: its meta data lack {', '.join(missing)}; was it written by `ernsnn run` or ern.run?"
        )
    return result


def check_start(start: Readings, graph: Graph, backend: Backend) -> Recording:
    """The recording from whose end ``graph`` goes on. Raises InvalidModel, listing every reason against it.

    The state has a place for everything that changes while a network runs, so that both must have the same
    populations, modulators and plastic synapses, and the same longest delay. Inputs, parameters, static weights and
    what is probed may be others. Raises UnsupportedOnBackend where the backend cannot go on.
    """
    meta, recording = start.meta, start.recording
    if not backend.continues:
        raise UnsupportedOnBackend(
            f"start: {backend.name} cannot go on from another run; use backend {names_of(lambda each: each.continues)}"
        )
    if meta["backend"] != backend.name:
        raise InvalidModel(
            f"start: was run on {meta['backend']}, whose state means nothing to {backend.name}; "
            f"choose backend={meta['backend']!r} for both, or {backend.name!r}"
        )
    if recording.state is None:
        raise InvalidModel("start: holds no state to go on from; run it anew with this version of ernsnn")
    version = meta["versions"].get("ernsnn")
    if version != ernsnn_version():
        raise InvalidModel(f"start: was run by ernsnn {version}, this is {ernsnn_version()}; run it anew")
    problems = [*_differences(start.graph, graph), *_lacking(start)]
    if problems and start.graph.seed != graph.seed:
        problems.append(f"the seed, by which synapses are drawn, was {start.graph.seed}, and is {graph.seed}")
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise InvalidModel(f"start: {graph.name} does not fit the network that was run:\n{listed}")
    return recording


def _differences(before: Graph, now: Graph) -> Iterator[str]:
    for name in ("dt_ms", "current_integration"):
        was, is_now = getattr(before, name), getattr(now, name)
        if was != is_now:
            yield f"{name} was {was}, and is {is_now}"
    for kind, features in _KINDS.items():
        was = {part.name: features(part) for part in getattr(before, kind) if features(part)}
        is_now = {part.name: features(part) for part in getattr(now, kind) if features(part)}
        one = kind[:-1] if kind != "projections" else "plastic projection"
        yield from (f"{one} {name} is not there any more" for name in sorted(was.keys() - is_now.keys()))
        yield from (f"{one} {name} is new" for name in sorted(is_now.keys() - was.keys()))
        for name in [name for name in was if name in is_now]:
            for feature in was[name] | is_now[name]:
                value, other = was[name].get(feature), is_now[name].get(feature)
                if value != other:
                    shown = "" if len(f"{value}") > 40 else f" (was {value}, is {other})"
                    yield f"{one} {name} has another {feature}{shown}"
        if list(was) != list(is_now) and was.keys() == is_now.keys():
            yield f"{kind} are in another order"
    longest = [max((p.delay_range[1] for p in graph.projections), default=1) for graph in (before, now)]
    if longest[0] != longest[1]:
        yield f"the longest delay was {longest[0]} steps, and is {longest[1]}"


def _lacking(start: Readings) -> Iterator[str]:
    """Yield the final values that a recording lacks."""
    for p in start.graph.projections:
        final = start.recording.synapses.get(p.name, {})
        for v in p.variables if p.learning else ():
            if np.shape(final.get(v.name, ())) != (p.n_synapses,):
                yield f"its recording has no final values of {p.name}.{v.name}"
    for n in start.graph.neurons():
        if n.intrinsic and n.intrinsic.target not in start.recording.neurons.get(n.name, {}):
            yield f"its recording has no final values of {n.name}.{n.intrinsic.target}"


def _of_rule(learning: Learning) -> dict[str, Any]:
    return {
        "set of variables": [v.name for v in learning.variables],
        "set of traces": [(t.name, t.trace.event) for t in learning.traces],
        "set of random erasures": list(learning.erasure),
    }


def _of_population(p: Population) -> dict[str, Any]:
    if isinstance(p, Source):
        return {"kind": "source of spikes", "size": p.size}
    kind = (p.kind, *p.draws)
    intrinsic = [] if p.intrinsic is None else [p.intrinsic.target, *_of_rule(p.intrinsic.learning).values()]
    return {"kind": kind, "size": p.size, "intrinsic plasticity": intrinsic}


def _of_projection(p: Projection) -> dict[str, Any]:
    """Traits of a projection that must be equal.

    There are none without learning and short-term plasticity, since such a projection has no state.
    """
    if p.learning is None and p.short_term is None:
        return {}
    sides = [p.pre, p.post, p.pre_start, p.post_start, p.receptor]
    traits = {"pair of populations": sides, "short-term plasticity": p.short_term and p.short_term.kind}
    if p.learning is None:
        return traits
    return {**traits, "set of synapses": digest([p.connectivity, p.delay]), **_of_rule(p.learning)}


_KINDS: dict[str, Any] = {
    "populations": _of_population,
    "modulators": lambda m: {"kind": m.kind.name, "size": m.size, "set of states": [s.name for s in m.kind.states]},
    "projections": _of_projection,
}
