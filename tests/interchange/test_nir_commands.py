"""``ernsnn run`` and ``check`` take NIR files, ``ernsnn import`` writes them as Python files that build the same."""

import json
from pathlib import Path
from shlex import quote

import nir
import numpy as np
import pytest
from random_networks import Draw

import ernsnn as ern
from ernsnn.cli import main
from ernsnn.interchange.script import script
from ernsnn.studies.models import get_model

DATA = Path(__file__).parents[1] / "data" / "nir"


def printed(capsys, *words):
    code = main([*map(str, words), "--json"])
    out = capsys.readouterr()
    assert code == 0, out.err
    return json.loads(out.out)


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.nir")))
def test_an_imported_file_builds_the_same_network(name: str, tmp_path, capsys) -> None:
    dt_ms = {"norse_default": 0.001, "norse_if": 1000.0}.get(name, 1.0 if name.startswith("norse") else 0.1)
    data = printed(capsys, "import", DATA / f"{name}.nir", "--out", tmp_path / "model.py", "--dt-ms", dt_ms)
    network = ern.from_nir(DATA / f"{name}.nir", dt_ms=dt_ms)
    assert data["populations"] == {p.name: p.size for p in network.populations.values()}
    back = get_model(str(tmp_path / "model.py")).open().network
    assert ern.lower(back).digest == ern.lower(network).digest
    assert max(len(line) for line in (tmp_path / "model.py").read_text().splitlines()) < 250


def test_a_file_runs_and_is_checked(capsys) -> None:
    model = DATA / "snntorch_zero.nir"
    data = printed(capsys, "run", model, "--set", "dt_ms=0.1", "--duration-ms", 10, "--backend", "reference")
    assert {p["population"]: p["neurons"] for p in data["populations"]} == {"input": 12, "n1": 24, "n3": 8, "bias": 1}
    assert (
        printed(capsys, "check", model, "--set", "dt_ms=0.1", "--backend", "reference")["backends"][0]["issues"] == []
    )
    assert main(["run", str(model), "--dt-ms", "0.1", "--duration-ms", "10", "--backend", "reference"]) == 0
    assert "--set dt_ms=0.1" in capsys.readouterr().out
    assert main(["run", str(model), "--dt-ms", "0", "--duration-ms", "10"]) == 2
    assert main(["run", str(model), "--duration-ms", "10"]) == 2
    assert "give dt_ms" in capsys.readouterr().err
    assert main(["run", "none.nir", "--duration-ms", "10"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_the_command_of_a_saved_run_repeats_it(tmp_path, capsys) -> None:
    out = tmp_path / "run"
    words = ["--set", "dt_ms=0.1", "--duration-ms", 5, "--backend", "reference", "--out", out]
    printed(capsys, "run", DATA / "snntorch_zero.nir", *words)
    result = ern.Result.load(out)
    command = result.meta["notes"]["command"]
    assert f"{quote(str(DATA / 'snntorch_zero.nir'))} --backend reference --set dt_ms=0.1" in command
    assert result.spike_counts["n1"] > 0


def test_arguments_of_import(tmp_path, capsys) -> None:
    model, out = str(DATA / "snntorch_subtract.nir"), tmp_path / "model.py"
    words = ["import", model, "--out", str(out), "--dt-ms", "0.1"]
    assert main([*words, "--set", "reset=late_subtraction"]) == 0
    assert "ern.SoftResetLIF(" in out.read_text()
    assert main(words) == 0
    assert "ern.LIF(" in out.read_text()
    for wrong, said in [
        ([*words, "--set", "resets=value"], "no argument 'resets'; did you mean 'reset'"),
        ([*words[:3], str(tmp_path / "model.txt"), "--dt-ms", "0.1"], "must end in .py"),
        (["import", "ca3_memory", "--out", str(out)], "is no file that ends in .nir"),
    ]:
        assert main(wrong) == 2
        assert said in capsys.readouterr().err
    out.write_text("mine")
    assert main(words) == 2
    assert "was not written by an import" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main([*words, "--force"]) == 0


def test_a_name_cannot_become_code(tmp_path, capsys) -> None:
    """What a file names itself and its parts stands in the script as text."""
    name = 'x"""\\nimport os; os.abort()  #.nir'
    graph = nir.read(DATA / "snntorch_scalar.nir")
    graph.nodes['");raise SystemExit(#'] = graph.nodes.pop("input")
    graph.edges = [tuple('");raise SystemExit(#' if end == "input" else end for end in edge) for edge in graph.edges]
    nir.write(tmp_path / name, graph)
    assert main(["import", str(tmp_path / name), "--out", str(tmp_path / "model.py"), "--dt-ms", "0.1"]) == 0
    network = get_model(str(tmp_path / "model.py")).open().network
    assert next(iter(network.populations.values())).model.quantity == '");raise SystemExit(#'


SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed % 10 else []) for seed in range(100)]


@pytest.mark.parametrize("seed", SEEDS)
def test_scripts_of_random_networks_build_them(seed: int, tmp_path) -> None:
    network = Draw(seed).net
    text, arrays = script(network, "model.npz", "A random network.")
    (tmp_path / "model.py").write_text(text)
    np.savez(tmp_path / "model.npz", **arrays)
    back = get_model(str(tmp_path / "model.py")).open().network
    assert ern.lower(back, seed).digest == ern.lower(network, seed).digest
