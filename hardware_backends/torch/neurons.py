"""Stage 2 of the step: neurons, by the equations of their kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ernsnn.backend.state import hand_over
from ernsnn.describe.evaluation import Evaluator, evaluator, evaluators
from ernsnn.describe.kinds import CHANGEABLE, Propagator
from ernsnn.graph.graph import Graph, Injected, Neurons
from ernsnn.graph.streams import Streams

from ..reference.intrinsic import IntrinsicState
from .modulators import ModulatorState
from .operations import OPERATIONS, margin
from .space import Space, Spikes
from .surrogate import Derivative, spiked

Tensors = dict[str, Any]


class NeuronState:
    """State and update of one population, every state (batch, neurons).

    ``arrivals`` is a ring over steps: [step % length] holds a tensor for each receptor at which something arrives.
    ``first`` are the steps at which the runs begin.
    """

    def __init__(
        self,
        p: Neurons,
        graph: Graph,
        space: Space,
        longest_delay: int,
        modulators: Mapping[str, ModulatorState],
        values: Mapping[str, torch.Tensor],
        surrogate: Derivative | None,
        first: Sequence[int],
    ) -> None:
        self.space, self.size, self.values, self.surrogate = space, p.size, values, surrogate
        self.own: Tensors = {}
        self._take(p, graph)
        self.receptors = [receptor.name for receptor in p.kind.receptors]
        parameters = self._parameters()
        self.state = {s.name: space.wide(evaluator(s.initial, OPERATIONS)(parameters), p.size) for s in p.kind.states}
        self.countdown = torch.zeros((space.batch, p.size), dtype=torch.int64, device=space.device)
        self.streams = {name: [Streams(key, p.size, step) for step in first] for name, key in p.draws.items()}
        self.arrivals: list[dict[int, torch.Tensor]] = [{} for _ in range(longest_delay + 1)]
        self.modulations = [(m, modulators[m.modulator]) for m in graph.modulations if m.target.population == p.name]
        self.learned = {
            name: np.array(value.cpu().numpy(), dtype=float) for name, value in self.own.items() if p.intrinsic
        }
        self.intrinsic = IntrinsicState(p, graph.dt_ms, self.learned) if p.intrinsic else None
        self._injected: dict[int, tuple[tuple[int, ...], torch.Tensor]] = {}

    def adjust(self, p: Neurons, graph: Graph) -> None:
        """Take over the parameters of ``p``, and the currents that ``graph`` injects into it."""
        if p is self.p:
            self.injections, self._injected = _into(p, graph), {}
            return
        self._take(p, graph)
        self._injected = {}
        for name, held in self.learned.items():
            held[:] = self.own[name].cpu().numpy()

    def succeed(self, before: NeuronState, t: int) -> None:
        """Take over what is not in tensors of the same population in another run before step ``t``.

        Its delays are not longer.
        """
        for step in range(t, t + len(before.arrivals)):
            arriving = before.arrivals[step % len(before.arrivals)]
            self.arrivals[step % len(self.arrivals)] = {place: sent.clone() for place, sent in arriving.items()}
        hand_over(before.streams, self.streams)
        if self.intrinsic is not None:
            hand_over(before.intrinsic, self.intrinsic)
            for name, values in self.learned.items():
                values[:] = before.learned[name]

    def _parameters(self) -> Tensors:
        """Every parameter as a tensor: those that are given with gradients, and all others."""
        given = {name: self.values.get(f"{self.p.name}.{name}") for name in self.p.parameters}
        known: Tensors = {name: self.space.tensor(value) for name, value in self.p.parameters.items()}
        return known | {name: value for name, value in given.items() if value is not None}

    def _take(self, p: Neurons, graph: Graph) -> None:
        self.p, space = p, self.space
        self.injections = _into(p, graph)
        equations = p.equations(graph.current_integration)
        constants: Tensors = dict(p.constants(graph.dt_ms, graph.current_integration))
        self.n_ref = space.whole(np.broadcast_to(constants.pop("n_ref"), p.size))
        values = self._parameters()
        dt = space.tensor(graph.dt_ms)
        if any(f"{p.name}.{name}" in self.values for name in p.parameters):
            constants = _constants(equations, {**values, "dt": dt}, graph.dt_ms)
        else:
            constants = {name: space.tensor(value) for name, value in constants.items()}
        self.own = {name: values.pop(name).expand(p.size) for name in CHANGEABLE if name in values}
        self.fixed = {**values, **constants, "dt": dt}
        self.before, self.reset, self.after = (
            evaluators(part, OPERATIONS) for part in (equations.before, equations.reset, equations.after)
        )
        self.spike = evaluator(equations.spike, OPERATIONS) if equations.spike is not None else None
        self.margin: Evaluator | None = None
        if self.surrogate is not None and equations.spike is not None:
            self.margin = evaluator(margin(f"{p.name}: {p.kind.name}", equations.spike), OPERATIONS)

    def arrive(self, step: int, receptor: int, neurons: np.ndarray, weights: np.ndarray | torch.Tensor) -> None:
        """Add weights that arrive in ``step`` at a receptor of some neurons, in a single run without gradients."""
        slot = self.arrivals[step % len(self.arrivals)]
        if receptor not in slot:
            slot[receptor] = self.space.zeros(self.size)
        brought = weights if isinstance(weights, torch.Tensor) else self.space.tensor(weights)
        slot[receptor][0].index_add_(0, self.space.whole(neurons), brought)

    def arrive_all(self, step: int, receptor: int, weights: torch.Tensor) -> None:
        """Add ``weights`` (batch, neurons), which arrive in ``step``."""
        slot = self.arrivals[step % len(self.arrivals)]
        slot[receptor] = slot[receptor] + weights if receptor in slot else weights

    def step(self, k: int, t: np.ndarray) -> Spikes:
        """Advance to the end of stage 2 of step ``k``, which is the step ``t`` of the graph in each run."""
        slot, space = self.arrivals[k % len(self.arrivals)], self.space
        nothing = space.tensor(0.0)
        values = {**self.fixed, **self.state}
        values |= {f"in_{r}": slot.get(place, nothing) for place, r in enumerate(self.receptors)}
        values |= {name: self.now(name, t) for name in self.own}
        for name, streams in self.streams.items():
            values[name] = space.tensor(np.stack([getattr(one, name)() for one in streams]))
        values["active"] = active = self.countdown <= 0
        _assign(self.before, values, active, self.p.kind.held)
        self.countdown = self.countdown - (~active).to(torch.int64)
        dense: torch.Tensor | None = None
        if self.margin is not None and self.spike is not None:
            assert self.surrogate is not None
            beyond = space.wide(self.margin(values), self.size)
            dense = spiked(beyond, self.spike(values) & active, self.surrogate) * active
            values["spiking"] = spiking = dense > 0
        elif self.spike is not None:
            values["spiking"] = spiking = (active & self.spike(values)).expand(space.batch, self.size)
        else:
            values["spiking"] = spiking = torch.zeros_like(active)
        ids = torch.nonzero(spiking[0]).reshape(-1).cpu().numpy() if space.batch == 1 else None
        if ids is None or len(ids):
            _assign(self.reset, values, spiking, self.state)
            self.countdown = torch.where(spiking, self.n_ref, self.countdown)
        values["free"] = self.countdown <= 0
        _assign(self.after, values, True, ())
        self.state = {name: space.wide(values[name], self.size) for name in self.state}
        slot.clear()
        if dense is None and ids is None:
            dense = spiking.to(space.dtype)
        return Spikes(space, self.size, dense=dense, ids=ids)

    def learn(self, t: int, spikes: np.ndarray) -> None:
        """Stages 4 and 5 of intrinsic plasticity."""
        if self.intrinsic is not None:
            self.intrinsic.step(t, spikes)

    def now(self, parameter: str, t: np.ndarray) -> torch.Tensor:
        """A parameter in step ``t``, with the sums of injected currents and modulators added."""
        value: torch.Tensor = self.own[parameter]
        if self.intrinsic is not None and parameter == self.intrinsic.target:
            value = self.space.tensor(self.intrinsic.values)
        if parameter == "i_offset_nA":
            for place, injection in enumerate(self.injections):
                value = value + self._injection(place, injection, t)
        shift: torch.Tensor | None = None
        for m, state in self.modulations:
            if m.variable == parameter:
                added = self._placed(m.gain * state.value, m.target.start, m.target.stop)
                shift = added if shift is None else shift + added
        return value if shift is None else value + shift

    def _injection(self, place: int, injection: Injected, t: np.ndarray) -> torch.Tensor:
        """An injected current (batch, neurons), made anew when it changes."""
        pieces = tuple(np.searchsorted(injection.steps, t, side="right").tolist())
        known = self._injected.get(place)
        if known is None or known[0] != pieces:
            current = self.space.scheduled(injection.steps, injection.values, t)
            known = pieces, self._placed(current, injection.target.start, injection.target.stop)
            self._injected[place] = known
        return known[1]

    def _placed(self, values: torch.Tensor, start: int, stop: int) -> torch.Tensor:
        """Values of neurons start to stop, and 0 of all others."""
        wide = values.expand(self.space.batch, stop - start)
        return torch.nn.functional.pad(wide, (start, self.size - stop))

    def variable(self, name: str) -> torch.Tensor:
        """A probed variable (batch, neurons)."""
        return self.state[self.p.kind.probes[name]]


def _into(p: Neurons, graph: Graph) -> list[Injected]:
    return [i for i in graph.injections if i.target.population == p.name]


def _constants(equations: Any, values: Tensors, dt_ms: float) -> Tensors:
    """The constants of equations as ``graph.constants`` has them, through which gradients flow."""
    computed: Tensors = {}
    for s in equations.constants:
        values[s.target] = computed[s.target] = evaluator(s.value, OPERATIONS)(values)
    for p in equations.propagators:
        computed |= _propagated(p, values, dt_ms)
    return computed


def _propagated(p: Propagator, values: Tensors, dt_ms: float) -> Tensors:
    n, h = len(p.states), p.share * dt_ms
    like: torch.Tensor = values["dt"]
    entries = [[torch.as_tensor(evaluator(v, OPERATIONS)(values)).to(like) for v in row] for row in p.matrix]
    shape = np.broadcast_shapes(*(tuple(entry.shape) for row in entries for entry in row))
    rates = torch.stack([torch.stack([entry.expand(shape) for entry in row], dim=-1) for row in entries], dim=-2)
    identity = torch.eye(n, dtype=like.dtype, device=like.device).expand(*shape, n, n)
    above = torch.cat([rates, identity], dim=-1) * h
    grown = torch.linalg.matrix_exp(torch.cat([above, torch.zeros_like(above)], dim=-2))
    factors: Tensors = {}
    for j, one in enumerate(p.states):
        for i, other in enumerate(p.states):
            if p.acts(one, other):
                factors[p.factor(one, other)] = grown[..., i, j]
                factors[p.gain(one, other)] = grown[..., i, n + j]
    return factors


Assigned = list[tuple[str, Callable[[Mapping[str, Any]], Any]]]


def _assign(statements: Assigned, values: Tensors, where: torch.Tensor | bool, only: Any) -> None:
    """Execute statements in order; those that assign to one of ``only`` act where ``where`` is true."""
    for target, value in statements:
        new = value(values)
        values[target] = torch.where(where, new, values[target]) if target in only else new  # type: ignore[arg-type]
