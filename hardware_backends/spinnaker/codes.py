"""Every issue code of the backend `spinnaker`, what it means, and how much it matters."""

from __future__ import annotations

from ernsnn.backend.issues import Codes

from ..pynn_script.codes import with_lacking

CODES: Codes = with_lacking(
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
)
