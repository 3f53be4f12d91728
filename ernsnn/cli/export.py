"""The command ``export``: a saved run as a file of another format."""

from __future__ import annotations

from argparse import Namespace

from ernsnn.cli.output import show
from ernsnn.result import Result


def export(arguments: Namespace) -> int:
    """Write a saved run to the file ``--to``, in the format of its ending."""
    result = Result.load(arguments.folder)
    files = result.export(arguments.to, force=arguments.force)
    spikes = sum(result.spike_counts.values())
    signals, learned = list(result.recording.signals), [*result.recording.synapses, *result.recording.neurons]
    data = {
        "folder": str(arguments.folder),
        "file": str(arguments.to),
        "files": [str(file) for file in files],
        "spikes": spikes,
        "signals": signals,
        "learned": learned,
    }
    beside = f" and {len(files) - 1} tables beside it" if len(files) > 1 else ""
    held = f", {len(signals)} probe{'s' * (len(signals) != 1)}" if signals else ""
    held += f", what {', '.join(learned)} learned" if learned else ""
    return show(arguments, data, [f"{spikes} spikes{held}: {arguments.to}{beside}"])
