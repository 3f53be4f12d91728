"""Export of a result to a .csv, .npz, .nix or .nwb file, with the same data in each. See ``docs/exports.md``."""

from __future__ import annotations

import csv
import difflib
import errno
import io
import mmap
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ernsnn.analyse.export.contents import Contents, contents
from ernsnn.analyse.export.converters import WRITTEN_BY, to_neo, to_nwb
from ernsnn.analyse.extras import needed
from ernsnn.errors import InvalidModel
from ernsnn.files import Content, real, write_file
from ernsnn.recording.keys import ArrayKey
from ernsnn.recording.readings import Readings

SPIKES_HEAD = ("population", "neuron", "time_ms")
MOST_NIX_ARRAYS = 10_000
"""A .nix file has an array for every neuron and every column of a signal, and Neo takes about 20 ms to write one."""


def export(result: Readings, path: str | Path, *, force: bool = False) -> list[Path]:
    """See ``Result.export``."""
    path = Path(path)
    if path.suffix not in _FORMATS:
        near = difflib.get_close_matches(path.suffix.lower(), _FORMATS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there is: {', '.join(_FORMATS)}"
        raise InvalidModel(f"{path}: the ending says the format, and {path.suffix or 'none'} is not one; {hint}")
    files = _FORMATS[path.suffix](result, path)
    if not force:
        for name, (_, mark) in files.items():
            _check_ours(name, mark)
    for name, (content, _) in files.items():
        write_file(real(name), content)
    return list(files)


Files = dict[Path, tuple[Content, str]]
"""Path -> (content, mark) of the files to write; a file with that mark in it is an earlier export, and may be
replaced."""


def _check_ours(path: Path, mark: str) -> None:
    """Raise InvalidModel where ``path`` exists and is no export of ernsnn."""
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "no file"
            raise InvalidModel(f"{path} is {what}; name a file")
        foreign = path.exists() and not _is_ours(path, mark.encode())
    except OSError as error:
        raise InvalidModel(f"cannot write {path}: {error.strerror}") from None
    if foreign:
        raise InvalidModel(f"{path} exists and was not written by an export like this; name another file, or use force")


def _is_ours(path: Path, mark: bytes) -> bool:
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        return held[: len(mark)] == mark if path.suffix == ".csv" else held.find(mark) >= 0


# .csv: a table a file


def _csv(result: Readings, path: Path) -> Files:
    """The files of .csv tables; that of the spikes is written last, so that all are new where it is."""
    files: Files = {}
    for name, head, rows in _tables(contents(result)):
        beside = path.with_name(f"{path.stem}.{name}.csv") if name else path
        files[beside] = (_csv_content(head, rows), ",".join(head) + "\n")
    return files


def _tables(c: Contents) -> Iterator[tuple[str, Sequence[str], Callable[[], Iterable[Sequence[Any]]]]]:
    """(name, header, rows) of each table; that of the spikes has no name."""
    for series in c.series:
        columns = ["-".join(map(str, label)) for label in zip(*series.labels.values(), strict=True)]

        def samples(times: np.ndarray = series.times_ms, values: np.ndarray = series.values) -> Iterator[list[Any]]:
            return ([number(t), *row.tolist()] for t, row in zip(times, values, strict=True))

        yield f"signals.{series.name}", ["time_ms", *columns], samples
    for final in c.finals:
        columns_of = final.labels | final.variables

        def learned(arrays: Sequence[np.ndarray] = tuple(columns_of.values())) -> Iterable[Sequence[Any]]:
            return zip(*(array.tolist() for array in arrays), strict=True)

        yield f"{final.kind}.{final.owner}", list(columns_of), learned

    def spikes() -> Iterator[Sequence[Any]]:
        for s in c.spikes:
            yield from ((s.population, n, number(t)) for t, n in zip(s.times_ms, s.neurons, strict=True))

    yield "", SPIKES_HEAD, spikes


def _csv_content(head: Sequence[str], rows: Callable[[], Iterable[Sequence[Any]]]) -> Content:
    def write(file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows())
        text.detach()

    return write


def number(time_ms: float) -> str:
    """``5`` and ``0.3``: whole steps times dt, without the noise of the product."""
    return np.format_float_positional(round(float(time_ms), 9), trim="-")


# .npz: named arrays


def _npz(result: Readings, path: Path) -> Files:
    return {path: (arrays(contents(result)), WRITTEN_BY)}


def arrays(c: Contents) -> dict[str, np.ndarray]:
    """Every array of a result under ``kind/name/what``, and its meta data as JSON."""
    times = {"dt_ms": c.dt_ms, "start_ms": c.start_ms, "duration_ms": c.duration_ms}
    named = {WRITTEN_BY: np.array(c.about), **{name: np.array(value) for name, value in times.items()}}
    for s in c.spikes:
        parts = {"time_ms": s.times_ms, "neuron": s.neurons, "size": np.array(s.size)}
        named |= {str(ArrayKey("spikes", s.population, what)): array for what, array in parts.items()}
    for series in c.series:
        parts = {"time_ms": series.times_ms, **series.labels, "values": series.values}
        named |= {str(ArrayKey("signals", series.name, what)): array for what, array in parts.items()}
    for f in c.finals:
        named |= {str(ArrayKey(f.kind, f.owner, what)): array for what, array in (f.labels | f.variables).items()}
    return named


# .nix and .nwb: by libraries that write to a path


def _nix(result: Readings, path: Path) -> Files:
    for module in ("neo", "nixio"):
        needed(module, "ecosystem", f"{path.name}: a .nix file")
    signals = result.recording.signals
    wide = max(signals, key=lambda key: signals[key][1].shape[1], default="")
    channels = sum(values.shape[1] for _, values in signals.values())
    neurons = sum(p.size for p in result.graph.populations)
    if channels + neurons > MOST_NIX_ARRAYS:
        why = f" (the probe {wide} alone has {signals[wide][1].shape[1]})" if channels > neurons else ""
        raise InvalidModel(
            f"{path}: {neurons} neurons and {channels} columns of signals{why} are too many for .nix, which keeps "
            f"an array for each ({MOST_NIX_ARRAYS} at most); export to .nwb or .npz"
        )

    def write(beside: Path) -> None:
        from neo.io import NixIO

        with NixIO(str(beside), "ow") as file:
            file.write_block(to_neo(result))

    return {path: (_through(write, ".nix"), WRITTEN_BY)}


def _nwb(result: Readings, path: Path) -> Files:
    needed("pynwb", "ecosystem", f"{path.name}: an .nwb file")

    def write(beside: Path) -> None:
        from pynwb import NWBHDF5IO

        with NWBHDF5IO(str(beside), "w") as file:
            file.write(to_nwb(result))

    return {path: (_through(write, ".nwb"), WRITTEN_BY)}


def _through(write: Callable[[Path], None], suffix: str) -> Content:
    """A content that a library writes to a temporary path, copied from there."""

    def copy(file: BinaryIO) -> None:
        with tempfile.TemporaryDirectory() as folder:
            beside = Path(folder) / f"export{suffix}"
            try:
                write(beside)
            except (OSError, RuntimeError) as error:  # HDF5 reports a full disk by either
                raise OSError(errno.EIO, " ".join(str(error).split())) from error
            with beside.open("rb") as made:
                shutil.copyfileobj(made, file)

    return copy


_FORMATS: dict[str, Callable[[Readings, Path], Files]] = {".csv": _csv, ".npz": _npz, ".nix": _nix, ".nwb": _nwb}
