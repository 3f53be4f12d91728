"""Models of snnTorch and of Norse, written by ``make_nir_models.py``, spike here as they do there."""

from pathlib import Path

import nir
import numpy as np
import pytest
from nir_graphs import raster

import ernsnn as ern

DATA = Path(__file__).parents[1] / "data" / "nir"
SNNTORCH_MS = 0.1
"""The step that snnTorch 1.0 assumes when it exports: 1e-4 s."""

MODELS = {
    "snntorch_zero": ({"dt_ms": SNNTORCH_MS}, 2),
    "snntorch_zero_at_once": ({"dt_ms": SNNTORCH_MS}, 2),
    "snntorch_subtract": ({"dt_ms": SNNTORCH_MS, "reset": "late_subtraction"}, 2),
    "snntorch_subtract_at_once": ({"dt_ms": SNNTORCH_MS, "reset": "subtraction"}, 2),
    "snntorch_synaptic": ({"dt_ms": SNNTORCH_MS, "reset": {"1": "late_value"}}, 2),
    "snntorch_recurrent": ({"dt_ms": SNNTORCH_MS, "reset": "late_value"}, 1),
    "snntorch_scalar": ({"dt_ms": SNNTORCH_MS}, 1),
    "norse_box": ({"dt_ms": 1.0}, 2),
    "norse_default": ({"dt_ms": 0.001}, 2),
    "norse_if": ({"dt_ms": 1000.0}, 2),
}
"""Model -> how it is imported, and by how many steps its last layer is later here: one a layer, for IF two."""


def network_and_trials(name: str, graph=None, **how):
    """The network of a model, its input as trials, and what its own tool gave."""
    given = np.load(DATA / f"{name}.npz")
    network = ern.from_nir(DATA / f"{name}.nir" if graph is None else graph, **how)
    (source,) = [p.name for p in network.populations.values() if p.is_source]
    shown = given["input"].astype(float)
    trials = ern.Trials(show_ms=len(shown) * network.dt_ms, **{source: shown[None]})
    return network, trials, given


@pytest.mark.filterwarnings("ignore:(?s).*G303:UserWarning")
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("backend", ["reference", "native"])
def test_the_spikes_are_those_of_its_own_tool(name: str, backend: str) -> None:
    how, shift = MODELS[name]
    network, trials, given = network_and_trials(name, **how)
    steps = len(given["input"])
    result = ern.run(network, trials=trials, duration_ms=(steps + shift) * network.dt_ms, backend=backend)
    expected = given["spikes"]
    assert expected.any()
    assert not expected.all()
    names = [n for n, p in network.populations.items() if n != "bias" and p.size == expected.shape[1]]
    found = raster(result, names[-1])
    assert not found[:shift].any()
    assert np.array_equal(found[shift:], expected)


def test_norse_forgets_that_its_synapses_take_all_of_a_spike_in_its_step() -> None:
    """Its LIFCell adds w to the current, NIR's equation w_in dt/tau_syn w: it writes w_in = 1 for tau_syn/dt."""
    graph = nir.read(DATA / "norse_cuba.nir", type_check=False)
    (cell,) = [node for node in graph.nodes.values() if isinstance(node, nir.CubaLIF)]
    cell.w_in = cell.tau_syn / 1e-3
    network, trials, given = network_and_trials("norse_cuba", graph, dt_ms=1.0)
    result = ern.run(network, trials=trials, duration_ms=121, backend="reference")
    assert given["spikes"].sum() > 100
    assert np.array_equal(raster(result, "n1")[1:], given["spikes"])


def test_the_potential_of_a_read_out_is_that_of_norse() -> None:
    network, trials, given = network_and_trials("norse_readout", dt_ms=1.0)
    result = ern.run(network, trials=trials, duration_ms=122, backend="reference")
    ((_, found),) = result.recording.signals.values()
    assert np.ptp(given["v"]) > 0.1
    np.testing.assert_allclose(found[2:], given["v"], atol=2e-6)


@pytest.mark.parametrize("name", ["norse_default", "snntorch_zero"])
def test_a_step_longer_than_the_time_constants_is_refused_by_name(name: str) -> None:
    """Norse's to_nir writes dt times its time constants unless it is told dt=1 (norse 411): nothing is guessed."""
    with pytest.raises(ern.InvalidModel, match=r"1.tau: [\d.]+ ms is shorter than the step of 10 ms"):
        network_and_trials(name, dt_ms=10.0)


def test_the_step_is_never_guessed() -> None:
    with pytest.raises(ern.InvalidModel, match="give dt_ms"):
        ern.from_nir(DATA / "snntorch_zero.nir")


def test_thresholds_and_resets_arrive() -> None:
    """As they stand in the file, the thresholds but for what makes ">" of ">="."""
    graph = nir.read(DATA / "snntorch_zero.nir")
    network = ern.from_nir(graph, dt_ms=0.1)
    assert network.dt_ms == 0.1
    for name, node in graph.nodes.items():
        if isinstance(node, nir.LIF):
            model = network.populations[f"n{name}"].model
            np.testing.assert_allclose(model.v_threshold_mV, node.v_threshold, rtol=1e-11)
            assert (model.v_threshold_mV > node.v_threshold.astype(float)).all()
            assert (model.v_reset_mV == node.v_reset).all()
