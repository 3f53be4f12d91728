"""Gradients of the torch backend against finite differences of the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.registry import get_backend

torch = pytest.importorskip("torch")

from ernsnn.hardware_backends.torch.network import Network  # noqa: E402 - only where torch is installed

KINDS = ("LIF", "ConductanceLIF", "AlphaLIF", "AlphaConductanceLIF", "LeakyIntegrator", "AdEx", "AdaptiveLIF")
UNIT = {"ConductanceLIF": ("uS", 0.01), "AlphaConductanceLIF": ("uS", 0.01), "AdEx": ("uS", 0.002)}
STEPS = 40


class Drawn:
    """Neurons of one kind, driven by given spikes, that do not spike: the numbers by which gradients are taken."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([4, seed])
        self.kind = str(rng.choice(KINDS))
        self.scheme = (
            "exact"
            if self.kind not in ("LIF", "ConductanceLIF", "AdaptiveLIF")
            else str(rng.choice(["exact", "step_average"]))
        )
        self.dt, self.size, self.n_pre = float(rng.choice([0.1, 0.5, 1.0])), int(rng.integers(1, 5)), 6
        self.unit, most = UNIT.get(self.kind, ("nA", 0.4))
        self.times = [
            sorted(rng.choice(np.arange(0, STEPS - 5), 4, replace=False) * self.dt) for _ in range(self.n_pre)
        ]
        self.delays = rng.integers(1, 5, self.n_pre * self.size) * self.dt
        self.numbers: dict[str, np.ndarray] = {
            "c.i_offset_nA": rng.uniform(0.0, 0.1, self.size),
            "c.tau_m_ms": rng.uniform(8.0, 20.0, self.size),
            "c.cm_nF": rng.uniform(0.5, 1.5, self.size),
            "c.v_rest_mV": rng.uniform(-70.0, -62.0, self.size),
            "c.tau_syn_E_ms": rng.uniform(2.0, 6.0, self.size),
            "in.w": rng.uniform(0.0, most, self.n_pre * self.size),
        }
        known = {p.name for p in getattr(ern, self.kind).kind.parameters}
        self.numbers = {k: v for k, v in self.numbers.items() if k == "in.w" or k.split(".")[1] in known}
        self.share = rng.normal(size=(STEPS, self.size))

    def graph(self, numbers: dict[str, np.ndarray]) -> Any:
        net = ern.Network(dt_ms=self.dt, current_integration=self.scheme)
        given: dict[str, Any] = {name.split(".")[1]: values for name, values in numbers.items() if name != "in.w"}
        given["v_init_mV"] = -66.0  # else it is v_rest_mV
        if self.kind not in ("AdEx", "LeakyIntegrator"):
            given["v_threshold_mV"] = 0.0
        pre = net.population("pre", self.n_pre, ern.SpikeTimes(self.times))
        cells = net.population("c", self.size, getattr(ern, self.kind)(**given))
        pairs = [(i, j) for i in range(self.n_pre) for j in range(self.size)]
        weight = {f"weight_{self.unit}": numbers["in.w"]}
        net.projection("in", pre, cells, ern.FromList(pairs), **weight, delay_ms=self.delays)
        net.probe(cells, "v_mV")
        return ern.lower(net, 1)

    def by_reference(self, numbers: dict[str, np.ndarray]) -> float:
        recording = get_backend("reference").run(self.graph(numbers), STEPS, lambda done: None)
        assert len(recording.spikes["c"][0]) == 0
        return float((recording.signals["c.v_mV"][1] * self.share).sum())


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(n, marks=pytest.mark.slow) for n in range(10, 50))])
def test_gradients_of_potentials(seed: int) -> None:
    drawn = Drawn(seed)
    tensors = {name: torch.tensor(values, requires_grad=True) for name, values in drawn.numbers.items()}
    outputs = Network(drawn.graph(drawn.numbers), values=tensors).run(STEPS)
    loss = (outputs.probes["c.v_mV"][0] * torch.tensor(drawn.share)).sum()
    assert loss.item() == pytest.approx(drawn.by_reference(drawn.numbers), rel=1e-12)
    loss.backward()
    for name, values in drawn.numbers.items():
        gradient, scale = tensors[name].grad.numpy(), np.abs(tensors[name].grad.numpy()).max()
        for place in range(0, len(values), max(1, len(values) // 3)):
            moved = []
            step = 1e-4 * abs(values[place])
            for sign in (2, 1, -1, -2):
                changed = values.copy()
                changed[place] += sign * step
                moved.append(drawn.by_reference({**drawn.numbers, name: changed}))
            slope = (-moved[0] + 8 * moved[1] - 8 * moved[2] + moved[3]) / (12 * step)
            assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-6 * scale), (drawn.kind, name)


def test_a_spike_has_the_derivative_of_its_surrogate() -> None:
    net = ern.Network(dt_ms=1.0)
    cells = net.population("c", 3, ern.LIF(i_offset_nA=[0.0, 1.0, 3.0], v_threshold_mV=-50.0))
    net.probe(cells, "v_mV")
    graph = ern.lower(net)
    threshold = torch.tensor(-50.0, dtype=torch.float64, requires_grad=True)
    outputs = Network(graph, values={"c.v_threshold_mV": threshold}, surrogate=lambda u: 1 / (1 + u.abs()) ** 2).run(1)
    (gradient,) = torch.autograd.grad(outputs.spikes["c"].sum(), threshold)
    before = ern.run(net, duration_ms=1.0, backend="reference")
    assert before.spike_counts["c"] == 0
    beyond = before.recording.signals["c.v_mV"][1][0] + 50.0
    assert float(gradient) == pytest.approx(-np.sum(1 / (1 + np.abs(beyond)) ** 2), rel=1e-12)


def test_what_learns_has_no_gradients() -> None:
    net = ern.Network()
    pre, post = net.population("pre", 2, ern.Poisson(10)), net.population("post", 2, ern.LIF())
    net.projection("plastic", pre, post, weight_nA=0.1, delay_ms=1, learning=ern.stdp.pair(A_plus=0.1, A_minus=0.1))
    with pytest.raises(ern.InvalidModel, match="plastic: learns by a rule"):
        Network(ern.lower(net), surrogate=torch.ones_like)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("cels.tau_m_ms", 10.0, "no number with a gradient 'cels.tau_m_ms'"),
        ("cells.tau_mms", 10.0, "did you mean"),
        ("cells.tau_refrac_ms", 2.0, "no number with a gradient"),
        ("cells.tau_m_ms", [1.0, 2.0, 3.0, 4.0], r"cells.tau_m_ms: needs one number or 2"),
        ("p.w", [1.0], r"p.w: needs one number or 4"),
    ],
)
def test_values_that_stand_for_nothing(path: str, value: Any, said: str) -> None:
    net = ern.Network()
    pre, cells = net.population("pre", 2, ern.Poisson(10)), net.population("cells", 2, ern.LIF())
    net.projection("p", pre, cells, weight_nA=0.1, delay_ms=1)
    with pytest.raises(ern.InvalidModel, match=said):
        Network(ern.lower(net), values={path: torch.tensor(value)})
