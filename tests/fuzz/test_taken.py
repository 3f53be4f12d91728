"""What users legitimately write, in the forms that their programs have it in, is taken; what only looks so is not."""

from __future__ import annotations

import types
from collections import UserDict

import numpy as np
import pytest

import ernsnn as ern


def rule(**keywords):
    return ern.LearningRule.from_equations(on_post={"w": "A"}, parameters={"A": 0.1}, **keywords)


@pytest.mark.parametrize("value", [np.float32(0.5), np.int64(1), np.array(0.5), 1, 0.5])
def test_numbers_of_numpy_are_parameters(value):
    made = ern.LearningRule.from_equations(on_post={"w": "A"}, parameters={"A": value})
    assert made.terms[0].coefficient == pytest.approx(float(value))


def test_views_and_pairs_and_whole_numbers_of_numpy():
    values = {1: 5.0, 2: 6.0}
    assert ern.LIF(tau_m_ms=values.values()).tau_m_ms.tolist() == [5.0, 6.0]
    assert ern.Poisson(values.values()).rate_hz.tolist() == [5.0, 6.0]
    assert ern.Schedule(values.keys(), values.values()).values.tolist() == [5.0, 6.0]
    assert rule(bounds={"w": np.array([0, 1])}).bounds == {"w": (0.0, 1.0)}
    assert len(ern.replay("r", 50, "q", values.values(), cue_ms=5)) == 10
    net = ern.Network()
    net.population("a", np.int64(2), ern.LIF(i_offset_nA=1.0))
    result = ern.run(net, duration_ms=np.int32(5), backend="native", threads=np.int64(1), seed=np.int64(3))
    assert ern.compare(result, result, tolerance_steps=np.int64(1)).equal
    kept = ern.run(net, duration_ms=5, backend="reference", notes={"n": np.int64(1), "x": np.arange(2)})
    assert kept.meta["notes"] == {"n": 1, "x": [0, 1]}


REFUSED = {
    "an index beyond whole numbers": lambda net, r: ern.FromList([(0, 2**63)]),
    "a masked array in a list": lambda net, r: ern.Schedule([0], [np.ma.masked_array([1.0], [True])]),
    "a duration without a unit": lambda net, r: ern.LIF(tau_m_ms=np.timedelta64(20)),
    "another seed than the graph's": lambda net, r: ern.run(ern.lower(net, 7), seed=9, duration_ms=5),
    "a range beyond numbers": lambda net, r: ern.LIF(i_offset_nA=ern.Uniform(-1e308, 1e308)),
    "notes that JSON cannot hold": lambda net, r: ern.run(net, duration_ms=5, notes={"n": {1, 2}}),
    "more neurons than there are numbers": lambda net, r: net.population("b", 10**400, ern.LIF()),
    "a mapping that is no dict": lambda net, r: net.gate("G", opens=UserDict({"g": 1.0})),
    "equations by number": lambda net, r: ern.LearningRule.from_equations(on_post=types.MappingProxyType({3: "1"})),
    "a population for its name": lambda net, r: r.spikes(net.populations["a"]),
    "nothing for a name": lambda net, r: r.weights(None),
    "a list for a name": lambda net, r: r.signal(["a"], "v_mV"),
    "a number for a chip": lambda net, r: r.energy(3),
    "a misspelt argument": lambda net, r: r.energy(chips="Loihi"),
    "no folder": lambda net, r: ern.Result.load(None),
    "a number for a file": lambda net, r: r.export(3),
    "text as yes": lambda net, r: r.export("x.npz", force="no"),
    "a masked weight": lambda net, r: r.with_weights("p", np.ma.masked_array([0.2] * 4, [1, 0, 0, 0])),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    net = ern.Network()
    cells = net.population("a", 2, ern.LIF(i_offset_nA=1.0))
    net.projection("p", cells, cells, weight_nA=0.5, learning=ern.stdp.pair(A_plus=0.1, A_minus=0.1))
    result = ern.run(net, duration_ms=2, backend="reference")
    with pytest.raises(ern.InvalidModel):
        REFUSED[what](net, result)


def test_a_link_in_the_place_where_a_run_works_is_not_followed(tmp_path):
    net = ern.Network()
    net.population("a", 2, ern.LIF(i_offset_nA=1.0))
    for name in ("run", "victim"):
        ern.run(net, duration_ms=2, backend="reference", out=tmp_path / name)
    before = (tmp_path / "victim" / "recording.npz").read_bytes()
    (tmp_path / ".run.unfinished").symlink_to(tmp_path / "victim")
    with pytest.raises(ern.InvalidModel, match="is a link, which no run has made"):
        ern.run(net, duration_ms=4, backend="reference", out=tmp_path / "run")
    assert (tmp_path / "victim" / "recording.npz").read_bytes() == before
    assert not (tmp_path / "run").is_symlink()
