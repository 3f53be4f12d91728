"""The command ``bench``: ernsnn beside other simulators on the same networks."""

from __future__ import annotations

import inspect
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from ernsnn.benchmarks.races import RACES, Race
from ernsnn.benchmarks.side_by_side import available, hold, require
from ernsnn.benchmarks.solos import SOLOS
from ernsnn.cli.output import show
from ernsnn.errors import InvalidModel, unknown
from ernsnn.running.simulate import progress_bar
from ernsnn.text import table

REPEATS = 5


def bench(arguments: Namespace) -> int:
    """Run a benchmark, or list them."""
    if arguments.case is None:
        return _list(arguments)
    if arguments.case in RACES:
        return _race(arguments, RACES[arguments.case])
    if arguments.case not in SOLOS:
        raise InvalidModel(unknown("bench: no case", arguments.case, {**RACES, **SOLOS}))
    for name in ("neurons", "duration_ms", "backends", "threads"):
        if getattr(arguments, name) is not None:
            raise InvalidModel(f"bench: {arguments.case} takes no --{name.replace('_', '-')}")
    return _solo(arguments)


def _list(arguments: Namespace) -> int:
    cases = [{"case": race.name, "description": race.description} for race in RACES.values()]
    cases += [{"case": name, "description": _described(solo)} for name, solo in SOLOS.items()]
    return show(arguments, {"cases": cases}, table([(case["case"], case["description"]) for case in cases]))


def _solo(arguments: Namespace) -> int:
    repeats, solo = arguments.repeats or REPEATS, SOLOS[arguments.case]
    rows = solo(repeats)
    heads = list(dict.fromkeys(key for row in rows for key in row))
    lines = table([heads, *([str(row.get(head, "")) for head in heads] for row in rows)])
    head = f"{arguments.case}: {_described(solo)} Medians of {repeats}."
    return show(arguments, {"case": arguments.case, "repeats": repeats, "rows": rows}, [head, "", *lines])


def _described(solo: Callable[[int], object]) -> str:
    """What a case says of itself, in one line."""
    return " ".join((inspect.getdoc(solo) or "").split())


def _race(arguments: Namespace, race: Race) -> int:
    if arguments.backends is None:
        contenders = available(race.contenders)
    else:
        contenders = arguments.backends
        require(contenders)
    neurons, duration_ms = arguments.neurons or race.neurons, arguments.duration_ms or race.duration_ms
    repeats, threads = arguments.repeats or REPEATS, arguments.threads or 1
    with progress_bar(f"bench {race.name}") as progress:
        data = hold(race, neurons, duration_ms, contenders, repeats, threads, progress)
    return show(arguments, data, _lines(data))


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
