"""The command that repeats a run: the inverse of ``arguments``."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from ernsnn.files import absolute, real
from ernsnn.studies.settings import write_setting


def run_command(arguments: Namespace) -> str:
    """The command line of ``ernsnn run`` with these arguments, without ``--json``."""
    option_like = arguments.model.startswith("-")
    model = ["--", arguments.model] if option_like else [arguments.model]
    words = [word for flag, value in _options(arguments) for word in _words(flag, value)]
    return shlex.join(["ernsnn", "run", *words, *model] if option_like else ["ernsnn", "run", *model, *words])


def recorded_command(arguments: Namespace) -> str:
    """``run_command`` with absolute paths, and a remark where the run replaced the one that it goes on from.

    ``arguments.model`` is a registered name, or an absolute path.
    """
    given = vars(arguments)
    paths = {name: None if given[name] is None else placed(given[name]) for name, placed in _PATHS.items()}
    command = run_command(Namespace(**{**given, **paths}))
    if paths["start"] is not None and paths["start"] == paths["out"]:
        command += "  # goes on from what stood in that folder before this run took its place"
    return command


_PATHS: dict[str, Callable[[Path], Path]] = {"input": absolute, "start": real, "out": real}
"""Option -> function that makes its path absolute; links to runs are resolved."""


def _options(arguments: Namespace) -> Iterator[tuple[str, str | None]]:
    """(flag, value) of every argument that is not the default; None for flags without a value."""
    if arguments.backend is not None:
        yield "--backend", arguments.backend
    if arguments.input is not None:
        yield "--input", str(arguments.input)
    if arguments.demo:
        yield "--demo", None
    for key, value in arguments.settings:
        yield "--set", write_setting(key, value)
    if arguments.seed is not None:
        yield "--seed", str(arguments.seed)
    if arguments.duration_ms is not None:
        yield "--duration-ms", repr(arguments.duration_ms)
    if arguments.start is not None:
        yield "--start", str(arguments.start)
    if arguments.weights_at:
        yield "--weights-at", ",".join(map(repr, arguments.weights_at))
    if arguments.checkpoint_every is not None:
        yield "--checkpoint-every", repr(arguments.checkpoint_every)
    if arguments.out is not None:
        yield "--out", str(arguments.out)


def _words(flag: str, value: str | None) -> list[str]:
    if value is None:
        return [flag]
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]
