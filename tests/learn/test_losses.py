"""Losses against NumPy, on spikes that are given, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.learn.losses import Shown

torch = pytest.importorskip("torch")
losses = ern.losses
N, STEPS = 3, 12


def shown(seed: int = 0, **quantities: object) -> Shown:
    """Two trials of three neurons."""
    rng = np.random.default_rng(seed)
    net = ern.Network(dt_ms=0.5)
    given = net.population("given", 2, ern.SpikeTimes([[1], [2]]))
    out = net.population("out", N, ern.LIF())
    net.projection("see", given, out, ern.FromList([(0, 1), (1, 0), (1, 2)]), weight_nA=[0.5, 0.25, 2.0])
    trials = ern.Trials(show_ms=STEPS * 0.5, labels=[2, 0], **(quantities or {"x": [0.0, 0.0]}))
    graph = ern.lower(net)
    spikes = {
        name: torch.tensor((rng.random((2, STEPS, size)) < 0.4).astype(float), requires_grad=True)
        for name, size in (("given", 2), ("out", N))
    }
    probes = {"out.v_mV": torch.tensor(rng.normal(size=(2, STEPS, N)), requires_grad=True)}
    values = {"see.w": torch.tensor(graph.projections[0].synapses.variables["w"], requires_grad=True)}
    return Shown(graph, trials, np.arange(2), spikes, probes, values)


def number(tensor) -> float:
    return float(tensor.detach())


def numbers(tensor) -> np.ndarray:
    return tensor.detach().numpy()


def cross_entropy(scores: np.ndarray, labels: list[int]) -> float:
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return float(-np.log(p[[0, 1], labels]).mean())


def test_most_spikes():
    s = shown()
    counts = numbers(s.spikes["out"]).sum(axis=1)
    loss = losses.most_spikes("out", per_spike=0.5)
    assert number(loss(s)) == pytest.approx(cross_entropy(0.5 * counts, [2, 0]), rel=1e-12)
    assert loss.told(s).tolist() == counts.argmax(axis=1).tolist()


def test_target_rates():
    s = shown(wanted=np.array([[100.0, 0, 50], [0, 0, 10]]))
    rates = numbers(s.spikes["out"]).sum(axis=1) / (STEPS * 0.5e-3)
    for target, wanted in (("wanted", s.trials.quantities["wanted"]), (20.0, 20.0), ([1.0, 2.0, 3.0], [[1, 2, 3]])):
        assert number(losses.target_rates("out", target)(s)) == pytest.approx(((rates - wanted) ** 2).mean())


def test_spike_times():
    times = [ern.SpikeTimes([[0.5], [], [2.0, 4.0]]), ern.SpikeTimes([[], [1.0], []])]
    s, tau = shown(wanted=times), 2.0
    t = np.arange(STEPS) * 0.5
    kernel = np.where(t[:, None] >= t[None], np.exp(-(t[:, None] - t[None]) / tau), 0.0)
    difference = numbers(s.spikes["out"]).copy()
    for trial, one in enumerate(times):
        for neuron, row in enumerate(one.times_ms):
            difference[trial, (np.asarray(row) / 0.5).astype(int), neuron] -= 1.0
    filtered = np.einsum("ts,bsn->btn", kernel, difference)
    expected = (filtered**2).sum(axis=1).mean() * 0.5 / tau
    assert number(losses.spike_times("out", "wanted", tau_ms=tau)(s)) == pytest.approx(expected)


def test_spike_times_of_a_raster_and_of_the_same_train():
    raster = np.zeros((2, STEPS, N))
    raster[0, 3, 1] = 1.0
    s = shown(wanted=raster)
    s.spikes["out"] = torch.tensor(raster)
    assert number(losses.spike_times("out", "wanted", tau_ms=5.0)(s)) == 0.0


def test_read_out():
    s = shown(wanted=np.arange(18.0).reshape(2, 3, N))
    v = numbers(s.probes["out.v_mV"])
    expected = ((v - np.repeat(s.trials.quantities["wanted"], 4, axis=1)) ** 2).mean()
    assert number(losses.read_out("out", "wanted")(s)) == pytest.approx(expected)
    told = losses.read_out("out", per_mV=2.0)
    assert number(told(s)) == pytest.approx(cross_entropy(2.0 * v.mean(axis=1), [2, 0]))


def test_costs():
    s = shown()
    given = numbers(s.spikes["given"])
    assert number(losses.spikes("given")(s)) == pytest.approx(given.sum() / 2)
    assert number(losses.synaptic_operations()(s)) == pytest.approx((given.sum(axis=(0, 1)) * [1, 2]).sum() / 2)
    lengths = np.arange(6.0).reshape(2, 3)
    expected = 0.5 * 1 + 0.25 * 3 + 2.0 * 5
    assert number(losses.wiring_length("see", lengths)(s)) == pytest.approx(expected)
    assert number(losses.wiring_length("see", [1.0, 3.0, 5.0])(s)) == pytest.approx(expected)


def test_they_add_and_scale():
    s = shown()
    both = losses.most_spikes("out") + 0.25 * (losses.spikes("out") + losses.spikes("given") * 2)
    expected = losses.most_spikes("out")(s) + 0.25 * losses.spikes("out")(s) + 0.5 * losses.spikes("given")(s)
    assert number(both(s)) == pytest.approx(number(expected))
    assert both.told is not None
    assert repr(both).endswith("+ 0.25 * spikes('out') + 0.5 * spikes('given')")


@pytest.mark.parametrize(
    "loss",
    [
        losses.most_spikes("out"),
        losses.target_rates("out", 10.0),
        losses.spike_times("out", "raster", tau_ms=3.0),
        losses.read_out("out"),
        losses.synaptic_operations(),
        losses.wiring_length("see", [1.0, 2.0, 3.0]),
    ],
    ids=repr,
)
def test_every_loss_has_gradients(loss):
    s = shown(raster=np.zeros((2, STEPS, N)))
    loss(s).backward()
    leaves = [*s.spikes.values(), *s.probes.values(), *s.values.values()]
    assert any(leaf.grad is not None and bool((leaf.grad != 0).any()) for leaf in leaves)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (losses.most_spikes("outt"), "no population 'outt'; did you mean 'out'?"),
        (losses.most_spikes("given"), "label 2 is beyond the 2 neurons of given"),
        (losses.target_rates("out", "rate"), "no quantity of the trials 'rate'"),
        (losses.target_rates("out", [1.0, 2.0]), "out has 3 neurons, the target the shape (2,)"),
        (losses.read_out("out", variable="I_E_nA"), "out.I_E_nA is not recorded; add net.probe"),
        (losses.spike_times("out", "x", tau_ms=1.0), "is no raster of 3 neurons"),
        (losses.wiring_length("sea", [1.0]), "no projection 'sea'; did you mean 'see'?"),
        (losses.wiring_length("see", [1.0]), "needs a matrix of 2 x 3 or 3 numbers"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_refusals(loss, said):
    with pytest.raises(ern.InvalidModel) as refused:
        loss(shown())
    assert said in str(refused.value)


def test_labels_are_needed():
    s = shown()
    s.trials.labels = None
    with pytest.raises(ern.InvalidModel, match="the trials have no labels"):
        losses.most_spikes("out")(s)
