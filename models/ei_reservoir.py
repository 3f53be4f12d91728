r"""Reservoirs of excitatory and inhibitory neurons, side by side, whose balance is static or adapts.

LIF neurons (20 ms, threshold 10 mV above rest, synaptic currents of 20 ms from excitatory and 10 ms from inhibitory
neurons), 4 of 5 excitatory, with 16 excitatory and 10 inhibitory inputs each, whose strengths w_E and g w_E spread
log-normally. Every 20 ms a number u, uniform in [0, 1], becomes a current through weights of both signs. The state of a
neuron is the sum of its spikes with weights exp(-age/20 ms).

``NETWORKS`` differ in heterogeneity h: the excitatory in-degrees of excitatory neurons are log-normal with sigma h,
their offsets spread by 1 + 4 h mV; in ``driven`` the numbers reach inhibitory neurons, too.

Where a balance adapts, inhibitory plasticity (Vogels et al. 2011, Science 334:1569) brings every excitatory neuron to
its rate r:

    pre:  w += eta (y - 2 r tau);   post:  w += eta x                    (traces x, y of tau = 20 ms)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.connectors import FromList
from ernsnn.describe.learning import LearningRule, Trace
from ernsnn.describe.modulators import ThirdFactor
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF
from ernsnn.describe.stimuli import Schedule
from ernsnn.result import Result

from .side_by_side import side_by_side

NETWORKS = {"h = 0": (0.0, False), "h = .5": (0.5, False), "h = 1": (1.0, False), "h = 0, driven": (0.0, True)}
"""Heterogeneity, and whether numbers reach inhibitory neurons."""
HOLD_MS = 20
"""The time in ms for which a number is shown."""
_IN_E, _IN_I, _INPUT_NA, _TRACE_MS = 16, 10, 60.0, 20.0


@dataclass(frozen=True)
class Balance:
    """A static balance, or (``g`` None) one that adapts: ``target_hz`` log-normal with sigma ``spread``."""

    w_E: float = 2.0
    g: float | None = None
    target_hz: float = 100.0
    spread: float = 0.5
    eta: float = 0.05
    held: bool = False


@dataclass(frozen=True)
class Condition:
    """A network of a run: its structure, one of ``NETWORKS``, and its balance."""

    network: str
    balance: Balance


@dataclass(frozen=True)
class Structure:
    """The structure that networks of one heterogeneity share: offsets and inputs in nA, and synapses.

    ``synapses``: for kinds such as "EI" (from excitatory to inhibitory) pairs (n, 2) and factors of strength (n,).
    """

    offsets: Mapping[str, np.ndarray]
    inputs: Mapping[str, np.ndarray]
    synapses: Mapping[str, tuple[np.ndarray, np.ndarray]]


def structure(heterogeneity: float, excitatory: int, seed: int) -> Structure:
    """Draw a structure."""
    rng = np.random.default_rng(seed)
    sizes = {"E": excitatory, "I": excitatory // 4}
    offsets = {"E": rng.normal(9.0, 1.0 + 4.0 * heterogeneity, excitatory), "I": np.full(sizes["I"], 8.0)}
    inputs = {kind: _INPUT_NA * rng.normal(size=size) for kind, size in sizes.items()}
    synapses = {}
    for kinds in ("EE", "EI", "II", "IE"):
        n_pre, n_post = (sizes[kind] for kind in kinds)
        sigma = heterogeneity if kinds == "EE" else 0.0
        wanted = (_IN_E if kinds[0] == "E" else _IN_I) * rng.lognormal(-(sigma**2) / 2, sigma, n_post)
        degrees = np.clip(np.round(wanted), 1, n_pre).astype(int)
        pre = np.concatenate([rng.permutation(n_pre)[:degree] for degree in degrees])
        pairs = np.column_stack([pre, np.repeat(np.arange(n_post), degrees)])
        factors = rng.lognormal(-0.125, 0.5, len(pairs)) if kinds[1] == "E" else np.ones(len(pairs))
        synapses[kinds] = pairs, factors
    return Structure(offsets, inputs, synapses)


def build(
    of: Sequence[Condition], numbers: np.ndarray, adaptation: int, excitatory: int = 100, seed: int = 0
) -> Network:
    """The networks ``of`` side by side, in populations "E" and "I". Equal structures have equal synapses and inputs.

    The first ``adaptation`` of the ``numbers`` are adapted to, by all. ``seed`` draws structures and targets.
    """
    drawn = {h: structure(h, excitatory, seed) for h in {NETWORKS[c.network][0] for c in of}}
    structures, balances = [drawn[NETWORKS[c.network][0]] for c in of], [c.balance for c in of]
    net = Network(name="ei_reservoir", dt_ms=1.0)
    reached = {"E": [1.0] * len(of), "I": [float(NETWORKS[c.network][1]) for c in of]}
    for kind, shares in reached.items():
        cells = net.population(kind, len(of) * len(structures[0].offsets[kind]), _cell(structures, kind))
        weights = np.concatenate([share * s.inputs[kind] for share, s in zip(shares, structures, strict=True)])
        net.inject(cells, Schedule(np.arange(len(numbers)) * HOLD_MS, (numbers - 0.5)[:, None] * weights))
    _project(net, "EE", structures, [b.w_E for b in balances])
    _project(net, "EI", structures, [b.w_E for b in balances])
    _project(net, "II", structures, [1.0] * len(of))
    _project(net, "IE", structures, [None if b.g is None else b.g * b.w_E for b in balances])
    if any(b.g is None for b in balances):
        paces = np.repeat([[b.eta, 0.0 if b.held else b.eta] for b in balances], excitatory, axis=0).T
        pace = net.signal("pace", Schedule([0.0, max(adaptation, 1) * HOLD_MS], paces))
        spikes = np.concatenate([2e-3 * _TRACE_MS * targets(b, excitatory, seed) for b in balances])
        factors = {"pace": pace, "expected": net.signal("expected", Schedule([0.0], spikes[None]))}
        third = {name: ThirdFactor(modulator=signal, per="post") for name, signal in factors.items()}
        adapting = [2.0 if b.g is None else None for b in balances]
        _project(net, "IE", structures, adapting, "IE_adapts", learning=_RULE, third_factors=third)
    return net


def _project(
    net: Network,
    kinds: str,
    structures: Sequence[Structure],
    strengths: Sequence[float | None],
    name: str | None = None,
    **options: Any,
) -> None:
    """Synapses of a kind such as "EI" within each network that has a strength, in nA; none where no network has one."""
    pairs, factors = zip(*(s.synapses[kinds] for s in structures), strict=True)
    having = [k for k, strength in enumerate(strengths) if strength is not None]
    if having:
        sizes = [len(structures[0].offsets[kind]) for kind in kinds]
        net.projection(
            name or kinds,
            net.populations[kinds[0]],
            net.populations[kinds[1]],
            FromList(side_by_side([p if k in having else None for k, p in enumerate(pairs)], *sizes)),
            weight_nA=np.concatenate([strengths[k] * factors[k] for k in having]),
            receptor="inhibitory" if kinds[0] == "I" else "excitatory",
            **options,
        )


_RULE = LearningRule.from_equations(
    traces={"x": Trace("pre", _TRACE_MS), "y": Trace("post", _TRACE_MS)},
    on_pre={"w": "pace*y - pace*expected"},
    on_post={"w": "pace*x"},
    bounds={"w": (0.0, 100.0)},
    third_factors=["pace", "expected"],
)


def _cell(structures: Sequence[Structure], kind: str) -> LIF:
    """The neurons "E" or "I" of all networks; a constant 1 nA moves V by 1 mV."""
    return LIF(
        cm_nF=20.0,
        tau_m_ms=20.0,
        tau_refrac_ms=2.0,
        tau_syn_E_ms=20.0,
        tau_syn_I_ms=10.0,
        v_rest_mV=0.0,
        v_reset_mV=0.0,
        v_threshold_mV=10.0,
        v_min_mV=-20.0,
        i_offset_nA=np.concatenate([s.offsets[kind] for s in structures]),
    )


def targets(balance: Balance, size: int, seed: int) -> np.ndarray:
    """The target rates of the neurons of a network, in Hz."""
    spread = balance.spread
    return balance.target_hz * np.random.default_rng([seed, 1]).lognormal(-(spread**2) / 2, spread, size)


def states(result: Result, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The states of excitatory neurons (count, neurons) at the end of each of the last ``count`` numbers.

    With it, their rates in Hz meanwhile (neurons,).
    """
    steps, neurons = result.recording.spikes["E"]
    span = [result.duration_ms - count * HOLD_MS, result.duration_ms]
    counts = result.counts("E", span)[0]
    at, size = steps - round(span[0]), len(counts)
    at, neurons = at[at >= 0], neurons[at >= 0]
    fresh = np.exp(-(HOLD_MS - 1 - at % HOLD_MS) / _TRACE_MS)
    traces = np.bincount(at // HOLD_MS * size + neurons, fresh, count * size).reshape(count, size)
    for k in range(1, count):
        traces[k] += np.exp(-HOLD_MS / _TRACE_MS) * traces[k - 1]
    return traces, 1000 * counts / (count * HOLD_MS)
