"""The command line: parses arguments, calls ``commands``, returns an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from ernsnn.cli.arguments import parser
from ernsnn.cli.exit_codes import OTHER, USAGE
from ernsnn.errors import ErnsnnError
from ernsnn.files import reason
from ernsnn.starting import INTERRUPTED, NOTHING_WRITTEN, loaded

NAMES = {"import": "import_file"}
"""Command -> function of ``commands``, where that cannot have its name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code; errors are printed to stderr as ``ernsnn: message``."""
    _prepare_streams()
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except ErnsnnError as error:
        return _report(str(error), error.exit_code)
    except MemoryError as error:
        return _report(f"there is too little memory for this: {error or 'take a smaller network'}", OTHER)
    except KeyboardInterrupt as interrupt:
        return _report(str(interrupt) or NOTHING_WRITTEN, INTERRUPTED)
    except OSError as error:
        _drop(sys.stdout)  # what could not be written would be tried again when Python ends
        if isinstance(error, BrokenPipeError):  # the reader (`| head`) has left
            return OTHER
        return _report(f"{error.filename}: {reason(error)}" if error.filename else reason(error), OTHER)


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:  # --help, --version, or a usage error that argparse has printed
        return stop.code if isinstance(stop.code, int) else USAGE
    from ernsnn.cli import commands

    loaded()
    code: int = getattr(commands, NAMES.get(arguments.command, arguments.command))(arguments)
    return code


def _prepare_streams() -> None:
    """Make all text printable, in any encoding, and where a stream is closed (`>&-`)."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for as long as this process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _report(message: str, code: int) -> int:
    """Print why a command ends with ``code``, which is returned."""
    try:
        print(f"ernsnn: {message}", file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)
    return code


def _drop(stream: TextIO) -> None:
    """Discard what is still to be written to a stream."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
