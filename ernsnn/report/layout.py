"""Layout of sections as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ernsnn.backend.meta import ernsnn_version
from ernsnn.report.markup import Html, join, tag

if TYPE_CHECKING:
    import jinja2


MOST_ROWS = 2000


@dataclass(frozen=True)
class Section:
    """A heading with markup under it; ``name`` is its anchor."""

    name: str
    title: str
    parts: Sequence[Html]


@dataclass(frozen=True)
class Page:
    """The contents of a page. ``tiles`` are (name, figure, detail)."""

    kind: str
    title: str
    lead: str
    sections: Sequence[Section]
    tiles: Sequence[tuple[str, str, str]] = ()
    warnings: Sequence[str] = ()


def render(page: Page) -> str:
    """The file's text. All text that is not ``Html`` is escaped."""
    style = files("ernsnn.report").joinpath("templates", "style.css").read_text(encoding="utf-8")
    return _template().render(page=page, style=Html(style), version=ernsnn_version())


@cache
def _template() -> jinja2.Template:
    import jinja2  # takes longer to import than most of ernsnn, and is needed here only

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = files("ernsnn.report").joinpath("templates", "page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text)


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[int] = (), caption: str = ""
) -> Html:
    """A table that scrolls by itself where it is too wide; columns ``numbers`` stand to the right.

    Of very many rows the first are shown, and a line says so.
    """
    right, listed = set(numbers), list(rows)
    if len(listed) > MOST_ROWS:
        caption = f"{caption}: the first {MOST_ROWS:,} of {len(listed):,} rows".removeprefix(": ")

    def cell(name: str, k: int, content: object) -> Html:
        long = name == "td" and isinstance(content, str) and len(content) > 40
        return tag(name, content, class_="r" if k in right else "text" if long else None)

    body = (
        tag("tr", *(c if _is_cell(c) else cell("td", k, c) for k, c in enumerate(row))) for row in listed[:MOST_ROWS]
    )
    head = tag("tr", *(tag("th", h, class_="r" if k in right else None, scope="col") for k, h in enumerate(heads)))
    caption_tag = tag("caption", caption) if caption else None
    whole = tag("table", caption_tag, tag("thead", head), tag("tbody", *body))
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=caption or ", ".join(heads))


def verdict(text: str, good: bool | None) -> Html:
    """A table cell for right, wrong or unknown (None)."""
    return tag("td", text, class_=None if good is None else "good" if good else "bad")


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """A list of names and values."""
    return tag("dl", *(join(tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")


def charts(*pictures: object) -> Html:
    """Pictures, as many beside each other as there is room for."""
    return tag("div", *pictures, class_="charts")


def _is_cell(content: object) -> bool:
    return isinstance(content, Html) and content.startswith("<td")
