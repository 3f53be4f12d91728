"""Codes of what is lost between networks and NIR graphs; a ModelWarning lists what applies."""

from __future__ import annotations

from ernsnn.issues import Codes

CODES: Codes = {
    "I101": ("approximate", "a part of a network that NIR has no nodes for: it stands in the graph's metadata alone"),
    "I102": ("approximate", "neurons that NIR has no node for: the nearest one stands for them"),
    "I103": ("approximate", "delays that the paths of a NIR graph cannot have"),
    "I104": ("approximate", "a NIR graph of ernsnn whose nodes are not those that were written: they are read alone"),
    "I105": ("approximate", "a way back in a NIR graph that takes more steps here than in other tools"),
}
