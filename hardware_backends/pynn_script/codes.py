"""Issue codes of features that PyNN lacks: the same number for every backend, after the backend's letter."""

from __future__ import annotations

from ernsnn.backend.issues import Codes

_LACKING = {
    "203": "intrinsic plasticity",
    "204": "membrane noise",
    "205": "a lowest voltage",
    "207": "phases without learning",
    "208": "a learning rule that is not the pair rule, such as one with marks",
    "209": "bounds of a weight other than from 0 to a number",
    "211": "several plastic synapses of one pair of neurons",
    "212": "synapses of either sign where the synaptic time constants differ",
    "215": "short-term plasticity",
}


def with_lacking(prefix: str, own: Codes) -> Codes:
    """The codes of a backend: its ``own``, and those of features that PyNN lacks."""
    lacking: Codes = {prefix + number: ("unsupported", meaning) for number, meaning in _LACKING.items()}
    return dict(sorted({**lacking, **own}.items()))
