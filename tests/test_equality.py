"""The script that holds two versions of the package to each other (support/equality.py) sees what differs."""

from __future__ import annotations

import json

import equality
import numpy as np
import pytest


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same three networks, run twice."""
    folder = tmp_path_factory.mktemp("equality")
    for name in ("one", "other"):
        equality.run(folder / f"{name}.json", range(10, 13), folder / name, ["reference"])
    return folder


def test_the_same_version_gives_the_same_to_the_bit(runs, capsys):
    assert equality.main(["compare", str(runs / "one.json"), str(runs / "other.json")]) == 0
    assert "reference: 3 of 3 networks equal" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["spikes", "probes", "final"])
def test_one_bit_in_one_array_is_seen(runs, tmp_path, capsys, kind):
    content = json.loads((runs / "other.json").read_text())
    arrays = equality.stored(content, "reference", "11")
    name = next(n for n, a in arrays.items() if n.startswith(kind) and a.size and not n.endswith("steps"))
    last = arrays[name].flat[-1]
    arrays[name].flat[-1] = last + 1 if kind == "spikes" else np.nextafter(last, np.inf)
    (tmp_path / "reference").mkdir()
    np.savez(tmp_path / "reference" / "11.npz", **{n.replace("/", "|"): a for n, a in arrays.items()})
    content["networks"]["11"]["reference"]["arrays"][name] = equality.digest(arrays[name])
    content["about"]["arrays"] = str(tmp_path)
    (tmp_path / "changed.json").write_text(json.dumps(content))
    assert equality.main(["compare", str(runs / "one.json"), str(tmp_path / "changed.json")]) == 1
    out = capsys.readouterr().out
    assert "2 of 3 networks equal" in out
    assert f"{kind}: equal in networks 2 of 3" in out
    assert name in out
    assert ("largest relative difference" in out) == (kind != "spikes")


def test_networks_of_one_seed_are_the_same_and_have_what_they_count():
    one, other = (equality.run_one(15, "reference") for _ in range(2))
    assert {n: equality.digest(a) for n, a in one[0].items()} == {n: equality.digest(a) for n, a in other[0].items()}
    assert one[1] > 50
    assert one[2]["continued"] == 1
