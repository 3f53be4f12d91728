"""Runs a page of Markdown as a reader would: its code in order, its commands, and compares what they print.

A ``python`` block is executed; all blocks of a page share their names. One that begins with a comment that is a file
name (``# mymodel.py``) is saved under that name, too. Of a ``sh`` block every line is a command of ``ernsnn``. A
``text`` block is what the block before it prints, ``...`` standing for anything. Other blocks are left alone.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ernsnn.cli import main

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\w+\.py)\n")
_SAME = doctest.OutputChecker()
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the line that it begins in."""

    language: str
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    for block in _BLOCK.finditer(page):
        yield Block(block[1], block[2], page.count("\n", 0, block.start()) + 1)


def run_page(page: Path) -> int:
    """Run every block of ``page`` in the current folder; returns how many were compared with what they print."""
    names: dict[str, object] = {"__name__": "__main__"}
    printed, compared = "", 0
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.name}, line {block.line}"
        if block.language == "python":
            if file := _FILE.match(block.text):
                Path(file[1]).write_text(block.text, encoding="utf-8")
            printed = _printed(compile("\n" * block.line + block.text, str(page), "exec"), names)
        elif block.language == "sh":
            printed = "".join(_command(line, where) for line in block.text.splitlines())
        elif block.language == "text":
            assert _SAME.check_output(block.text, printed, _FLAGS), f"{where}: printed was\n{printed}"
            compared += 1
    return compared


def _printed(code: object, names: dict[str, object]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, names)
    return out.getvalue()


def _command(line: str, where: str) -> str:
    program, *arguments = shlex.split(line)
    assert program == "ernsnn", f"{where}: {line!r} is no command of ernsnn"
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as told:
        code = main(arguments)
    assert code == 0, f"{where}: {line!r} gave {code}: {told.getvalue()}"
    return out.getvalue()
