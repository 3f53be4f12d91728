"""Reading of HDF5 files from untrusted sources: names, numbers and text, all of it within the file itself.

Links to other places, external and virtual data, references and foreign filters are refused, and all sizes are known
to fit before anything is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from ernsnn.errors import NotInstalled, quoted
from ernsnn.graph.memory import require_memory
from ernsnn.loading import MOST_TEXT, Unfit, open_regular, reading

DEEPEST = 40
"""The most groups within each other."""
MOST_PARTS = 200_000
"""The most groups and datasets of a file."""
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
_WHOLE_TEXT = 1 << 31
"""Texts are read at once where they cannot become more bytes than this, else one by one."""

Tree = dict[str, Any]


def needed(name: str) -> Any:
    """A module of the extra ``nir``. Raises NotInstalled where it is missing."""
    try:
        return import_module(name)
    except ImportError:
        raise NotInstalled(f"NIR graphs need {name}: pip install 'ernsnn[nir]'") from None


def read_tree(path: Path, *, attributes: bool = False) -> Tree:
    """The groups of an HDF5 file as dictionaries, its datasets as arrays, numbers and text.

    With ``attributes`` the numbers and texts that are attributes of groups stand among what is in them.

    Raises InvalidModel, naming the file, on what is damaged, too large, or leads out of the file.
    """
    h5py = needed("h5py")
    with reading(f"{path}: the NIR file"), open_regular(path) as opened, h5py.File(opened, "r") as file:
        found = list(_parts(h5py, file, "", 0, set()))
        n_bytes = sum(int(d.size or 0) * d.dtype.itemsize for _, d in found)
        require_memory(str(path), 3 * n_bytes, "take a smaller network")
        size = opened.seek(0, 2)
        tree: Tree = {}
        budget = _Budget(size)
        _make(tree, h5py, file, budget if attributes else None)
        for where, dataset in found:
            *groups, name = where.split("/")[1:]
            place = tree
            for group in groups:
                place = place[group]
            place[name] = budget.value(h5py, dataset, where)
        return tree


def _make(tree: Tree, h5py: Any, group: Any, budget: _Budget | None) -> None:
    """Add the groups within a group, and its attributes if there is a ``budget``."""
    if budget is not None:
        for name in group.attrs:
            held = group.attrs.get_id(name)
            text = h5py.check_string_dtype(held.dtype) is not None
            if held.shape != () or not (text or held.dtype.kind in "biuf"):
                raise Unfit(f"{quoted(name)}: must be a number or a text")
            value = group.attrs[name]
            tree[name] = budget.text(value, name) if text else value
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            _make(tree.setdefault(name, {}), h5py, item, budget)


def _parts(h5py: Any, group: Any, where: str, depth: int, seen: set[Any]) -> Iterator[tuple[str, Any]]:
    """(path, dataset) of every dataset below a group. Raises Unfit on what is no plain part of the file."""
    if depth > DEEPEST:
        raise Unfit(f"{quoted(where)}: more than {DEEPEST} groups within each other")
    for name in group:
        here = f"{where}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise Unfit(f"{quoted(here)} is a link to another place")
        item = group[name]
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            raise Unfit(f"{quoted(here)} is another name of a part that has one already")
        seen.add(address)
        if len(seen) > MOST_PARTS:
            raise Unfit(f"it has more than {MOST_PARTS} parts")
        if isinstance(item, h5py.Group):
            yield from _parts(h5py, item, here, depth + 1, seen)
        elif isinstance(item, h5py.Dataset):
            _check(h5py, item, here)
            yield here, item
        else:
            raise Unfit(f"{quoted(here)} is neither a group nor a dataset")


def _check(h5py: Any, dataset: Any, where: str) -> None:
    if dataset.is_virtual or dataset.external:
        raise Unfit(f"{quoted(where)}: its numbers lie in another file")
    made = dataset.id.get_create_plist()
    filters = [made.get_filter(k)[0] for k in range(made.get_nfilters())]
    if unknown := [code for code in filters if code not in _FILTERS]:
        raise Unfit(f"{quoted(where)}: is packed by the unknown filter {unknown[0]}")
    text = h5py.check_string_dtype(dataset.dtype) is not None
    if not text and dataset.dtype.kind not in "biuf":
        raise Unfit(f"{quoted(where)}: needs numbers or text, has {dataset.dtype}")
    if dataset.shape is None:
        raise Unfit(f"{quoted(where)}: is empty")
    if text and dataset.size > MOST_PARTS:
        raise Unfit(f"{quoted(where)}: has more than {MOST_PARTS} texts")


class _Budget:
    """Reads datasets, and counts the bytes of their text."""

    def __init__(self, file_bytes: int) -> None:
        self.file_bytes, self.left = file_bytes, MOST_TEXT

    def value(self, h5py: Any, dataset: Any, where: str) -> Any:
        """An array, a number, a text or nested lists of text."""
        if h5py.check_string_dtype(dataset.dtype) is None:
            return dataset[()]
        if dataset.shape == ():
            return self.text(dataset[()], where)
        if dataset.size * self.file_bytes <= _WHOLE_TEXT:
            return [self._nested(row, where) for row in dataset[()]]
        if dataset.ndim == 1:
            return [self.text(dataset[k], where) for k in range(len(dataset))]
        if dataset.ndim == 2:
            rows, columns = dataset.shape
            return [[self.text(dataset[k, j], where) for j in range(columns)] for k in range(rows)]
        raise Unfit(f"{quoted(where)}: must be text, a list of texts or of pairs")

    def _nested(self, value: Any, where: str) -> Any:
        if isinstance(value, bytes | str):
            return self.text(value, where)
        return [self._nested(item, where) for item in value]

    def text(self, value: Any, where: str) -> str:
        """A text of the file, counted."""
        self.left -= len(value)
        if self.left < 0:
            raise Unfit(f"{quoted(where)}: the file has more than {MOST_TEXT} bytes of text")
        try:
            return value.decode("utf-8") if isinstance(value, bytes) else str(value)
        except UnicodeDecodeError:
            raise Unfit(f"{quoted(where)}: is no text in UTF-8") from None
