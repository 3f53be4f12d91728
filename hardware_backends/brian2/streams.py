"""Code of ``ernsnn.graph.streams``: states are ``{name}0`` and ``{name}1`` of a neuron or synapse."""

from __future__ import annotations

from ernsnn.graph.streams import MODULI, MULTIPLIERS

M = [f"{m:.0f}" for m in MODULI]


def advance(name: str) -> list[str]:
    """Both states move on; all numbers are whole and exact in float64."""
    return [f"{name}{k} = ({multiplier:.0f}*{name}{k}) % {M[k]}" for k, multiplier in enumerate(MULTIPLIERS)]


def whole(name: str) -> str:
    """A whole number from 1 on, below the first modulus, from the states."""
    difference = f"({name}0 - {name}1)"
    return f"({difference} + int({difference} < 1)*{MODULI[0] - 1:.0f})"


def uniform(name: str) -> str:
    """A number in (0, 1) from the states."""
    return f"{whole(name)}/{M[0]}"


def normal(name: str) -> str:
    """A standard normal number from the states."""
    return f"sqrt(-2*log({name}0/{M[0]}))*cos(2*pi*({name}1/{M[1]}))"
