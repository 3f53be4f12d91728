"""Writing files so that a reader finds the old content or the new, never a mixture."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ernsnn.errors import InvalidModel

Content = str | bytes | Mapping[str, np.ndarray] | Callable[[BinaryIO], None]
"""Text, bytes, arrays, or a function that writes into an open file."""

MANIFEST = ".ernsnn"
"""In every folder that we wrote: the names of what is ours in it."""


def _write(path: Path, content: Content) -> None:
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with path.open("wb") as file:
            if isinstance(content, Mapping):
                np.savez_compressed(file, **content)  # type: ignore[arg-type]
            else:
                content(file)


def sync(path: str | Path) -> None:
    """Wait until what was written to a file is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_file(path: str | Path, content: Content, *, synced: bool = False) -> Path:
    """Write one file beside its place and rename it over the old one; ``synced``, it outlives the machine's end."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise InvalidModel(f"cannot write {path}: {error.strerror}") from None
    os.close(handle)
    try:
        _write(Path(beside), content)
        os.chmod(beside, 0o644)
        if synced:
            sync(beside)
        os.replace(beside, path)
    except OSError as error:
        raise InvalidModel(f"cannot write {path}: {error.strerror}; what was there is untouched") from None
    finally:
        Path(beside).unlink(missing_ok=True)
    return path


def add_file(folder: str | Path, name: str, content: Content) -> None:
    """Write one file more into a folder that ``write_folder`` made."""
    manifest = Path(folder) / MANIFEST
    names = manifest.read_text(encoding="utf-8").split("\n")
    if name not in names:
        write_file(manifest, "\n".join([*names, name]))
    write_file(Path(folder) / name, content)


def check_folder(folder: str | Path) -> None:
    """Raise InvalidModel where ``write_folder`` would refuse ``folder``: before the work, not after it."""
    path = Path(os.path.abspath(folder))
    if path.exists() and not path.is_dir():
        raise InvalidModel(f"{folder} exists and is a file; name another folder")
    above = path.parent
    while not above.exists():
        above = above.parent
    try:
        foreign = _foreign(path)
        if foreign:
            raise InvalidModel(f"{folder} holds {foreign!r}, which is not ours to replace; name another folder")
        os.rmdir(tempfile.mkdtemp(prefix=f".{path.name}.", dir=above))
    except OSError as error:
        raise InvalidModel(f"cannot write {folder}: {error.strerror}") from None


def _foreign(folder: Path) -> str | None:
    """Something in ``folder`` that its manifest does not name; None if all of it is ours."""
    if not folder.is_dir():
        return None
    manifest = folder / MANIFEST
    ours = [MANIFEST, *(manifest.read_text(encoding="utf-8").split("\n") if manifest.is_file() else [])]
    left = tuple(f".{name}." for name in ours)  # by a process that was killed while it wrote one of them
    return next((n for n in sorted(os.listdir(folder)) if n not in ours and not n.startswith(left)), None)


def remove_left(folder: Path, names: Collection[str]) -> None:
    """Remove what a process left in ``folder`` that was killed while it wrote one of the files ``names``."""
    for name in names:
        for path in folder.glob(f".{name}.*"):
            path.unlink()


def write_folder(folder: str | Path, files: Mapping[str, Content], also: Collection[str] = ()) -> Path:
    """Write a folder of files beside its place and rename it there. A name may hold one "/": a folder within.

    A manifest names the files, and what else may come to lie there (``also``). An existing folder is replaced only if
    it is empty or holds nothing that its manifest does not name. Raises InvalidModel otherwise, and where nothing can
    be written; what was there is then untouched.
    """
    folder, named = Path(os.path.abspath(folder)), folder
    check_folder(named)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InvalidModel(f"cannot write {named}: {error.strerror}") from None
    old = beside.with_name(beside.name + ".old")
    try:
        ours = dict.fromkeys([*(name.split("/")[0] for name in files), *also])
        for name, content in {MANIFEST: "\n".join(ours), **files}.items():
            (beside / name).parent.mkdir(exist_ok=True)
            _write(beside / name, content)
        os.chmod(beside, 0o755)
        if folder.exists():
            os.replace(folder, old)
        os.replace(beside, folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        raise InvalidModel(f"cannot write {named}: {error.strerror}; what was there is untouched") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return Path(named)
