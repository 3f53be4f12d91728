"""``ern.torch.Module``: a network within PyTorch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import ernsnn as ern

torch = pytest.importorskip("torch")
STEPS = 15


def network(connector: object = None) -> ern.Network:
    net = ern.Network()
    given = net.population("given", 4, ern.SpikeTimes([[1, 4], [2], [3, 5], []]))
    cells = net.population("cells", 3, ern.LIF(tau_m_ms=ern.Uniform(8, 12), cm_nF=0.25))
    net.projection("see", given, cells, connector, weight_nA=ern.Normal(1.5, 0.3), receptor="signed")
    net.probe(cells, "v_mV")
    return net


def rasters(runs: int = 5) -> torch.Tensor:
    return torch.tensor((np.random.default_rng(0).random((runs, STEPS, 4)) < 0.3).astype(float))


@pytest.mark.parametrize("connector", [None, ern.FixedProbability(0.6)])
def test_given_spikes_are_those_of_sources(connector):
    net, spikes = network(connector), rasters()
    module = ern.torch.Module(net, learn=["see.w"], precision="float64", seed=3)
    shown = module({"given": spikes})
    back = module.to_network()
    total = 0
    for run in range(len(spikes)):
        times = [np.flatnonzero(spikes[run, :, neuron]).astype(float) for neuron in range(4)]
        alone = ern.run(back.with_values({"given.times_ms": times}), duration_ms=STEPS, backend="reference", seed=8)
        raster = np.zeros((STEPS, 3))
        raster[alone.recording.spikes["cells"]] = 1.0
        np.testing.assert_array_equal(shown.spikes["cells"][run].detach(), raster)
        np.testing.assert_allclose(shown.probes["cells.v_mV"][run].detach(), alone.signal("cells", "v_mV")[1])
        total += int(raster.sum())
    assert total > 5


def test_layers_before_and_after_learn_together():
    """An embedding that makes spikes' sizes, the network, and a linear read-out, under an optimiser of torch."""
    torch.manual_seed(0)
    module = ern.torch.Module(network(), learn=["see.w", ern.Shared("cells.tau_m_ms")], surrogate=ern.SuperSpike(0.5))
    before, after = torch.nn.Linear(4, 4), torch.nn.Linear(3, 2)
    parameters = [*before.parameters(), *module.parameters(), *after.parameters()]
    adam, x, labels = torch.optim.Adam(parameters, lr=0.05), rasters(8).float(), torch.tensor([0, 1] * 4)
    losses = []
    for _ in range(25):
        spikes = module({"given": torch.relu(before(x))}).spikes["cells"]
        loss = torch.nn.functional.cross_entropy(after(spikes.mean(dim=1)), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
        module.keep_bounds()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in parameters)


def test_trials_and_states():
    raster = rasters(3).numpy()
    trials = ern.Trials(show_ms=STEPS, x=raster)
    net = ern.Network()
    given = net.population("given", 4, trials.spikes("x"))
    net.projection("see", given, net.population("cells", 3, ern.LIF(cm_nF=0.25)), weight_nA=1.5)
    module = ern.torch.Module(net, learn=["see.w"], bounds={"see.w": (0.0, 1.6)})
    first = module(trials).spikes["cells"]
    np.testing.assert_array_equal(first.detach(), module({"given": torch.tensor(raster)}).spikes["cells"].detach())
    kept = {name: value.clone() for name, value in module.state_dict().items()}
    assert list(kept) == ["see/w"]
    with torch.no_grad():
        module.values["see.w"].add_(1.0)
    module.keep_bounds()
    assert ern.lower(module.to_network()).values["see.w"].tolist() == pytest.approx([1.6] * 12)
    module.load_state_dict(kept)
    np.testing.assert_array_equal(module(trials).spikes["cells"].detach(), first.detach())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"given": torch.zeros(2, 3, 5)}, "given: needs a tensor (runs, steps, 4), got the shape (2, 3, 5)"),
        ({"givn": torch.zeros(2, 3, 4)}, "no source 'givn'; did you mean 'given'?"),
        ({}, "needs Trials, or tensors of spikes"),
        (3, "needs Trials, or tensors of spikes"),
    ],
)
def test_refusals(given, said):
    with pytest.raises(ern.InvalidModel) as refused:
        ern.torch.Module(network(), learn=["see.w"])(given)
    assert said in str(refused.value)


def test_torch_is_imported_when_it_is_used_and_not_before():
    code = "import sys, ernsnn as ern; ern.fit; ern.losses.most_spikes('a'); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
