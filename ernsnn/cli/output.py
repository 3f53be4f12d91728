"""What commands print: tables, or JSON."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ernsnn.cli.exit_codes import DONE


def table(rows: Sequence[Sequence[str]], numbers: Iterable[int] = ()) -> list[str]:
    """Lines of a table, columns padded to one width; those in ``numbers`` to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    right = set(numbers)
    return [
        "  ".join(
            c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def one_line(error: Exception) -> str:
    """An error's message without line breaks."""
    return " ".join(str(error).split())


def show(arguments: Namespace, data: Mapping[str, Any], lines: Iterable[str]) -> int:
    """Print what a command found, as JSON if asked; returns the exit code of success."""
    print(json.dumps(data, indent=1, default=str) if arguments.json else "\n".join(lines))
    return DONE
