"""Ctrl-C while the command line is being loaded: one line and exit code 130, and no traceback of half an import.

``ernsnn/__init__.py`` imports this module before all others, and ``cli.main`` calls ``loaded`` when it can handle
KeyboardInterrupt by itself. Nothing is changed in a program that imports ernsnn.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

INTERRUPTED = 130
NOTHING_WRITTEN = "interrupted; nothing was written"


def loaded() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _stop(number: int, frame: FrameType | None) -> None:
    """End the process at once: some imports turn a KeyboardInterrupt into errors of their own."""
    with suppress(OSError):
        os.write(2, f"ernsnn: {NOTHING_WRITTEN}\n".encode())
    os._exit(INTERRUPTED)


def _is_command() -> bool:
    """Whether this process is ``ernsnn ...`` or ``python -m ernsnn ...``."""
    if sys.argv[:1] == ["-m"]:  # Python imports the package before it knows where its __main__ is
        return sys.orig_argv[sys.orig_argv.index("-m") + 1 :][:1] == ["ernsnn"]
    return bool(sys.argv) and os.path.basename(sys.argv[0]) == "ernsnn"


if (
    _is_command()
    and threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    signal.signal(signal.SIGINT, _stop)
