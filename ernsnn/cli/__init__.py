"""The command line: arguments in, exit code out; what is done stands in ``commands``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ernsnn.cli.arguments import parser
from ernsnn.errors import ErnsnnError

DONE, OTHER, USAGE, UNSUPPORTED, MISMATCH, NOT_AVAILABLE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code; errors are told on stderr as ``ernsnn: message``."""
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:  # --help, --version, or a usage error that argparse has told
        return stop.code if isinstance(stop.code, int) else USAGE
    try:
        from ernsnn.cli import commands

        code: int = getattr(commands, arguments.command)(arguments)
        sys.stdout.flush()
        return code
    except ErnsnnError as error:
        print(f"ernsnn: {error}", file=sys.stderr)
        return error.exit_code
    except MemoryError as error:
        print(f"ernsnn: there is too little memory for this: {error or 'take a smaller network'}", file=sys.stderr)
        return OTHER
    except KeyboardInterrupt as interrupt:
        print(f"ernsnn: {interrupt if str(interrupt) else 'interrupted; nothing was written'}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has left; nobody is there for what Python would still flush on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OTHER
