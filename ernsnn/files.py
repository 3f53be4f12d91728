"""Writing files so that a reader finds the old content or the new, never a mixture."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from ernsnn.errors import InvalidModel

Content = str | bytes | Mapping[str, np.ndarray]

MANIFEST = ".ernsnn"
"""In every folder that we wrote: the names of what is ours in it."""


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
    ours = manifest.read_text(encoding="utf-8").split("\n") if manifest.is_file() else []
    return next((name for name in sorted(os.listdir(folder)) if name != MANIFEST and name not in ours), None)


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
