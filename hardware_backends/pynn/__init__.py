"""PyNN: a graph becomes a PyNN script, for NEST or for SpiNNaker."""

from __future__ import annotations

from .nest.backend import NestBackend
from .spinnaker.backend import SpinnakerBackend

__all__ = ["NestBackend", "SpinnakerBackend"]
