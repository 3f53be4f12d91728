"""Libraries that only some users need: imported when they are, with one sentence where they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from ernsnn.errors import NotInstalled


def needed(module: str, extra: str, purpose: str) -> Any:
    """The module of that name. Raises NotInstalled, saying what for and how to get it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise NotInstalled(f"{purpose} needs {missing}: pip install 'ernsnn[{extra}]'") from None
