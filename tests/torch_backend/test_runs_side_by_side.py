"""Runs of the torch backend beside each other: each is the run that begins in its step of the graph."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.registry import get_backend
from ernsnn.backend.state import restore, state_of

torch = pytest.importorskip("torch")

from ernsnn.hardware_backends.torch.network import Network  # noqa: E402 - only where torch is installed


def network() -> ern.Network:
    """Every feature that does not learn."""
    net = ern.Network(dt_ms=0.5)
    drive = net.population("drive", 30, ern.Poisson(ern.Schedule([0, 40], [40.0, 90.0])))
    given = net.population("given", 2, ern.SpikeTimes([[3, 20, 61], [44]]))
    cells = net.population("cells", 12, ern.LIF(noise_mV=1.0, tau_refrac_ms=2.0, i_offset_nA=ern.Uniform(0.5, 1.2)))
    more = net.population("more", 5, ern.ConductanceLIF(i_offset_nA=0.8))
    short = ern.TsodyksMarkram(U=0.4, tau_rec_ms=50.0, tau_fac_ms=10.0)
    net.projection("a", drive, cells, ern.FixedProbability(0.5), weight_nA=0.5, delay_ms=ern.Uniform(0.5, 4.0))
    net.projection("b", cells, more, weight_uS=0.002, delay_ms=1.0, short_term=short)
    net.projection("c", given, cells[2:6], weight_nA=2.0, delay_ms=1.5)
    net.projection("d", cells, cells, ern.FixedProbability(0.3), weight_nA=0.3, delay_ms=0.5, receptor="inhibitory")
    glia = net.astrocyte("glia", listens_to=[cells], tau_ms=20.0, weight=0.3)
    net.modulate(more, glia, "i_offset_nA", gain=0.4)
    net.inject(cells[:4], ern.CurrentSteps(times_ms=[10.0, 50.0], amplitudes_nA=[0.6, 0.0]))
    net.poisson_input("noise", more, rate_hz=400.0, weight_uS=0.001)
    net.freeze(20.0, 45.0)
    net.probe(cells, "v_mV")
    net.probe(glia, "C")
    return net


def test_each_run_is_the_one_that_begins_in_its_step() -> None:
    graph, first, steps = ern.lower(network(), 5), [0, 37, 80, 37], 100
    with torch.no_grad():
        together = Network(graph, first=first).run(steps)
        alone = [Network(graph, first=[one]).run(steps) for one in first]
    for name, spikes in together.spikes.items():
        for k, one in enumerate(alone):
            np.testing.assert_array_equal(spikes[k].numpy(), one.spikes[name][0].numpy(), err_msg=name)
    for key, values in together.probes.items():
        for k, one in enumerate(alone):
            np.testing.assert_allclose(values[k].numpy(), one.probes[key][0].numpy(), rtol=1e-9, err_msg=key)
    counts = [int(together.spikes["cells"][k].sum()) for k in range(4)]
    assert min(counts) > 20
    assert counts[1] == counts[3] != counts[0]


@pytest.mark.parametrize("differentiates", [False, True])
def test_the_first_is_the_run_of_the_backend(differentiates: bool) -> None:
    net = network()
    graph, expected = ern.lower(net, 5), ern.run(net, duration_ms=50, seed=5, backend="reference")
    surrogate = torch.zeros_like if differentiates else None
    with torch.no_grad():
        outputs = Network(graph, surrogate=surrogate).run(100)
    for name, (steps, neurons) in expected.recording.spikes.items():
        times = outputs.spikes[name][0].numpy().astype(int)
        found = np.repeat(np.argwhere(times), times[times > 0], axis=0)
        np.testing.assert_array_equal(found, np.stack([steps, neurons], axis=1), err_msg=name)
    for key, (_, values) in expected.recording.signals.items():
        np.testing.assert_allclose(outputs.probes[key][0].numpy(), values, rtol=1e-9, err_msg=key)


def test_single_precision() -> None:
    net = network()
    result = ern.run(net, duration_ms=50, seed=5, backend="torch", precision="float32")
    assert [issue.code for issue in result.issues if issue.code.startswith("T")] == ["T101"]
    expected = ern.run(net, duration_ms=50, seed=5, backend="reference")
    assert abs(result.spike_counts["cells"] - expected.spike_counts["cells"]) <= 0.1 * expected.spike_counts["cells"]


def test_a_device_that_is_not_there() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a graphics card")
    with pytest.raises(ern.BackendNotAvailable, match="device='cpu'"):
        ern.run(network(), duration_ms=5, backend="torch", device="cuda")


def test_a_restored_engine_has_what_neurons_have_learnt() -> None:
    """While learning is frozen, too, where the parameter does not change anew."""
    rule = ern.LearningRule(terms=[ern.Term("w", "post", 0.5)], bounds={"w": (-60, 0)})
    plasticity = ern.IntrinsicPlasticity(target="v_threshold_mV", rule=rule)
    net = ern.Network()
    net.population("n", 3, ern.LIF(i_offset_nA=[1.5, 2.0, 3.0], noise_mV=0.5), plasticity=plasticity)
    net.freeze(60, 200)
    graph, backend = ern.lower(net, 1), get_backend("torch")
    whole, later = backend.engine(graph), backend.engine(graph)
    for t in range(80):
        whole.step(t, {})
    restore(later, {path: np.array(values) for path, values in state_of(whole).items()})
    fired = 0
    for t in range(80, 160):
        expected: dict[str, np.ndarray] = {}
        found: dict[str, np.ndarray] = {}
        whole.step(t, expected)
        later.step(t, found)
        np.testing.assert_array_equal(found["n"], expected["n"])
        fired += len(found["n"])
    assert fired > 5
