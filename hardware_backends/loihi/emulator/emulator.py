"""The emulator: an integer network, step by step."""

from __future__ import annotations

import numpy as np

from ..arithmetic.integers import IntegerNetwork
from .build import SYNAPTIC, TRACES, Places, astrocytes, membranes, output, plasticity, wiring
from .checks import check
from .kernels import run_steps
from .state import Draws

_CHUNK = 1024
_ROOM = 1 << 18
_SYNAPSE_SEED = 2
"""The seed that is hard-wired in Lava (ConnVarRandom)."""

Spikes = dict[str, tuple[np.ndarray, np.ndarray]]


class Emulator:
    """Runs an integer network in Lava's fixed-point arithmetic, bit for bit.

    Spikes, u, v, weights, tags and traces are those of lava-nc 0.10.0. Raises InvalidModel for a network that Lava
    would not take, or would silently change.
    """

    def __init__(self, network: IntegerNetwork) -> None:
        check(network)
        self.network, self.step = network, 0
        self.places = Places(network)
        self.membranes, self.wiring = membranes(network, self.places), wiring(network, self.places)
        self.plastic, self.glia = plasticity(network, self.places), astrocytes(network, self.places)
        self.out = output(network, self.places, max(_ROOM, self.places.total))
        self._given()
        self._steps: list[np.ndarray] = []
        self._neurons: list[np.ndarray] = []
        rules = [c.rule for c in network.connections if c.rule]
        self._epochs = [rule.epoch for rule in rules]
        self._pre = [np.random.default_rng(rule.seed) for rule in rules]
        self._post = [np.random.default_rng(rule.seed + 2) for rule in rules]
        self._synapses = [np.random.default_rng(_SYNAPSE_SEED) for _ in rules]
        for generator in (*self._pre, *self._post, *self._synapses):
            generator.random()

    def advance(self, n_steps: int) -> None:
        """Run ``n_steps`` more."""
        while n_steps > 0:
            n = min(n_steps, _CHUNK)
            draws, done = self._draws(n), 0
            while done < n:
                done += self._run(n - done, Draws(*(d[done:] for d in draws)))
            n_steps -= n

    def _run(self, n: int, draws: Draws) -> int:
        given_at = np.searchsorted(self._given_steps, np.arange(self.step, self.step + n + 1))
        state = (self.membranes, self.wiring, self.plastic, self.glia)
        done = run_steps(self.step, n, given_at, self._given_neurons, *state, draws, self.out)
        n_spikes = int(self.out.written[0])
        self._steps.append(self.out.steps[:n_spikes].copy())
        self._neurons.append(self.out.neurons[:n_spikes].copy())
        self.step += done
        return done

    def _given(self) -> None:
        steps = [np.zeros(0, np.int64), *(s.steps for s in self.network.sources)]
        neurons = [np.zeros(0, np.int64), *(self.places.neuron(s.name, 0) + s.neurons for s in self.network.sources)]
        both = np.unique(np.array([np.concatenate(steps), np.concatenate(neurons)], dtype=np.int64), axis=1)
        self._given_steps, self._given_neurons = both

    def _draws(self, n: int) -> Draws:
        """Random numbers of the next ``n`` steps. Lava draws twice a step for traces, once an epoch for synapses."""
        pre, post, synapses = np.zeros((3, n, len(self._epochs)))
        for r, epoch in enumerate(self._epochs):
            pre[:, r] = self._pre[r].random(2 * n)[1::2]
            post[:, r] = self._post[r].random(2 * n)[1::2]
            ends = np.arange(self.step + 1, self.step + n + 1) % epoch == 0
            synapses[ends, r] = self._synapses[r].random(np.count_nonzero(ends))
        return Draws(pre, post, synapses)

    @property
    def spikes(self) -> Spikes:
        """(steps, neurons) of each population so far, by step, then neuron."""
        steps, neurons = (np.concatenate([np.zeros(0, np.int32), *chunks]) for chunks in (self._steps, self._neurons))
        result = {}
        for name, k in self.places.population.items():
            first = self.places.first[k]
            own = (neurons >= first) & (neurons < first + self.places.size[k])
            result[name] = (steps[own].astype(np.int64), (neurons[own] - first).astype(np.int32))
        return result

    def variable(self, name: str, variable: str) -> np.ndarray:
        """A copy of u or v of cells; w, t, d (post, pre) or a trace of a plastic connection; c or y of an astrocyte."""
        if name in self.places.astrocyte:
            k = self.places.astrocyte[name]
            return {"c": self.glia.c, "y": self.glia.sends}[variable][k : k + 1].copy()
        if name in self.places.population:
            first = self.places.neuron(name, 0) - self.places.n_given
            values = {"u": self.membranes.u, "v": self.membranes.v}[variable]
            return values[first : first + self.places.size[self.places.population[name]]].copy()
        plastic = [c for c in self.network.connections if c.rule]
        r = next(k for k, c in enumerate(plastic) if c.name == name)
        n_post, n_pre = plastic[r].weights.shape
        if variable in SYNAPTIC:
            at = self.plastic.rules[r]["at"]
            row = self.plastic.synapses[SYNAPTIC.index(variable), at : at + n_post * n_pre]
            return row.reshape(n_pre, n_post).T.copy()
        return self.plastic.traces[r, TRACES.index(variable), : n_pre if variable[0] == "x" else n_post].copy()
