"""Output of commands: lines, or JSON."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from ernsnn.cli.exit_codes import DONE


def one_line(error: Exception) -> str:
    """The message of an error without line breaks."""
    return " ".join(str(error).split())


def show(arguments: Namespace, data: Mapping[str, Any], lines: Iterable[str]) -> int:
    """Print ``lines``, or ``data`` as JSON with ``--json``. Returns the exit code of success."""
    print(json.dumps(data, indent=1, default=str) if arguments.json else "\n".join(lines))
    return DONE
