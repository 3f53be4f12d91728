"""Comparison of the issues of the Loihi check on random networks with differences on the emulator.

The reference and the emulator run the same networks. Where a population's spikes part no later than those of all that
it hears, the cause is its own: the check must have said that it, or a projection to it, is rounded or done differently.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

import ernsnn as ern
from ernsnn.graph.graph import Graph
from ernsnn.hardware_backends.loihi.arithmetic.limits import WEIGHT_MAX
from ernsnn.hardware_backends.loihi.codes import CODES
from ernsnn.hardware_backends.loihi.quantise.quantise import quantise
from ernsnn.hardware_backends.loihi.quantise.report import EXACT

KINDS = ("on the grid", "static", "plastic")
"""Kinds of networks: with parameters that integers hold exactly, with any, and with STDP."""
RATE_HZ = 30.0
REST_MV = -65.0
TRUNCATION = "L116"


class _Random:
    """Two sources, and one to three populations after each other, of which the last inhibits the first."""

    def __init__(self, seed: int) -> None:
        self.rng, self.kind = np.random.default_rng(seed), KINDS[seed % len(KINDS)]
        self.net = ern.Network(dt_ms=1.0, name=f"random_{seed}")
        self.cell: dict[str, dict[str, float]] = {}
        self.unit: dict[str, float] = {}

    def build(self) -> ern.Network:
        rng, net = self.rng, self.net
        before = [
            net.population(f"in{k}", int(rng.integers(10, 30)), ern.Poisson(RATE_HZ, at_most_one=True))
            for k in range(2)
        ]
        for k in range(int(rng.integers(1, 4))):
            cells = (self._on_grid if self.kind == "on the grid" else self._any)(f"n{k}", int(rng.integers(4, 16)))
            self._connect(before[-1], cells, strong=True)
            self._connect(before[-2], cells)
            before.append(cells)
        if len(before) > 3:
            self._connect(before[-1], before[2], receptor="inhibitory")
        return net

    def _any(self, name: str, size: int) -> ern.Population:
        rng, tau_syn_ms = self.rng, self.rng.uniform(1, 8)
        cell = {
            "cm_nF": rng.uniform(0.1, 0.4),
            "tau_m_ms": rng.uniform(5, 30),
            "tau_syn_E_ms": tau_syn_ms,
            "tau_syn_I_ms": tau_syn_ms,
            "tau_refrac_ms": float(rng.integers(0, 4)),
            "v_threshold_mV": REST_MV + rng.uniform(8, 20),
        }
        self.cell[name] = cell
        return self.net.population(name, size, ern.LIF(**cell))

    def _on_grid(self, name: str, size: int) -> ern.Population:
        """Neurons whose decay of V is a whole number of 4096ths in a step."""
        tau_m_ms = -1 / math.log(self.rng.choice([1 / 2, 3 / 4, 63 / 64]))
        cell = {"tau_m_ms": tau_m_ms, "tau_refrac_ms": 0.0, "v_threshold_mV": -50.0}
        self.cell[name] = cell
        return self.net.population(name, size, ern.DeltaLIF(**cell))

    def _connect(
        self, pre: ern.Population, post: ern.Population, *, strong: bool = False, receptor: str = "excitatory"
    ) -> None:
        """If strong, what arrives at 30 Hz keeps V above the threshold on average; else at a fifth of that."""
        rng, cell = self.rng, self.cell[post.name]
        threshold, tau_m_ms = cell["v_threshold_mV"] - REST_MV, cell["tau_m_ms"]
        share = (rng.uniform(1.2, 3) if strong else 0.2) / (RATE_HZ / 1000 * pre.size)
        levels = rng.integers(1, WEIGHT_MAX + 1, (pre.size, post.size))
        weight_nA = weight_mV = rule = None
        if self.kind == "on the grid":
            # Thresholds and weights are whole multiples of one unit, and the largest weight is 255 of it.
            keep = math.exp(-1 / tau_m_ms)
            if strong:
                levels[0, 0] = WEIGHT_MAX
                self.unit[post.name] = threshold / round(WEIGHT_MAX / 2 / (share * (1 - keep)))
            else:
                levels = np.maximum(1, levels // 8)
            weight_mV = levels * self.unit[post.name] / keep
        else:
            holds = threshold * cell["cm_nF"] / tau_m_ms  # the current that keeps V at the threshold
            top = 2 * share * holds / cell["tau_syn_E_ms"]
            weight_nA = levels / WEIGHT_MAX * top
            if self.kind == "plastic" and strong:
                rule = ern.pair_stdp(A_plus=top / 20, A_minus=top / 20, w_max=2 * top)
        self.net.projection(
            f"{pre.name}-{post.name}",
            pre,
            post,
            weight_nA=weight_nA,
            weight_mV=weight_mV,
            delay_ms=float(rng.integers(1, 9)),
            receptor=receptor,
            learning=rule,
        )


def graph(seed: int) -> Graph:
    """Random network number ``seed``."""
    return ern.lower(_Random(seed).build(), seed)


@dataclass(frozen=True)
class Outcome:
    """One population: spikes of the reference, of the emulator, and of both; the step where they part, or None.

    ``own``: nothing that it hears parted before. ``announced``: what the check said of it and of what it hears.
    """

    kind: str
    spikes: tuple[int, int, int]
    parts: int | None
    own: bool
    announced: tuple[str, ...]
    worst: float


def announcements(graph: Graph) -> dict[str, list[tuple[str, float]]]:
    """Object of the check -> (code, relative error) of its issues; NaN without an error."""
    _, report = quantise(graph, n_steps=0)
    rounded = [(r.path, r.code, abs(r.error)) for r in report.rounded if abs(r.error) >= EXACT]
    others = [(i.path, i.code, math.nan) for i in report.limits if CODES[i.code][0] == "approximate"]
    errors: dict[str, list[tuple[str, float]]] = {}
    for path, code, error in rounded + others:
        errors.setdefault(path.split(".")[0], []).append((code, error))
    return errors


def outcomes(seed: int, duration_ms: float) -> Iterator[Outcome]:
    """Yield the outcome for every population of network number ``seed``."""
    drawn = graph(seed)
    asked, had = (ern.run(drawn, duration_ms=duration_ms, backend=name) for name in ("reference", "loihi-emulator"))
    compared = {p.population: p for p in ern.compare(asked, had).populations}
    parts = {name: p.first_divergence.step if p.first_divergence else None for name, p in compared.items()}
    said = announcements(drawn)
    for p in drawn.neurons():
        into = [q for q in drawn.projections if q.post == p.name]
        earlier = [parts[q.pre] for q in into if q.pre != p.name]
        at, announced = parts[p.name], [it for name in (p.name, *(q.name for q in into)) for it in said.get(name, ())]
        yield Outcome(
            kind=KINDS[seed % len(KINDS)],
            spikes=(compared[p.name].spikes_a, compared[p.name].spikes_b, compared[p.name].matched),
            parts=at,
            own=all(other is None or (at is not None and at <= other) for other in earlier),
            announced=tuple(sorted({code for code, _ in announced})),
            worst=max((error for _, error in announced if error == error), default=0.0),
        )


def row(what: str, results: Iterable[Outcome]) -> dict[str, object]:
    """Sums over populations: how many differ, and by their own rounding.

    Of those that differ by their own rounding: how many have no issue but truncation of V, and none at all.
    """
    own = list(results)
    asked, had, both = (sum(o.spikes[k] for o in own) for k in range(3))
    parting = [o for o in own if o.parts is not None and o.own]
    return {
        "what": what,
        "populations": len(own),
        "spikes": asked,
        "equal_%": round(200 * both / max(1, asked + had), 2),
        "part": sum(o.parts is not None for o in own),
        "by_themselves": len(parting),
        "truncated_only": sum(o.announced == (TRUNCATION,) for o in parting),
        "unannounced": sum(not o.announced for o in parting),
    }


def loihi_predictions(repeats: int) -> list[dict[str, object]]:
    """Random networks 0 to 199, 1 s each: issues of the Loihi check, and spikes that emulator and reference share.

    Spikes are shared in the same step. All is run once, whatever the number of repeats, since nothing is drawn anew.
    """
    results = [o for seed in range(200) for o in outcomes(seed, 1000)]
    rows = [row(kind, (o for o in results if o.kind == kind)) for kind in KINDS]
    bins = {"below .1 %": (0.0, 1e-3), ".1 to 1 %": (1e-3, 1e-2), "1 to 10 %": (1e-2, 0.1), "above": (0.1, math.inf)}
    fixed = [o for o in results if o.kind != "plastic"]
    for name, (low, high) in bins.items():
        rows.append(row(f"no STDP, worst error told {name}", (o for o in fixed if low <= o.worst < high)))
    return [*rows, row("all", results)]
