"""A network of CA3 that replays what it explored: Ecker et al. (2022, eLife 71850)."""

from . import exploration, network, replay
from .exploration import Track, exploration_spikes, learning_network, learnt_weights
from .network import BC, PC, RULES, Rule, build, sizes

__all__ = [
    "BC",
    "PC",
    "RULES",
    "Rule",
    "Track",
    "build",
    "exploration",
    "exploration_spikes",
    "learning_network",
    "learnt_weights",
    "network",
    "replay",
    "sizes",
]
