"""Codes of the issues that every backend can report; each backend has such a table of its own codes."""

from __future__ import annotations

from ernsnn.issues import Codes, Fidelity, Issue, Issues, Limit

__all__ = ["CODES", "Codes", "Fidelity", "Issue", "Issues", "Limit"]

CODES: Codes = {
    "G201": ("unsupported", "a kind of neurons that the backend does not have"),
    "G202": ("approximate", "Poisson sources draw at most one spike a step, at rates where that changes their counts"),
    "G203": ("unsupported", "Poisson input that the backend does not have"),
    "G204": ("unsupported", "a kind of third factor that the backend does not have"),
    "G210": ("unsupported", "trials that reset the network, on a backend that cannot"),
    "G212": ("unsupported", "Poisson sources of more than one spike in a step, where at most one can be sent"),
    "G301": ("exact", "potentials that look like volts"),
    "G302": ("exact", "a time constant below the time step"),
    "G303": ("exact", "a long time step"),
    "G304": ("exact", "a threshold above 0 mV"),
    "G305": ("exact", "neurons that nothing drives"),
    "G306": ("exact", "a learning rule that no spike of a pre neuron reaches"),
}
"""A run warns of G301 and the following (``Issue.doubtful``)."""
