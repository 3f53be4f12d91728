r"""Experiment ``ei_reservoir``: a reservoir that adapts its balance of excitation and inhibition to target rates.

LIF neurons (20 ms, threshold 10 mV above rest, synaptic currents of 20 ms from excitatory and 10 ms from inhibitory
neurons), 4 of 5 excitatory, with 16 excitatory and 10 inhibitory inputs each, whose strengths w_E and g w_E spread
log-normally. Every 20 ms a number u, uniform in [0, 1], becomes a current through weights of both signs. What a neuron
tells is its spikes with weights exp(-age/20 ms); ridge regression on the first two thirds of the numbers (its ridge is
the one that does best on the last quarter of them) reads out, on the last third,

    memory capacity:  sum over k = 1 .. 20 of r^2 between u(t - k) and its read-out
    NARMA-10:  y(t+1) = .3 y + .05 y sum(y(t-9) .. y(t)) + 1.5 v(t-9) v(t) + .1, v = u/2; root mean square error over
               the spread of y

``NETWORKS`` differ in heterogeneity h: the excitatory in-degrees of excitatory neurons are log-normal with sigma h,
their offsets spread by 1 + 4 h mV; in ``driven`` the numbers reach inhibitory neurons, too.

Static: all of ``GRID`` and of the ``COUPLINGS`` w_E. The best is the one with the largest capacity (for NARMA-10: the
smallest error) over all seeds, hence found by a search on what is reported. Adaptive: inhibitory plasticity (Vogels et
al. 2011, Science 334:1569) brings every excitatory neuron to its rate r; nothing is searched:

    pre:  w += eta (y - 2 r tau);   post:  w += eta x                    (traces x, y of tau = 20 ms)

``ADAPTIVE``: ``adapting`` has w_E = 2 nA, rates r that are log-normal (sigma .5) with a mean of 100 Hz, and eta =
.05 per spike, and never stops; all others differ from it in one thing. ``held`` stands still while numbers are read.

What gains capacity, as found on seeds 100 to 105 (100 neurons, 900 to 3000 numbers; times the capacity of the best g
at equal w_E):

- Right rates do not. What adapts and then stands still comes to .8 to 1.3, at 3 nA to .4 to 1.2: there, rates leave
  their targets by up to their own size as soon as plasticity stops. Adapting on slowly (eta = .01) keeps the rates, and
  gains little while neurons are alike (1.0; 1.4 to 1.5 at h = 1).
- Plasticity that goes on and is fast does: eta of .03, .1, .3 and 1 gives 1.3, 1.6, 1.6 and 1.4 at h = 0, 1.8, 2.1,
  2.0 and 1.8 at h = 1. The weights remember: read out instead of spikes, the sum of each neuron's inhibitory weights
  holds a capacity of 2.6 (h = 0), where spikes hold 1.8, and 1.2 in static networks; 10 numbers back its r^2 is .09,
  that of static networks below .005.
- Spike-frequency adaptation of static networks, another slow variable of each neuron, does not replace that (.5 to 4 nA
  a spike for 100 ms, .5 nA for 300 ms): .95 to 1.2, as without.
- Neurons must differ, in structure or in targets: with one target for all, capacity falls to .66 at h = 0, though
  rates are right, and is 1.9 at h = 1. Rates must be high: 20, 40, 70 and 100 Hz give .7, 1.2, 1.5 and 1.6 (eta = .3).
- Heterogeneity costs static networks capacity (1.5 at h = 0, 1.1 at h = 1; 2 nA), as no single g suits neurons with
  unlike in-degrees (Landau et al. 2016, Neuron 92:1106), and adaptive ones none (2.3).
- NARMA-10 asks for products of numbers 10 apart, and gains little: errors are 1.0 (h = 0) to 1.1 (h = 1) times smaller
  than the best static ones, with 400 neurons and 3000 numbers 1.1 and 1.2 times (eta = .03).
- The gain does not need, nor grow with, excitation of 100 ms, numbers every 5 or 10 ms, or input half or twice as
  strong; nor do held networks gain by excitation of 50 ms, by input for 30 % of neurons, or by stronger excitation of
  inhibitory neurons.

The experiment searches w_E of static networks, too, which serves them; its gains are therefore smaller than these. w_E,
targets, eta, input and the heterogeneity of networks were chosen on these seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.astrocytes import ThirdFactor
from ernsnn.describe.connectors import FromList
from ernsnn.describe.learning import LearningRule, Trace
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF
from ernsnn.describe.stimuli import Schedule
from ernsnn.errors import InvalidModel
from ernsnn.report import charts
from ernsnn.result import Result, run
from ernsnn.studies.experiment import Estimate, Findings

SOURCE = "Srinivasan, Plenz and Girvan 2025, arXiv 2504.12480"
PUBLISHED = "local adaptation to target rates gains up to 130 % over global balances, in reservoirs of rate neurons"
SETTINGS: dict[str, dict[str, Any]] = {"full": {"excitatory": 200, "numbers": 2000, "adaptation": 500}}

NETWORKS = {"h = 0": (0.0, False), "h = .5": (0.5, False), "h = 1": (1.0, False), "h = 0, driven": (0.0, True)}
"""Heterogeneity, and whether numbers reach inhibitory neurons."""
COUPLINGS = (2.0, 3.0, 4.0, 6.0)
"""w_E in nA of the static networks; 1 and 8 nA were not the best on seeds 100 to 105."""
GRID = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2.0, 2.5, 3.0)
WORKS, FULL = 0.95, 1.2
LAGS, HOLD_MS = 20, 20
RIDGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
_IN_E, _IN_I, _INPUT_NA, _TRACE_MS = 16, 10, 60.0, 20.0
_WASH_OUT = 50
_MOST_NEURONS = 4000
"""Excitatory neurons of one run: what bounds the spikes that are held at a time."""


@dataclass(frozen=True)
class Balance:
    """A static balance, or (``g`` None) one that adapts: ``target_hz`` log-normal with sigma ``spread``."""

    w_E: float = 2.0
    g: float | None = None
    target_hz: float = 100.0
    spread: float = 0.5
    eta: float = 0.05
    held: bool = False


ADAPTIVE = {
    "adapting": Balance(),
    "held": Balance(held=True),
    "slow (eta = .01)": Balance(eta=0.01),
    "one target": Balance(spread=0.0),
    "40 Hz": Balance(target_hz=40.0),
    "w_E = 3 nA": Balance(w_E=3.0),
}


@dataclass(frozen=True)
class Condition:
    """A network of a run: its structure, one of ``NETWORKS``, and its balance."""

    network: str
    balance: Balance


def conditions() -> list[Condition]:
    """All networks of one seed, the static ones first."""
    static = [Balance(w_E, g) for w_E in COUPLINGS for g in GRID]
    return [Condition(n, b) for of in (static, ADAPTIVE.values()) for n in NETWORKS for b in of]


@dataclass(frozen=True)
class Structure:
    """What networks of one heterogeneity have in common: offsets and inputs in nA, and synapses.

    ``synapses``: for kinds such as "EI" (from excitatory to inhibitory) pairs (n, 2) and factors of strength (n,).
    """

    offsets: Mapping[str, np.ndarray]
    inputs: Mapping[str, np.ndarray]
    synapses: Mapping[str, tuple[np.ndarray, np.ndarray]]


def structure(heterogeneity: float, excitatory: int, seed: int) -> Structure:
    """Draw one."""
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
    mine = [drawn[NETWORKS[c.network][0]] for c in of]
    net = Network(name="ei_reservoir", dt_ms=1.0)
    offsets = {kind: np.concatenate([s.offsets[kind] for s in mine]) for kind in "EI"}
    cells = {kind: net.population(kind, len(offset), _cell(offset)) for kind, offset in offsets.items()}
    times = np.arange(len(numbers)) * HOLD_MS
    reached = {"E": [1.0] * len(of), "I": [float(NETWORKS[c.network][1]) for c in of]}
    for kind in "EI":
        weights = np.concatenate([share * s.inputs[kind] for share, s in zip(reached[kind], mine, strict=True)])
        net.inject(cells[kind], Schedule(times, (numbers - 0.5)[:, None] * weights))

    def project(name: str, kinds: str, strength: Sequence[float | None], **options: Any) -> None:
        """Synapses within each network that has a strength."""
        sizes = np.array([len(mine[0].offsets[kind]) for kind in kinds])
        joined = [(k, w, *mine[k].synapses[kinds]) for k, w in enumerate(strength) if w is not None]
        if joined:
            net.projection(
                name,
                cells[kinds[0]],
                cells[kinds[1]],
                FromList(np.concatenate([pairs + k * sizes for k, _, pairs, _ in joined])),
                weight_nA=np.concatenate([w * factors for _, w, _, factors in joined]),
                receptor="inhibitory" if kinds[0] == "I" else "excitatory",
                **options,
            )

    balances = [c.balance for c in of]
    project("EE", "EE", [b.w_E for b in balances])
    project("EI", "EI", [b.w_E for b in balances])
    project("II", "II", [1.0 for b in balances])
    project("IE", "IE", [None if b.g is None else b.g * b.w_E for b in balances])
    paces = np.repeat([[b.eta, 0.0 if b.held else b.eta] for b in balances], excitatory, axis=0).T
    expected = np.concatenate([2e-3 * _TRACE_MS * targets(b, excitatory, seed) for b in balances])
    if any(b.g is None for b in balances):
        pace = net.signal("pace", Schedule([0.0, max(adaptation, 1) * HOLD_MS], paces))
        factors = {"pace": pace, "expected": net.signal("expected", Schedule([0.0], expected[None]))}
        project(
            "IE_adapts",
            "IE",
            [2.0 if b.g is None else None for b in balances],
            learning=_RULE,
            third_factors={name: ThirdFactor(modulator=signal, per="post") for name, signal in factors.items()},
        )
    return net


_RULE = LearningRule.from_equations(
    traces={"x": Trace("pre", _TRACE_MS), "y": Trace("post", _TRACE_MS)},
    on_pre={"w": "pace*y - pace*expected"},
    on_post={"w": "pace*x"},
    bounds={"w": (0.0, 100.0)},
    third_factors=["pace", "expected"],
)


def _cell(i_offset_nA: np.ndarray) -> LIF:
    """1 nA moves V by 1 mV in the end."""
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
        i_offset_nA=i_offset_nA,
    )


def targets(balance: Balance, size: int, seed: int) -> np.ndarray:
    """The target rates of the neurons of a network, in Hz."""
    spread = balance.spread
    return balance.target_hz * np.random.default_rng([seed, 1]).lognormal(-(spread**2) / 2, spread, size)


def states(result: Result, count: int) -> tuple[np.ndarray, np.ndarray]:
    """What excitatory neurons tell (count, neurons) at the end of each of the last ``count`` numbers.

    With it, their rates in Hz meanwhile (neurons,).
    """
    steps, neurons = result.recording.spikes["E"]
    size = result.graph.population("E").size
    at = steps - (result.recording.n_steps - count * HOLD_MS)
    at, neurons = at[at >= 0], neurons[at >= 0]
    fresh = np.exp(-(HOLD_MS - 1 - at % HOLD_MS) / _TRACE_MS)
    told = np.bincount(at // HOLD_MS * size + neurons, fresh, count * size).reshape(count, size)
    for k in range(1, count):
        told[k] += np.exp(-HOLD_MS / _TRACE_MS) * told[k - 1]
    return told, 1000 * np.bincount(neurons, minlength=size) / (count * HOLD_MS)


def capacity(told: np.ndarray, numbers: np.ndarray) -> float:
    """The memory capacity of the module's text; a silent network has none."""
    delayed = np.column_stack([np.roll(numbers, k) for k in range(1, LAGS + 1)])
    answers, asked = _read_out(told, delayed)
    tells = answers.std(axis=0) > 1e-9
    return float(sum(np.corrcoef(answers[:, k], asked[:, k])[0, 1] ** 2 for k in np.flatnonzero(tells)))


def narma(numbers: np.ndarray) -> np.ndarray:
    """NARMA-10 of ``numbers``; it is held below 1, which it can leave for ever."""
    v, y = numbers / 2, np.zeros(len(numbers))
    for t in range(9, len(v) - 1):
        y[t + 1] = min(0.3 * y[t] + 0.05 * y[t] * y[t - 9 : t + 1].sum() + 1.5 * v[t - 9] * v[t] + 0.1, 1.0)
    return y


def error(told: np.ndarray, wanted: np.ndarray) -> float:
    """Root mean square error of the read-out of ``wanted`` (numbers,), over its spread."""
    answers, asked = _read_out(told, wanted[:, None])
    return float(np.sqrt(np.mean((answers - asked) ** 2) / np.var(asked)))


def _read_out(told: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Answers of ridge regression on the last third, learnt from the rest, and what was wanted there."""
    cut, features = 2 * len(told) // 3, np.hstack([told, np.ones((len(told), 1))])
    x, y = features[_WASH_OUT:cut], wanted[_WASH_OUT:cut]
    early = len(x) - len(x) // 4
    misses = [np.sum((x[early:] @ weights - y[early:]) ** 2) for weights in _learnt(x[:early], y[:early], RIDGES)]
    (weights,) = _learnt(x, y, [RIDGES[int(np.argmin(misses))]])
    return features[cut:] @ weights, wanted[cut:]


def _learnt(x: np.ndarray, y: np.ndarray, ridges: Sequence[float]) -> list[np.ndarray]:
    """The weights of ridge regression of y on x for each ridge."""
    squares, products = x.T @ x, x.T @ y
    return [np.linalg.solve(squares + ridge * np.eye(len(squares)), products) for ridge in ridges]


def experiment(
    *,
    backend: str = "native",
    seeds: Sequence[int] = tuple(range(5)),
    progress: Callable[[float], None] = lambda fraction: None,
    excitatory: int = 100,
    numbers: int = 900,
    adaptation: int = 400,
) -> Findings:
    """Adapt to ``adaptation`` numbers, then read ``numbers``, from ``excitatory`` neurons a network."""
    if not 16 <= excitatory <= _MOST_NEURONS or numbers < 300 or adaptation < 1:
        raise InvalidModel(
            f"ei_reservoir: needs 16 to {_MOST_NEURONS} excitatory neurons, 300 numbers and an adaptation of 1 at "
            f"least, got {excitatory}, {numbers} and {adaptation}"
        )
    found: dict[Condition, list[dict[str, float]]] = {c: [] for c in conditions()}
    most = _MOST_NEURONS // excitatory
    # static networks have nothing to adapt to: they meet only the numbers that are read
    runs = [
        (group[k : k + most], adapts)
        for group, adapts in (
            ([c for c in found if c.balance.g is not None], 0),
            ([c for c in found if c.balance.g is None], adaptation),
        )
        for k in range(0, len(group), most)
    ]
    for n, seed in enumerate(seeds):
        u = np.random.default_rng([seed, 2]).random(adaptation + numbers)
        for k, (of, adapts) in enumerate(runs):
            met = u[adaptation - adapts :]
            net = build(of, met, adapts, excitatory, seed)
            result = run(net, duration_ms=len(met) * HOLD_MS, seed=seed, backend=backend)
            for condition, measures in zip(of, _measure(result, of, u[adaptation:], excitatory, seed), strict=True):
                found[condition].append(measures)
            progress((n + (k + 1) / len(runs)) / len(seeds))
    return _findings(found)


def _measure(
    result: Result, of: Sequence[Condition], numbers: np.ndarray, excitatory: int, seed: int
) -> list[dict[str, float]]:
    """What is reported of each network of a run whose last ``numbers`` are read."""
    told, rates = states(result, len(numbers))
    wanted, found = narma(numbers), []
    for k, condition in enumerate(of):
        own = slice(k * excitatory, (k + 1) * excitatory)
        measures = {"capacity": capacity(told[:, own], numbers), "narma_error": error(told[:, own], wanted)}
        measures["rate_hz"] = float(rates[own].mean())
        if condition.balance.g is None:
            target = targets(condition.balance, excitatory, seed)
            measures["off_target"] = float(np.abs(rates[own] - target).mean() / target.mean())
        found.append(measures)
    return found


def measured(results: dict[str, Any]) -> str:
    """A line for the table of published systems."""

    def gains(arm: str) -> str:
        found = (
            f"{n}: {of[arm]['gain']['mean']:.2f} ± {of[arm]['gain']['ci95'] or 0:.2f}" for n, of in results.items()
        )
        return "; ".join(found)

    narma = [of["adapting"]["narma_gain"]["mean"] for of in results.values()]
    return (
        f"memory capacity over the best of {len(COUPLINGS) * len(GRID)} static balances, adapting: "
        f"{gains('adapting')}; held: {gains('held')}; NARMA-10: {min(narma):.2f} to {max(narma):.2f}"
    )


def _findings(found: dict[Condition, list[dict[str, float]]]) -> Findings:
    estimates = {c: {k: Estimate.of([r[k] for r in runs]) for k in runs[0]} for c, runs in found.items()}
    results: dict[str, Any] = {}
    rows: list[list[object]] = []
    notes = [
        "mean ± 95 % interval over seeds; gain: capacity over that of the best static balance, seed by seed; NARMA-10 "
        "gain: error of the static balance that is best at it over the own"
    ]
    curves: dict[str, list[Estimate]] = {name: [] for name in ("best static", *ADAPTIVE)}
    for network in NETWORKS:
        static = {c.balance: e for c, e in estimates.items() if c.network == network and c.balance.g is not None}
        best = max(static, key=lambda b: static[b]["capacity"].mean)
        best_narma = min(static, key=lambda b: static[b]["narma_error"].mean)
        results[network] = {
            "static": [{"w_E_nA": b.w_E, "g": b.g} | _json(e) for b, e in static.items()],
            "best_static": {"w_E_nA": best.w_E, "g": best.g} | _json(static[best]),
            "best_static_at_narma": {"w_E_nA": best_narma.w_E, "g": best_narma.g} | _json(static[best_narma]),
        }
        curves["best static"].append(static[best]["capacity"])
        for task, b in {"best static": best, "best static at NARMA-10": best_narma}.items():
            rows.append(
                [network, f"{task} (w_E = {b.w_E:g}, g = {b.g:g})", *map(str, static[b].values()), "-", "-", "-"]
            )
        for arm, balance in ADAPTIVE.items():
            own = estimates[Condition(network, balance)]
            gain = _ratio(own["capacity"], static[best]["capacity"])
            narma_gain = _ratio(static[best_narma]["narma_error"], own["narma_error"])
            results[network][arm] = _json(own | {"gain": gain, "narma_gain": narma_gain})
            curves[arm].append(own["capacity"])
            rows.append([network, arm, *map(str, (*own.values(), gain, narma_gain))])
            if balance == ADAPTIVE["adapting"]:
                verdict = "works" if gain.mean >= WORKS else "does not work"
                verdict += f", and gains {FULL:g} times" if gain.mean >= FULL else f", and does not gain {FULL:g} times"
                notes.append(f"{network}, {arm}: {verdict} ({gain}; NARMA-10 {narma_gain})")
    spread = [n for n, (_, driven) in NETWORKS.items() if not driven]
    at = [list(NETWORKS).index(n) for n in spread]
    pictures = [
        charts.line(
            [NETWORKS[n][0] for n in spread],
            {name: [curves[name][k] for k in at] for name in ("best static", "held", "slow (eta = .01)", "adapting")},
            title="Memory capacity against heterogeneity",
            x_label="h (heterogeneity)",
            y_label="memory capacity",
            from_zero=True,
        ),
        charts.bars(
            list(NETWORKS),
            curves,
            title="Memory capacity found by a search and by adaptation",
            x_label="memory capacity",
        ),
    ]
    heads = ["network", "balance", "capacity", "NARMA-10 error", "rate (Hz)", "off target", "gain", "NARMA-10 gain"]
    return Findings(results, heads, rows, notes, pictures)


def _ratio(of: Estimate, to: Estimate) -> Estimate:
    return Estimate.of([mine / other for mine, other in zip(of.values, to.values, strict=True)])


def _json(estimates: dict[str, Estimate]) -> dict[str, Any]:
    return {name: estimate.to_json() for name, estimate in estimates.items()}
