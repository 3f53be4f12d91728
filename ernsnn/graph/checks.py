"""Validation of graphs from files: whether ``lower`` can have made them, which every backend takes for granted.

Each function yields errors, in the user's names. ``shapes`` needs no values of arrays, so that it can be called before
arrays are read; ``numbers`` needs them.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import pairwise

import numpy as np

from ernsnn.describe.distributions import extent
from ernsnn.describe.kinds import CHANGEABLE, Kind
from ernsnn.describe.modulators import ModulatorKind
from ernsnn.describe.names import is_symbol, network_name, part_name
from ernsnn.describe.network import MOST_NEURONS
from ernsnn.describe.parametrised import check_values
from ernsnn.describe.short_term import ShortTermKind, unusable
from ernsnn.errors import InvalidModel, quoted
from ernsnn.graph import graph as g
from ernsnn.graph import probes
from ernsnn.graph.connectivity import CSR
from ernsnn.graph.modulator import Member, Modulator
from ernsnn.graph.poisson import MOST_A_STEP
from ernsnn.graph.spikes import PoissonSpikes
from ernsnn.graph.values import Array, Draw, Scalar, Series, Shared, Value, columns_of

_KEY = re.compile(r"[0-9a-f]{32}")
_MOST = 2**31
"""The limit of delays in steps, which are stored in 32 bits."""
_DRAWN = {"uniform": 2, "normal": 4, "lognormal": 2, "exponential": 1}
"""Distribution of ``values.sample`` -> its number of parameters."""


def shapes(graph: g.Graph) -> Iterator[str]:
    """Yield errors in names, references, sizes and single numbers."""
    yield from _named(graph)
    sized: list[g.Population | Modulator] = [*graph.populations, *graph.modulators]
    names = Counter(part.name for part in (*sized, *graph.projections, *graph.poisson_inputs))
    yield from (f"the name {quoted(n)} is used twice" for n, count in names.items() if count > 1)
    yield from (f"{part.name} has the size {part.size}" for part in sized if not 0 < part.size <= MOST_NEURONS)
    if not 0 < graph.dt_ms < np.inf or not graph.populations:
        yield "it needs a dt_ms above 0 and a population"
    for p in graph.populations:
        yield from _source(p) if isinstance(p, g.Source) else _neurons(p)
        if isinstance(p, g.Neurons):
            yield from _equations(p, graph.current_integration)
    known: dict[str, Modulator] = {}
    for m in graph.modulators:
        yield from _modulator(m, known, graph)
        known[m.name] = m
    for j in graph.projections:
        yield from _projection(j, graph)
    yield from _inputs(graph)
    known_probes = {(p.kind, p.target, p.variable) for p in probes.variables(graph)} if graph.probes else set()
    for probe in graph.probes:
        if probe.kind == "neurons":
            yield from _member("a probe", Member(probe.target, probe.start, probe.stop), graph, computed=True)
        if (probe.kind, probe.target, probe.variable) not in known_probes or not 1 <= probe.every < 2**53:
            yield f"a probe records no {probe.variable!r} of {probe.target!r} every {probe.every} steps"
    ends = [0, *(t for interval in graph.frozen for t in interval), 2**53]
    if any(later < t for t, later in pairwise(ends)):
        yield "what is frozen does not rise"
    if any(not later > t for t, later in pairwise([-1, *graph.resets, 2**53])):
        yield "the steps of resets do not rise"


_KEYS = ("key", "draws", "erasure")
"""Fields with keys of random numbers, which become neither names nor lines of programs."""


def _named(graph: g.Graph) -> Iterator[str]:
    """Yield texts that cannot be names: programs and files are named after the parts of a network."""
    try:
        network_name(graph.name)
        for field in dataclasses.fields(graph):
            if field.name != "name":
                _check_texts(getattr(graph, field.name))
    except InvalidModel as error:
        yield str(error)


def _check_texts(value: object) -> None:
    if isinstance(value, str):
        if not is_symbol(value):
            part_name(value)
    elif isinstance(value, tuple | list):
        for item in value:
            _check_texts(item)
    elif isinstance(value, dict):
        _check_texts([*value, *value.values()])
    elif isinstance(value, Kind | ShortTermKind | ModulatorKind):
        pass  # has checked its names itself
    elif dataclasses.is_dataclass(value):
        _check_texts([getattr(value, field.name) for field in dataclasses.fields(value) if field.name not in _KEYS])


def _is(array: object, kinds: str, *shape: int) -> bool:
    return isinstance(array, np.ndarray) and array.dtype.kind in kinds and array.shape == shape


def _find(name: str, parts: Collection[g.Population] | Collection[Modulator]) -> g.Population | Modulator | None:
    return next((part for part in parts if part.name == name), None)


def _series(where: str, steps: np.ndarray, values: Series, size: int) -> Iterator[str]:
    if steps.ndim != 1 or steps.dtype.kind not in "iu":
        yield f"{where}: its steps are no list of whole numbers"
    elif isinstance(values, Shared):
        if values.columns.ndim != 2 or not _is(values.columns, "f", len(steps), values.columns.shape[1]):
            yield f"{where}: needs columns of {len(steps)} numbers"
        elif not _is(values.of, "iu", size):
            yield f"{where}: needs a column for each of {size} neurons"
    elif not _is(values, "f", len(steps), size):
        yield f"{where}: needs {len(steps)} x {size} numbers"


def _source(p: g.Source) -> Iterator[str]:
    if isinstance(p.spikes, PoissonSpikes):
        yield from _series(p.name, p.spikes.steps, p.spikes.probabilities, p.size)
        yield from _key(p.name, p.spikes.key)
        return
    indptr, steps = p.spikes.indptr, p.spikes.steps
    if not _is(indptr, "iu", p.size + 1) or steps.ndim != 1 or steps.dtype.kind not in "iu":
        yield f"{p.name}: its spikes are not those of {p.size} neurons"


def _key(where: str, key: str) -> Iterator[str]:
    if not _KEY.fullmatch(key):
        yield f"{where}: {key!r} is no key of a draw"


def _neurons(p: g.Neurons) -> Iterator[str]:
    given, known = p.parameters, {parameter.name for parameter in p.kind.parameters}
    yield from (f"{p.name} has no {name}" for name in sorted(known - p.kind.optional - given.keys()))
    yield from (f"{p.name}: {name!r} is no parameter of {p.kind.name}" for name in sorted(given.keys() - known))
    for name, value in given.items():
        if isinstance(value, np.ndarray) and not _is(value, "f", p.size):
            yield f"{p.name}.{name} has not {p.size} numbers"
    for key in p.draws.values():
        yield from _key(p.name, key)
    if p.intrinsic:
        learning = p.intrinsic.learning
        if p.intrinsic.target not in {*CHANGEABLE} & given.keys() or len(learning.variables) != 1:
            yield f"{p.name}: intrinsic plasticity changes one of {', '.join(CHANGEABLE)}"
        if learning.third_factors or learning.normalise or learning.flows or learning.transmit:
            yield f"{p.name}: intrinsic plasticity has terms and traces alone"
        if "pre" in {t.event for t in learning.terms} | {t.trace.event for t in learning.traces}:
            yield f"{p.name}: a neuron has no pre spikes of its own"
        yield from _learning(p.name, learning, p.size)


def _equations(p: g.Neurons, current_integration: str) -> Iterator[str]:
    if current_integration != "exact" and p.kind.step_average is None:
        yield f"{p.name} has no currents to average"
    elif {"normal", "uniform"} & p.equations(current_integration).names != p.draws.keys():
        yield f"{p.name}: its equations draw other random numbers than it has keys for"


def _value(where: str, value: Value, count: int, kinds: str = "f") -> Iterator[str]:
    if isinstance(value, Array) and not _is(value.values, kinds, count):
        yield f"{where} has not {count} numbers"
    if isinstance(value, Draw):
        yield from _key(where, value.key)
        first, limits = value.parameters[:2], value.parameters[2:] or (0.0, 0.0)
        if _DRAWN.get(value.kind) != len(value.parameters):
            yield f"{where}: no distribution {quoted(value.kind)} of {len(value.parameters)} numbers"
        elif not np.isfinite([*first, extent(value.kind, value.parameters)]).all() or not (
            limits[0] <= limits[1] and limits[0] < np.inf > -limits[1]
        ):
            yield f"{where}: nothing is distributed by {value.parameters}"


def _learning(where: str, learning: g.Learning, count: int) -> Iterator[str]:
    variables = [v.name for v in learning.variables]
    symbols = [b.symbol for b in learning.third_factors]
    known = [*variables, *(t.name for t in learning.traces), *symbols]
    if variables[:1] != ["w"] or len({*known}) < len(known) or not all(n.isidentifier() for n in known):
        yield f"{where}: its rule has w, and names that are words of their own; it has {', '.join(known)}"
    for v in learning.variables:
        yield from _value(f"{where}.{v.name}", v.initial, count)
        if not v.low <= v.high:
            yield f"{where}.{v.name}: its bounds are {v.low} and {v.high}"
    used = {f.variable for term in learning.terms for f in term.factors}
    used |= {f.variable for product in learning.transmit for f in product.factors}
    used |= {t.trace.gate for t in learning.traces if t.trace.gate is not None}
    yield from (f"{where}: its rule has no {name!r}" for name in sorted(used - set(known)))
    moved = [t.target for t in learning.terms] + [n.variable for n in learning.normalise]
    moved += [v for flow in learning.flows for v in (flow.variable, *flow.reads)]
    moved += [f.variable for product in learning.transmit for f in product.factors]
    yield from (f"{where}: its synapses have no {name!r}" for name in sorted(set(moved) - set(variables)))
    signals = {s for flow in learning.flows for s in flow.signals} | {t.trace.gate for t in learning.traces} - {None}
    yield from (f"{where}: {s!r} is no third factor" for s in sorted(map(str, signals - set(symbols))))
    flowing = [flow.variable for flow in learning.flows]
    if len(set(flowing)) < len(flowing) or {f.variable for f in learning.flows if f.draws} != learning.erasure.keys():
        yield f"{where}: its flows and erasures do not go together"
    for key in learning.erasure.values():
        yield from _key(where, key)
    epochs = bool(learning.flows or learning.normalise) or any(t.event == "epoch" for t in learning.terms)
    if epochs != (learning.epoch_steps is not None) or not 0 < (learning.epoch_steps or 1) < 2**53:
        yield f"{where}: its epochs are {learning.epoch_steps} steps"


def _member(where: str, member: Member, graph: g.Graph, computed: bool, needs: str = "") -> Iterator[str]:
    p = _find(member.population, graph.populations)
    if p is None or (computed and not isinstance(p, g.Neurons)):
        yield f"{where}: there are no such neurons as {member.population!r}"
    elif not 0 <= member.start < member.stop <= p.size:
        yield f"{where}: {member.population} has no neurons {member.start} to {member.stop}"
    elif needs and isinstance(p, g.Neurons) and needs not in p.parameters:
        yield f"{where}: {member.population} has no {needs}"


def _modulator(m: Modulator, known: dict[str, Modulator], graph: g.Graph) -> Iterator[str]:
    problems = [f"{m.name}{problem}" for problem in m.problems()]
    yield from problems
    if problems:
        return
    reads = [(known.get(name), read) for name, read in zip(m.others, m.kind.reads, strict=True)]
    found = [other for other, read in reads if other is not None and read.variable in other.kind.probes]
    if len(found) < len(reads) or any(other.size not in (1, m.size) for other in found):
        yield f"{m.name}: {', '.join(m.others)} cannot be what it is made of"
    elif found and m.size != max(other.size for other in found):
        yield f"{m.name} has the size {m.size}"
    if m.schedule:
        yield from _series(m.name, *m.schedule, m.size)
    for member, _ in m.domain:
        yield from _member(m.name, member, graph, computed=False)
        if m.size != 1 and member.stop - member.start != m.size:
            yield f"{m.name}: {m.size} astrocytes listen to {member.stop - member.start} neurons"


def _projection(j: g.Projection, graph: g.Graph) -> Iterator[str]:
    pre, post, c = _find(j.pre, graph.populations), _find(j.post, graph.populations), j.connectivity
    if pre is None or not isinstance(post, g.Neurons):
        yield f"{j.name}: there are no such neurons as {j.pre!r} or {j.post!r}"
        return
    sides = (("n_pre", j.pre_start, c.n_pre, pre.size), ("n_post", j.post_start, c.n_post, post.size))
    for side, first, n, size in sides:
        if not (0 <= first < first + n <= size):
            yield f"{j.name}: {side} is {n} from {first} on, of {size} neurons"
            return
    if isinstance(c, CSR) and (
        not _is(c.indptr, "iu", c.n_pre + 1) or c.indices.ndim != 1 or c.indices.dtype.kind not in "iu"
    ):
        yield f"{j.name}: its synapses are not those of {c.n_pre} neurons"
        return
    if j.receptor not in post.kind.words:
        yield f"{j.name}: {post.kind.name} has no receptor {j.receptor!r}"
    yield from _value(f"{j.name}.weight", j.weight, c.n_synapses)
    yield from _value(f"{j.name}.delay", j.delay, c.n_synapses, "iu")
    if isinstance(j.delay, Scalar) and not (1 <= j.delay.value < _MOST and float(j.delay.value).is_integer()):
        yield f"{j.name}: its delay is {j.delay.value} steps"
    if isinstance(j.delay, Draw) and not (j.delay.step_ms or 0) > 0:
        yield f"{j.name}: its drawn delays are in no steps"
    if j.short_term:
        yield from _short_term(f"{j.name}.short_term", j.short_term, j.variables, c.n_pre)
    if j.learning is None:
        return
    yield from _learning(j.name, j.learning, c.n_synapses)
    if not j.learning.transmit:
        yield f"{j.name} transmits nothing"
    for b in j.learning.third_factors:
        m = _find(b.modulator, graph.modulators)
        if m is None or m.size != {"all": 1, "pre": c.n_pre, "post": c.n_post}[b.per]:
            yield f"{j.name}: {b.modulator!r} cannot be its {b.symbol}"


def _short_term(where: str, short_term: g.ShortTerm, variables: Collection[g.Variable], n_pre: int) -> Iterator[str]:
    kind, given = short_term.kind, short_term.parameters
    if {p.name for p in kind.parameters} != given.keys():
        yield f"{where}: {', '.join(given)} are not the parameters of {kind.name}"
    for name, value in given.items():
        if isinstance(value, np.ndarray) and not _is(value, "f", n_pre):
            yield f"{where}.{name} has not {n_pre} numbers"
    shared = {s.name for s in kind.states} & {v.name for v in variables}
    yield from (f"{where}: its synapses have a {name!r}, too" for name in sorted(shared))


def _inputs(graph: g.Graph) -> Iterator[str]:
    for i in graph.injections:
        yield from _member("a current", i.target, graph, computed=True, needs="i_offset_nA")
        yield from _series("a current", i.steps, i.values, i.target.stop - i.target.start)
    for p in graph.poisson_inputs:
        yield from _poisson_input(p, graph)
    for m in graph.modulations:
        yield from _member("a modulation", m.target, graph, computed=True, needs=m.variable)
        modulator = _find(m.modulator, graph.modulators)
        if modulator is None or modulator.size not in (1, m.target.stop - m.target.start):
            yield f"{m.modulator!r} cannot modulate {m.target.population}"


def _poisson_input(p: g.PoissonInput, graph: g.Graph) -> Iterator[str]:
    if problems := list(_member(p.name, p.target, graph, computed=True)):
        yield from problems
        return
    post, size = graph.population(p.target.population), p.target.stop - p.target.start
    if isinstance(post, g.Neurons) and p.receptor not in post.kind.words:
        yield f"{p.name}: {post.kind.name} has no receptor {p.receptor!r}"
    yield from _series(p.name, p.steps, p.means, size)
    yield from _key(p.name, p.key)
    if isinstance(p.weight, np.ndarray) and not _is(p.weight, "f", size):
        yield f"{p.name}.weight has not {size} numbers"


def numbers(graph: g.Graph) -> Iterator[str]:
    """Yield errors in the numbers of arrays of a graph in which ``shapes`` has none."""
    for p in graph.populations:
        if isinstance(p, g.Neurons):
            try:
                check_values(p.name, p.kind, p.parameters)
            except InvalidModel as error:
                yield str(error)
            yield from (f"{p.name}.{n} holds no number" for n, v in p.parameters.items() if np.isnan(v).any())
        elif isinstance(p.spikes, PoissonSpikes):
            yield from _over_time(p.name, p.spikes.steps, p.spikes.probabilities)
            drawn, most = columns_of(p.spikes.probabilities)[0], MOST_A_STEP if p.spikes.counts else 1
            if not ((drawn >= 0) & (drawn <= most)).all():
                yield f"{p.name}: a {'mean' if p.spikes.counts else 'probability'} is not within [0, {most:g}]"
        else:
            yield from _listed(p.name, p.spikes.indptr, p.spikes.steps, 2**53, strictly=True)
    for j in graph.projections:
        c = j.connectivity
        if isinstance(c, CSR):
            yield from _listed(j.name, c.indptr, c.indices, c.n_post, strictly=False)
        if isinstance(j.delay, Array) and len(j.delay.values):
            low, high = int(j.delay.values.min()), int(j.delay.values.max())
            if low < 1 or high >= _MOST:
                yield f"{j.name}: its delays are {low} to {high} steps"
        if j.short_term:
            yield from _usable(f"{j.name}.short_term", j.short_term, graph.dt_ms)
        for v in j.variables:
            if isinstance(v.initial, Array) and np.isnan(v.initial.values).any():
                yield f"{j.name}.{v.name} holds no number"
    for m in graph.modulators:
        if m.schedule:
            yield from _over_time(m.name, *m.schedule)
    for i in graph.injections:
        yield from _over_time("a current", i.steps, i.values)
    for q in graph.poisson_inputs:
        yield from _over_time(q.name, q.steps, q.means)
        means, _ = columns_of(q.means)
        if not ((means >= 0) & (means <= MOST_A_STEP)).all():
            yield f"{q.name}: a mean is not within [0, {MOST_A_STEP:g}]"
        if np.isnan(q.weight).any():
            yield f"{q.name}.weight holds no number"


def _usable(where: str, short_term: g.ShortTerm, dt_ms: float) -> Iterator[str]:
    try:
        check_values(where, short_term.kind, short_term.parameters)
    except InvalidModel as error:
        yield str(error)
        return
    if problem := unusable(short_term.kind, short_term.parameters, dt_ms):
        yield f"{where}: {problem}"


def _over_time(where: str, steps: np.ndarray, values: Series) -> Iterator[str]:
    if len(steps) and (steps[0] < 0 or (steps[1:] <= steps[:-1]).any()):
        yield f"{where}: its steps do not rise from 0 on"
    if isinstance(values, Shared) and len(values.of):
        low, high = int(values.of.min()), int(values.of.max())
        if low < 0 or high >= values.columns.shape[1]:
            yield f"{where}: it has columns {low} to {high}, of {values.columns.shape[1]}"


def _listed(where: str, indptr: np.ndarray, items: np.ndarray, most: int, strictly: bool) -> Iterator[str]:
    """Yield an error unless each row holds rising whole numbers in [0, most)."""
    if indptr[0] != 0 or indptr[-1] != len(items) or (indptr[1:] < indptr[:-1]).any():
        yield f"{where}: its rows do not fill it"
    elif len(items):
        falls = (items[1:] <= items[:-1]) if strictly else (items[1:] < items[:-1])
        falls[(indptr[1:-1] - 1)[(indptr[1:-1] > 0) & (indptr[1:-1] < len(items))]] = False
        if items.min() < 0 or items.max() >= most or falls.any():
            yield f"{where}: its rows do not rise within [0, {most})"
