"""The templates of compiled scripts."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jinja2


def script_template(package: str | None, **filters: Callable[..., Any]) -> jinja2.Template:
    """``program.py.j2`` of a backend's package; a name that it does not know is an error."""
    assert package is not None
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    environment.filters.update(filters)
    return environment.from_string(files(package).joinpath("program.py.j2").read_text(encoding="utf-8"))
