"""Every issue code of the backend `nest`, what it means, and how much it matters."""

from __future__ import annotations

from ernsnn.backend.issues import Codes

from ..pynn_script.codes import with_lacking

CODES: Codes = with_lacking(
    "P",
    {
        # P1xx: worth knowing
        "P101": ("exact", "NEST takes several steps for one of the model"),
        "P102": ("approximate", "NEST integrates conductances in steps of its own"),
        "P103": ("approximate", "NEST loses digits where a membrane hardly leaks in a step"),
        "P104": ("approximate", "NEST draws the counts of Poisson input by its own generator"),
        # P2xx: not to be had
        "P210": ("unsupported", "several time constants of post traces at one population"),
        "P213": ("unsupported", "a probe of anything but the voltage"),
        "P214": ("unsupported", "conductances where NEST takes several steps for one of the model"),
        "P216": ("unsupported", "Poisson input where NEST takes several steps for one of the model"),
        # P3xx: limits of size
        "P301": ("unsupported", "a time step that is no whole number of NEST's microseconds"),
        "P302": ("unsupported", "more memory than there is"),
        "P303": ("unsupported", "a number that NEST cannot hold or compute with"),
    },
)
