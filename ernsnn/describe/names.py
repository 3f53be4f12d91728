"""Rules for names of networks and their parts, after which files and variables of programs are named."""

from __future__ import annotations

import re

from ernsnn.errors import InvalidModel, quoted

LONGEST = 200
"""The largest number of bytes of a name as UTF-8. A file's name may have 255, and some consist of a part's name and
more."""
_PART = re.compile(r"[A-Za-z_][\w.\-]*")


def _too_long(name: str) -> bool:
    return len(name.encode("utf-8", "surrogatepass")) > LONGEST


def network_name(name: object) -> str:
    """``name``, of a network: printable text on one line. Raises InvalidModel on anything else."""
    if not isinstance(name, str):
        raise InvalidModel(f"Network.name: must be text, got {quoted(name)}")
    if not name or not name.isprintable():
        raise InvalidModel(f"Network.name: must be printable text on one line, got {quoted(name)}")
    if _too_long(name):
        raise InvalidModel(f"Network.name: must have no more than {LONGEST} bytes, got {quoted(name)}")
    return name


def part_name(name: object) -> str:
    """``name``, of a population, projection or third factor. Raises InvalidModel on what cannot be one."""
    if not isinstance(name, str) or not _PART.fullmatch(name):
        raise InvalidModel(
            f"{quoted(name)}: a name starts with a letter and has letters, digits, '_', '-' and '.' only"
        )
    if _too_long(name):
        raise InvalidModel(f"{quoted(name)}: a name has no more than {LONGEST} bytes")
    return name


def is_symbol(name: object) -> bool:
    """Whether ``name`` can be that of a trace, a mark or a third factor in a learning rule."""
    return isinstance(name, str) and name.isidentifier() and not _too_long(name)


def variable_of(owner: str, variable: str) -> str:
    """``owner.variable``: the name of a variable of a population, projection or third factor."""
    return f"{owner}.{variable}"


def owner_and_variable(name: str) -> tuple[str, str]:
    """The inverse of ``variable_of``: names of owners may have dots, those of variables have none."""
    owner, _, variable = name.rpartition(".")
    return owner, variable
