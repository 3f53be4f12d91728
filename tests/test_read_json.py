"""JSON as editors and shells leave it: with a byte-order mark, and in UTF-16."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.cli import main
from ernsnn.loading import read_json

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]
BENCH = {"cue": [[3, 4, 5], []], "cont": [[3, 4, 5], []], "simTime": 30, "note": "µ"}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_testbench_in_any_encoding(encoding: str, tmp_path: Path, capsys) -> None:
    file = tmp_path / "in.json"
    file.write_bytes(json.dumps(BENCH, ensure_ascii=False).encode(encoding))
    assert read_json(file) == BENCH
    run = ["run", "ca3_memory", "--input", str(file), "--backend", "reference", "--json"]
    assert main(run) == 0
    told = json.loads(capsys.readouterr().out)
    assert {c["population"]: c["spikes"] for c in told["populations"]}["IN"] == 6


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["meta.json", "graph.json"])
def test_a_saved_run_whose_files_an_editor_has_written_anew(encoding: str, name: str, tmp_path: Path) -> None:
    net = ern.Network()
    net.population("s", 2, ern.SpikeTimes([[1, 2], [3]]))
    before = ern.run(net, duration_ms=5, backend="reference")
    folder = before.save(tmp_path / "run")
    text = (folder / name).read_text()
    (folder / name).write_bytes(text.encode(encoding))
    after = ern.Result.load(folder)
    assert after.graph.digest == before.graph.digest
    assert np.array_equal(after.spikes("s")[0], before.spikes("s")[0])


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\xff\xfe\x00", b"\xff\xfe{", b"\x00{}", b"{\xff}"])
def test_what_is_none_is_named(content: bytes, tmp_path: Path, capsys) -> None:
    file = tmp_path / "in.json"
    file.write_bytes(content)
    assert main(["run", "ca3_memory", "--input", str(file)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"ernsnn: ca3_memory: {file}: is no ")
    assert err.count("\n") == 1
