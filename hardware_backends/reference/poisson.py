"""Stage 1 of the step: what Poisson input brings."""

from __future__ import annotations

from ernsnn.graph.graph import PoissonInput

from .neurons import NeuronState


class PoissonState:
    """One input. Its streams follow from the step, so that nothing of it has to be kept."""

    def __init__(self, p: PoissonInput, target: NeuronState) -> None:
        self.p, self.target, self.counting = p, target, p.counting()
        self.receptor = target.receptors.index(p.arrives_at)

    def arrive(self, t: int) -> None:
        """Add the spikes of step ``t`` to what arrives in it."""
        slot = self.target.arrivals[t % len(self.target.arrivals), self.receptor]
        slot[self.p.target.start : self.p.target.stop] += self.p.weight * self.counting.at(t)
