"""The command ``report``, and the page that every saved run gets."""

from __future__ import annotations

import shlex
import zipfile
from argparse import Namespace
from pathlib import Path

from ernsnn.analyse.result import Result, StoredResult
from ernsnn.cli.output import one_line, show
from ernsnn.errors import ErnsnnError, InvalidModel
from ernsnn.execution.models import Summary
from ernsnn.recording import RECORDING_FILE

MOST_BYTES = 500_000_000
"""A run that was recorded to disk, and takes more memory than this when it is read, gets a page only when asked for."""


_HEAD = 2000
"""So many bytes of a page have who wrote it."""


def report(arguments: Namespace) -> int:
    """Write the page of a saved run."""
    from ernsnn.report import write_report

    to = arguments.to
    if to is not None and to.is_file() and not _is_report(to):
        raise InvalidModel(f"{to}: exists, and is no report; name another file")
    written = write_report(arguments.folder, arguments.to, placement=arguments.placement)
    return show(arguments, {"folder": str(arguments.folder), "report": str(written)}, [f"report: {written}"])


def _is_report(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return b'content="ernsnn ' in opened.read(_HEAD)
    except OSError:
        return False


def page_of(result: Result, summary: Summary | None, out: Path) -> str:
    """Write the page of a run that has just been saved in ``out``; returns what to say of it.

    The run stands whatever becomes of its page.
    """
    from ernsnn.report import into_folder, page

    if isinstance(result, StoredResult):
        with zipfile.ZipFile(result.folder / RECORDING_FILE) as file:
            size = sum(entry.file_size for entry in file.infolist())
        if size > MOST_BYTES:
            return f"no report yet: it would take {size / 1e9:.1f} GB; `ernsnn report {shlex.quote(str(out))}` makes it"
    try:
        return f"report: {into_folder(out, page(result, summary))}"
    except ErnsnnError as error:
        return f"no report: {one_line(error)}"
