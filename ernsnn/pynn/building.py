"""Description of a script's parts as a network of ernsnn."""

from __future__ import annotations

from ernsnn.describe.network import Network

from .simulator import ScriptPart, State


def describe(state: State) -> Network:
    """The network of the script's parts as they are now."""
    net = Network(dt_ms=state.dt, current_integration=state.current_integration, name="script")
    parts: list[ScriptPart] = [*state.populations, *state.astrocytes, *state.projections]
    parts += [*state.current_sources, *state.connections]
    for part in parts:
        part.add_to(net)
    return net
