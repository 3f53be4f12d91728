"""The command ``bench``: ernsnn beside other simulators on the same networks."""

from __future__ import annotations

import inspect
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from ernsnn.benchmarks.cases import CASES, Case
from ernsnn.benchmarks.side_by_side import available, hold, require
from ernsnn.benchmarks.single import SINGLE
from ernsnn.cli.output import show
from ernsnn.errors import InvalidModel, unknown
from ernsnn.running.simulate import progress_bar
from ernsnn.text import table

REPEATS = 5


def bench(arguments: Namespace) -> int:
    """Run a benchmark, or list them."""
    if arguments.case is None:
        return _list(arguments)
    if arguments.case in CASES:
        return _case(arguments, CASES[arguments.case])
    if arguments.case not in SINGLE:
        raise InvalidModel(unknown("bench: no case", arguments.case, {**CASES, **SINGLE}))
    for name in ("neurons", "scale", "duration_ms", "backends", "threads"):
        if getattr(arguments, name) is not None:
            raise InvalidModel(f"bench: {arguments.case} takes no --{name.replace('_', '-')}")
    return _solo(arguments)


def _list(arguments: Namespace) -> int:
    cases = [{"case": case.name, "description": case.description} for case in CASES.values()]
    cases += [{"case": name, "description": _described(single)} for name, single in SINGLE.items()]
    return show(arguments, {"cases": cases}, table([(case["case"], case["description"]) for case in cases]))


def _solo(arguments: Namespace) -> int:
    repeats, single = arguments.repeats or REPEATS, SINGLE[arguments.case]
    rows = single(repeats)
    heads = list(dict.fromkeys(key for row in rows for key in row))
    lines = table([heads, *([str(row.get(head, "")) for head in heads] for row in rows)])
    head = f"{arguments.case}: {_described(single)} Medians of {repeats}."
    return show(arguments, {"case": arguments.case, "repeats": repeats, "rows": rows}, [head, "", *lines])


def _described(single: Callable[[int], object]) -> str:
    """The description of a case in one line."""
    return " ".join((inspect.getdoc(single) or "").split())


def _case(arguments: Namespace, case: Case) -> int:
    if arguments.backends is None:
        workers = available(case.workers)
    else:
        workers = arguments.backends
        require(workers)
    neurons, duration_ms = _neurons(arguments, case), arguments.duration_ms or case.duration_ms
    repeats, threads = arguments.repeats or REPEATS, arguments.threads or 1
    with progress_bar(f"bench {case.name}") as progress:
        data = hold(case, neurons, duration_ms, workers, repeats, threads, progress)
    return show(arguments, data, _lines(data))


def _neurons(arguments: Namespace, case: Case) -> int:
    """How many, as they are given by their number or as a part of a full network, or of the case itself."""
    if arguments.scale is None:
        return int(arguments.neurons or case.neurons)
    if case.full is None or arguments.neurons is not None:
        raise InvalidModel(f"bench: {case.name} takes no --scale" + (" beside --neurons" if case.full else ""))
    return max(1, round(float(arguments.scale * case.full)))


def _lines(data: dict[str, Any]) -> list[str]:
    heads = ("", "ratio", "run s", "build s", "command s", "Mevents/s", "bytes/synapse", "bandwidth", "spikes off")
    rows = [heads]
    for name, figures in data["backends"].items():
        off = max(figures["spikes_off"].values(), key=abs)
        rows.append(
            (
                name,
                f"{figures['ratio']:.2f}",
                f"{figures['run_s']:.3f}",
                f"{figures['build_s']:.2f}",
                f"{figures['command_s']:.2f}",
                f"{figures['events_per_s'] / 1e6:.0f}",
                f"{figures['bytes_per_synapse']:.1f}",
                f"{figures['share_of_bandwidth']:.1%}",
                f"{off:+.2%}",
            )
        )
    head = (
        f"{data['case']}: {data['description']}; {data['neurons']} neurons, {data['synapses']} synapses, "
        f"{data['duration_ms']:g} ms, {data['threads']} thread{'s' * (data['threads'] > 1)}, "
        f"medians of {data['repeats']} (bandwidth: of the "
        f"{data['bandwidth_bytes_per_s'] / 1e9:.0f} GB/s that one core reads and writes)"
    )
    return [head, "", *table(rows, numbers=range(1, len(heads)))]
