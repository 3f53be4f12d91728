"""A run whose state leaves the finite numbers says so: what, where and in which step; what is harmless goes on."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.finite import Watch
from ernsnn.backend.source_spikes import SourceSpikes
from ernsnn.cli import main
from ernsnn.hardware_backends.native import engine as native
from ernsnn.hardware_backends.reference import engine as reference

HUGE = 1e308
ENGINES = {"reference": reference.Engine, "native": lambda graph: native.Engine(graph, "float64", compiled=False)}
OPTIONS = {"reference": {}, "native": {"precision": "float64"}}
STEPPED = pytest.mark.parametrize("backend", ENGINES)


def driven(kind=ern.LIF, dt_ms=1.0, **options):
    """Neuron 1 of ``cells`` gets two spikes that were sent in step 3, in step 4."""
    net = ern.Network(dt_ms=dt_ms, name="driven")
    source = net.population("source", 2, ern.SpikeTimes([[3 * dt_ms, 50 * dt_ms], [3 * dt_ms, 9 * dt_ms]]))
    net.population("before", 2, ern.LIF())
    cells = net.population("cells", 3, kind(tau_refrac_ms=2.0))
    net.projection("p", source, cells, ern.FromList([(0, 1), (1, 1)]), **options)
    return net


def alone(**parameters):
    net = ern.Network()
    net.population("cells", 3, ern.LIF(cm_nF=0.001, **parameters))
    return net


def growing(every_ms=3.0, first=1e300):
    """A mark that doubles at every pre spike, and that nothing reads."""
    net = ern.Network()
    source = net.population("source", 1, ern.SpikeTimes([np.arange(1, 300, every_ms).tolist()]))
    rule = ern.LearningRule.from_equations(on_pre={"m": "m"}, marks=[ern.Mark("m", first, 0.0, np.inf)])
    net.projection("p", source, net.population("cells", 2, ern.LIF()), weight_nA=0.1, learning=rule)
    return net


def astrocytes():
    net = ern.Network()
    source = net.population("source", 2, ern.SpikeTimes([[3.0], [3.0]]))
    net.astrocyte("glia", [source], tau_ms=50.0, weight=HUGE)
    return net


def moving_threshold():
    net = ern.Network()
    rule = ern.LearningRule.from_equations(on_epoch={"w": "w*1e200"}, epoch_ms=5.0)
    plastic = ern.IntrinsicPlasticity(target="v_threshold_mV", rule=rule)
    net.population("cells", 2, ern.LIF(), plasticity=plastic)
    return net


LEFT = {
    "excitatory": (lambda: driven(weight_nA=HUGE), "cells: I_E_nA of neuron 1 is inf", 4),
    "inhibitory": (lambda: driven(weight_nA=HUGE, receptor="inhibitory"), "cells: I_I_nA of neuron 1 is inf", 4),
    "step of .1 ms": (lambda: driven(dt_ms=0.1, weight_nA=HUGE), "cells: I_E_nA of neuron 1 is inf", 4),
    "delta": (
        lambda: driven(ern.DeltaLIF, weight_mV=HUGE, receptor="inhibitory"),
        "cells: v_mV of neuron 1 is -inf",
        4,
    ),
    "conductance": (lambda: driven(ern.ConductanceLIF, weight_uS=HUGE), "cells: g_E_uS of neuron 1 is inf", 4),
    "offset": (lambda: alone(i_offset_nA=[0.0, 0.0, -HUGE]), "cells: v_mV of neuron 2 is -inf", 0),
    "astrocyte": (astrocytes, "glia: C of unit 0 is inf", 3),
    "mark": (growing, "p: m of the synapse from neuron 0 to neuron 0 is inf", 1 + 3 * 27),
    "threshold": (moving_threshold, "cells: v_threshold_mV of neuron 0 is -inf", 9),
}


def first_step_of(graph, make, steps):
    """Found by brute force: the first step after which an array of the engine's state is not finite."""
    engine, feeds = make(graph), SourceSpikes(graph)
    with np.errstate(all="ignore"):
        for t in range(steps):
            engine.step(t, feeds.at(t))
            seen = [engine.probe(probe) for probe in Watch(engine, 0).probes]
            if not all(np.isfinite(array).all() for array in [*seen, *engine.final_values().values()]):
                return t
    raise AssertionError("it stays finite")


@STEPPED
@pytest.mark.parametrize("case", LEFT)
@pytest.mark.filterwarnings("error", "ignore::ernsnn.ModelWarning")
def test_what_leaves_the_finite_numbers_is_named_with_its_step(case, backend):
    build, words, step = LEFT[case]
    network = build()
    ms = f"{step * network.dt_ms:g} ms"
    with pytest.raises(ern.NotFinite, match=re.escape(f"{words} after step {step}, at {ms}: ")) as error:
        ern.run(network, duration_ms=200, backend=backend, **OPTIONS[backend])
    assert isinstance(error.value, ern.InvalidModel)
    assert error.value.steps == (step, step + 1)
    assert first_step_of(ern.lower(network), ENGINES[backend], step + 2) == step


@STEPPED
@pytest.mark.parametrize(
    "build",
    [
        lambda: driven(weight_nA=HUGE / 10),
        lambda: driven(ern.DeltaLIF, weight_mV=HUGE),
        lambda: alone(i_offset_nA=[0.0, 0.0, HUGE]),
        lambda: alone(v_init_mV=-1e300),
        lambda: growing(first=1.0),
    ],
    ids=["large", "a V that spikes and is reset", "an offset that lets it spike", "a far start", "a large mark"],
)
@pytest.mark.filterwarnings("error", "ignore::ernsnn.ModelWarning")
def test_what_is_harmless_runs(build, backend):
    result = ern.run(build(), duration_ms=200, backend=backend, **OPTIONS[backend])
    assert result.duration_ms == 200


@STEPPED
def test_in_a_folder_and_after_a_checkpoint(backend, tmp_path):
    network = growing()
    options = {"duration_ms": 200, "backend": backend, **OPTIONS[backend]}
    with pytest.raises(ern.NotFinite, match=r"p: m of .* after step 82, at 82 ms"):
        ern.run(network, out=tmp_path / "run", **options)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ern.NotFinite, match=r"p: m of .* after step 82, at 82 ms"):
        ern.run(network, out=tmp_path / "kept", checkpoint_every_ms=40, **options)
    with pytest.raises(ern.NotFinite, match=r"p: m of .* after step 82, at 82 ms"):
        ern.resume(tmp_path / "kept")


@STEPPED
def test_a_run_that_goes_on(backend, tmp_path):
    options = {"backend": backend, **OPTIONS[backend]}
    first = ern.run(growing(), duration_ms=60, **options)
    with pytest.raises(ern.NotFinite, match=r"p: m of .* after step 82, at 82 ms"):
        ern.run(growing(), duration_ms=60, start=first)
    with pytest.raises(ern.NotFinite, match=r"p: m of .* after step 82, at 82 ms"):
        ern.run(growing(), duration_ms=60, start=first, out=tmp_path / "on")
    with pytest.raises(ern.NotFinite, match=r"p: m of .* after one of the steps 60 to 119, from 60 ms on"):
        ern.run(growing(), duration_ms=60, start=first, out=tmp_path / "kept", checkpoint_every_ms=30)


def test_single_precision_holds_less():
    with pytest.raises(ern.InvalidModel, match=r"p: a weight or mark is beyond 3\.4e\+38.*precision='float64'"):
        ern.run(driven(weight_nA=1e39), duration_ms=20, backend="native")
    with pytest.raises(ern.InvalidModel, match="p: a weight or mark is beyond"):
        ern.run(driven(weight_nA=ern.Uniform(1e38, 1e39)), duration_ms=20, backend="native")
    with pytest.raises(ern.NotFinite, match=r"p: m of .* after step 10, at 10 ms"):
        ern.run(growing(first=3e37), duration_ms=200, backend="native")


@pytest.mark.parametrize("case", ["excitatory", "delta", "conductance", "offset", "astrocyte", "mark", "threshold"])
def test_brian2_says_so_at_the_end(case):
    build, words, _ = LEFT[case]
    further = {"conductance": "cells: v_mV of neuron 1 is nan", "threshold": "cells: v_threshold_mV of neuron 0 is nan"}
    words = further.get(case, words)
    with pytest.raises(ern.NotFinite, match=re.escape(f"{words} after one of the steps 0 to 199, from 0 ms on: ")):
        ern.run(build(), duration_ms=200, backend="brian2", target="numpy")


@pytest.mark.parametrize("backend", [*ENGINES, "brian2"])
def test_a_neuron_is_named_by_its_number_also_where_a_probe_sees_others(backend):
    network = driven(weight_nA=HUGE)
    network.probe(network.populations["cells"][2:], "I_E_nA", every_ms=7)
    with pytest.raises(ern.NotFinite, match=r"cells: I_E_nA of neuron 1 is inf"):
        ern.run(network, duration_ms=20, backend=backend, **(OPTIONS | {"brian2": {"target": "numpy"}})[backend])


def test_brian2_knows_the_step_where_it_is_recorded():
    network = driven(weight_nA=HUGE, receptor="inhibitory")
    network.probe(network.populations["cells"][1:], "v_mV")
    with pytest.raises(ern.NotFinite, match=r"cells: v_mV of neuron 1 is -inf after step 5, at 5 ms"):
        ern.run(network, duration_ms=20, backend="brian2", target="numpy")


def test_harmless_on_brian2():
    result = ern.run(driven(ern.DeltaLIF, weight_mV=HUGE), duration_ms=20, backend="brian2", target="numpy")
    assert result.spike_counts["cells"] == 2


def _run_and_read(sim, cells):
    for _ in range(10):
        sim.run(2.0)
    cells.get_data()


def _until(when, sim, cells, plastic):
    if when == "it runs":
        _run_and_read(sim, cells)
    sim.run(20.0)
    if when == "weights are read":
        plastic.get("weight", format="list")
    cells.get_data()


LABELS = ["cells", "my cells (layer 4)", "Zellen → außen"]


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("backend", ["native", "reference", "brian2"])
@pytest.mark.parametrize("when", ["it runs", "data are read", "weights are read"])
def test_in_a_pynn_script(when, backend, label):
    """It is named by the script's label, also where it is found when data are asked for, and says when."""
    import ernsnn.pynn as sim

    sim.setup(timestep=1.0, backend=backend, **(OPTIONS | {"brian2": {"target": "numpy"}})[backend])
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[3.0]), label="source")
    cells = sim.Population(1, sim.IF_curr_exp(), label=label)
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=HUGE, delay=1.0), label="p")
    plastic = sim.Projection(
        source,
        cells,
        sim.AllToAllConnector(),
        sim.STDPMechanism(
            timing_dependence=sim.SpikePairRule(), weight_dependence=sim.AdditiveWeightDependence(w_max=1.0), weight=0.5
        ),
    )
    cells.record("spikes")
    try:
        with pytest.raises(ern.NotFinite, match=rf"^{re.escape(label)}: I_E_nA of neuron 0 is inf") as error:
            _until(when, sim, cells, plastic)
    finally:
        sim.end()
    assert error.value.steps != (0, 0)


# Nest


def with_probe(name="cells"):
    net = ern.Network(name="driven")
    source = net.population("source", 1, ern.SpikeTimes([[3.0]]))
    cells = net.population(name, 3, ern.LIF())
    net.projection("p", source, cells, weight_nA=0.1)
    net.probe(cells[1:], "v_mV", every_ms=2)
    return net


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("state/cells/v_mV", r"^cells: v_mV of neuron 1 is nan after one of the steps 0 to 19, from 0 ms on: "),
        ("signals/cells.v_mV/values", r"^cells: v_mV of neuron 2 is nan after step 1, at 1 ms: "),
    ],
)
def test_nest_says_so_of_what_it_recorded_and_of_v_at_the_end(key, words, monkeypatch):
    """What it computes stays finite, as its check bounds all numbers; so its program is made to say otherwise."""
    from ernsnn.hardware_backends.nest import backend

    original = backend.compile_program

    def compiled(graph, n_steps, threads):
        program = original(graph, n_steps, threads=threads)
        spoilt = f"out[{key!r}].reshape(-1)[1] = np.nan\nnp.savez("
        text = program.files["program.py"].replace("np.savez(", spoilt, 1)
        return replace(program, files={**program.files, "program.py": text})

    monkeypatch.setattr(backend, "compile_program", compiled)
    with pytest.raises(ern.NotFinite, match=words):
        ern.run(with_probe(), duration_ms=20, backend="nest")


@pytest.mark.parametrize("weight", [1e99, -1e99])
@pytest.mark.parametrize("kind", [ern.LIF, ern.ConductanceLIF])
def test_nest_stays_finite_up_to_what_its_check_lets_through(kind, weight):
    receptor = "signed" if kind is ern.LIF else "excitatory"
    weight = {"weight_nA": weight} if kind is ern.LIF else {"weight_uS": min(abs(weight), 1e-2)}
    net = driven(kind, receptor=receptor, **weight)
    net.probe(net.populations["cells"], "v_mV")
    result = ern.run(net, duration_ms=60, backend="nest")
    assert np.isfinite(result.signal("cells", "v_mV")[1]).all()
    assert result.recording.state is None


# Integers


@pytest.mark.parametrize("weight", [1e29, 1e-29, -1e29])
def test_integers_cannot_leave_the_finite_numbers(weight):
    """Whatever they are, they stand for (integer + zero) x unit, of numbers that the check bounds to 1e30."""
    net = driven(weight_nA=weight, receptor="signed")
    net.probe(net.populations["cells"], "v_mV")
    rule = ern.stdp.pair(A_plus=5e28, A_minus=1e28, w_max=1e29)
    plastic = net.projection("q", net.populations["source"], net.populations["cells"], weight_nA=1e28, learning=rule)
    net.probe(plastic, "w")
    result = ern.run(net, duration_ms=60, backend="loihi-emulator")
    arrays = result.recording.to_arrays()
    assert all(np.isfinite(array).all() for array in arrays.values())
    assert np.abs(arrays["synapses/q/w"]).max() <= 1e29 * (1 + 1e-6)


@pytest.mark.parametrize("case", [case for case in LEFT if case not in ("conductance", "threshold", "mark")])
def test_what_would_leave_them_is_refused_for_integers(case):
    with pytest.raises(ern.UnsupportedOnBackend, match="L309"):
        ern.run(LEFT[case][0](), duration_ms=20, backend="loihi-emulator")


def test_on_the_command_line(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "import ernsnn as ern\n\n\ndef build():\n    net = ern.Network()\n"
        "    net.population('cells', 3, ern.LIF(cm_nF=0.001, i_offset_nA=-1e308))\n    return net\n"
    )
    run = ["run", str(tmp_path / "mine.py"), "--backend", "reference", "--duration-ms", "20"]
    assert main([*run, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("ernsnn: cells: v_mV of neuron 0 is -inf after step 0, at 0 ms: ")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]
