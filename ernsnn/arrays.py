"""Checksums of arrays, and reading of .npz files, whose sizes and types are checked before data are read.

Files may come from untrusted sources.
"""

from __future__ import annotations

import dataclasses
import json
import math
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel, quoted
from ernsnn.loading import Unfit, open_regular, reading

_BLOCK = 1 << 20
_MOST_DEFLATED = 1032
"""The largest factor by which Deflate compresses."""


@dataclasses.dataclass(frozen=True)
class Form:
    """The form that an array must have: NumPy's kinds of number, a shape (None: any), and the largest number of rows.

    ``exactly`` is the one dtype that it must have, if given.
    """

    kinds: str
    shape: tuple[int | None, ...]
    most_rows: int | None = None
    exactly: str | None = None

    def check(self, header: Header, where: str) -> None:
        """Raise Unfit, naming ``where``, on an array of another form."""
        dtype, shape = header.dtype, header.shape
        if dtype.kind not in self.kinds or (self.exactly is not None and dtype.str != self.exactly):
            raise Unfit(f"{where}: holds numbers of type {dtype}")
        wrong = len(shape) != len(self.shape)
        wrong = wrong or any(n is not None and n != m for n, m in zip(self.shape, shape, strict=True))
        if wrong or (self.most_rows is not None and shape[0] > self.most_rows):
            raise Unfit(f"{where}: its shape is {shape}")


def fits(form: Form, array: np.ndarray) -> bool:
    """Whether an array is of that form."""
    try:
        form.check(Header.of(array), "")
    except Unfit:
        return False
    return True


@dataclasses.dataclass(frozen=True)
class Header:
    """Dtype and shape of an array, as they stand before its data in a file."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool

    @classmethod
    def of(cls, array: Any) -> Header:
        """The header of an array in memory."""
        return cls(np.asarray(array).dtype, np.shape(array), False)

    @property
    def n_bytes(self) -> int:
        """The bytes that the array takes in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


class Arrays(Mapping[str, np.ndarray]):
    """The arrays of an .npz file, each read at its first access, after its header has been checked.

    ``forms``: name -> form of the arrays that the file may hold; others are refused, unless they are named in
    ``besides``, and then left out. ``seal``: the ``checksum`` of all arrays, compared before the first is returned.
    Raises InvalidModel, naming the file and ``what`` it is, where one of these does not hold.
    """

    def __init__(
        self,
        path: Path,
        forms: Mapping[str, Form] | None = None,
        seal: str | None = None,
        what: str = "",
        besides: Collection[str] = (),
    ) -> None:
        self.path, self.forms, self.seal, self.what = path, forms, seal, f"{path}: {what}".rstrip()
        self.besides = besides
        self._headers: dict[str, Header] | None = None

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        with reading(self.what), open_regular(self.path) as raw, zipfile.ZipFile(raw) as archive:
            yield archive

    @property
    def headers(self) -> Mapping[str, Header]:
        """Name -> header of every array."""
        if self._headers is None:
            with self._opened() as archive:
                self._headers = dict(self._scanned(archive))
                for name, form in (self.forms or {}).items():
                    if name in self._headers:
                        form.check(self._headers[name], name)
                own_forms = (form_of(name, h.dtype.str, h.shape) for name, h in self._headers.items())
                if self.seal is not None and self.seal.partition("-")[0] != _of_forms(own_forms):
                    raise Unfit("its checksum does not match")
        return self._headers

    def _scanned(self, archive: zipfile.ZipFile) -> Iterator[tuple[str, Header]]:
        seen = set()
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name in self.besides:
                continue
            if name == entry.filename or name in seen or entry.compress_type not in (0, zipfile.ZIP_DEFLATED):
                raise Unfit(f"it holds {quoted(entry.filename)}, which is no array that was written there")
            if self.forms is not None and name not in self.forms:
                raise Unfit(f"it holds {quoted(name)}, which does not belong there")
            if entry.file_size > entry.compress_size * _MOST_DEFLATED + _BLOCK:
                raise Unfit(f"{quoted(name)} says that it is larger than it can be")
            seen.add(name)
            with archive.open(entry) as member:
                header = _header(member, name)
                if member.tell() + header.n_bytes != entry.file_size:
                    raise Unfit(f"{quoted(name)} has another size than it says")
            yield name, header

    def all(self) -> dict[str, np.ndarray]:
        """All arrays at once, in less time than one by one."""
        headers = self.headers
        with self._opened() as archive:
            arrays = {name: self._read(archive, name) for name in headers}
        if self.seal is not None and checksum(arrays) != self.seal:
            raise InvalidModel(f"{self.what} is damaged (its checksum does not match)")
        return arrays

    def _read(self, archive: zipfile.ZipFile, name: str) -> np.ndarray:
        with archive.open(f"{name}.npy") as member:
            _header(member, name)
            return _read(member, self.headers[name], name)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.headers:
            raise KeyError(name)
        if self.seal is not None:
            expected, self.seal = self.seal, None
            if checksum(self) != expected:
                self.seal = expected
                raise InvalidModel(f"{self.what} is damaged (its checksum does not match)")
        with self._opened() as archive:
            return self._read(archive, name)

    def __contains__(self, name: object) -> bool:
        return name in self.headers

    def __iter__(self) -> Iterator[str]:
        return iter(self.headers)

    def __len__(self) -> int:
        return len(self.headers)


def _header(member: Any, name: str) -> Header:
    npy: Any = np.lib.format
    version = npy.read_magic(member)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise Unfit(f"{quoted(name)} is of another version of the format")
    shape, fortran, dtype = read(member)
    if dtype.kind not in "biufU" or any(n < 0 for n in shape):
        raise Unfit(f"{quoted(name)} holds {dtype}, which are no numbers")
    return Header(dtype, shape, fortran)


def _read(member: Any, header: Header, name: str) -> np.ndarray:
    """Read the data after a header in blocks, up to the end, where zipfile compares the checksum of the zip format.

    Memory is allocated as blocks arrive, so that a header cannot claim more than there is.
    """
    flat = np.empty(header.n_bytes, np.uint8)
    filled = 0
    while block := member.read(_BLOCK):
        flat[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
        filled += len(block)
    if filled != header.n_bytes:
        raise Unfit(f"{quoted(name)} ends too early")
    array = flat.view(header.dtype) if header.n_bytes else np.empty(math.prod(header.shape), header.dtype)
    return array.reshape(header.shape[::-1]).T if header.fortran else array.reshape(header.shape)


def crc(content: np.ndarray, before: int = 0) -> int:
    """The running checksum of an array's bytes, after ``before``."""
    return zlib.crc32(np.ascontiguousarray(content).reshape(-1).view(np.uint8).data, before)


def form_of(name: str, dtype: str, shape: Sequence[int]) -> str:
    """Name, dtype and shape of an array as one text, which enters the checksum of several arrays."""
    return f"{name} {dtype} {tuple(shape)}"


def total(contents: Mapping[str, int]) -> str:
    """The checksum of a set of arrays, ``<crc of the forms>-<crc of forms and contents>`` in hexadecimal digits.

    ``contents`` maps the form of each array (``form_of``: name, type and shape) to the CRC-32 of its bytes.
    """
    rows = sorted(contents.items())
    return f"{_of_forms(contents)}-{zlib.crc32(json.dumps(rows).encode()):08x}"


def _of_forms(forms: Iterable[str]) -> str:
    return f"{zlib.crc32(json.dumps(sorted(forms)).encode()):08x}"


def checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """The checksum of several arrays: of their names, types, shapes and bytes; one is read at a time."""
    contents = {}
    for name in arrays:
        array = np.asarray(arrays[name])
        contents[form_of(name, array.dtype.str, array.shape)] = crc(array)
    return total(contents)
