"""Writing files so that a reader finds the old content or the new, never a mixture."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ernsnn.errors import InvalidModel

Content = str | bytes | Mapping[str, np.ndarray]


def _write(path: Path, content: Content) -> None:
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with path.open("wb") as file:
            np.savez_compressed(file, **content)  # type: ignore[arg-type]


def write_file(path: str | Path, content: Content) -> Path:
    """Write one file beside its place and rename it over the old one."""
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
        os.replace(beside, path)
    except OSError as error:
        raise InvalidModel(f"cannot write {path}: {error.strerror}; what was there is untouched") from None
    finally:
        Path(beside).unlink(missing_ok=True)
    return path


def check_folder(folder: str | Path, marker: str) -> None:
    """Raise InvalidModel where ``write_folder`` would refuse ``folder``: before the work, not after it."""
    path = Path(os.path.abspath(folder))
    if path.exists() and not path.is_dir():
        raise InvalidModel(f"{folder} exists and is a file; name another folder")
    above = path.parent
    while not above.exists():
        above = above.parent
    try:
        if path.is_dir() and any(path.iterdir()) and not (path / marker).exists():
            raise InvalidModel(f"{folder} has files that are not ours (no {marker} among them); name another folder")
        os.rmdir(tempfile.mkdtemp(prefix=f".{path.name}.", dir=above))
    except OSError as error:
        raise InvalidModel(f"cannot write {folder}: {error.strerror}") from None


def write_folder(folder: str | Path, files: Mapping[str, Content], marker: str | None = None) -> Path:
    """Write a folder of files beside its place and rename it there.

    An existing folder is replaced only if it is empty or holds ``marker`` (default: the first file's name), that is,
    if we wrote it. Raises InvalidModel otherwise, and where nothing can be written; what was there is then untouched.
    """
    folder, named = Path(os.path.abspath(folder)), folder
    check_folder(named, marker or next(iter(files)))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InvalidModel(f"cannot write {named}: {error.strerror}") from None
    old = beside.with_name(beside.name + ".old")
    try:
        for name, content in files.items():
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
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
