"""Markup that is safe by construction: whatever is not markup already is escaped where it enters."""

from __future__ import annotations

import html


class Html(str):
    """Text that is markup, which neither ``tag`` nor a template escapes again."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def tag(name: str, *content: object, **attributes: object) -> Html:
    """An element of HTML or SVG. Attributes of None are left out; ``_`` in a name is ``-``, one at its end is none."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>{join(*content)}</{name}>")


def join(*parts: object) -> Html:
    """Concatenate markup; None is left out."""
    return Html("".join(p if isinstance(p, Html) else html.escape(str(p)) for p in parts if p is not None))
