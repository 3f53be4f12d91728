"""Import of optional libraries, with one sentence where one is missing."""

from __future__ import annotations

import importlib
from typing import Any

from ernsnn.errors import NotInstalled


def needed(module: str, extra: str, purpose: str) -> Any:
    """Import a module. Raises NotInstalled, saying what needs it and how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise NotInstalled(f"{purpose} needs {missing}: pip install 'ernsnn[{extra}]'") from None
