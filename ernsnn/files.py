"""Writing files so that a reader finds the old content or the new, never a mixture."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import glob
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from ernsnn.errors import InvalidModel, quoted

Content = str | bytes | Mapping[str, np.ndarray] | Callable[[BinaryIO], None]
"""Content of a file: text, bytes, arrays by name, or a function that writes into an open file."""


_BEING_WRITTEN = ".part"
MANIFEST = ".ernsnn"
"""Name of the manifest: a list of the paths of all files that ernsnn wrote into a folder; "NAME/" is a folder and all
in it."""


def reason(error: OSError) -> str:
    """The cause of an OSError in the system's words, and what to do if the disk is full."""
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
    try:
        possible = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # of half a character
        possible = False
    if not possible:
        raise InvalidModel(f"{quoted(str(path))}: is no name that a file can have")
    return Path(path)


def absolute(path: str | Path) -> Path:
    """``path`` as an absolute path; it need not exist.

    Raises InvalidModel where the system cannot look it up: it is too long, passes through a folder without permission,
    or is relative to a current folder that has been removed.
    """
    try:
        absolute_path = Path(os.path.abspath(_named(path)))
        absolute_path.exists()
    except FileNotFoundError:
        raise InvalidModel(f"{quoted(str(path))}: the current folder has been removed; go to another") from None
    except OSError as error:
        raise InvalidModel(f"{quoted(str(path))}: {reason(error)}") from None
    return absolute_path


def real(path: str | Path) -> Path:
    """``path`` with all links resolved: files are written to their target, and links are kept.

    Raises InvalidModel on a link without a target. Links within a folder are not followed: see ``write_file``.
    """
    absolute(path)
    target = absolute(os.path.realpath(path))
    if target.is_symlink():
        raise InvalidModel(f"{quoted(str(path))}: is a link that leads to itself")
    return target


def _inside(name: str) -> str:
    """Check the name of a file in a folder, or in a folder within. Raises InvalidModel on one that leads elsewhere."""
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

    With ``synced`` it is on the disk when this returns, and survives a power failure.
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


def add_file(folder: str | Path, name: str, content: Content, *, known: bool = False) -> None:
    """Add a file to a folder that ``write_folder`` made.

    Raises InvalidModel where a file of that name exists that the manifest does not list, unless it is ``known``.
    """
    path, names = Path(folder) / _inside(name), _ours(Path(folder))
    if name not in names:
        if os.path.lexists(path) and not known:
            raise InvalidModel(f"{path}: is not ours to replace; move or rename it")
        write_file(Path(folder) / MANIFEST, "\n".join([*names, name]))
    write_file(path, content)


def check_folder(folder: str | Path) -> None:
    """Raise InvalidModel where ``write_folder`` would refuse ``folder``, before the content has been computed."""
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


_LEFT = r"\.[a-z0-9_]{8}"
"""Pattern of the random part of names by ``tempfile``."""


def _left_of(names: Iterable[str]) -> re.Pattern[str]:
    """Temporary files that ``write_file`` made for one of the files ``names``."""
    parts = (name.rpartition("/") for name in names)
    return re.compile(f"({'|'.join(re.escape(f'{before}{slash}.{last}') for before, slash, last in parts)}){_LEFT}")


def _foreign(folder: Path) -> str | None:
    """A path in ``folder`` that its manifest does not list; None if it lists all."""
    if not folder.is_dir():
        return None
    if os.path.lexists(folder / MANIFEST) and not (folder / MANIFEST).is_file():
        return MANIFEST
    return next((name for name, ours in sorted(_listed(folder)) if not ours), None)


def _listed(folder: Path) -> list[tuple[str, bool]]:
    """(path, whether the manifest lists it) of everything in ``folder``.

    The content of a folder comes before the folder.

    A folder counts as listed if the manifest names it, or a file in it; the content of others is left out. Temporary
    files of a killed process that wrote a listed file count as listed.
    """
    names = [MANIFEST, *_ours(folder)]
    ours, whole = set(names), {name.rstrip("/") for name in names if name.endswith("/")}
    above = {parent.as_posix() for name in names for parent in Path(name).parents}
    left = _left_of(names)

    def walk(within: str) -> Iterator[tuple[str, bool]]:
        for entry in os.scandir(folder / within):
            path = f"{within}{entry.name}"
            if not entry.is_dir(follow_symlinks=False):
                yield path, path in ours or bool(left.fullmatch(path))
            elif path in whole:
                yield f"{path}/", True
            elif path in above or path in ours:
                yield from walk(f"{path}/")
                yield path, True
            else:
                yield path, False

    return list(walk(""))


def remove_left(folder: Path, names: Collection[str]) -> None:
    """Remove temporary files in ``folder`` of a process that was killed while it wrote one of the files ``names``."""
    left = _left_of(names)
    for path in folder.iterdir():
        if left.fullmatch(path.name) and (path.is_symlink() or not path.is_dir()):
            path.unlink()


def check_files(folder: Path, names: Iterable[str]) -> None:
    """Raise InvalidModel where one of these names exists and is neither a file nor a link."""
    for path in (folder / name for name in names):
        if os.path.lexists(path) and not path.is_symlink() and not path.is_file():
            raise InvalidModel(f"{path}: is no file that a run wrote; move it elsewhere")


def _remove_ours(folder: Path, keep: str = "") -> None:
    """Remove what the manifest of ``folder`` lists, then empty folders, and the manifest last."""
    listed = [name for name, ours in _listed(folder) if ours and name not in (keep, MANIFEST)]
    for name in [*listed, *([MANIFEST] if keep != MANIFEST else [])]:
        path = folder / name
        if name.endswith("/"):
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_dir() and not path.is_symlink():
            with suppress(OSError):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)


def put_in_place(made: Path, folder: Path) -> None:
    """Let the folder ``made`` take the place of ``folder``, if there is one, which is removed.

    Both must lie in the same folder. A reader finds the one or the other, whole, whenever this process ends: where the
    system can exchange two folders, as Linux can. Elsewhere the old one is for a moment at ``.NAME.old`` only.

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
                remove_folder(old)
            os.replace(folder, old)
            try:
                os.replace(made, folder)
            except OSError:
                os.replace(old, folder)
                raise
            made = old
        doomed = made.with_name(f".{_stem(folder)}.{secrets.token_hex(4)}{_BEING_WRITTEN}")
        os.replace(made, doomed)  # what is left of it, if this process is killed now, is nothing but that
        remove_folder(doomed)
    else:
        os.replace(made, folder)


def _is_current(folder: Path) -> bool:
    """Whether ``folder`` is the current folder of this process, and so of the shell that started it."""
    try:
        current = Path(os.getcwd())
    except OSError:
        return False
    return folder == current or folder in current.parents


def _ours(folder: Path) -> list[str]:
    """The paths that the manifest in ``folder`` lists."""
    manifest = folder / MANIFEST
    try:
        text = manifest.read_text(encoding="utf-8", errors="replace") if manifest.is_file() else ""
    except OSError as error:
        raise InvalidModel(f"{manifest}: {reason(error)}") from None
    return [name for name in text.split("\n") if name]


def _move_into(made: Path, folder: Path) -> None:
    """Replace the listed files of ``folder`` by those of ``made``; at every moment the manifest lists all of them."""
    new = _ours(made)
    write_file(folder / MANIFEST, "\n".join(dict.fromkeys([*_ours(folder), *new])))
    _remove_ours(folder, keep=MANIFEST)
    for name in os.listdir(made):
        if name != MANIFEST:
            os.replace(made / name, folder / name)
    os.replace(made / MANIFEST, folder / MANIFEST)
    shutil.rmtree(made, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove the listed files of a folder, and the folder if it is then empty and not the current one."""
    with suppress(InvalidModel, OSError):
        _remove_ours(folder)
        if not _is_current(folder):
            folder.rmdir()


def _exchange(one: Path, other: Path) -> None:
    """Exchange two folders in one act. Raises OSError where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of <linux/fs.h>
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if rename(here, os.fsencode(one), here, os.fsencode(other), exchange) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _stem(folder: Path) -> str:
    """The beginning of temporary names for ``folder``, after a dot: its own name without one."""
    return folder.name.lstrip(".")


def _sweep(folder: Path) -> None:
    """Remove temporary folders beside ``folder`` of processes that were killed while they wrote it."""
    for left in folder.parent.glob(f".{glob.escape(_stem(folder))}.*{_BEING_WRITTEN}"):
        try:
            if not re.fullmatch(f".*{_LEFT}", left.stem):
                continue
            if not (left / MANIFEST).is_file():
                left.rmdir()  # empty: killed before it wrote the manifest
                continue
            with (left / MANIFEST).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_folder(left)
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

    A manifest names the files, and what else may come to lie there (``also``; "NAME/" is a folder with all in it). An
    existing folder is replaced only if it is empty or holds nothing that its manifest does not name; through a link,
    where that leads. Raises InvalidModel otherwise, and where nothing can be written; what was there is then untouched.
    """
    folder, named = real(folder), folder
    check_folder(named)
    names = dict.fromkeys([*map(_inside, files), *also])
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
        remove_folder(beside)
    return Path(named)
