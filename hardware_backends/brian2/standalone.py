"""Builds a Brian2 C++ standalone project with a cache of compiled code. Needs brian2 only; copied beside programs.

Objects are kept under the digest of their source, all headers, the flags and the machine, in ERNSNN_CACHE or
~/.cache/ernsnn. The same code with other numbers, which Brian2 keeps in files of their own, is so never compiled
twice. Entries appear by renaming, so that several runs can share the cache; those unused for 30 days are removed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

KEEP_DAYS = 30

# Nearly all of compiling Brian2's many small files is reading the same headers: read them once. Later rules win.
PRECOMPILED = {
    "pch.h": """
#include "objects.h"
#include "brianlib/common_math.h"
#include "brianlib/stdint_compat.h"
#include <cmath>
#include <ctime>
#include <iostream>
#include <fstream>
#include <climits>
""",
    "makefile": """

pch.h.gch: pch.h
\t$(CXX) $(CXXFLAGS) -x c++-header $< -o $@
$(OBJS): | pch.h.gch
%.o : %.cpp makefile
\t$(CXX) $(CXXFLAGS) -include pch.h $< -o $@
""",
}


def cache_folder() -> Path:
    """The folder of compiled code."""
    base = os.environ.get("ERNSNN_CACHE")
    if base:
        return Path(base) / "brian2"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ernsnn" / "brian2"


def build_and_run(device: Any, project: Path) -> None:
    """Generate the C++ code into ``project``, compile what the cache lacks, and run it."""
    device.build(directory=str(project), compile=False, run=False)
    for name, text in PRECOMPILED.items():
        with (project / name).open("a") as file:
            file.write(text)
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        cache = Path(tempfile.mkdtemp(prefix="cache-", dir=project.parent))
    keys = _keys(project)
    program = project / "main"
    whole = cache / (hashlib.sha256("".join(sorted(keys.values())).encode()).hexdigest() + ".bin")
    if not _take(whole, program):
        (project / "make.deps").touch()  # dependencies matter to none: an object is taken whole or made anew
        for source, key in keys.items():
            _take(cache / f"{key}.o", Path(source).with_suffix(".o"))
        device.compile_source(str(project), "unix", debug=False, clean=False)
        for source, key in keys.items():
            _keep(Path(source).with_suffix(".o"), cache / f"{key}.o")
        _keep(program, whole)
        _forget_old(cache)
    device.run(str(project), with_output=True)


def _keys(project: Path) -> dict[str, str]:
    """Source file -> digest of all that its object depends on."""
    machine = "\n".join([platform.machine(), platform.node(), platform.release(), platform.processor()])
    common = hashlib.sha256(machine.encode())
    for path in [project / "makefile", *sorted(project.rglob("*.h"))]:
        common.update(str(path.relative_to(project)).encode() + path.read_bytes())
    keys = {}
    for path in sorted(project.rglob("*.cpp")):
        key = common.copy()
        key.update(str(path.relative_to(project)).encode() + path.read_bytes())
        keys[str(path)] = key.hexdigest()
    return keys


def _take(cached: Path, place: Path) -> bool:
    """Copy from the cache, as a new file: make must find it newer than its source."""
    try:
        shutil.copyfile(cached, place)
        os.utime(cached)
    except OSError:
        return False
    if cached.suffix == ".bin":
        place.chmod(0o755)
    return True


def _keep(made: Path, cached: Path) -> None:
    if cached.exists() or not made.exists():
        return
    handle, beside = tempfile.mkstemp(dir=cached.parent)
    os.close(handle)
    try:
        shutil.copyfile(made, beside)
        os.replace(beside, cached)
    except OSError:  # a full disk costs the next run its speed, not this one its result
        Path(beside).unlink(missing_ok=True)


def _forget_old(cache: Path) -> None:
    oldest = time.time() - KEEP_DAYS * 86400
    for entry in cache.iterdir():
        try:
            if entry.stat().st_mtime < oldest:
                entry.unlink()
        except OSError:
            continue
