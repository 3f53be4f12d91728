"""The kernels of LIF networks, and their adjoint, against the equations of the backend and autograd."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern

torch = pytest.importorskip("torch")

from ernsnn.hardware_backends.torch.lif.whole import computes  # noqa: E402 - only where torch is installed
from ernsnn.hardware_backends.torch.network import Network  # noqa: E402


def drawn(seed: int, scheme: str) -> ern.Graph:
    """Two populations with loops, delays, refractoriness, both receptors, views, offsets and injected currents."""
    rng = np.random.default_rng([7, seed])
    net = ern.Network(dt_ms=float(rng.choice([0.5, 1.0])), current_integration=scheme)
    a = net.population("a", 7, ern.Poisson(200.0))
    b = net.population("b", 9, ern.LIF(tau_refrac_ms=float(rng.integers(0, 3)), i_offset_nA=ern.Uniform(0, 1.5)))
    c = net.population("c", 4, ern.LIF(tau_m_ms=ern.Uniform(5, 30), tau_syn_E_ms=float(rng.choice([5.0, 20.0]))))
    spread = ern.Normal(1.0, 0.8)
    delays = ern.Uniform(0.5, 5)
    net.projection("ab", a, b[1:8], ern.FixedProbability(0.7), weight_nA=spread, delay_ms=delays, receptor="signed")
    net.projection("bc", b, c, weight_nA=spread, delay_ms=1, receptor="signed")
    net.projection("cb", c, b[2:], weight_nA=0.7, delay_ms=2, receptor="inhibitory")
    net.projection("bb", b, b, ern.FixedProbability(0.4), weight_nA=0.5, delay_ms=1)
    net.inject(b[3:6], ern.CurrentSteps(times_ms=[10.0, 30.0], amplitudes_nA=[0.8, 0.0]))
    net.probe(c[1:], "v_mV", every_ms=2.0)
    return ern.lower(net, seed)


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(n, marks=pytest.mark.slow) for n in range(4, 40))])
def test_spikes_and_gradients(seed: int, scheme: str) -> None:
    """Equal spikes; potentials, and gradients of all weights and parameters, within 1e-9 of the largest."""
    graph, found = drawn(seed, scheme), []
    assert computes(graph)
    for compiled in (True, False):
        values = {f"{p.name}.w": torch.tensor(p.synapses.variables["w"], requires_grad=True) for p in graph.projections}
        for n in graph.neurons():
            for name in n.parameters.keys() - {"tau_refrac_ms"}:
                number = torch.tensor(np.broadcast_to(n.parameters[name], n.size).copy(), dtype=torch.float64)
                values[f"{n.name}.{name}"] = number.requires_grad_()
        network = Network(
            graph, first=[0, 13, 50], values=values, surrogate=lambda u: 1 / (1 + u.abs()) ** 2, compiled=compiled
        )
        outputs, rng = network.run(60), np.random.default_rng(seed)
        loss = torch.zeros((), dtype=torch.float64)
        for seen in (outputs.spikes["b"], outputs.spikes["c"], outputs.probes["c.v_mV"] * 0.01):
            loss = loss + (seen * torch.tensor(rng.normal(size=tuple(seen.shape)))).sum()
        loss.backward()
        found.append((outputs, {path: value.grad for path, value in values.items()}))
    (ours, gradients), (theirs, expected) = found
    assert all(int(theirs.spikes[name].sum()) > 5 for name in "abc")
    for name, spikes in theirs.spikes.items():
        assert torch.equal(ours.spikes[name], spikes), name
    torch.testing.assert_close(ours.probes["c.v_mV"], theirs.probes["c.v_mV"], rtol=1e-12, atol=1e-9)
    for path, gradient in expected.items():
        largest = float(gradient.abs().max())
        torch.testing.assert_close(gradients[path], gradient, rtol=0, atol=1e-9 * largest + 1e-30, msg=path)


def test_what_the_kernels_do_not_compute() -> None:
    """Noise, a floor of V, another kind, short-term plasticity, third factors, Poisson input and other probes."""

    def network(model: ern.Neuron | None = None) -> tuple[ern.Network, ern.Population, ern.Population]:
        net = ern.Network()
        return net, net.population("a", 2, ern.Poisson(50.0)), net.population("b", 2, model or ern.LIF())

    assert computes(ern.lower(network()[0]))
    for model in (ern.LIF(noise_mV=0.1), ern.LIF(v_min_mV=-80.0), ern.AdaptiveLIF(), ern.LeakyIntegrator()):
        assert not computes(ern.lower(network(model)[0]))
    net, a, b = network()
    net.projection("p", a, b, weight_nA=0.1, delay_ms=1, short_term=ern.TsodyksMarkram(U=0.5, tau_rec_ms=100.0))
    assert not computes(ern.lower(net))
    net, a, b = network()
    net.astrocyte("glia", listens_to=[b], tau_ms=20.0)
    assert not computes(ern.lower(net))
    net, a, b = network()
    net.poisson_input("p", b, rate_hz=100.0, weight_nA=0.1)
    assert not computes(ern.lower(net))
    net, a, b = network()
    net.probe(b, "I_E_nA")
    assert not computes(ern.lower(net))


def test_without_synapses_or_sources() -> None:
    net = ern.Network()
    cells = net.population("cells", 3, ern.LIF(i_offset_nA=[0.0, 1.0, 2.0]))
    net.probe(cells, "v_mV")
    graph, offset = ern.lower(net), torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    outputs = Network(graph, values={"cells.i_offset_nA": offset}, surrogate=torch.ones_like).run(50)
    expected = ern.run(net, duration_ms=50, backend="reference")
    assert (
        outputs.spikes["cells"].sum(dim=(0, 1)).tolist()
        == np.bincount(expected.recording.spikes["cells"][1], minlength=3).tolist()
    )
    np.testing.assert_allclose(
        outputs.probes["cells.v_mV"][0].detach(), expected.signal("cells", "v_mV")[1], rtol=1e-12
    )
    outputs.spikes["cells"].sum().backward()
    assert offset.grad is not None
    assert bool((offset.grad > 0).all())
