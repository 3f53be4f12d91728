"""The SpiNNaker board in sPyNNaker's configuration. Compiled programs carry a copy of this file.

The configuration is read before sPyNNaker is imported, which without any writes one into the user's home, and fails.
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
    """The reason in one sentence why no run is possible; None if a board is configured."""
    if importlib.util.find_spec("spynnaker") is None:
        return "sPyNNaker is not installed: pip install 'ernsnn[spinnaker]'"
    if configured() is None:
        return f"networks are mapped and not executed: no SpiNNaker board is configured ({_WHERE})"
    return None


def configured() -> str | None:
    """The configured board or server, and the file that names it; None without one, or for virtual boards.

    A user and password in a server's address are removed, since the text is printed and saved with results.
    """
    for path in _files():
        machine = _machine(path)
        if machine.get("virtualboard", "false").lower() not in ("true", "1", "yes", "on"):
            for name in _NAMES:
                if machine.get(name, "none").lower() not in ("", "none"):
                    return f"{re.sub('//[^/]*@', '//', machine[name])} ({path})"
    return None


def _files() -> Iterator[Path]:
    """The files of sPyNNaker's configuration."""
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
