"""NIR graphs as networks (docs/nir.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.connectors import AllToAll, Connector, FromList, OneToOne
from ernsnn.describe.fields import is_one_of
from ernsnn.describe.names import LONGEST
from ernsnn.describe.network import Network
from ernsnn.describe.stimuli import CurrentSteps, Poisson, Schedule, SpikeTimes
from ernsnn.describe.units import single_time
from ernsnn.errors import InvalidModel, quoted, unknown, warn
from ernsnn.interchange.codes import CODES
from ernsnn.interchange.description import SCHEMA, described
from ernsnn.interchange.fingerprint import fingerprint
from ernsnn.interchange.hdf5 import read_tree
from ernsnn.interchange.linear import Synapses, require_entries, size_of
from ernsnn.interchange.neurons import INTEGRATIONS, RESETS, Made, Stepping, always, made_of, summing
from ernsnn.interchange.nodes import KEY, READOUTS, WHERE, NirGraph, graph_of, tree_of
from ernsnn.interchange.signals import CONSTANT, Signals, is_plain, is_source, signals_of
from ernsnn.issues import Limit

Source = SpikeTimes | Poisson | Schedule
Reset = Literal["value", "late_value", "subtraction", "late_subtraction"]
_STEP_NOISE = 1e-3
"""Delays in single precision are whole steps up to this part of one."""


@checked
def from_nir(
    graph: Any,
    *,
    dt_ms: Any = None,
    inputs: Mapping[str, Source] | Source | None = None,
    integration: Literal["euler", "exact"] = "euler",
    reset: Reset | Mapping[str, Reset] | None = None,
    bias: Literal["spikes", "current"] = "spikes",
) -> Network:
    """The network of a NIR ``graph``: a file, or a ``nir.NIRGraph``.

    ``dt_ms`` is the step, which NIR does not know and which must be that of the tool that trained the network.
    ``integration`` is how its neurons are stepped, ``"euler"`` as snnTorch and Norse do, or ``"exact"``. ``reset``:
    ``"value"`` (to v_reset), ``"subtraction"`` (by v_threshold - v_reset in the step of the spike),
    ``"late_subtraction"`` (in the step after it, as snnTorch does unless told otherwise) or ``"late_value"`` (to
    v_reset, where the next step's input does not move it), for all or by the names of nodes; by default what a node's
    metadata say under "reset", else to v_reset, which is NIR's. Potentials are in mV for NIR's units, currents in nA.

    Neurons and inputs become populations of the names of their nodes, with "_" for what a name cannot have and "n"
    before a digit; a linear path between two becomes a projection. ``inputs`` are the spike sources of the Input nodes,
    or that of the only one; without, they are silent, and ``run(..., trials=)`` gives their spikes by their names. A
    ``Schedule`` is an input of numbers in place of spikes: what they become is injected as current.
    Biases are spikes of a neuron ``bias``, one in every step, or (``"current"``) i_offset_nA from step 0 on. A
    population that is k populations after its input spikes k steps later than in tools that pass a spike on within its
    step (2 k in graphs with IF or I); paths of different lengths are given delays that make them meet. A Delay must be
    a whole number of steps.
    An Output that follows weights becomes a ``LeakyIntegrator`` without memory; V of LI and of such is probed.

    A graph that ``to_nir`` made gives the network that it was made of, with steps of ``dt_ms`` if that is given. It is
    read by its nodes alone where these were changed, and where another argument says how to read them.

    Raises InvalidModel, listing all nodes by name, on what is damaged or cannot be mapped, and without ``dt_ms``.
    """
    found = graph_of(_tree(graph))
    if inputs is None and reset is None and (integration, bias) == ("euler", "spikes"):
        whole = _whole(found, None if dt_ms is None else single_time(dt_ms, "from_nir: dt_ms"))
        if whole is not None:
            return whole
    if dt_ms is None:
        raise InvalidModel("from_nir: give dt_ms, the step in ms of the tool that made the graph; NIR does not know it")
    for name, given, known in (("integration", integration, INTEGRATIONS), ("bias", bias, ("spikes", "current"))):
        if not is_one_of(given, known):
            raise InvalidModel(f"from_nir: {name} must be one of {', '.join(known)}, got {quoted(given)}")
    for name, word in reset.items() if isinstance(reset, Mapping) else [("", reset or "value")]:
        if not is_one_of(word, RESETS):
            raise InvalidModel(f"from_nir: reset must be one of {', '.join(RESETS)}, got {quoted(word)}")
        if name and name not in found.nodes:
            raise InvalidModel(unknown("from_nir: reset of no node", name, found.nodes))
    dt = single_time(dt_ms, "from_nir: dt_ms")
    if not dt > 0:
        raise InvalidModel(f"from_nir: dt_ms must be > 0, got {dt}")
    if isinstance(graph, str | Path):
        title = re.sub(r"[^\x20-\x7e]", "_", Path(graph).stem)[:LONGEST] or "nir"
    else:
        title = "nir"
    endless = any(node.type in ("IF", "I") for node in found.nodes.values())
    how = Stepping(dt, integration, reset, "exact" if endless else "step_average")
    return _Builder(found, how, inputs, bias, title).network


def _tree(graph: Any) -> Mapping[str, Any]:
    if not isinstance(graph, str | Path):
        return tree_of(graph)
    try:
        node = read_tree(Path(graph)).get("node")
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidModel(f"{quoted(str(graph))}: no such file") from None
    if not isinstance(node, Mapping):
        raise InvalidModel(f"{graph}: is no NIR file, which has a group named node")
    return node


def _whole(graph: NirGraph, dt_ms: float | None) -> Network | None:
    """The network that ``to_nir`` wrote, if ``graph`` is as it wrote it; a warning where it is not quite."""
    held = graph.metadata.get(KEY)
    if not isinstance(held, Mapping):
        return None
    text, arrays = held.get("network"), held.get("arrays", {})
    if held.get("schema") != SCHEMA or held.get("nodes") != fingerprint(graph) or not isinstance(text, str):
        message = "its nodes were changed, or a newer ernsnn wrote them; learning and all else of its metadata are left"
        warn(str(Limit("I104", WHERE, message).issue("nir", CODES)))
        return None
    return described(text, arrays, dt_ms, f"{WHERE}: its network")


class _Builder:
    """Makes the network of a graph."""

    def __init__(self, graph: NirGraph, how: Stepping, inputs: Any, bias: str, title: str) -> None:
        self.graph, self.how, self.bias = graph, how, bias
        self.hop = 1 if how.scheme == "step_average" else 2
        self.made: dict[str, Made] = {}
        problems = list(self._neurons())
        try:
            self.signals: Signals = signals_of(graph)
            self.made |= {name: summing(how) for name in self.readouts}
            problems += self._delays()
        except InvalidModel as others:
            problems += map(str, others.problems)
        if problems:
            raise InvalidModel.listing(map(InvalidModel, problems))
        self.names = _names([*self.signals.order, *self.readouts])
        self.position = {name: k for k, name in enumerate([*self.signals.order, *self.readouts])}
        self.shift = self._shifts()
        self.network = Network(dt_ms=how.dt_ms, current_integration=how.scheme, name=title)  # type: ignore[arg-type]
        self.given = _sources(graph, self.signals, inputs)
        problems = list(self._currents())
        if problems:
            raise InvalidModel.listing(map(InvalidModel, problems))
        self._populations()
        self._projections()
        for name in [*self.signals.order, *self.readouts]:
            if name in self.readouts or graph.nodes[name].type in READOUTS:
                self.network.probe(self.network.populations[self.names[name]], "v_mV")

    @property
    def readouts(self) -> list[str]:
        """The outputs that are sums of weights."""
        return [n for n in self.graph.outputs if self.signals.inputs[n] and not is_plain(self.signals.inputs[n])]

    def _neurons(self) -> Iterator[str]:
        for name, node in self.graph.nodes.items():
            if is_source(self.graph, node) and name not in self.graph.inputs:
                try:
                    self.made[name] = made_of(node, self.how)
                except InvalidModel as problem:
                    yield str(problem)

    def _delays(self) -> Iterator[str]:
        """Turn the delays of all synapses into steps."""
        self.steps: dict[tuple[str, str], np.ndarray] = {}
        for name, given in self.signals.inputs.items():
            for source, synapses in given.items():
                steps = synapses.delay_s * 1000.0 / self.how.dt_ms
                whole = np.rint(steps)
                wrong = np.flatnonzero(np.abs(steps - whole) > _STEP_NOISE)
                if len(wrong):
                    late = synapses.delay_s[wrong[0]] * 1000.0
                    yield f"{name}: is reached after {late:g} ms, no multiple of the step of {self.how.dt_ms:g} ms"
                elif (whole > 2**31 - 2**20).any():
                    yield f"{name}: is reached after {whole.max():g} steps; no delay is so long"
                self.steps[source, name] = whole.astype(np.int64)

    def _forward(self, source: str, target: str) -> bool:
        return self.position[source] < self.position[target]

    def _shifts(self) -> dict[str, int]:
        """Population -> by how many steps it is later than in the tool that passes spikes on within a step."""
        shift = dict.fromkeys(self.position, 0)
        for name in self.position:
            before = [s for s in self.signals.inputs.get(name, {}) if s != CONSTANT and self._forward(s, name)]
            shift[name] = max((shift[s] + self.hop for s in before), default=shift[name])
        return shift

    def _currents(self) -> Iterator[str]:
        """What is wrong with inputs that are given as numbers over time."""
        for name, given in self.given.items():
            size = size_of(self.signals.shapes[name])
            if isinstance(given, Schedule) and given.width not in (None, size):
                yield f"{name}: needs one number at a time or {size}, has {given.width}"
            targets = [t for t, signal in self.signals.inputs.items() if name in signal and t in self.made]
            for target in targets if isinstance(given, Schedule) else ():
                if self.graph.nodes[target].type in ("CubaLIF", "CubaLI"):
                    yield f"{target}: has synaptic currents, which numbers of {name} cannot drive; give spikes"

    def _populations(self) -> None:
        for name in self.position:
            size, given = size_of(self.signals.shapes[name]), self.given.get(name)
            if isinstance(given, Schedule):
                continue
            if given is not None:
                self.network.population(self.names[name], size, given)
                continue
            model = self.made[name].model
            constant = self.signals.inputs[name].get(CONSTANT)
            if constant is not None and self.bias == "current":
                current = np.bincount(constant.post, constant.weight, minlength=size) * self.made[name].current_nA
                model = type(model)(**{**model.parameters, "i_offset_nA": current})
            self.network.population(self.names[name], size, model)

    def _projections(self) -> None:
        self.taken = set(self.names.values())
        late: list[str] = []
        for name in self.position:
            for source, synapses in self.signals.inputs.get(name, {}).items():
                given = self.given.get(source)
                if isinstance(given, Schedule):
                    self._inject(given, source, name, synapses)
                elif len(synapses.pre) and (source != CONSTANT or self.bias == "spikes"):
                    late += self._projection(source, name, synapses)
        if late:
            remedy = "lead it back to the population that it comes from, or expect other spikes"
            warn(str(Limit("I105", self.network.name, "; ".join(late), remedy).issue("nir", CODES)))

    def _inject(self, given: Schedule, source: str, target: str, synapses: Synapses) -> None:
        """Inject what the numbers of an input become, from the step on in which spikes of it would act."""
        post, n_pre = self.network.populations[self.names[target]], size_of(self.signals.shapes[source])
        values = np.asarray(given.values)
        columns = np.arange(n_pre) if given.columns is None else np.asarray(given.columns)
        values = np.repeat(values[:, None], n_pre, axis=1) if values.ndim == 1 else values[:, columns]
        steps = self.steps[source, target]
        for late in np.unique(steps).tolist():
            here = steps == late
            require_entries(source, post.size * max(n_pre, len(values)))
            matrix = np.zeros((n_pre, post.size))
            np.add.at(matrix, (synapses.pre[here], synapses.post[here]), synapses.weight[here])
            times = np.asarray(given.times_ms) + (late + self.shift[target]) * self.how.dt_ms
            current = values @ matrix * self.made[target].current_nA
            self.network.inject(post, CurrentSteps(times_ms=times, amplitudes_nA=current))

    def _projection(self, source: str, target: str, synapses: Synapses) -> Iterator[str]:
        steps = self.steps[source, target]
        if source == CONSTANT:
            delay = steps + max(self.shift[target], self.hop) - (self.hop - 1)
        elif self._forward(source, target):
            delay = steps + self.shift[target] - self.shift[source] - (self.hop - 1)
        else:
            delay = np.maximum(steps, 1) + self.shift[target] - self.shift[source] - (self.hop - 1)
            if (delay < 1).any():
                yield f"what {source} sends back to {target} takes {int(1 - delay.min())} steps more than elsewhere"
            delay = np.maximum(delay, 1)
        pre = self._bias_source() if source == CONSTANT else self.network.populations[self.names[source]]
        post = self.network.populations[self.names[target]]
        scale = self.made[target].scale
        weight = synapses.weight * (scale if scale.ndim == 0 else scale[synapses.post])
        connector, weights, delays = _connected(synapses, weight, delay, pre.size, post.size)
        self.network.projection(
            self._free(f"{pre.name}_to_{post.name}"),
            pre,
            post,
            connector,
            weight_nA=weights,
            delay_ms=delays * self.how.dt_ms,
            receptor="signed",
        )

    def _bias_source(self) -> Any:
        if not hasattr(self, "_bias"):
            self._bias = self.network.population(self._free("bias"), 1, always(self.how.dt_ms))
        return self._bias

    def _free(self, name: str) -> str:
        free = _unlike(name, self.taken)
        self.taken.add(free)
        return free


def _connected(
    synapses: Synapses, weight: np.ndarray, delay: np.ndarray, n_pre: int, n_post: int
) -> tuple[Connector, Any, Any]:
    """The simplest connector of these synapses, with weights and delays in its order; zeros are left out of lists."""
    late = float(delay[0]) if (delay == delay[0]).all() else None
    if late is not None and len(weight) == n_pre * n_post and 2 * np.count_nonzero(weight) > len(weight):
        return AllToAll(), weight.reshape(n_pre, n_post), late
    if late is not None and len(weight) == n_pre == n_post and np.array_equal(synapses.pre, synapses.post):
        return OneToOne(), weight, late
    kept = weight != 0 if weight.any() else np.arange(len(weight)) == 0
    pairs = np.stack([synapses.pre[kept], synapses.post[kept]], axis=1)
    return FromList(pairs), weight[kept], delay[kept].astype(float) if late is None else late


def _sources(graph: NirGraph, signals: Signals, given: Any) -> dict[str, Source]:
    """Input -> its spikes. Raises InvalidModel on others than the graph has."""
    if given is not None and not isinstance(given, Mapping):
        if len(graph.inputs) != 1:
            raise InvalidModel(
                f"from_nir: inputs must name which of {', '.join(graph.inputs) or 'no inputs'} each source is for"
            )
        given = {graph.inputs[0]: given}
    for name in given or {}:
        if name not in graph.inputs:
            raise InvalidModel(unknown("from_nir: no Input", name, graph.inputs))
    silent = {n: SpikeTimes([[]] * size_of(signals.shapes[n]), quantity=n) for n in graph.inputs}
    return {**silent, **(given or {})}


def _names(nodes: list[str]) -> dict[str, str]:
    """Node -> a name that a population can have, each its own."""
    taken: set[str] = set()
    names = {}
    for node in nodes:
        plain = re.sub(r"[^\w.\-]", "_", node, flags=re.ASCII)
        plain = plain if re.match(r"[A-Za-z_]", plain) else f"n{plain}"
        names[node] = _unlike(plain[: LONGEST - 40], taken)
        taken.add(names[node])
    return names


def _unlike(name: str, taken: set[str]) -> str:
    name = name[: LONGEST - 20]
    free, k = name, 2
    while free in taken:
        free, k = f"{name}_{k}", k + 1
    return free
