"""``fit(for_chip=)``: trials are shown with the weights that a chip holds."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.registry import get_backend

torch = pytest.importorskip("torch")


def network(**how: object) -> ern.Network:
    net = ern.Network()
    given = net.population("given", 5, ern.SpikeTimes([[1], [2], [3], [4], [5]]))
    cells = net.population("cells", 4, ern.LIF(tau_m_ms=10, cm_nF=0.25, tau_syn_E_ms=5, tau_syn_I_ms=5))
    net.projection("see", given, cells, **{"weight_nA": ern.Normal(0.3, 0.5), "receptor": "signed", **how})
    net.projection(
        "back", given, cells, ern.FromList([(0, 1), (4, 3), (0, 1)]), weight_nA=[0.7, 0.31, 0.2], receptor="I"
    )
    return net


@pytest.mark.parametrize("connector", [None, ern.FixedProbability(0.5), ern.FromList([(0, 0), (3, 2), (0, 0)])])
def test_what_it_holds_is_what_its_check_says(connector):
    """The worst weight of the report, and a graph of held weights is held as it is."""
    backend = get_backend("loihi-emulator")
    weight = (
        ern.Normal(0.3, 0.5) if connector is None or isinstance(connector, ern.FixedProbability) else [0.3, -1.0, 0.1]
    )
    net = network(connector=connector, weight_nA=weight)
    graph = ern.lower(net)
    held = backend.stored(graph)
    asked = {path: graph.values[path] for path in held}
    assert set(held) == {"see.w", "back.w"}
    for path, weights in held.items():
        assert weights.shape == np.shape(asked[path])
        assert 0 < np.max(np.abs(weights - asked[path])) < 0.02 * np.max(np.abs(asked[path]))
    [issue, *_] = [i for i in backend.check(graph) if i.code == "L104" and i.path == "see.weight"]
    error = np.abs(held["see.w"] - asked["see.w"]) / np.abs(asked["see.w"])
    named = held["see.w"][int(np.argmax(np.where(held["see.w"] != 0, error, 0.0)))]
    assert f"= {named:.6g}" in issue.message


def test_gradients_pass_through_the_rounding():
    from ernsnn.learn.rounded import rounded

    graph = ern.lower(network())
    weights = torch.tensor(graph.values["see.w"], requires_grad=True)
    backend = get_backend("loihi-emulator")
    forward = rounded(backend, graph, {"see.w": weights})
    np.testing.assert_array_equal(forward["see.w"].detach(), backend.stored(graph)["see.w"])
    assert set(forward) == {"see.w", "back.w"}, "weights that are not fitted are rounded, too"
    (forward["see.w"] * torch.arange(20)).sum().backward()
    assert weights.grad.tolist() == list(range(20))


def trials(seed: int, n: int = 60) -> ern.Trials:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    chance = np.where(np.arange(6) // 2 == labels[:, None], 0.3, 0.05)
    return ern.Trials(show_ms=20, rest_ms=80, labels=labels, x=1.0 * (rng.random((n, 20, 6)) < chance[:, None]))


def test_a_fit_for_a_chip():
    shown = trials(0)
    net = ern.Network()
    given = net.population("given", 6, shown.spikes("x"))
    lif = ern.LIF(tau_m_ms=10, cm_nF=0.25, tau_syn_E_ms=5, tau_syn_I_ms=5)
    hidden, out = net.population("hidden", 10, lif), net.population("out", 3, lif)
    net.projection("see", given, hidden, weight_nA=ern.Normal(0.5, 0.5), receptor="signed")
    net.projection("tell", hidden, out, weight_nA=ern.Normal(0.2, 0.3), receptor="signed")
    how = {"learn": ["see.w", "tell.w"], "loss": ern.losses.most_spikes("out"), "epochs": 10, "batch": 10}
    fit = ern.fit(net, shown, **how, learning_rate=0.05, for_chip="loihi-emulator")
    assert fit.history != ern.fit(net, shown, **how, learning_rate=0.05).history
    others = trials(1)
    told = ern.run(fit.network, trials=others, backend="loihi-emulator").counts("out").argmax(axis=1)
    assert np.mean(told == others.labels) > 0.75


def test_refusals():
    how = {"learn": ["see.w"], "loss": ern.losses.spikes("cells")}
    shown = ern.Trials(show_ms=5, x=[1.0])
    with pytest.raises(
        ern.InvalidModel, match=r"fit\.for_chip: native holds weights as they are; leave it out, or name"
    ):
        ern.fit(_reading(shown), shown, **how, for_chip="native")
    with pytest.raises(ern.BackendNotAvailable, match="no backend 'loihi'"):
        ern.fit(_reading(shown), shown, **how, for_chip="loihi")
    with pytest.raises(ern.UnsupportedOnBackend):
        ern.fit(_reading(shown, ern.AdEx()), shown, **how, for_chip="loihi-emulator")


def _reading(shown: ern.Trials, model: ern.Neuron | None = None) -> ern.Network:
    net = ern.Network()
    given = net.population("given", 1, ern.Poisson(shown.schedule("x")))
    unit = {"weight_uS": 0.1} if model else {"weight_nA": 0.1}
    net.projection("see", given, net.population("cells", 2, model or ern.LIF()), **unit)
    return net
