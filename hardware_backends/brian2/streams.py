"""Code of ``ernsnn.graph.streams``: states are ``{name}0`` and ``{name}1`` of a neuron or synapse."""

from __future__ import annotations

from ernsnn.graph.streams import MODULI, MULTIPLIERS

M = [f"{m:.0f}" for m in MODULI]


def advance(name: str, only_if: str | None = None) -> list[str]:
    """Both states move on, ``only_if`` a condition holds; all numbers are whole and exact in float64."""
    code = []
    for k, multiplier in enumerate(MULTIPLIERS):
        moved = f"({multiplier:.0f}*{name}{k}) % {M[k]}"
        code.append(
            f"{name}{k} = {moved}"
            if only_if is None
            else f"{name}{k} = int({only_if})*({moved}) + int(not {only_if})*{name}{k}"
        )
    return code


def uniform(name: str) -> str:
    """A number in (0, 1) from the states."""
    difference = f"({name}0 - {name}1)"
    return f"({difference} + int({difference} < 1)*{MODULI[0] - 1:.0f})/{M[0]}"


def normal(name: str) -> str:
    """A standard normal number from the states."""
    return f"sqrt(-2*log({name}0/{M[0]}))*cos(2*pi*({name}1/{M[1]}))"
