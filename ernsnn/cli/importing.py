"""The command ``import``: a NIR file as a Python file of our own names."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from ernsnn.cli.output import show
from ernsnn.errors import InvalidModel, unknown
from ernsnn.files import absolute, write_file
from ernsnn.interchange.script import MARK, script
from ernsnn.studies.models import NIR_SUFFIX, get_model


def import_file(arguments: Namespace) -> int:
    """Write a NIR file as ``--out``, a Python file with ``build``, and its arrays as an .npz beside it."""
    out, model = arguments.out, get_model(arguments.model)
    if Path(arguments.model).suffix != NIR_SUFFIX:
        raise InvalidModel(f"{arguments.model}: is no file that ends in {NIR_SUFFIX}")
    if out.suffix != ".py":
        raise InvalidModel(f"{out}: must end in .py")
    arrays_file = out.with_suffix(".npz")
    settings = dict(arguments.settings)
    for name in settings:
        if name not in model.parameters:
            raise InvalidModel(unknown("import: no argument", name, model.parameters))
    if not arguments.force:
        _check_ours(out, arrays_file)
    network = model.open(**settings).network
    text, arrays = script(network, arrays_file.name, f"The network {network.name}, from {Path(arguments.model).name}.")
    write_file(arrays_file, arrays)
    write_file(out, text)
    populations = {p.name: p.size for p in network.populations.values()}
    data = {"model": arguments.model, "out": str(out), "arrays": str(arrays_file), "populations": populations}
    sizes = ", ".join(f"{name} ({size})" for name, size in populations.items())
    lines = [f"{network.name}: {sizes}", f"written: {out}, {arrays_file}"]
    return show(arguments, data, [*lines, f"next: ernsnn run {shlex.quote(str(out))} --duration-ms 100"])


def _check_ours(out: Path, arrays_file: Path) -> None:
    """Raise InvalidModel where a file is there that no import wrote."""
    ours = absolute(out).is_file() and MARK in out.read_text(encoding="utf-8", errors="replace")[:2000]
    for file in (out, arrays_file):
        if absolute(file).exists() and not ours:
            raise InvalidModel(f"{file}: exists, and was not written by an import; name another file, or use --force")
