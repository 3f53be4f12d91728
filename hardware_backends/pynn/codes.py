"""Every issue code of the backend `nest`, what it means, and how much it matters. The one table of them."""

from __future__ import annotations

from ernsnn.execution.issues import Fidelity, Issue

CODES: dict[str, tuple[Fidelity, str]] = {
    # P1xx: worth knowing
    "P101": ("exact", "NEST takes several steps for one of the model"),
    # P2xx: not to be had
    "P201": ("unsupported", "adaptive thresholds"),
    "P202": ("unsupported", "neurons without synaptic currents"),
    "P203": ("unsupported", "intrinsic plasticity"),
    "P204": ("unsupported", "membrane noise"),
    "P205": ("unsupported", "a lowest voltage"),
    "P206": ("unsupported", "astrocytes, signals and gates"),
    "P207": ("unsupported", "phases without learning"),
    "P208": ("unsupported", "a learning rule that is not the pair rule"),
    "P209": ("unsupported", "bounds of a weight other than from 0 to a number"),
    "P210": ("unsupported", "several time constants of post traces at one population"),
    "P211": ("unsupported", "several plastic synapses of one pair of neurons"),
    "P212": ("unsupported", "synapses of either sign where the synaptic time constants differ"),
    "P213": ("unsupported", "a probe of anything but the voltage"),
    # P3xx: limits of size
    "P301": ("unsupported", "a time step that is no whole number of NEST's microseconds"),
    "P302": ("unsupported", "more memory than there is"),
}


def issue(code: str, path: str, message: str, remedy: str) -> Issue:
    """An issue of the table."""
    return Issue(backend="nest", code=code, path=path, fidelity=CODES[code][0], message=message, remedy=remedy)
