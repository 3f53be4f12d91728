"""Writes docs/issue-codes.md from the tables of codes that stand in the sources: `python docs/issue_codes.py`."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = {"ernsnn": ROOT / "ernsnn", "ernsnn.hardware_backends": ROOT / "hardware_backends"}
PAGE = ROOT / "docs" / "issue-codes.md"
CODE = re.compile(r"[A-Z]\d{3}")

HEAD = """\
# Issue codes

`ern.check(net, backend)` and `ernsnn check MODEL --backend NAME` list every limit that a network meets on a backend,
each with a code that stays the same. *unsupported* prevents a run, *approximate* changes results, *exact* is worth
knowing and changes none. `python docs/issue_codes.py` makes this page from the sources.
"""


def modules() -> Iterator[tuple[str, Path]]:
    """(dotted name, file) of every module that may hold codes."""
    for package, folder in SOURCES.items():
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(folder).with_suffix("")
            yield ".".join([package, *inside.parts]).removesuffix(".__init__"), path


def tables() -> dict[str, dict[str, tuple[str, str]]]:
    """Whose codes -> code -> (fidelity, meaning): of every module that assigns ``CODES``."""
    tables: dict[str, dict[str, tuple[str, str]]] = {}
    for name, path in modules():
        if not re.search(r"^CODES\b", path.read_text(encoding="utf-8"), re.MULTILINE):
            continue
        codes = importlib.import_module(name).CODES
        part = name.split(".")[2] if "hardware_backends" in name else name.rpartition(".")[0]
        whose = "every backend" if part == "ernsnn.backend" else part
        tables[whose] = codes
    return tables


def used() -> set[str]:
    """Every code that the sources name."""
    codes = set()
    for _, path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                codes.add(node.value)
    return codes


def page() -> str:
    """The text of the page."""
    parts = [HEAD]
    for whose, codes in sorted(tables().items()):
        rows = [f"| {code} | {fidelity} | {meaning} |" for code, (fidelity, meaning) in sorted(codes.items())]
        parts.append("\n".join([f"## {whose}\n", "| code | fidelity | meaning |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
