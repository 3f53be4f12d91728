"""Spool: arrays that grow on disk during a run, each a file of plain numbers that is only appended to.

``layout``: name -> dtype, shape of a row, number of rows, and running checksum of an array.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ernsnn.arrays import crc, form_of, total
from ernsnn.backend.recorder import Chunk
from ernsnn.errors import InvalidModel
from ernsnn.files import check_files, reason, sync

_COPIED_AT_ONCE = 1 << 18
_COMPRESSION = 1  # of 9: numbers hardly become smaller with more, and it takes several times as long


class Spool:
    """The files in ``folder``, one for each array; ``keys`` are the names that arrays may have."""

    def __init__(self, folder: Path, keys: Iterable[str]) -> None:
        self.folder, self.keys = folder, frozenset(keys)
        self.layout: dict[str, dict[str, Any]] = {}

    def append(self, chunk: Chunk) -> None:
        """Add arrays to the ends of their files. Raises InvalidModel where the disk takes no more."""
        for key, array in chunk.items():
            path = self.folder / key
            with _using(path, "cannot write "):
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("ab") as file:
                    file.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
            row: dict[str, Any] = {"dtype": array.dtype.str, "shape": list(array.shape[1:]), "rows": 0, "crc32": 0}
            row = self.layout.setdefault(key, row)
            row["rows"] += len(array)
            row["crc32"] = crc(array, row["crc32"])

    def cut(self, layout: Mapping[str, Mapping[str, Any]]) -> None:
        """Truncate the files to an earlier layout.

        Raises InvalidModel where a file is shorter, or holds other bytes, and, before any is changed, on a file that is
        none of its own.
        """
        self.layout = {key: dict(row) for key, row in layout.items()}
        with _using(self.folder):
            there = {path.relative_to(self.folder).as_posix(): path for path in _files(self.folder)}
            for key in sorted(there.keys() - self.keys):
                raise InvalidModel(f"{there[key]}: is no file that a run wrote; move it elsewhere")
            check_files(self.folder, self.keys)
            for key in there.keys() - layout.keys():
                there[key].unlink()
            for key in layout:
                self._cut_one(key)

    def _cut_one(self, key: str) -> None:
        path, length = self.folder / key, self._length(key)
        if not path.is_file() or path.stat().st_size < length:
            raise InvalidModel(f"{path}: holds less than the checkpoint says; it is damaged")
        os.truncate(path, length)
        with path.open("rb") as file:
            self._copy(key, file, None)

    def _length(self, key: str) -> int:
        row = self.layout[key]
        return int(row["rows"] * np.prod(row["shape"], dtype=np.int64) * np.dtype(row["dtype"]).itemsize)

    def sync(self) -> None:
        """Wait until all files are on the disk."""
        for key in self.layout:
            with _using(self.folder / key):
                sync(self.folder / key)

    def rows(self, key: str) -> int:
        """The length of an array."""
        return int(self.layout[key]["rows"])

    def save(self, file: BinaryIO, others: Mapping[str, np.ndarray]) -> None:
        """Write all of it and the arrays ``others`` as one npz, holding no file in memory."""
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
            for key, array in others.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    np.save(member, array, allow_pickle=False)
            for key, row in self.layout.items():
                header = {"descr": row["dtype"], "fortran_order": False, "shape": (row["rows"], *row["shape"])}
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array_header_1_0(member, header)  # type: ignore[no-untyped-call]
                    with (self.folder / key).open("rb") as whole:
                        self._copy(key, whole, member)

    def _copy(self, key: str, file: BinaryIO, to: Any) -> None:
        """Compare the checksum of a file, copying its content to ``to`` if given.

        Raises InvalidModel where it differs.
        """
        total_crc = 0
        while block := file.read(_COPIED_AT_ONCE):
            total_crc = zlib.crc32(block, total_crc)
            if to is not None:
                to.write(block)
        if total_crc != self.layout[key]["crc32"]:
            raise InvalidModel(f"{self.folder / key}: is damaged (its checksum does not match)")

    def checksum(self, others: Mapping[str, np.ndarray]) -> str:
        """The checksum of the arrays that ``save`` writes; see ``arrays.checksum``."""
        contents = {form_of(key, a.dtype.str, a.shape): crc(a) for key, a in others.items()}
        own = {form_of(k, r["dtype"], (r["rows"], *r["shape"])): r["crc32"] for k, r in self.layout.items()}
        return total(contents | own)

    def remove(self) -> None:
        """Delete the files, and the folders that are then empty."""
        for key in self.keys:
            with suppress(OSError):
                (self.folder / key).unlink()
        for folder in sorted({f for key in self.keys for f in Path(key).parents}, key=lambda f: -len(f.parts)):
            with suppress(OSError):
                (self.folder / folder).rmdir()


@contextmanager
def _using(path: Path, cannot: str = "") -> Iterator[None]:
    """Turn an OSError on ``path`` into an InvalidModel."""
    try:
        yield
    except OSError as error:
        raise InvalidModel(f"{cannot}{error.filename or path}: {reason(error)}") from None


def _files(folder: Path) -> Iterator[Path]:
    """All files in ``folder`` and below. Raises InvalidModel on a link, which may lead out of it."""
    if folder.is_symlink():
        raise InvalidModel(f"{folder}: is a link, which no run makes; put what it leads to in its place")
    if folder.exists() and not folder.is_dir():
        raise InvalidModel(f"{folder}: is no folder that a run wrote; move it elsewhere")
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_symlink() or not path.is_file():
            raise InvalidModel(f"{path}: is no file that a run wrote; move it elsewhere")
        elif path.stat().st_nlink > 1:
            raise InvalidModel(
                f"{path}: has another name elsewhere, which would change too; resume a copy of the folder"
            )
        else:
            yield path
