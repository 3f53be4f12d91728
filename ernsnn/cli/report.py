"""The command ``report``, and the page that every saved run gets."""

from __future__ import annotations

import shlex
import zipfile
from argparse import Namespace
from pathlib import Path

from ernsnn.analyse.summary import Summary, summary_files
from ernsnn.cli.output import one_line, show
from ernsnn.errors import ErnsnnError, InvalidModel
from ernsnn.files import MANIFEST, add_file
from ernsnn.recording.recording import RECORDING_FILE
from ernsnn.result import Result
from ernsnn.studies.models import Session, session_of

MOST_BYTES = 500_000_000
"""The bytes of a recording above which a run to disk gets a page by the command ``report`` only."""


def report(arguments: Namespace) -> int:
    """Write the page of a saved run."""
    from ernsnn.report import write_report

    if arguments.model is not None:
        _summarise_again(arguments)
    elif arguments.input is not None:
        raise InvalidModel("report: --input needs --model, which reads it")
    written = write_report(arguments.folder, arguments.to, placement=arguments.placement)
    return show(arguments, {"folder": str(arguments.folder), "report": str(written)}, [f"report: {written}"])


def _summarise_again(arguments: Namespace) -> None:
    """Let the model that the user names summarise a saved run, and save the summary in its folder."""
    result = Result.load(arguments.folder)
    session = session_of(result.graph, result.meta.get("notes", {}), arguments.model, arguments.input)
    if summarised(session, result, arguments.folder) is None:
        why = "the run goes on from another" if result.start_ms else "the model has no `summarise`"
        raise InvalidModel(f"{arguments.model}: has nothing to say of {arguments.folder}: {why}")


def summarised(session: Session | None, result: Result, out: Path | None) -> Summary | None:
    """The model's summary of a run, saved with it; None for a run that goes on from another, which is only a part."""
    summary = session.summarise(result) if session and session.summarise and not result.start_ms else None
    if out is not None and summary:
        for name, content in summary_files(summary, result.meta).items():
            add_file(out, name, content, known=not (out / MANIFEST).exists())
    return summary


def page_of(result: Result, summary: Summary | None, out: Path) -> str:
    """Write the page of a run that has just been saved in ``out``. Returns a line on it.

    An error in the page is reported and leaves the run as it is.
    """
    from ernsnn.report import into_folder, page

    if result.folder is not None:
        with zipfile.ZipFile(result.folder / RECORDING_FILE) as file:
            size = sum(entry.file_size for entry in file.infolist())
        if size > MOST_BYTES:
            return f"no report yet: it would take {size / 1e9:.1f} GB; `ernsnn report {shlex.quote(str(out))}` makes it"
    try:
        return f"report: {into_folder(out, page(result, summary))}"
    except ErnsnnError as error:
        return f"no report: {one_line(error)}"
