r"""A pool of neurons that learns patterns of its inputs through epigenetically marked synapses.

The model of the interference, retention, sleep and resonance experiments (the mark model of this project's design
note). Poisson inputs, all to all, onto a few neurons that a teacher current makes fire; for a synapse of weight w,
labile mark a, stable mark m, and traces x, y of 20 ms:

    pre :  V_post += J (w + rho m - k);  w -= eta A_minus y w g(m)
    post:  w += eta [A_plus x (1 + a)(1 - w) - A_h w] g(m);  a += .02 x (1 - a) - .006 a
    g(m) = (1 - .98 m)^2
    flows, every second: da/dt = -a/120 s,  dw/dt = -(w - w0 - (1 - w0) m)/900 s,
                         dm/dt = (H(m - .5) - m)/600 s + .15/s P [a - .3]_+ (1 - m)
    one astrocyte over the pool: dC/dt = -C/20 s + (post spikes)/4000;  P = 1 where C >= .5, else 0

with A_plus .01, A_minus .002, A_h .0015, w0 .2. A neuron follows V += (1.5 teacher - V)/20 + .1 sqrt(2/20) N(0, 1) in
steps of 1 ms, threshold 1, reset 0, refractory 2 ms, V >= -1 (in mV): the exact membrane with exp(-dt/tau) = .95.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.distributions import Uniform
from ernsnn.describe.learning import LearningRule, Term, Trace
from ernsnn.describe.marks import AnyMark, Labile, Stable, WeightRelax, with_marks
from ernsnn.describe.modulators import Modulator, ThirdFactor
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import DeltaLIF
from ernsnn.describe.products import Factor
from ernsnn.describe.stimuli import Poisson
from ernsnn.describe.timeline import Phase, Timeline
from ernsnn.result import Result, run

from .draws import rng_of

BACKGROUND_HZ, CUE_HZ = 1.0, 40.0
CUE_MS, PAUSE_MS, EPOCH_MS = 400.0, 200.0, 1000.0
W0 = 0.2

_DECAY = 0.95  # of V in a step of 1 ms
_TAU_M_MS = float(-1.0 / np.log(_DECAY))
_NOISE_MV = float(0.1 * np.sqrt(2 / 20) / np.sqrt(1 - _DECAY**2))
# cm = tau_m in these units, so that a constant 1 nA moves V by 1 mV.
CELL = DeltaLIF(
    cm_nF=_TAU_M_MS,
    tau_m_ms=_TAU_M_MS,
    tau_refrac_ms=2.0,
    v_rest_mV=0.0,
    v_reset_mV=0.0,
    v_threshold_mV=1.0,
    v_min_mV=-1.0,
    noise_mV=_NOISE_MV,
)
TEACHER_NA = 1.5


@dataclass(frozen=True, kw_only=True)
class Synapses:
    """The synapses of a pool: learning rate eta, marks, and parameters of transmission (J in mV, rho, k).

    With ``sleep`` stable marks are consolidated while the timeline's quantity ``sleep`` is 1, too.
    """

    eta: float = 1.0
    labile: bool = False
    stable: bool = False
    budget: float | None = None
    sleep: bool = False
    J: float = 0.075
    rho: float = 0.0
    k: float = 0.0

    @property
    def transmit(self) -> str:
        """The expression of the change of V by a spike, in mV."""
        return "J*(w + rho*m - k)" if self.stable else "J*(w - k)"

    @property
    def parameters(self) -> dict[str, float]:
        """The numbers of ``transmit``."""
        return {"J": self.J, "k": self.k} | ({"rho": self.rho} if self.stable else {})


UNMARKED = Synapses()
SLOW = Synapses(eta=0.2)
LABILE = Synapses(labile=True)
MARKED = Synapses(labile=True, stable=True)


def unmarked_rule(eta: float, w_max: float, parameters: Mapping[str, float] | None = None) -> LearningRule:
    """Without marks: pre: -eta .002 y w; post: eta (.01 x (w_max - w) - .0015 w); w from 0 to ``w_max``."""
    w, rest = Factor(variable="w"), Factor(variable="w", scale=-1.0, offset=w_max)
    return LearningRule(
        traces={"x": Trace("pre", 20.0), "y": Trace("post", 20.0)},
        terms=(
            Term("w", "post", eta * 0.01, (Factor(variable="x"), rest)),
            Term("w", "post", eta * -0.0015, (w,)),
            Term("w", "pre", eta * -0.002, (Factor(variable="y"), w)),
        ),
        bounds={"w": (0.0, w_max)},
        parameters=parameters or {},
    )


def rule(synapses: Synapses) -> LearningRule:
    """The learning rule of the module's text; its third factor is P where there are stable marks."""
    plain = unmarked_rule(synapses.eta, 1.0, synapses.parameters)
    marks: list[AnyMark] = []
    if synapses.labile:
        marks.append(Labile("a", tau_s=120.0, rise=0.02, fall=0.006))
    if synapses.stable:
        marks.append(Stable("m", tau_s=600.0, consolidated_by="P", tag="a", budget=synapses.budget))
    if not marks:
        return plain
    return with_marks(plain, marks, EPOCH_MS, WeightRelax(tau_s=900.0, to=W0, of="m" if synapses.stable else None))


def pools(
    timeline: Timeline,
    kinds: dict[str, Synapses],
    *,
    neurons: int = 5,
    name: str = "pools",
) -> Network:
    """One pool a kind, side by side on the same inputs; ``inputs`` and ``teacher`` are quantities of the timeline.

    Pool NAME has a projection "inputs-NAME" and, with stable marks, an astrocyte "NAME_glia" that gives P.
    """
    net = Network(name=name, dt_ms=1.0)
    rates = timeline.schedule("inputs")
    inputs = net.population("inputs", int(np.shape(rates.values)[1]), Poisson(rates, at_most_one=True))
    for pool, synapses in kinds.items():
        cells = net.population(pool, neurons, CELL)
        net.inject(cells, timeline.schedule("teacher"))
        third: dict[str, ThirdFactor | Modulator] = {}
        if synapses.stable:
            glia = net.astrocyte(f"{pool}_glia", [cells], tau_ms=20_000.0, weight=1 / 4000, threshold=0.5)
            third["P"] = glia
            if synapses.sleep:
                asleep = net.signal(f"{pool}_sleep", timeline.schedule("sleep"))
                third["P"] = net.either(f"{pool}_P", [glia, asleep])
        net.projection(
            f"inputs-{pool}",
            inputs,
            cells,
            weight_mV=Uniform(0.1, 0.3),
            learning=rule(synapses),
            third_factors=third,
            transmit=synapses.transmit,
        )
    net.follow(timeline)
    return net


def rates_of(pattern: Sequence[int] | np.ndarray, inputs: int) -> np.ndarray:
    """Input rates in Hz while ``pattern`` (indices of active inputs) is shown."""
    rates = np.full(inputs, BACKGROUND_HZ)
    rates[np.asarray(pattern, dtype=int)] = CUE_HZ
    return rates


def two_patterns(seed: int, inputs: int, active: int, shared: int) -> tuple[np.ndarray, np.ndarray]:
    """Two patterns of ``active`` inputs that have ``shared`` ones in common."""
    order = rng_of(seed, "marked_pool.patterns").permutation(inputs)
    return order[:active], order[active - shared : 2 * active - shared]


def lesson(name: str, pattern: Sequence[int] | np.ndarray, inputs: int, seconds: float) -> Phase:
    """``pattern`` is shown and the teacher makes the pools fire."""
    return Phase(name, 1000 * seconds, inputs=rates_of(pattern, inputs), teacher=TEACHER_NA)


def probes(name: str, pattern: Sequence[int] | np.ndarray, inputs: int, count: int) -> list[Phase]:
    """``count`` cues of ``pattern``, each followed by a pause, in which nothing learns."""
    phases = []
    for n in range(count):
        phases.append(Phase(f"{name}.{n}", CUE_MS, plastic=False, inputs=rates_of(pattern, inputs)))
        phases.append(Phase(f"{name}.{n}.pause", PAUSE_MS, plastic=False))
    return phases


def to_whole_epochs(name: str, phases: Sequence[Phase]) -> list[Phase]:
    """The phases, and a rest in which nothing learns either, up to the end of an epoch."""
    missing = -sum(phase.duration_ms for phase in phases) % EPOCH_MS
    return [*phases, *([Phase(name, missing, plastic=False)] if missing else [])]


def simulate(network: Network, timeline: Timeline, seed: int, backend: str) -> Result:
    """Run all of a timeline; in compiled code where the backend can, since these are minutes of model time."""
    options: dict[str, Any] = {"target": "cpp_standalone"} if backend == "brian2" else {}
    return run(network, duration_ms=timeline.duration_ms, seed=seed, backend=backend, **options)


def mean_rate(result: Result, pool: str, timeline: Timeline, name: str, count: int) -> float:
    """Mean rate in Hz of a pool's neurons over the ``probes`` of that name."""
    return float(cue_rates(result, pool, timeline, [f"{name}.{n}" for n in range(count)]).mean())


def cue_rates(result: Result, pool: str, timeline: Timeline, names: Sequence[str]) -> np.ndarray:
    """Mean rate in Hz of a pool's neurons in each of the phases ``names``, which are in the order of time."""
    phases = [timeline[name] for name in names]
    counts = result.counts(pool, [t for p in phases for t in (p.start_ms, p.stop_ms)])[::2]
    return np.array(counts.sum(axis=1) / counts.shape[1] / [p.duration_ms for p in phases] * 1000.0)
