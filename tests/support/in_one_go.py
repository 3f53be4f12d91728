"""The reference as a backend that runs in one go, without and with going on from the end of another run."""

from __future__ import annotations

from ernsnn.backend.protocol import Backend
from ernsnn.hardware_backends.reference import ReferenceBackend


class InOneGo(Backend):
    name, description = "in-one-go", "the reference, which lets nobody look in"

    def run(self, graph, n_steps, progress, **options):
        return ReferenceBackend().run(graph, n_steps, progress, **options)


class GoesOn(InOneGo):
    name, continues = "goes-on", True
