"""Arrays that grow on disk while a run goes on: one file each, of plain numbers, to which is only added."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.execution.recorder import Chunk
from ernsnn.files import reason, sync

_COPIED_AT_ONCE = 1 << 16
_COMPRESSION = 1  # of 9: numbers hardly become smaller with more, and it takes several times as long


class Tapes:
    """The tapes in ``folder``, by the keys of what is appended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout: dict[str, dict[str, Any]] = {}

    def append(self, chunk: Chunk) -> None:
        """Add arrays to the ends of their tapes. Raises InvalidModel where the disk takes no more."""
        for key, array in chunk.items():
            path = self.folder / key
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("ab") as file:
                    file.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
            except OSError as error:
                raise InvalidModel(f"cannot write {path}: {reason(error)}") from None
            row = {"dtype": array.dtype.str, "shape": list(array.shape[1:]), "rows": 0}
            self.layout.setdefault(key, row)["rows"] += len(array)

    def cut(self, layout: Mapping[str, Mapping[str, Any]]) -> None:
        """Go back to when the tapes had this layout. Raises InvalidModel where one of them is shorter."""
        self.layout = {key: dict(row) for key, row in layout.items()}
        for path in [p for p in self.folder.rglob("*") if p.is_file()]:
            if path.relative_to(self.folder).as_posix() not in layout:
                path.unlink()
        for key in layout:
            path, length = self.folder / key, self._length(key)
            if not path.is_file() or path.stat().st_size < length:
                raise InvalidModel(f"{path}: holds less than the checkpoint says; it is damaged")
            os.truncate(path, length)

    def _length(self, key: str) -> int:
        row = self.layout[key]
        return int(row["rows"] * np.prod(row["shape"], dtype=np.int64) * np.dtype(row["dtype"]).itemsize)

    def sync(self) -> None:
        """Wait until all tapes are on the disk."""
        for key in self.layout:
            sync(self.folder / key)

    def rows(self, key: str) -> int:
        """The length of an array."""
        return int(self.layout[key]["rows"])

    def save(self, file: BinaryIO, others: Mapping[str, np.ndarray]) -> None:
        """Write all tapes and the arrays ``others`` as one npz, holding no tape in memory."""
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
            for key, array in others.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    np.save(member, array, allow_pickle=False)
            for key, row in self.layout.items():
                header = {"descr": row["dtype"], "fortran_order": False, "shape": (row["rows"], *row["shape"])}
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array_header_1_0(member, header)  # type: ignore[no-untyped-call]
                    with (self.folder / key).open("rb") as tape:
                        shutil.copyfileobj(tape, member, _COPIED_AT_ONCE)

    def remove(self) -> None:
        """Delete them."""
        shutil.rmtree(self.folder, ignore_errors=True)
