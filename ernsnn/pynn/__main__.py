"""``python -m ernsnn.pynn script.py``: run a script for another simulator of PyNN as it is."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from ernsnn.errors import ErnsnnError

from . import setup
from .simulator import CONVENTIONS
from .standing_in import stand_in


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a script in which ernsnn stands in for the simulator that it imports. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ernsnn.pynn",
        description="Run a PyNN script as it is: every simulator of PyNN that it imports, by whichever way, is ernsnn.",
        epilog="Options for ernsnn stand before the script; what stands after it is the script's own.",
    )
    parser.add_argument("--backend", help="where it runs, where the script's setup does not say (default: native)")
    parser.add_argument(
        "--convention", choices=CONVENTIONS, help="what its numbers mean (default: that of the simulator it imports)"
    )
    parser.add_argument("--seed", type=int, help="the seed of all that is drawn without one of its own")
    parser.add_argument("script", type=Path)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    if not given.script.is_file():
        parser.error(f"no script {given.script}")
    settings = {name: getattr(given, name) for name in ("backend", "convention", "seed")}
    settings = {name: value for name, value in settings.items() if value is not None}
    try:
        setup(**settings)  # for scripts without one
    except ErnsnnError as error:
        parser.error(str(error))
    sys.argv[:] = [str(given.script), *given.arguments]
    sys.path[0] = str(given.script.resolve().parent)
    with stand_in(settings):
        runpy.run_path(str(given.script), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
