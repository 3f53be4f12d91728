"""Counts of packets and hops between cores, from the core of each neuron or the links that its spikes cross."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Graph
from ernsnn.recording.recording import Recording

CORES_PER_TILE, TILES_PER_COLUMN = 4, 4


def traffic(graph: Graph, recording: Recording, cores: Mapping[str, np.ndarray]) -> dict[str, float]:
    """``packet``, ``hop_east_west`` and ``hop_north_south`` of a run, as SANA-FE counts them (Boyle et al. 2025).

    A spike sends one packet to every core on which its neuron has a synapse. Core c is on tile c // 4, at (x, y) =
    (tile // 4, tile % 4), and a packet takes abs(dx) hops east or west and abs(dy) north or south. ``cores`` has an
    integer array (neurons,) for every population that is computed; spikes of sources come from outside and are
    counted as packets without hops unless ``cores`` has them too.
    """
    for cells in graph.neurons():
        if np.shape(cores.get(cells.name, ())) != (cells.size,):
            raise InvalidModel(f"cores of {cells.name}: needs one number for each of its {cells.size} neurons")
    n_cores = 1 + max((int(np.max(c)) for c in cores.values() if len(c)), default=0)
    tile = np.arange(n_cores) // CORES_PER_TILE
    x, y = tile // TILES_PER_COLUMN, tile % TILES_PER_COLUMN
    events = {"packet": 0.0, "hop_east_west": 0.0, "hop_north_south": 0.0}
    for population in graph.populations:
        reached = np.zeros((population.size, n_cores), np.bool_)
        for p in graph.projections:
            if p.pre == population.name:
                at = np.asarray(cores[p.post])[p.post_start : p.post_start + p.connectivity.n_post]
                for row in range(p.connectivity.n_pre):
                    reached[p.pre_start + row, at[p.connectivity.targets(row)]] = True
        spikes = np.bincount(recording.spikes[population.name][1], minlength=population.size)
        events["packet"] += float(spikes @ reached.sum(axis=1))
        if population.name in cores:
            own = np.asarray(cores[population.name])
            events["hop_east_west"] += float(spikes @ (reached * abs(x[own][:, None] - x)).sum(axis=1))
            events["hop_north_south"] += float(spikes @ (reached * abs(y[own][:, None] - y)).sum(axis=1))
    return events


def multicast(recording: Recording, links: Mapping[str, np.ndarray]) -> dict[str, float]:
    """``multicast_packet`` and ``multicast_hop`` of a run on a chip whose routers copy packets on their way.

    A spike is one packet, whatever it reaches. ``links`` has an integer array (neurons,) for every population that
    sends: how many links between chips the packet and its copies cross.
    """
    events = {"multicast_packet": 0.0, "multicast_hop": 0.0}
    for name, crossed in links.items():
        neurons = recording.spikes[name][1]
        events["multicast_packet"] += float(len(neurons))
        events["multicast_hop"] += float(np.asarray(crossed)[neurons].sum())
    return events
