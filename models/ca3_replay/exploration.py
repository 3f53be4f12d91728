r"""Exploration of a linear track, and what synapses between pyramidal cells learn of it.

Half of the cells are place cells, with fields of 30 cm on a track of 300 cm, which is mapped to [0, 2 pi) and run lap
after lap. At x and t, a cell with its field's centre c fires at

    20 Hz exp(-(x - c)^2/(2 .146^2)) max(0, cos(2 pi 7 Hz t + pi/phi (x - start)))

where phi is the length of a field and start = c - phi/2; the others fire at .1 Hz. Spikes closer than the refractory
period are dropped. Centres are uniform, and the ends of the track have twice as many of them: at full size, 100 cells
more lie on either stretch that 100 of the others share.

These spikes are replayed in steps of 1 ms by a source for each cell, and by cells that spike when another source bids
them, whatever their synapses bring. All learn by the package's pair rule, from .1 nS on. For learning, the step of
delay lies behind the post cell: sources of pre spikes run later by as much, so that intervals are those of the spikes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ernsnn.describe.connectors import FixedProbability, OneToOne
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import Neuron
from ernsnn.describe.stdp import pair
from ernsnn.describe.stimuli import SpikeTimes
from ernsnn.errors import InvalidModel
from ernsnn.result import run

from ..draws import rng_of
from .network import P_PC, rule_of, sizes

LENGTH_CM, FIELD_CM, SPEED_CM_S = 300.0, 30.0, 32.43567842
PEAK_HZ, THETA_HZ, OTHER_HZ, WIDTH = 20.0, 7.0, 0.1, 0.146
FIELD = FIELD_CM / LENGTH_CM * 2 * np.pi
REFRACTORY_MS, DURATION_S, FIRST_NS, STEP_MS = 5.96326930945599, 405.0, 0.1, 1.0
_LATER = 3
"""Steps from a cell's bidding to its spike (an input of step s acts from s + 2 on), and one of dendritic delay."""
_PLACE, _ENDS = 0.5, 1 / 40  # of all cells; of place cells, those added at either end

_Relay = Neuron.from_equations(
    "Relay",
    "dV/dt = 0*V\ndlearnt/dt = -learnt",
    parameters={"v_init_mV": 0.0},
    receptors={"E": "V += w", "L": "learnt += w"},
    units={"E": "mV", "L": "uS"},
    threshold="V > 0.5",
    reset="V = 0",
)
"""Spikes with each input to E, and with nothing else."""


@dataclass(frozen=True, eq=False)
class Track:
    """The centre of each cell's field in [0, 2 pi), and NaN of cells without one."""

    centres: np.ndarray

    @classmethod
    def drawn(cls, n: int, seed: int) -> Track:
        """The fields of ``n`` cells; which cells have one, and where, is drawn by ``seed``."""
        rng = rng_of(seed, "ca3_replay.track")
        places = round(_PLACE * n)
        more = round(_ENDS * places)
        even = places - 2 * more
        end = 2 * np.pi * more / even
        drawn = [rng.random(even) * 2 * np.pi, rng.random(more) * end, 2 * np.pi - rng.random(more) * end]
        centres = np.full(n, np.nan)
        centres[np.sort(rng.choice(n, places, replace=False))] = np.sort(np.concatenate(drawn))
        return cls(centres)

    def position(self, t_s: np.ndarray) -> np.ndarray:
        """Where the animal is, in [0, 2 pi)."""
        return np.asarray((t_s * SPEED_CM_S % LENGTH_CM) / LENGTH_CM * 2 * np.pi)

    def rates(self, x: np.ndarray) -> np.ndarray:
        """The rate in Hz of each cell at each position (cells, positions), as theta leaves it in the mean."""
        # The mean of max(0, cos) over a period is 1/pi.
        with_field = PEAK_HZ / np.pi * np.exp(-((x[None] - self.centres[:, None]) ** 2) / (2 * WIDTH**2))
        return np.where(np.isnan(with_field), OTHER_HZ, with_field)


def exploration_spikes(track: Track, seed: int, duration_s: float = DURATION_S) -> list[np.ndarray]:
    """The spike times in ms of each cell: Poisson, thinned by the rate of the module's text."""
    rng = rng_of(seed, "ca3_replay.exploration")
    trains = []
    for centre in track.centres:
        most = OTHER_HZ if np.isnan(centre) else PEAK_HZ
        t = np.sort(rng.random(rng.poisson(most * duration_s)) * duration_s)
        if not np.isnan(centre):
            x = track.position(t)
            theta = np.cos(2 * np.pi * THETA_HZ * t + np.pi / FIELD * (x - centre + FIELD / 2))
            rate = np.exp(-((x - centre) ** 2) / (2 * WIDTH**2)) * np.maximum(0.0, theta)
            t = t[rng.random(len(t)) < rate]
        trains.append(_apart(t * 1000.0))
    return trains


def _apart(times_ms: np.ndarray) -> np.ndarray:
    """Times without those that come within the refractory period of one that is kept."""
    kept: list[float] = []
    for t in times_ms.tolist():
        if not kept or t - kept[-1] >= REFRACTORY_MS:
            kept.append(t)
    return np.array(kept)


def learning_network(trains: Sequence[np.ndarray], rule: str) -> Network:
    """The network that learns from ``trains``: the projection "learnt", from each cell's spikes to the cells."""
    of = rule_of(rule)
    steps = [np.unique(np.rint(np.asarray(t) / STEP_MS)) * STEP_MS for t in trains]
    if not any(map(len, steps)):
        raise InvalidModel("ca3_replay: there are no spikes to learn from")
    net = Network(name="ca3_exploration", dt_ms=STEP_MS)
    later = [t + _LATER * STEP_MS for t in steps]
    told, pre = (net.population(name, len(steps), SpikeTimes(t)) for name, t in (("told", steps), ("pre", later)))
    cells = net.population("cells", len(steps), _Relay())
    net.projection("relay", told, cells, OneToOne(), weight_mV=1.0, delay_ms=STEP_MS, receptor="E")
    unit = 1e-3  # uS in a nS
    stdp = pair(
        tau_plus_ms=of.tau_ms,
        tau_minus_ms=of.tau_ms,
        A_plus=of.plus * unit,
        A_minus=-of.minus * unit,
        w_max=of.most * unit,
    )
    connector = FixedProbability(P_PC, self_connections=False)
    first = FIRST_NS * unit
    net.projection("learnt", pre, cells, connector, weight_uS=first, delay_ms=STEP_MS, receptor="L", learning=stdp)
    return net


def learnt_weights(
    scale: float, rule: str, seed: int, backend: str = "native", duration_s: float = DURATION_S
) -> tuple[Track, np.ndarray, np.ndarray]:
    """Explore and learn: the track, the pairs of cells with a synapse (synapses, 2), and their weights in nS."""
    track = Track.drawn(sizes(scale)["PC"], seed)
    net = learning_network(exploration_spikes(track, seed, duration_s), rule)
    result = run(net, duration_ms=duration_s * 1000.0 + (1 + _LATER) * STEP_MS, seed=seed, backend=backend)
    weights = result.recording.synapses["learnt"]["w"]
    p = next(each for each in result.graph.projections if each.name == "learnt")
    rows = p.synapses
    pairs = np.stack([rows.pre - p.pre_start, rows.post - p.post_start], axis=1)
    return track, pairs, np.asarray(weights, dtype=float) * 1000.0
