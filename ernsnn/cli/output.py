"""What commands print: lines, or JSON."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from ernsnn.cli.exit_codes import DONE


def one_line(error: Exception) -> str:
    """An error's message without line breaks."""
    return " ".join(str(error).split())


def show(arguments: Namespace, data: Mapping[str, Any], lines: Iterable[str]) -> int:
    """Print what a command found, as JSON if asked; returns the exit code of success."""
    print(json.dumps(data, indent=1, default=str) if arguments.json else "\n".join(lines))
    return DONE
