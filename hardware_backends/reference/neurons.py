"""Stage 2 of the step: neurons, by the equations of their kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ernsnn.backend.state import hand_over, hand_ring
from ernsnn.describe.evaluation import Evaluator, evaluated, evaluator, evaluators
from ernsnn.describe.kinds import CHANGEABLE
from ernsnn.graph.arithmetic import OPERATIONS
from ernsnn.graph.graph import Graph, Injected, Neurons
from ernsnn.graph.streams import Streams

from .intrinsic import IntrinsicState
from .modulators import ModulatorState

Arrays = dict[str, np.ndarray]


class NeuronState:
    """State and update of one population; ``arrivals`` is a ring over steps: [step % length, receptor, neuron].

    ``own`` are the parameters that a run may change, as arrays; injected currents and modulators add to these.
    """

    own: Arrays
    changes = ("state", "countdown", "arrivals", "own", "streams", "intrinsic")
    not_carried, not_reset = ("own",), ("streams",)

    def __init__(self, p: Neurons, graph: Graph, longest_delay: int, modulators: dict[str, ModulatorState]) -> None:
        self._take(p, graph)
        self.receptors = [receptor.name for receptor in p.kind.receptors]
        self.state = {s.name: np.zeros(p.size) + evaluated(s.initial, p.parameters) for s in p.kind.states}
        self.countdown = np.zeros(p.size, dtype=np.int64)
        self.streams = {name: Streams(key, p.size) for name, key in p.draws.items()}
        self.arrivals = np.zeros((longest_delay + 1, len(self.receptors), p.size))
        self.modulations = [(m, modulators[m.modulator]) for m in graph.modulations if m.target.population == p.name]
        self.intrinsic = IntrinsicState(p, graph.dt_ms, self.own) if p.intrinsic else None

    def adjust(self, p: Neurons, graph: Graph) -> None:
        """Take over the parameters of ``p``, and the currents that ``graph`` injects into it."""
        if p is self.p:
            self.injections = [i for i in graph.injections if i.target.population == p.name]
            return
        held = self.own
        self._take(p, graph)
        for name, values in held.items():  # others hold these arrays
            values[:] = self.own[name]
        self.own = held

    def succeed(self, other: NeuronState, t: int) -> None:
        """Take the state of the same population in another run before step ``t``, whose delays are not longer."""
        ring, self.arrivals = self.arrivals, other.arrivals.copy()
        hand_over(other, self)
        hand_ring(other.arrivals, ring, t)
        self.arrivals = ring
        if self.intrinsic:
            self.own[self.intrinsic.target][:] = other.own[self.intrinsic.target]

    def _take(self, p: Neurons, graph: Graph) -> None:
        self.p = p
        self.injections = [i for i in graph.injections if i.target.population == p.name]
        values: Arrays = {n: np.broadcast_to(value, p.size).astype(float) for n, value in p.parameters.items()}
        self.own = {name: values.pop(name) for name in CHANGEABLE if name in values}
        constants = p.constants(graph.dt_ms, graph.current_integration)
        self.n_ref = np.broadcast_to(constants.pop("n_ref"), p.size)
        self.fixed = values | {name: np.broadcast_to(value, p.size) for name, value in constants.items()}
        self.fixed["dt"] = np.asarray(graph.dt_ms)
        equations = p.equations(graph.current_integration)
        self.before, self.reset, self.after = (
            evaluators(part, OPERATIONS) for part in (equations.before, equations.reset, equations.after)
        )
        self.spike = evaluator(equations.spike, OPERATIONS) if equations.spike is not None else None

    def arrive(self, step: int, receptor: int, neurons: np.ndarray, weights: np.ndarray) -> None:
        """Add weights that arrive in ``step`` at one of the kind's receptors."""
        np.add.at(self.arrivals[step % len(self.arrivals), receptor], neurons, weights)

    @np.errstate(all="ignore")  # both values of an ``if`` are computed
    def step(self, t: int) -> np.ndarray:
        """Advance to the end of stage 2; returns the neurons that spike."""
        slot = self.arrivals[t % len(self.arrivals)]
        values = {**self.fixed, **self.state, **{f"in_{r}": slot[k] for k, r in enumerate(self.receptors)}}
        values |= {name: self.now(name, t) for name in self.own}
        values |= {name: getattr(streams, name)() for name, streams in self.streams.items()}
        values["active"] = active = self.countdown <= 0
        self._assign(self.before, values, active, self.p.kind.held)
        self.countdown -= ~active
        spiking = active & self.spike(values) if self.spike else np.zeros(self.p.size, np.bool_)
        values["spiking"] = spiking
        if spiking.any():
            self._assign(self.reset, values, spiking, self.state)
            self.countdown[spiking] = self.n_ref[spiking]
        values["free"] = self.countdown <= 0
        self._assign(self.after, values, True, ())
        self.state = {name: values[name] for name in self.state}
        slot[:] = 0.0
        return np.flatnonzero(spiking)

    @staticmethod
    def _assign(
        statements: Sequence[tuple[str, Evaluator]],
        values: dict[str, np.ndarray],
        where: np.ndarray | bool,
        only: Sequence[str] | dict[str, np.ndarray],
    ) -> None:
        """Execute statements in order; those that assign to one of ``only`` act where ``where`` is true."""
        for target, value in statements:
            new = value(values)
            values[target] = np.where(where, new, values[target]) if target in only else new

    def now(self, parameter: str, t: int) -> np.ndarray:
        """A parameter in step ``t``, with the sums of injected currents and modulators added."""
        value = self.own[parameter]
        if parameter == "i_offset_nA" and self.injections:
            value = value + sum(self.injected(i, t) for i in self.injections)
        return np.asarray(value + self.modulated(parameter))

    def injected(self, injection: Injected, t: int) -> np.ndarray:
        """An injected current, one number a neuron."""
        current = np.zeros(self.p.size)
        piece = int(np.searchsorted(injection.steps, t, side="right")) - 1
        if piece >= 0:
            current[injection.target.start : injection.target.stop] = injection.values[piece]
        return current

    def modulated(self, variable: str) -> np.ndarray | float:
        """The sum that modulators of the step before add to a parameter."""
        shift: np.ndarray | float = 0.0
        for m, state in self.modulations:
            if m.variable == variable:
                whole = np.zeros(self.p.size)
                whole[m.target.start : m.target.stop] = m.gain * state.value
                shift = shift + whole
        return shift

    def variable(self, name: str) -> np.ndarray:
        """A probed variable."""
        return np.asarray(self.state[self.p.kind.probes[name]])
