"""sPyNNaker's ``extra_models`` by its names; of those that ernsnn lacks ``check`` says what to take instead."""

from __future__ import annotations

from .cells import IF_curr_dual_exp
from .connectors import AllButMeConnector, OneToOneOffsetConnector
from .foreign import EXTRA
from .synapses import EXTRA_SYNAPSES

__all__ = ["AllButMeConnector", "IF_curr_dual_exp", "OneToOneOffsetConnector"]
__all__ += [*EXTRA_SYNAPSES, *EXTRA]

globals().update(EXTRA_SYNAPSES | EXTRA)


def __getattr__(name: str) -> object:
    raise AttributeError(f"ernsnn.pynn.extra_models has no {name}: there are {', '.join(__all__)}")
