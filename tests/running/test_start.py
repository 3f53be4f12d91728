"""A run that goes on from the end of another: as one without a break, or with what was changed in between."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from alike import assert_alike
from forked import run_forked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interrupts import ctrl_c_in_step
from strategies import STEPS, networks

import ernsnn as ern
from ernsnn.cli import main
from ernsnn.hardware_backends.native import engine as native
from ernsnn.hardware_backends.reference import engine as reference

SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=3)
EVERYTHING = {"rules": ("general",), "always": ("plastic", "third_factors", "marks", "epochs", "flows", "erasure")}
ENGINES = {
    "reference": reference.Engine,
    "float64": lambda graph: native.Engine(graph, "float64", compiled=False),
    "float32": lambda graph: native.Engine(graph, "float32", compiled=False),
}


def quietly(fraction):
    """Of progress nothing is said."""


def joined(parts):
    """Recordings that follow one another as one."""

    def together(kind):
        series = [getattr(part, kind) for part in parts]
        return {name: tuple(np.concatenate([s[name][k] for s in series]) for k in (0, 1)) for name in series[0]}

    n_steps = sum(part.n_steps for part in parts)
    return replace(parts[-1], spikes=together("spikes"), signals=together("signals"), n_steps=n_steps, first_step=0)


def assert_identical(found, expected):
    """Bit for bit, the state with which either would go on included."""
    for mine, other in ((found.to_arrays(), expected.to_arrays()), (found.state, expected.state)):
        assert mine.keys() == other.keys()
        for key, array in other.items():
            assert (mine[key].dtype, mine[key].tobytes()) == (array.dtype, array.tobytes()), key


def assert_goes_on(make, graph, cut):
    whole = make(graph).run(STEPS, quietly)
    first = make(graph).run(cut, quietly)
    second = make(graph).run(STEPS - cut, quietly, start=first)
    assert (second.first_step, second.n_steps) == (cut, STEPS - cut)
    assert_identical(joined([first, second]), whole)


@pytest.mark.parametrize("engine", ENGINES)
@SETTINGS
@given(networks(), st.integers(1, STEPS - 1))
def test_random_networks(engine, network, cut):
    assert_goes_on(ENGINES[engine], ern.lower(network, 1), cut)


@pytest.mark.parametrize("engine", ENGINES)
@settings(SETTINGS, max_examples=2)
@given(networks(**EVERYTHING), st.integers(1, STEPS - 1))
def test_rules_with_everything(engine, network, cut):
    assert_goes_on(ENGINES[engine], ern.lower(network, 2), cut)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@settings(SETTINGS, max_examples=150)
@given(networks(), st.integers(1, STEPS - 1), st.integers(0, 2**31))
def test_many_networks(engine, network, cut, seed):
    assert_goes_on(ENGINES[engine], ern.lower(network, seed), cut)


def assert_brian2_goes_on(graph, cuts, target="numpy"):
    parts = []
    for n_steps in cuts:
        parts.append(run_forked(graph, n_steps, target, start=parts[-1] if parts else None))
    whole = reference.Engine(graph).run(sum(cuts), quietly)
    assert_alike(joined(parts), whole)


@settings(SETTINGS, max_examples=2)
@given(networks(modulators=("astrocyte", "signal"), always=("plastic", "epochs")), st.integers(1, STEPS - 1))
def test_brian2(network, cut):
    assert_brian2_goes_on(ern.lower(network, 1), [cut, STEPS - cut])


@pytest.mark.slow
@settings(SETTINGS, max_examples=40)
@given(networks(), st.integers(1, STEPS - 4), st.integers(1, 3), st.integers(0, 2**31))
def test_brian2_and_many_networks(network, cut, short, seed):
    # The second is shorter than most delays.
    assert_brian2_goes_on(ern.lower(network, seed), [cut, short, STEPS - cut - short])


@pytest.mark.slow
@settings(SETTINGS, max_examples=2)
@given(networks(**EVERYTHING, modulators=("astrocyte",)), st.integers(1, STEPS - 3))
def test_brian2_in_compiled_code(network, cut):
    assert_brian2_goes_on(ern.lower(network, 1), [cut, 2, STEPS - cut - 2], "cpp_standalone")


# What a user sees


def pool(times_ms=(5.0, 60.0), weight_nA=1.5, delay_ms=1.0, size=4, dt_ms=1.0, **neuron):
    net = ern.Network(name="pool", dt_ms=dt_ms)
    inputs = net.population("inputs", size, ern.SpikeTimes([list(times_ms)] * size))
    cells = net.population("cells", size, ern.LIF(cm_nF=0.2, **neuron))
    rule = ern.stdp.pair(A_plus=0.1, A_minus=0.05, w_max=2.0)
    net.projection("plastic", inputs, cells, weight_nA=ern.Uniform(0.5, 1.5), delay_ms=delay_ms, learning=rule)
    net.projection("fixed", inputs, cells, ern.OneToOne(), weight_nA=weight_nA)
    return net


@pytest.fixture(scope="module")
def first():
    return ern.run(pool(), duration_ms=50, backend="reference")


def test_the_clock_goes_on(first):
    second = ern.run(pool(), duration_ms=30, start=first)
    assert (second.start_ms, second.duration_ms, second.meta["backend"]) == (50, 30, "reference")
    assert second.meta["start"] == {"ms": 50, "digest": first.graph.digest}
    assert second.trains("inputs") == [[60.0]] * 4
    whole = ern.run(pool(), duration_ms=80, backend="reference")
    assert first.trains("cells")[0] + second.trains("cells")[0] == whole.trains("cells")[0]
    assert second.weights("plastic").tobytes() == whole.weights("plastic").tobytes()
    later = ern.run(pool(), duration_ms=5, start=second)
    assert later.start_ms == 80


def test_metrics_count_from_where_it_started(first):
    second = ern.run(pool(), duration_ms=30, start=first)
    alone = ern.run(pool(times_ms=(10.0,)), duration_ms=30, backend="reference")
    assert second.metrics().activity[0] == alone.metrics().activity[0]
    with pytest.raises(ern.InvalidModel, match="the results start at 50 and 0 ms"):
        ern.compare(second, ern.run(pool(), duration_ms=30, backend="reference"))


def test_other_inputs_parameters_and_static_weights(first):
    other = pool(times_ms=(70.0,), weight_nA=0.0, v_threshold_mV=1000.0)
    second = ern.run(other, duration_ms=30, start=first)
    assert second.trains("inputs") == [[70.0]] * 4
    assert second.spike_counts["cells"] == 0
    still = ern.run(pool(times_ms=()), duration_ms=1, start=second.with_weights("plastic", 0.25))
    assert (still.weights("plastic") == 0.25).all()


@pytest.mark.parametrize("backend", ["reference", "native"])
def test_changed_weights(backend):
    before = ern.run(pool(), duration_ms=50, backend=backend)
    matrix = before.weights("plastic")
    matrix[1] = 2.0
    changed = before.with_weights("plastic", matrix)
    assert (before.weights("plastic")[1] < 2.0).all()
    assert changed.weights("plastic").tobytes() == matrix.astype(changed.weights("plastic").dtype).tobytes()
    after = ern.run(pool(times_ms=()), duration_ms=5, start=changed)
    assert after.weights("plastic").tolist() == changed.weights("plastic").tolist()
    one_a_synapse = before.with_weights("plastic", matrix.ravel())
    assert one_a_synapse.weights("plastic").tolist() == changed.weights("plastic").tolist()


def test_changed_weights_on_brian2():
    graph = ern.lower(pool(delay_ms=2.0))
    changed = ern.Result(graph, run_forked(graph, 3)).with_weights("plastic", 1.75)
    after = run_forked(ern.lower(pool(times_ms=(), delay_ms=2.0)), 2, start=changed.recording)
    assert (after.synapses["plastic"]["w"] == 1.75).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plastik", 1.0), "no plastic projection 'plastik'; did you mean 'plastic'"),
        (("fixed", 1.0), "no plastic projection 'fixed'"),
        (("plastic", 1.0, "m"), "no variable of plastic 'm'"),
        (("plastic", 3.0), r"plastic.w: must be numbers within \[0, 2\]"),
        (("plastic", np.nan), r"plastic.w: must be numbers within \[0, 2\]"),
        (("plastic", np.ones(3)), r"must be one number, a matrix of 4 x 4 or 16 numbers, got shape \(3,\)"),
        (("plastic", "much"), "plastic.w: must be numbers"),
    ],
)
def test_weights_that_cannot_be(first, arguments, message):
    with pytest.raises(ern.InvalidModel, match=message):
        first.with_weights(*arguments)


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"size": 5}, ["population inputs has another size (was 4, is 5)", "population cells has another size"]),
        ({"delay_ms": 2.0}, ["plastic projection plastic has another set of synapses", "longest delay was 1 steps"]),
        ({"dt_ms": 0.5}, ["dt_ms was 1.0, and is 0.5"]),
    ],
)
def test_all_that_differs_is_listed(first, changes, messages):
    with pytest.raises(ern.InvalidModel) as error:
        ern.run(pool(**changes), duration_ms=5, start=first)
    assert str(error.value).startswith("start: pool does not fit the network that was run:\n")
    for message in messages:
        assert message in str(error.value)


def test_other_parts(first):
    net = pool()
    net.population("more", 1, ern.LIF())
    net.astrocyte("glia", [net.populations["cells"]], tau_ms=10)
    with pytest.raises(ern.InvalidModel) as error:
        ern.run(net, duration_ms=5, start=first)
    assert "population more is new" in str(error.value)
    assert "modulator glia is new" in str(error.value)
    less = ern.Network(name="less")
    less.population("cells", 4, ern.AdaptiveLIF(cm_nF=0.2))
    with pytest.raises(ern.InvalidModel) as error:
        ern.run(less, duration_ms=5, start=first)
    for message in ("population inputs is not there any more", "population cells has another kind", "projection plas"):
        assert message in str(error.value)


def test_what_cannot_be_started_from(first, tmp_path):
    with pytest.raises(ern.InvalidModel, match="was run on reference, whose state means nothing to native; choose"):
        ern.run(pool(), duration_ms=5, start=first, backend="native")
    with pytest.raises(ern.UnsupportedOnBackend, match="loihi-emulator cannot go on from another run; use backend"):
        ern.run(pool(), duration_ms=5, start=first, backend="loihi-emulator")
    with pytest.raises(ern.InvalidModel, match="no recording"):
        ern.run(pool(), duration_ms=5, start=tmp_path)
    with pytest.raises(ern.InvalidModel, match="start: must be Result or a path or None, got 5"):
        ern.run(pool(), duration_ms=5, start=5)
    bare = ern.Result(first.graph, replace(first.recording, state=None))
    with pytest.raises(ern.InvalidModel, match="holds no state to go on from"):
        ern.run(pool(), duration_ms=5, start=bare)
    floats = ern.run(pool(), duration_ms=50, backend="native", precision="float64")
    assert ern.run(pool(), duration_ms=5, start=floats).meta["options"]["precision"] == "float64"
    with pytest.raises(ern.InvalidModel, match="weights_at_ms: 3 is before the run goes on, at 50 ms"):
        ern.run(pool(), duration_ms=5, start=first, weights_at_ms=[3])


def test_from_a_folder_and_into_one(first, tmp_path):
    first.save(tmp_path / "first")
    second = ern.run(pool(), duration_ms=30, start=tmp_path / "first", out=tmp_path / "second")
    expected = ern.run(pool(), duration_ms=30, start=first)
    assert (second.start_ms, second.spike_counts) == (50, expected.spike_counts)
    assert_identical(ern.Result.load(tmp_path / "second").recording, expected.recording)
    damaged = (tmp_path / "first" / "state.npz").read_bytes()
    (tmp_path / "first" / "state.npz").write_bytes(damaged[: len(damaged) // 2])
    with pytest.raises(ern.InvalidModel, match=r"state.npz: is damaged"):
        ern.run(pool(), duration_ms=30, start=tmp_path / "first")


def test_interrupted_and_resumed_after_a_start(first, tmp_path, monkeypatch):
    """A run that goes on from another can itself be interrupted, resumed, and gone on from where it was."""
    with ctrl_c_in_step(monkeypatch, 63), pytest.raises(ern.Interrupted, match="after 14 of 30 ms"):
        ern.run(pool(), duration_ms=30, start=first, out=tmp_path / "run")
    partial = ern.Result.load(tmp_path / "run")
    assert (partial.start_ms, partial.duration_ms) == (50, 14)
    rest = ern.run(pool(), duration_ms=16, start=tmp_path / "run")
    expected = ern.run(pool(), duration_ms=30, start=first)
    assert_identical(replace(joined([partial.recording, rest.recording]), first_step=50), expected.recording)
    assert_identical(ern.resume(tmp_path / "run").recording, expected.recording)


def test_on_the_command_line(tmp_path, capsys):
    model = tmp_path / "mine.py"
    model.write_text(
        "import ernsnn as ern\n\ndef build():\n    net = ern.Network()\n"
        "    net.population('source', 3, ern.Poisson(200.0))\n    return net\n"
    )
    command = ["run", str(model), "--duration-ms", "10", "--json"]
    assert main([*command, "--backend", "reference", "--out", str(tmp_path / "first")]) == 0
    capsys.readouterr()
    assert main([*command, "--start", str(tmp_path / "first")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["backend"], told["start"]["ms"], told["duration_ms"]) == ("reference", 10, 10)


def drawn(p=0.5, extra=0):
    net = ern.Network(name="drawn")
    inputs, cells = net.population("inputs", 6, ern.Poisson(200.0)), net.population("cells", 6 + extra, ern.LIF())
    rule = ern.stdp.pair(A_plus=0.1, A_minus=0.05, w_max=2.0)
    net.projection("plastic", inputs, cells, ern.FixedProbability(p), weight_nA=1.0, learning=rule)
    return net


def test_the_seed_is_that_of_the_start():
    whole = ern.run(drawn(), duration_ms=40, seed=1, backend="reference")
    first = ern.run(drawn(), duration_ms=20, seed=1, backend="reference")
    second = ern.run(drawn(), duration_ms=20, start=first)
    assert second.graph.digest == whole.graph.digest != ern.lower(drawn()).digest
    assert first.trains("inputs")[0] + second.trains("inputs")[0] == whole.trains("inputs")[0]
    assert second.weights("plastic").tobytes() == whole.weights("plastic").tobytes()


@pytest.mark.parametrize("p", [0.5, 1.0])
def test_a_seed_of_its_own_is_named_where_it_matters(p):
    first = ern.run(drawn(p), duration_ms=2, seed=1, backend="reference")
    if p == 1.0:
        assert ern.run(drawn(p), duration_ms=2, seed=2, start=first).graph.seed == 2
    else:
        with pytest.raises(ern.InvalidModel, match=r"set of synapses[^$]*seed, by which .* was 1, and is 2"):
            ern.run(drawn(p), duration_ms=2, seed=2, start=first)
    with pytest.raises(ern.InvalidModel) as error:
        ern.run(drawn(p, extra=1), duration_ms=2, start=first)
    assert "seed" not in str(error.value)


def test_the_seed_of_the_start_on_the_command_line(tmp_path, capsys):
    model = tmp_path / "mine.py"
    model.write_text(
        "import ernsnn as ern\n\ndef build():\n    net = ern.Network()\n"
        "    a = net.population('source', 9, ern.Poisson(200.0))\n    b = net.population('b', 9, ern.LIF())\n"
        "    net.projection('p', a, b, ern.FixedProbability(.5), weight_nA=1, "
        "learning=ern.stdp.pair(A_plus=.1, A_minus=.1))\n    return net\n"
    )
    command = ["run", str(model), "--duration-ms", "10", "--backend", "reference", "--json"]
    first = str(tmp_path / "first")
    assert main([*command, "--out", first, "--seed", "3"]) == 0
    capsys.readouterr()
    assert main([*command, "--start", first]) == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 3
    assert main([*command, "--start", first, "--seed", "0"]) == 2
    assert "the seed, by which synapses are drawn, was 3, and is 0" in capsys.readouterr().err
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 0


def test_another_layout_of_the_brian2_program():
    """Projections of one rule are one object there; given rules of their own, they would be two."""

    def pair(other):
        net = ern.Network()
        source, cells = net.population("source", 3, ern.Poisson(100.0)), net.population("cells", 3, ern.LIF())
        for name, amount in (("one", 0.1), ("other", other)):
            rule = ern.stdp.pair(A_plus=amount, A_minus=0.1, w_max=2.0)
            net.projection(name, source, cells, weight_nA=0.5, learning=rule)
        return ern.lower(net)

    first = run_forked(pair(0.1), 3)
    with pytest.raises(ern.InvalidModel, match=r"start: its Brian2 program has other variables .*use backend 'native'"):
        run_forked(pair(0.2), 3, start=first)


@pytest.mark.parametrize("values", [np.zeros(3), np.array("x"), np.zeros((2, 99)), np.full((4, 4), "a")])
def test_a_state_of_another_form_is_refused_by_brian2(values):
    from ernsnn.hardware_backends.brian2.start import _kept

    start = ern.Recording(n_steps=1, spikes={}, state={"pending/E": values})
    with pytest.raises(ern.InvalidModel, match="has other variables"):
        _kept(start, "pending/E", None, 4)
    assert _kept(ern.Recording(n_steps=1, spikes={}, state={"p": np.zeros((0, 4))}), "p", None, 4).shape == (0, 4)
