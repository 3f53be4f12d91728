"""Sessions: what a model gives to be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ernsnn.analyse.summary import Summary
from ernsnn.describe.network import Network
from ernsnn.result import Result


@dataclass(frozen=True, kw_only=True)
class Session:
    """A network, its duration (None: the user gives it), and a function that summarises the result."""

    network: Network
    duration_ms: float | None = None
    summarise: Callable[[Result], Summary] | None = None
