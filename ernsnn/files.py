"""Writing files so that a reader finds the old content or the new, never a mixture."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from ernsnn.errors import InvalidModel, quoted

Content = str | bytes | Mapping[str, np.ndarray] | Callable[[BinaryIO], None]
"""Text, bytes, arrays, or a function that writes into an open file."""


_BEING_WRITTEN = ".part"
MANIFEST = ".ernsnn"
"""In every folder that we wrote: the names of what is ours in it."""


def reason(error: OSError) -> str:
    """Why the system could not do something, in its words, and what to do where the disk is full."""
    words = error.strerror or str(error)
    return f"{words}; free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else words


def _write(path: Path, content: Content) -> None:
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8", errors="backslashreplace")  # names of files may hold any bytes
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with path.open("wb") as file:
            if isinstance(content, Mapping):
                np.savez_compressed(file, **content)  # type: ignore[arg-type]
            else:
                content(file)


def _named(path: str | Path) -> Path:
    if "\0" in str(path):
        raise InvalidModel(f"{quoted(str(path))}: is no name that a file can have")
    return Path(path)


def absolute(path: str | Path) -> Path:
    """``path``, which need not be there, from the root on.

    Raises InvalidModel where nothing can have that name or be looked for there: it is too long, goes through what is
    not ours to read, or begins in a current folder that has been removed.
    """
    try:
        found = Path(os.path.abspath(_named(path)))
        found.exists()
    except FileNotFoundError:
        raise InvalidModel(f"{quoted(str(path))}: the current folder has been removed; go to another") from None
    except OSError as error:
        raise InvalidModel(f"{quoted(str(path))}: {reason(error)}") from None
    return found


def real(path: str | Path) -> Path:
    """Where a name that a user gives leads, through all links: there it is written, and the links stay.

    Raises InvalidModel where it leads nowhere. Names within a folder are never followed: see ``write_file``.
    """
    absolute(path)
    found = absolute(os.path.realpath(path))
    if found.is_symlink():
        raise InvalidModel(f"{quoted(str(path))}: is a link that leads to itself")
    return found


def _inside(name: str) -> str:
    """A name of a file in a folder, or in a folder within. Raises InvalidModel on one that leads elsewhere."""
    parts = name.split("/")
    if len(parts) > 2 or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise InvalidModel(f"{quoted(name)}: is no name that a file in a folder can have")
    return name


def sync(path: str | Path) -> None:
    """Wait until what was written to a file is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_file(path: str | Path, content: Content, *, synced: bool = False) -> Path:
    """Write one file beside its place and rename it over the old one, or over a link that is there.

    ``synced``, it outlives the machine's end.
    """
    path = _named(path)
    if absolute(path).exists() and not path.is_file():
        raise InvalidModel(f"cannot write {path}: it exists, and is no file; name another")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise InvalidModel(f"cannot write {path}: {reason(error)}") from None
    os.close(handle)
    try:
        _write(Path(beside), content)
        os.chmod(beside, 0o644)
        if synced:
            sync(beside)
        os.replace(beside, path)
    except OSError as error:
        raise InvalidModel(f"cannot write {path}: {reason(error)}; what was there is untouched") from None
    finally:
        Path(beside).unlink(missing_ok=True)
    return path


def add_file(folder: str | Path, name: str, content: Content) -> None:
    """Write one file more into a folder that ``write_folder`` made."""
    _inside(name)
    names = _ours(Path(folder))
    if name not in names:
        write_file(Path(folder) / MANIFEST, "\n".join([*names, name]))
    write_file(Path(folder) / name, content)


def check_folder(folder: str | Path) -> None:
    """Raise InvalidModel where ``write_folder`` would refuse ``folder``: before the work, not after it."""
    path = real(folder)
    if path.exists() and not path.is_dir():
        raise InvalidModel(f"{folder} exists and is a file; name another folder")
    above = path.parent
    while not above.exists():
        above = above.parent
    try:
        foreign = _foreign(path)
        if foreign:
            raise InvalidModel(f"{folder} holds {foreign!r}, which is not ours to replace; name another folder")
        os.rmdir(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=_BEING_WRITTEN, dir=above))
    except OSError as error:
        raise InvalidModel(f"cannot write {folder}: {reason(error)}") from None


def _foreign(folder: Path) -> str | None:
    """Something in ``folder`` that its manifest does not name; None if all of it is ours."""
    if not folder.is_dir():
        return None
    ours = [MANIFEST, *_ours(folder)]
    left = tuple(f".{name}." for name in ours)  # by a process that was killed while it wrote one of them
    return next((n for n in sorted(os.listdir(folder)) if n not in ours and not n.startswith(left)), None)


def remove_left(folder: Path, names: Collection[str]) -> None:
    """Remove what a process left in ``folder`` that was killed while it wrote one of the files ``names``."""
    for name in names:
        for path in folder.glob(f".{name}.*"):
            path.unlink()


def put_in_place(made: Path, folder: Path) -> None:
    """Let the folder ``made`` take the place of ``folder``, if there is one, which is removed.

    Both must lie in the same folder. A reader finds the one or the other, whole, whenever this process ends: where the
    system can exchange two folders, as Linux can. Elsewhere the old one is for a moment found as ``.NAME.old`` only.

    The current folder, which a shell is in, stays the same folder: its files are replaced one after the other.
    """
    if _is_current(folder):
        check_folder(folder)
        _move_into(made, folder)
    elif folder.exists():
        check_folder(folder)
        try:
            _exchange(made, folder)
        except OSError:
            old = folder.with_name(f".{folder.name}.old")
            if (old / MANIFEST).is_file():  # left by a process that was killed here, after the new one was in place
                shutil.rmtree(old, ignore_errors=True)
            os.replace(folder, old)
            try:
                os.replace(made, folder)
            except OSError:
                os.replace(old, folder)
                raise
            made = old
        shutil.rmtree(made, ignore_errors=True)
    else:
        os.replace(made, folder)


def _is_current(folder: Path) -> bool:
    """Whether this process, and so the shell that began it, is in ``folder``."""
    try:
        current = Path(os.getcwd())
    except OSError:
        return False
    return folder == current or folder in current.parents


def _ours(folder: Path) -> list[str]:
    """What the manifest in ``folder`` names."""
    manifest = folder / MANIFEST
    return manifest.read_text(encoding="utf-8", errors="replace").split("\n") if manifest.is_file() else []


def _move_into(made: Path, folder: Path) -> None:
    """Replace what is ours in ``folder`` by what is in ``made``; at every moment the manifest names all of it."""
    new = _ours(made)
    write_file(folder / MANIFEST, "\n".join(dict.fromkeys([*_ours(folder), *new])))
    _clear(folder, keep=MANIFEST)
    for name in os.listdir(made):
        if name != MANIFEST:
            os.replace(made / name, folder / name)
    os.replace(made / MANIFEST, folder / MANIFEST)
    shutil.rmtree(made, ignore_errors=True)


def _clear(folder: Path, keep: str = "") -> None:
    for name in os.listdir(folder):
        path = folder / name
        if name != keep and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif name != keep:
            path.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder that ``write_folder`` made; of the current one, what is in it."""
    if _is_current(folder):
        _clear(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _exchange(one: Path, other: Path) -> None:
    """Exchange two folders in one act. Raises OSError where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of <linux/fs.h>
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if rename(here, os.fsencode(one), here, os.fsencode(other), exchange) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _stem(folder: Path) -> str:
    """How temporary names for ``folder`` begin, after a dot: its own name without one."""
    return folder.name.lstrip(".")


def _sweep(folder: Path) -> None:
    """Remove what processes left beside ``folder`` that were killed while they wrote it."""
    for left in folder.parent.glob(f".{glob.escape(_stem(folder))}.*{_BEING_WRITTEN}"):
        try:
            if not (left / MANIFEST).is_file():
                left.rmdir()  # empty: killed before it wrote the manifest
                continue
            with (left / MANIFEST).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
        except OSError:  # another process is writing there
            continue


def _beside(folder: Path) -> tuple[Path, TextIO]:
    """A new folder beside ``folder``, and its manifest, open for writing."""
    while True:
        beside = Path(tempfile.mkdtemp(prefix=f".{_stem(folder)}.", suffix=_BEING_WRITTEN, dir=folder.parent))
        try:
            return beside, (beside / MANIFEST).open("w", encoding="utf-8")
        except FileNotFoundError:  # another process swept it away while it was empty
            continue


def write_folder(folder: str | Path, files: Mapping[str, Content], also: Collection[str] = ()) -> Path:
    """Write a folder of files beside its place and rename it there. A name may hold one "/": a folder within.

    A manifest names the files, and what else may come to lie there (``also``). An existing folder is replaced only if
    it is empty or holds nothing that its manifest does not name; through a link, where that leads. Raises InvalidModel
    otherwise, and where nothing can be written; what was there is then untouched.
    """
    folder, named = real(folder), folder
    check_folder(named)
    names = dict.fromkeys([*(_inside(name).split("/")[0] for name in files), *also])
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        beside, opened = _beside(folder)
    except OSError as error:
        raise InvalidModel(f"cannot write {named}: {reason(error)}") from None
    try:
        with opened as manifest:
            fcntl.flock(manifest, fcntl.LOCK_EX)
            manifest.write("\n".join(names))
            manifest.flush()
            for name, content in files.items():
                (beside / name).parent.mkdir(exist_ok=True)
                _write(beside / name, content)
            os.chmod(beside, 0o755)
            put_in_place(beside, folder)
    except OSError as error:
        raise InvalidModel(f"cannot write {named}: {reason(error)}; what was there is untouched") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Path(named)
