"""Corruptions of folders: bits flipped, files cut, swapped and missing, and content of a hostile author.

An ``honest`` change is an accident, which must be refused, or change nothing. A ``hostile`` one has new checksums and
digests, so that its content may be another run; it must do no harm.
"""

from __future__ import annotations

import io
import json
import os
import zipfile

import numpy as np

from ernsnn.graph import storage
from ernsnn.loading import sealed, unsealed

VALUES = [
    None,
    True,
    -1,
    0,
    1.5,
    1e300,
    -(10**18),
    10**30,
    "x",
    "",
    "../../x",
    "a\0b",
    [],
    [[]],
    {},
    [None],
    [[1, "a"]],
]
VALUES += [
    [[1, "a"]],
    float("nan"),
    float("inf"),
    {"array": "a0"},
    {"array": "nosuch"},
    {"is": "Dense"},
    {"dict": []},
    "e" * 5000,
]
OFF = [-1, 2**31 - 1, 7]
NAMES = ["../../outside", "/tmp/outside", "a/../../b", "..", "", "\0", "e" * 300, "nul\n", "spikes/cells", "\ud800"]


def picked(rng, values):
    return values[int(rng.integers(len(values)))]


def flipped(rng, content):
    """Flip one bit."""
    at = int(rng.integers(len(content)))
    return content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]


def cut(rng, content):
    """Truncate or extend a file."""
    return content[: int(rng.integers(len(content)))] if rng.random() < 0.8 else content + content[:7]


def altered(rng, content, values=VALUES):
    """JSON with one of its values, at whatever depth, replaced, removed, renamed or added."""
    if isinstance(content, dict | list) and content and rng.random() < 0.85:
        key = picked(rng, list(content) if isinstance(content, dict) else range(len(content)))
        copied = content.copy()
        kind = rng.random()
        if kind < 0.1:
            del copied[key]
        elif kind < 0.15 and isinstance(copied, dict):
            copied[picked(rng, NAMES)] = copied.pop(key)
        elif kind < 0.2 and isinstance(copied, dict):
            copied["extra"] = picked(rng, values)
        else:
            copied[key] = altered(rng, content[key], values)
        return copied
    if isinstance(content, str) and rng.random() < 0.4:
        return picked(rng, NAMES)
    if isinstance(content, int | float) and not isinstance(content, bool) and rng.random() < 0.4:
        return picked(rng, [content + 1, -content, content * 1000, 0])
    return picked(rng, values)


def arrays_of(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def with_other_arrays(rng, arrays):
    """Remove or rename an array, or change its numbers, its type or its shape."""
    name = picked(rng, list(arrays))
    array, rest = arrays[name], {k: v for k, v in arrays.items() if k != name}
    number = array if array.dtype.kind in "biuf" else np.zeros(3)
    kinds = [
        lambda: rest,
        lambda: {**arrays, picked(rng, ["foreign", "a999", "spikes/x/steps", "../x", "about2"]): np.zeros(3)},
        lambda: {**rest, picked(rng, ["foreign", "../../x"]): array},
        lambda: {**rest, name: number.astype(picked(rng, ["<f4", "<i2", "?", "<U3", "<c8", "<u8"]))},
        lambda: {**rest, name: np.append(number.ravel(), number.ravel()[:1])},
        lambda: {**rest, name: number.ravel()[: number.size // 2]},
        lambda: {**rest, name: number.reshape(1, *number.shape)},
        lambda: {**rest, name: np.where(rng.random(number.shape) < 0.3, picked(rng, OFF), number)},
        lambda: {**rest, name: np.full(number.shape, np.nan)},
        lambda: {**rest, name: np.zeros(0)},
    ]
    return picked(rng, kinds)()


def saved_arrays(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def with_a_bomb(content, name, megabytes=100):
    """An npz with one more member (or in place of one) of very many zeros, small on disk."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in old.infolist():
            if entry.filename != f"{name}.npy":
                archive.writestr(entry, old.read(entry))
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            header = {"descr": "<f8", "fortran_order": False, "shape": (megabytes << 17,)}
            np.lib.format.write_array_header_1_0(member, header)
            for _ in range(megabytes):
                member.write(bytes(1 << 20))
    return buffer.getvalue()


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def honest(rng, folder):
    """Accidental corruptions of a folder."""
    path = picked(rng, files_of(folder))
    content, kind = path.read_bytes(), rng.random()
    if kind < 0.5 and content:
        path.write_bytes(flipped(rng, content))
    elif kind < 0.65 and content:
        path.write_bytes(cut(rng, content))
    elif kind < 0.72:
        path.unlink()
    elif kind < 0.78:
        path.write_bytes(picked(rng, files_of(folder)).read_bytes())
    elif kind < 0.82:
        path.write_bytes(b"" if rng.random() < 0.5 else rng.bytes(200))
    elif path.suffix == ".json":
        path.write_text(json.dumps(altered(rng, json.loads(content))))
    elif path.suffix == ".npz":
        arrays = arrays_of(path)
        if arrays:
            path.write_bytes(saved_arrays(with_other_arrays(rng, arrays)))
    elif content:
        path.write_bytes(flipped(rng, content))


def hostile(rng, folder):
    """Corruptions by an author who knows the format."""
    kind = rng.random()
    there = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
    if kind < 0.1:
        _other_kind_of_file(rng, folder, picked(rng, list(there.values())))
    elif kind < 0.35 and "checkpoint.npz" in there:
        arrays = arrays_of(there["checkpoint.npz"])
        if rng.random() < 0.7:
            arrays["about"] = np.array(json.dumps(altered(rng, json.loads(str(arrays["about"])))))
        else:
            arrays = with_other_arrays(rng, arrays)
        there["checkpoint.npz"].write_bytes(saved_arrays(arrays))
    elif kind < 0.6:
        name = picked(rng, [n for n in ("run.json", "meta.json", "summary.json", "graph.json") if n in there])
        if name == "graph.json":
            _other_graph(rng, folder)
        else:
            changed = altered(rng, unsealed(there[name]))
            there[name].write_text(sealed(changed) if isinstance(changed, dict) else json.dumps(changed))
    elif kind < 0.8 and "recording.npz" in there:
        name = picked(rng, [n for n in ("recording.npz", "state.npz") if n in there])
        there[name].write_bytes(saved_arrays(with_other_arrays(rng, arrays_of(there[name]))))
        meta = unsealed(there["meta.json"])
        meta.pop("checksums", None)
        there["meta.json"].write_text(sealed(meta))
    else:
        _other_graph(rng, folder)


def _other_kind_of_file(rng, folder, path):
    outside, kind = folder.parent / "outside" / "letter.txt", rng.random()
    path.unlink()
    if kind < 0.3:
        path.symlink_to(outside)
    elif kind < 0.5:
        os.mkfifo(path)
    elif kind < 0.7:
        path.mkdir()
    elif kind < 0.85:
        path.symlink_to("/dev/zero")
    else:
        path.symlink_to(path)


def _other_graph(rng, folder):
    """A graph that is changed, with a digest that is right, in every file that names it."""
    stored = json.loads((folder / "graph.json").read_text())
    arrays = arrays_of(folder / "graph.npz")
    if rng.random() < 0.7:
        stored["graph"] = altered(rng, stored["graph"])
    elif arrays:
        arrays = with_other_arrays(rng, arrays)
        (folder / "graph.npz").write_bytes(saved_arrays(arrays))
    old = stored["digest"]
    try:
        stored["digest"] = digest_of(stored["graph"], arrays)
    except Exception:
        return _write(folder / "graph.json", stored)
    _write(folder / "graph.json", stored)
    for name in ("meta.json", "run.json"):
        if (folder / name).exists():
            data = unsealed(folder / name)
            if data.get("digest") == old:
                (folder / name).write_text(sealed({**data, "digest": stored["digest"]}))


def _write(path, data):
    path.write_text(json.dumps(data, indent=1))


def digest_of(encoded, arrays):
    """The digest that a graph of this JSON has, whatever stands in it."""
    import hashlib

    used = {name: arrays[name] for name in storage._named("array", encoded) if name in arrays}
    total = hashlib.sha256(json.dumps(encoded, sort_keys=True, separators=(",", ":")).encode())
    for name, array in used.items():
        total.update(f"{name}{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
