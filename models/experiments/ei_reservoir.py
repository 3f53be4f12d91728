"""A reservoir that adapts its balance, against the best of many static ones.

Static: all of ``GRID`` and of the ``COUPLINGS`` w_E. The best is the one with the largest capacity (for NARMA-10: the
smallest error) over all seeds, that is by a search on the reported measure. Adaptive: every excitatory neuron comes to
its rate r; nothing is searched.

``ADAPTIVE``: ``adapting`` has w_E = 2 nA, rates r that are log-normal (sigma .5) with a mean of 100 Hz, and eta =
.05 per spike, and never stops; all others differ from it in one thing. ``held`` stands still while numbers are read.

Gains of capacity on seeds 100 to 105 (100 neurons, 900 to 3000 numbers; times the capacity of the best g
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

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.result import Result, run
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars, Line, Picture

from .. import ei_reservoir, readout
from ..ei_reservoir import HOLD_MS, NETWORKS, Balance, Condition, build, states, targets
from ..readout import capacity, error, narma

COUPLINGS = (2.0, 3.0, 4.0, 6.0)
"""w_E in nA of the static networks; 1 and 8 nA were not the best on seeds 100 to 105."""
GRID = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75, 2.0, 2.5, 3.0)
WORKS, FULL = 0.95, 1.2
_MEASURES = ("capacity", "narma_error", "rate_hz")
_MOST_NEURONS = 4000
"""The number of excitatory neurons of one run, which bounds the spikes in memory."""


ADAPTIVE = {
    "adapting": Balance(),
    "held": Balance(held=True),
    "slow (eta = .01)": Balance(eta=0.01),
    "one target": Balance(spread=0.0),
    "40 Hz": Balance(target_hz=40.0),
    "w_E = 3 nA": Balance(w_E=3.0),
}


def conditions() -> list[Condition]:
    """All networks of one seed, the static ones first."""
    static = [Balance(w_E, g) for w_E in COUPLINGS for g in GRID]
    return [Condition(n, b) for of in (static, ADAPTIVE.values()) for n in NETWORKS for b in of]


def experiment(
    repeats: Repeats,
    *,
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
    by_condition: dict[Condition, list[dict[str, float]]] = {c: [] for c in conditions()}
    most = _MOST_NEURONS // excitatory
    # static networks have nothing to adapt to: they meet only the numbers that are read
    runs = [
        (group[k : k + most], adapts)
        for group, adapts in (
            ([c for c in by_condition if c.balance.g is not None], 0),
            ([c for c in by_condition if c.balance.g is None], adaptation),
        )
        for k in range(0, len(group), most)
    ]
    for n, seed in enumerate(repeats.seeds):
        u = np.random.default_rng([seed, 2]).random(adaptation + numbers)
        for k, (of, adapts) in enumerate(runs):
            met = u[adaptation - adapts :]
            net = build(of, met, adapts, excitatory, seed)
            result = run(net, duration_ms=len(met) * HOLD_MS, seed=seed, backend=repeats.backend)
            for condition, measures in zip(of, _measure(result, of, u[adaptation:], excitatory, seed), strict=True):
                by_condition[condition].append(measures)
            repeats.progress((n + (k + 1) / len(runs)) / len(repeats.seeds))
    return _findings(by_condition)


def _measure(
    result: Result, of: Sequence[Condition], numbers: np.ndarray, excitatory: int, seed: int
) -> list[dict[str, float]]:
    """The measures of each network of a run whose last ``numbers`` are read."""
    state, rates = states(result, len(numbers))
    wanted, runs = narma(numbers), []
    for k, condition in enumerate(of):
        own = slice(k * excitatory, (k + 1) * excitatory)
        measures = {"capacity": capacity(state[:, own], numbers), "narma_error": error(state[:, own], wanted)}
        measures["rate_hz"] = float(rates[own].mean())
        if condition.balance.g is None:
            target = targets(condition.balance, excitatory, seed)
            measures["off_target"] = float(np.abs(rates[own] - target).mean() / target.mean())
        runs.append(measures)
    return runs


def measured(results: Mapping[str, Any]) -> str:
    """A line for the table of published systems."""

    def gains(arm: str) -> str:
        gains = (f"{n}: {Estimate.from_json(of[arm]['gain']):.2f}" for n, of in results.items())
        return "; ".join(gains)

    narma = [of["adapting"]["narma_gain"]["mean"] for of in results.values()]
    return (
        f"memory capacity over the best of {len(COUPLINGS) * len(GRID)} static balances, adapting: "
        f"{gains('adapting')}; held: {gains('held')}; NARMA-10: {min(narma):.2f} to {max(narma):.2f}"
    )


def _findings(by_condition: dict[Condition, list[dict[str, float]]]) -> Findings:
    estimates = {c: Estimate.of_runs(runs) for c, runs in by_condition.items()}
    results: dict[str, Any] = {}
    rows: list[list[object]] = []
    notes = [
        f"{INTERVAL}; gain: capacity over that of the best static balance, seed by seed; NARMA-10 "
        "gain: error of the static balance that is best at it over the own"
    ]
    curves: dict[str, list[Estimate]] = {name: [] for name in ("best static", *ADAPTIVE)}
    for network in NETWORKS:
        static = {c.balance: e for c, e in estimates.items() if c.network == network and c.balance.g is not None}
        best = max(static, key=lambda b: static[b]["capacity"].mean)
        best_narma = min(static, key=lambda b: static[b]["narma_error"].mean)
        results[network] = {
            "static": [{"w_E_nA": b.w_E, "g": b.g} | e for b, e in static.items()],
            "best_static": {"w_E_nA": best.w_E, "g": best.g} | static[best],
            "best_static_at_narma": {"w_E_nA": best_narma.w_E, "g": best_narma.g} | static[best_narma],
        }
        curves["best static"].append(static[best]["capacity"])
        for task, b in {"best static": best, "best static at NARMA-10": best_narma}.items():
            rows.append(
                [network, f"{task} (w_E = {b.w_E:g}, g = {b.g:g})", *(static[b][m] for m in _MEASURES), "-", "-", "-"]
            )
        for arm, balance in ADAPTIVE.items():
            own = estimates[Condition(network, balance)]
            gain = _ratio(own["capacity"], static[best]["capacity"])
            narma_gain = _ratio(static[best_narma]["narma_error"], own["narma_error"])
            results[network][arm] = own | {"gain": gain, "narma_gain": narma_gain}
            curves[arm].append(own["capacity"])
            rows.append([network, arm, *own.values(), gain, narma_gain])
            if balance == ADAPTIVE["adapting"]:
                verdict = "works" if gain.mean >= WORKS else "does not work"
                verdict += f", and gains {FULL:g} times" if gain.mean >= FULL else f", and does not gain {FULL:g} times"
                notes.append(f"{network}, {arm}: {verdict} ({gain}; NARMA-10 {narma_gain})")
    spread = [n for n, (_, driven) in NETWORKS.items() if not driven]
    at = [list(NETWORKS).index(n) for n in spread]
    pictures: list[Picture] = [
        Line(
            [NETWORKS[n][0] for n in spread],
            {name: [curves[name][k] for k in at] for name in ("best static", "held", "slow (eta = .01)", "adapting")},
            title="Memory capacity against heterogeneity",
            x_label="h (heterogeneity)",
            y_label="memory capacity",
            from_zero=True,
        ),
        Bars(
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


EXPERIMENT = Experiment(
    name="ei_reservoir",
    title="A reservoir that adapts its balance of excitation and inhibition to target rates",
    about=f"{ei_reservoir.__doc__}\n{readout.__doc__}\n{__doc__}",
    source="Srinivasan, Plenz and Girvan 2025, arXiv 2504.12480",
    published="local adaptation to target rates gains up to 130 % over global balances, in reservoirs of rate neurons",
    measured=measured,
    settings={"full": {"excitatory": 200, "numbers": 2000, "adaptation": 500}},
    backend="native",
    run=experiment,
)
