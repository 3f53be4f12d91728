"""Every issue code of PyNN scripts, what it means, and how much it matters. The one table of them."""

from __future__ import annotations

from ernsnn.backend.issues import Fidelity

CODES: dict[str, tuple[Fidelity, str]] = {
    # Y1xx: changes by the time grid
    "Y101": ("approximate", "spike times are moved to the end of their step"),
    "Y102": ("approximate", "a spike at the time at which it is given is sent in the next step"),
    "Y103": ("approximate", "several spikes of a neuron in one step are one"),
    "Y104": ("approximate", "delays are rounded to steps"),
    "Y105": ("approximate", "spikes given for times that are past are not sent"),
    # Y2xx: types that ernsnn does not have
    "Y201": ("unsupported", "a type of cells that ernsnn has not"),
    "Y202": ("unsupported", "a type of synapses that ernsnn has not"),
    "Y203": (
        "unsupported",
        "a state variable other than v that does not start where it does by itself (synaptic ones at 0), in a program",
    ),
    "Y204": ("approximate", "a live connection acts between steps, in which time stands still"),
}
