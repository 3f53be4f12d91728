"""Which SpiNNaker board sPyNNaker's configuration names. Compiled programs carry a copy.

Read before sPyNNaker is asked: without any configuration it writes one into the user's home, and fails.
"""

from __future__ import annotations

import configparser
import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

_NAMES = ("machinename", "spallocserver", "remotespinnakerurl")
_WHERE = "machine_name or spalloc_server in the section [Machine] of ~/.spynnaker.cfg"


def missing() -> str | None:
    """Why nothing can be executed, in one sentence; None if a board is named."""
    if importlib.util.find_spec("spynnaker") is None:
        return "sPyNNaker is not installed: pip install 'ernsnn[spinnaker]'"
    if configured() is None:
        return f"networks are mapped and not executed: no SpiNNaker board is configured ({_WHERE})"
    return None


def configured() -> str | None:
    """The board or server that is named, and where; None if there is none, or if boards are to be virtual.

    Without the user and password that a server's address may hold: it is printed and kept with results.
    """
    for path in _files():
        machine = _machine(path)
        if machine.get("virtualboard", "false").lower() not in ("true", "1", "yes", "on"):
            for name in _NAMES:
                if machine.get(name, "none").lower() not in ("", "none"):
                    return f"{re.sub('//[^/]*@', '//', machine[name])} ({path})"
    return None


def _files() -> Iterator[Path]:
    """Where sPyNNaker looks."""
    appdirs = importlib.import_module("appdirs")
    for folder in (appdirs.site_config_dir(), appdirs.user_config_dir(), Path.home()):
        path = Path(folder) / ".spynnaker.cfg"
        if path.is_file():
            yield path


def _machine(path: Path) -> dict[str, str]:
    """The section [Machine] of a file; sPyNNaker ignores case and underscores in names."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}
    if not parser.has_section("Machine"):
        return {}
    return {name.replace("_", "").lower(): value.strip() for name, value in parser.items("Machine")}
