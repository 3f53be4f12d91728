"""The graph: everything a backend needs, in numbers and time steps, with nothing random left."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.flows import Flow
from ernsnn.describe.kinds import RECEPTORS, Kind, Table
from ernsnn.describe.learning import Normalise, Term, Trace
from ernsnn.describe.names import variable_of
from ernsnn.describe.products import Factor, Product
from ernsnn.describe.short_term import ShortTermKind
from ernsnn.graph.chunks import chunks, in_threads
from ernsnn.graph.connectivity import CSR, Connectivity
from ernsnn.graph.constants import constants
from ernsnn.graph.encoding import LATER, digest
from ernsnn.graph.modulator import Member, Modulator
from ernsnn.graph.poisson import Counting, Inversion
from ernsnn.graph.spikes import GivenSpikes, PoissonSpikes
from ernsnn.graph.values import Scalar, Series, Value, summed

SCHEMA = 2


@dataclass(frozen=True, eq=False)
class Traced:
    """A trace with its name."""

    name: str
    trace: Trace


@dataclass(frozen=True, eq=False)
class Variable:
    """A per-synapse (or, for intrinsic plasticity, per-neuron) variable: ``w`` or a mark."""

    name: str
    initial: Value
    low: float
    high: float


@dataclass(frozen=True)
class Bound:
    """A third factor's name in the rule, the modulator that it is, and whose values count."""

    symbol: str
    modulator: str
    per: Literal["all", "pre", "post"]


@dataclass(frozen=True, eq=False)
class Learning:
    """A learning rule in steps. ``variables[0]`` is ``w``; a spike transmits the sum of ``transmit``.

    ``erasure`` holds, for every variable that is erased at random, the key of its ``streams``, one a synapse.
    """

    variables: tuple[Variable, ...]
    traces: tuple[Traced, ...]
    terms: tuple[Term, ...]
    third_factors: tuple[Bound, ...]
    epoch_steps: int | None
    flows: tuple[Flow, ...]
    normalise: tuple[Normalise, ...]
    transmit: tuple[Product, ...]
    erasure: dict[str, str]

    def variable(self, name: str) -> Variable:
        """The variable of that name."""
        return next(v for v in self.variables if v.name == name)

    @property
    def transmits_w(self) -> bool:
        """Whether a spike transmits the weight, and nothing else."""
        return tuple(self.transmit) == (Product(1.0, (Factor(variable="w"),)),)


@dataclass(frozen=True, eq=False)
class Intrinsic:
    """Intrinsic plasticity: the rule's ``w`` is the neuron parameter ``target``."""

    target: str
    learning: Learning


@dataclass(frozen=True, eq=False)
class Neurons:
    """Neurons of one kind: each parameter is a float or one float a neuron.

    ``draws`` holds, for each random number that the equations of the kind read (``normal``, ``uniform``), the key of
    its ``streams``.
    """

    name: str
    size: int
    kind: Kind
    parameters: dict[str, float | np.ndarray]
    draws: dict[str, str]
    intrinsic: Intrinsic | None

    def equations(self, current_integration: str) -> Table:
        """The equations of these neurons, which lack what an optional parameter that is not given is needed for."""
        return self.kind.given(current_integration, self.parameters)

    @property
    def most_spikes(self) -> int:
        """The most that the population can spike in a step."""
        return self.size

    def constants(self, dt_ms: float, current_integration: str) -> dict[str, float | np.ndarray]:
        """The constants of these equations; see ``graph.constants``."""
        return constants(self.kind, self.parameters, dt_ms, current_integration)


@dataclass(frozen=True, eq=False)
class Source:
    """A population whose spikes are given."""

    name: str
    size: int
    spikes: GivenSpikes | PoissonSpikes

    @property
    def most_spikes(self) -> int:
        """The most that the population can spike in a step."""
        return self.size * self.spikes.most


Population = Neurons | Source


@dataclass(frozen=True, eq=False)
class Rows:
    """Explicit synapses: indices within the populations, weight, delay in steps, and the marks."""

    pre: np.ndarray
    post: np.ndarray
    delay: np.ndarray
    variables: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class ShortTerm:
    """Short-term plasticity: the weight that a spike transmits is multiplied by its ``factor``.

    See ``describe.short_term``.

    Each parameter is a float, or one float a pre neuron of the projection.
    """

    kind: ShortTermKind
    parameters: dict[str, float | np.ndarray]


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from neurons [pre_start, pre_start + n_pre) of ``pre`` to those from post_start on of ``post``."""

    name: str
    pre: str
    post: str
    pre_start: int
    post_start: int
    connectivity: Connectivity
    receptor: str
    weight: Value
    delay: Value
    learning: Learning | None
    short_term: ShortTerm | None

    @property
    def arrives_at(self) -> str:
        """The name of the receptor that the synapses act on: "excitatory" and "signed" mean E, "inhibitory" I."""
        return RECEPTORS.get(self.receptor, self.receptor)

    @property
    def n_synapses(self) -> int:
        """The number of synapses."""
        return self.connectivity.n_synapses

    @property
    def variables(self) -> tuple[Variable, ...]:
        """``w`` and the marks; of a static projection the weight alone."""
        return self.learning.variables if self.learning else (Variable("w", self.weight, -np.inf, np.inf),)

    def rows(self, first: int, last: int) -> Rows:
        """The synapses of pre neurons first to last (exclusive, counted from pre_start), as explicit arrays."""
        starts = self.connectivity.indptr[first : last + 1]
        counts, start = np.diff(starts), self.pre_start + first
        return Rows(
            pre=np.repeat(np.arange(start, start + len(counts)), counts),
            post=self.connectivity.posts(first, first + len(counts)).astype(np.int64) + self.post_start,
            delay=self.delay.rows(first, starts).astype(np.int64),
            variables={v.name: v.initial.rows(first, starts) for v in self.variables},
        )

    def explicit(self, value: Value) -> float | np.ndarray:
        """A value of all synapses, by pre neuron, then by post neuron; one number where all have the same."""
        return value.value if isinstance(value, Scalar) else value.rows(0, self.connectivity.indptr)

    @property
    def several_a_pair(self) -> bool:
        """Whether a pair of neurons has several synapses, as only listed ones can."""
        c = self.connectivity
        if not isinstance(c, CSR):
            return False
        for first, last in chunks(c.indptr):
            posts, starts = c.posts(first, last), c.indptr[first + 1 : last]
            again = np.append(posts[1:] == posts[:-1], False)
            again[starts[starts > c.indptr[first]] - c.indptr[first] - 1] = False
            if again.any():
                return True
        return False

    @cached_property
    def delay_range(self) -> tuple[int, int]:
        """The shortest and the longest delay in steps; (1, 1) where there is no synapse."""
        starts = self.connectivity.indptr

        def ends(part: tuple[int, int]) -> tuple[float, float]:
            first, last = part
            delays = self.delay.rows(first, starts[first : last + 1])
            return np.min(delays, initial=np.inf), np.max(delays, initial=1)

        if isinstance(self.delay, Scalar):
            return int(self.delay.value), int(self.delay.value)
        shortest, longest = zip(*in_threads(ends, chunks(starts)), strict=True) if self.n_synapses else ((1,), (1,))
        return int(min(shortest)), int(max(longest))

    @cached_property
    def synapses(self) -> Rows:
        """All synapses as explicit arrays (made once, when first asked for)."""
        return self.rows(0, self.connectivity.n_pre)


@dataclass(frozen=True, eq=False)
class Injected:
    """A current in nA into neurons: ``values[k]`` (one number a neuron) from step ``steps[k]`` on."""

    target: Member
    steps: np.ndarray
    values: Series


@dataclass(frozen=True, eq=False)
class PoissonInput:
    """Poisson input to neurons; see ``graph.poisson``.

    From step ``steps[k]`` on neuron i gets in a step a Poisson number of spikes with the mean ``means[k, i]``, each of
    its ``weight``, a float or one float a neuron. ``key`` is that of its streams, one a neuron.
    """

    name: str
    target: Member
    receptor: str
    weight: float | np.ndarray
    steps: np.ndarray
    means: Series
    key: str

    @property
    def arrives_at(self) -> str:
        """As ``Projection.arrives_at``."""
        return RECEPTORS.get(self.receptor, self.receptor)

    @cached_property
    def inversion(self) -> Inversion:
        """Its counts, by the numbers of its streams (made once, when first asked for)."""
        return Inversion.of_means(self.steps, self.means)

    def expected(self, first: int, last: int) -> np.ndarray:
        """How many spikes each neuron gets, as expected, with first <= step < last."""
        return summed(self.steps, self.means, first, last)

    def counting(self) -> Counting:
        """Its counts, step by step."""
        return Counting(self.key, self.inversion)


@dataclass(frozen=True)
class Modulation:
    """Shifts a parameter of neurons by ``gain`` times the value of a modulator in the step before."""

    target: Member
    modulator: str
    variable: Literal["i_offset_nA", "v_threshold_mV"]
    gain: float


@dataclass(frozen=True)
class Probe:
    """Records ``variable`` in every step t with (t + 1) % every == 0.

    Of the kind ``short_term`` it is a state of each pre neuron of the projection ``target``.
    """

    kind: Literal["neurons", "modulator", "synapses", "short_term"]
    target: str
    start: int
    stop: int
    variable: str
    every: int

    @property
    def key(self) -> str:
        """The name of its signal in the recording: ``target.variable``."""
        return variable_of(self.target, self.variable)


@checked
@dataclass(frozen=True, eq=False)
class Graph:
    """One problem. Two graphs with the same ``digest`` are the same problem for every backend."""

    name: str
    seed: int
    dt_ms: float
    current_integration: Literal["exact", "step_average"]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    modulators: tuple[Modulator, ...]
    injections: tuple[Injected, ...]
    modulations: tuple[Modulation, ...]
    probes: tuple[Probe, ...]
    frozen: tuple[tuple[int, int], ...] = ()
    poisson_inputs: tuple[PoissonInput, ...] = field(default=(), metadata=LATER)
    resets: tuple[int, ...] = field(default=(), metadata=LATER)
    schema: int = SCHEMA

    def __repr__(self) -> str:
        neurons = sum(p.size for p in self.populations)
        return f"<Graph {self.name}: {neurons} neurons, {self.n_synapses} synapses, digest {self.digest[:12]}>"

    @property
    def n_synapses(self) -> int:
        """The number of synapses of all projections."""
        return sum(p.n_synapses for p in self.projections)

    def learns_at(self, t: int) -> bool:
        """Whether learning is on in step ``t``, which is in none of the intervals ``frozen`` (end exclusive)."""
        return not self.frozen or not any(first <= t < last for first, last in self.frozen)

    def resets_at(self, t: int) -> bool:
        """Whether everything but what is learned has its initial value again before step ``t``."""
        return bool(self.resets) and self.next_reset(t - 1) == t

    def next_reset(self, t: int) -> int | None:
        """The first of the ``resets``, which rise, after step ``t``."""
        k = bisect_right(self.resets, t)
        return self.resets[k] if k < len(self.resets) else None

    def neurons(self) -> Iterator[Neurons]:
        """The populations that are computed."""
        return (p for p in self.populations if isinstance(p, Neurons))

    def sources(self) -> Iterator[Source]:
        """The populations whose spikes are given."""
        return (p for p in self.populations if isinstance(p, Source))

    def population(self, name: str) -> Population:
        """The population of that name."""
        return next(p for p in self.populations if p.name == name)

    @property
    def values(self) -> dict[str, float | np.ndarray]:
        """Path -> number or array of what ``Network.with_values`` replaces, of neurons and synapses.

        ``"cells.tau_m_ms"``, ``"see.w"``, ``"see.delay_ms"``, ``"see.m"`` (a mark), ``"see.short_term.U"``,
        ``"noise.w"`` (of a Poisson input): a float, or one number a neuron or synapse.
        """
        found: dict[str, Any] = {}
        for n in self.neurons():
            found |= {variable_of(n.name, name): value for name, value in n.parameters.items()}
        for p in self.projections:
            found |= {variable_of(p.name, v.name): p.explicit(v.initial) for v in p.variables}
            found[variable_of(p.name, "delay_ms")] = p.explicit(p.delay) * self.dt_ms
            short_term = p.short_term.parameters if p.short_term else {}
            found |= {variable_of(f"{p.name}.short_term", name): value for name, value in short_term.items()}
        return found | {variable_of(i.name, "w"): i.weight for i in self.poisson_inputs}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every descriptor and array."""
        return digest(self)
