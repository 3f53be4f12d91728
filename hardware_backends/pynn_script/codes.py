"""Every issue code of the backends `nest` and `spinnaker`, what it means, and how much it matters.

The one table of them. Codes with P are NEST's, those with S SpiNNaker's; what PyNN lacks has one number in both.
"""

from __future__ import annotations

from ernsnn.backend.issues import Fidelity, Issue

Codes = dict[str, tuple[Fidelity, str]]

_LACKING = {
    "203": "intrinsic plasticity",
    "204": "membrane noise",
    "205": "a lowest voltage",
    "206": "astrocytes, signals and gates",
    "207": "phases without learning",
    "208": "a learning rule that is not the pair rule, such as one with marks",
    "209": "bounds of a weight other than from 0 to a number",
    "211": "several plastic synapses of one pair of neurons",
    "212": "synapses of either sign where the synaptic time constants differ",
}


def _with_lacking(prefix: str, own: Codes) -> Codes:
    lacking: Codes = {prefix + number: ("unsupported", meaning) for number, meaning in _LACKING.items()}
    return dict(sorted((lacking | own).items()))


CODES: dict[str, Codes] = {
    "nest": _with_lacking(
        "P",
        {
            # P1xx: worth knowing
            "P101": ("exact", "NEST takes several steps for one of the model"),
            "P102": ("approximate", "NEST integrates conductances in steps of its own"),
            "P103": ("approximate", "NEST loses digits where a membrane hardly leaks in a step"),
            # P2xx: not to be had
            "P210": ("unsupported", "several time constants of post traces at one population"),
            "P213": ("unsupported", "a probe of anything but the voltage"),
            "P214": ("unsupported", "conductances where NEST takes several steps for one of the model"),
            # P3xx: limits of size
            "P301": ("unsupported", "a time step that is no whole number of NEST's microseconds"),
            "P302": ("unsupported", "more memory than there is"),
            "P303": ("unsupported", "a number that NEST cannot hold or compute with"),
        },
    ),
    "spinnaker": _with_lacking(
        "S",
        {
            # S1xx: rounded, done a little differently, or worth knowing
            "S101": ("exact", "a step takes longer on the chip than it stands for"),
            "S102": ("approximate", "a weight is a whole number of 16 bits, in one unit a receptor of a population"),
            "S103": ("approximate", "a parameter is a whole multiple of 2^-15"),
            "S104": ("approximate", "voltages and currents are whole multiples of 2^-15"),
            "S105": ("approximate", "currents are averaged over a step"),
            "S106": ("approximate", "learning in whole numbers: traces of 11 bits, weights of 16"),
            "S107": ("approximate", "final weights lack what happened after the last pre spike"),
            "S108": ("exact", "long delays take cores of their own"),
            "S109": ("exact", "the network has not been placed, since sPyNNaker is not installed"),
            "S110": ("approximate", "conductances act as whole multiples of 2^-15 uS"),
            # S2xx: not to be had
            "S210": ("unsupported", "several learning rules at one population"),
            "S213": ("unsupported", "probes"),
            "S214": ("unsupported", "potentiation that adds beside depression that depends on the weight"),
            # S3xx: limits of size
            "S301": ("unsupported", "a time step that is no whole number of microseconds"),
            "S302": ("unsupported", "more memory than there is"),
            "S303": ("unsupported", "a delay that is too long"),
            "S304": ("unsupported", "a number that is too large for 16 bits before its point"),
        },
    ),
}
_BACKENDS = {"P": "nest", "S": "spinnaker"}


def issue(code: str, path: str, message: str, remedy: str, error: float | None = None) -> Issue:
    """An issue of the table."""
    backend = _BACKENDS[code[0]]
    fidelity, _ = CODES[backend][code]
    return Issue(backend=backend, code=code, path=path, fidelity=fidelity, message=message, remedy=remedy, error=error)
