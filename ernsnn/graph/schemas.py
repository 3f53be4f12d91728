"""Graphs that earlier versions saved, in today's form."""

from __future__ import annotations

from typing import Any

from ernsnn.loading import Unfit

OLDEST = 1


def from_schema_1(stored: dict[str, Any]) -> dict[str, Any]:
    """The JSON of a graph of schema 1, whose neurons were LIF with flags, as schema 2 has it.

    Its projections had no short-term plasticity.
    """
    if stored.keys() & {"poisson_inputs", "resets"}:
        raise Unfit("Graph has other fields than schema 1 had")
    return {
        **stored,
        "schema": 2,
        "populations": [_population(p) for p in stored["populations"]],
        "projections": [_projection(p) for p in stored["projections"]],
    }


def _projection(p: dict[str, Any]) -> dict[str, Any]:
    if "short_term" in p:
        raise Unfit("Projection has other fields than schema 1 had")
    return {**p, "short_term": None}


def _population(p: dict[str, Any]) -> dict[str, Any]:
    if p["is"] != "Neurons":
        return p
    if p.keys() != {"is", "name", "size", "adaptive", "delta", "parameters", "noise", "intrinsic"}:
        raise Unfit("Neurons has other fields than schema 1 had")
    conducts = any(name == "e_rev_E_mV" for name, _ in p["parameters"]["dict"])
    kind = "DeltaLIF" if p["delta"] else "AdaptiveLIF" if p["adaptive"] else "LIF"
    return {
        **{key: p[key] for key in ("is", "name", "size", "parameters", "intrinsic")},
        "kind": {"library": "ConductanceLIF" if conducts else kind, "version": 1},
        "draws": {"dict": [] if p["noise"] is None else [["normal", p["noise"]]]},
    }
