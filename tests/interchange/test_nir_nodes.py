"""Every type of node does what NIR's equation says: networks from graphs against a plain loop over the nodes."""

import nir
import numpy as np
import pytest
from nir_graphs import chain, lif, raster

import ernsnn as ern

STEPS = 80
DT_S = 1e-3


def drawn(n, rate=0.3, seed=0):
    return np.random.default_rng(seed).random((STEPS, n)) < rate


def run(graph, x, extra=4, probe=None, **how):
    net = ern.from_nir(graph, dt_ms=DT_S * 1000, **how)
    trials = ern.Trials(show_ms=STEPS * net.dt_ms, **{"in": x.reshape(1, STEPS, -1).astype(float)})
    return ern.run(net, trials=trials, duration_ms=(STEPS + extra) * net.dt_ms, backend="reference")


def stepped(currents, tau=0.004, r=4.0, threshold=1.0, reset=-0.5):
    """Euler's steps of ``lif`` for the currents (steps, neurons)."""
    v, spikes = np.zeros(currents.shape[1]), []
    for current in currents:
        v = v + DT_S / tau * (r * current - v)
        spikes.append(v > threshold)
        v = np.where(spikes[-1], reset, v)
    return np.array(spikes)


def convolved(image, weight, stride, padding, dilation, groups=1):
    """A convolution by its definition, in loops."""
    (c_in, *_), (c_out, per_group, kh, kw) = image.shape, weight.shape
    image = np.pad(image, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
    rows = (image.shape[1] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    columns = (image.shape[2] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    out = np.zeros((c_out, rows, columns))
    for o, y, x, i, ky, kx in np.ndindex(c_out, rows, columns, per_group, kh, kw):
        c = o // (c_out // groups) * per_group + i
        out[o, y, x] += (
            weight[o, i, ky, kx] * image[c, y * stride[0] + ky * dilation[0], x * stride[1] + kx * dilation[1]]
        )
    assert per_group * groups == c_in
    return out


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"),
    [
        ((1, 1), (0, 0), (1, 1), 1),
        ((2, 1), (1, 2), (1, 1), 1),
        ((1, 2), (2, 1), (2, 1), 2),
        ((3, 3), (1, 1), (1, 2), 1),
    ],
)
def test_convolutions(stride, padding, dilation, groups) -> None:
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(4, 2 // groups, 3, 2)), rng.normal(0, 0.1, 4)
    x = drawn(2 * 7 * 6).reshape(STEPS, 2, 7, 6)
    current = np.array([convolved(image, weight, stride, padding, dilation, groups) for image in x])
    expected = stepped((current + bias[:, None, None]).reshape(STEPS, -1))
    layer = nir.Conv2d((7, 6), weight, stride, padding, dilation, groups, bias)
    found = raster(run(chain((2, 7, 6), layer, lif(current[0].shape)), x), "n1")
    assert expected.sum() > 50
    assert np.array_equal(found[1 : STEPS + 1], expected)


@pytest.mark.parametrize("padding", ["same", "valid", 2])
def test_one_dimensional_convolutions(padding) -> None:
    weight = np.random.default_rng(2).normal(size=(3, 2, 4))
    x = drawn(2 * 9).reshape(STEPS, 2, 1, 9)
    before, after = {"same": (1, 2), "valid": (0, 0), 2: (2, 2)}[padding]
    padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (before, after)))
    current = np.array([convolved(image, weight[:, :, None], (1, 1), (0, 0), (1, 1))[:, 0] for image in padded])
    expected = stepped(current.reshape(STEPS, -1))
    layer = nir.Conv1d(9, weight, 1, padding, 1, 1, np.zeros(3))
    found = raster(run(chain((2, 9), layer, lif(current[0].shape)), x), "n1")
    assert expected.any()
    assert np.array_equal(found[1 : STEPS + 1], expected)


@pytest.mark.parametrize("kind", [nir.SumPool2d, nir.AvgPool2d])
def test_pooling_and_flattening(kind) -> None:
    x = drawn(2 * 6 * 5).reshape(STEPS, 2, 6, 5)
    ones = np.zeros((2, 2, 2, 3))
    ones[0, 0] = ones[1, 1] = 1.0 if kind is nir.SumPool2d else 1 / 6
    pooled = np.array([convolved(image, ones, (2, 2), (0, 1), (1, 1)) for image in x]).reshape(STEPS, -1)
    weight = np.random.default_rng(3).normal(0, 0.5, (4, pooled.shape[1]))
    pool = kind(kernel_size=np.array([2, 3]), stride=np.array([2, 2]), padding=np.array([0, 1]))
    graph = chain((2, 6, 5), pool, nir.Flatten(None, 0, -1), nir.Linear(weight), lif(4, r=9.0))
    expected = stepped(pooled @ weight.T, r=9.0)
    assert expected.any()
    assert np.array_equal(raster(run(graph, x), "n3")[1 : STEPS + 1], expected)


def test_scales_thresholds_and_delays() -> None:
    x, weight = drawn(4), np.array([[1.0, -0.5, 0.5, 0.0], [0.5, 0.5, 0.5, 0.5]])
    scale, late = np.array([2.0, 1.0]), np.array([0.0, 3.0]) * DT_S
    graph = chain(4, nir.Linear(weight), nir.Scale(scale), nir.Threshold(np.array([1.0, 0.9])), nir.Delay(late), lif(2))
    above = (x @ weight.T) * scale > np.array([1.0, 0.9])
    assert np.array_equal(raster(run(graph, x), "n2")[1 : STEPS + 1], above)
    delayed = np.stack([above[:, 0], np.concatenate([np.zeros(3, bool), above[:-3, 1]])], axis=1)
    expected = stepped(delayed.astype(float), r=4.0)
    assert expected.any()
    assert np.array_equal(raster(run(graph, x), "n4")[2 : STEPS + 2], expected)


@pytest.mark.filterwarnings("ignore:(?s).*G302:UserWarning")
def test_neurons_that_only_integrate() -> None:
    x, weight = drawn(3), np.array([[0.25, 0.5, 0.25], [-0.1, 0.3, 0.4]])
    graph = chain(3, nir.Linear(weight), nir.IF(r=np.full(2, 1000.0), v_threshold=np.ones(2), v_reset=np.zeros(2)))
    v, expected = np.zeros(2), []
    for current in x @ weight.T:
        v = v + current
        expected.append(v > 1)
        v = np.where(expected[-1], 0.0, v)
    assert np.sum(expected) > 10
    assert np.array_equal(raster(run(graph, x), "n1")[2 : STEPS + 2], expected)


@pytest.mark.filterwarnings("ignore:(?s).*G302:UserWarning")
def test_an_integrator_and_a_sum_are_read_by_their_potential() -> None:
    x, weight = drawn(3), np.random.default_rng(4).normal(size=(2, 3))
    ((_, v),) = run(chain(3, nir.Linear(weight), nir.I(r=np.full(2, 50.0))), x).recording.signals.values()
    np.testing.assert_allclose(v[2 : STEPS + 2], np.cumsum(x @ weight.T, axis=0) * 50 * DT_S, atol=1e-12)
    ((_, v),) = run(chain(3, nir.Affine(weight, np.array([0.5, 0.0]))), x).recording.signals.values()
    np.testing.assert_allclose(v[1 : STEPS + 1], x @ weight.T + [0.5, 0.0], atol=1e-12)


@pytest.mark.parametrize("r", [-4.0, 0.0])
def test_a_resistance_that_is_no_resistance_goes_into_the_weights(r: float) -> None:
    x, weight = drawn(3), -np.random.default_rng(5).random((2, 3))
    found = raster(run(chain(3, nir.Affine(weight, np.array([-0.1, 0.0])), lif(2, r=r)), x), "n1")
    assert np.array_equal(found[1 : STEPS + 1], stepped(x @ weight.T + [-0.1, 0.0], r=r))
    assert found.any() == bool(r)


@pytest.mark.parametrize("bias", ["spikes", "current"])
def test_a_bias_begins_with_the_layer_or_at_once(bias: str) -> None:
    x, weight = drawn(3), np.random.default_rng(6).random((2, 3))
    result = run(chain(3, nir.Affine(weight, np.array([0.3, -0.2])), lif(2)), x, bias=bias)
    found, expected = raster(result, "n1"), stepped(x @ weight.T + [0.3, -0.2])
    assert ("bias" in [p.name for p in result.graph.populations]) == (bias == "spikes")
    if bias == "spikes":
        assert np.array_equal(found[1 : STEPS + 1], expected)
    else:
        early = np.concatenate([np.zeros((1, 3)), x]) @ weight.T + [0.3, -0.2]
        assert np.array_equal(found[: STEPS + 1], stepped(early))


def test_weights_after_weights_are_their_product() -> None:
    """Also as full matrices, which take the shorter way through many entries."""
    rng = np.random.default_rng(11)
    x, one, two = drawn(70), rng.normal(0, 0.3, (90, 70)), rng.normal(0, 0.3, (80, 90))
    one[rng.random(one.shape) < 0.5] = 0
    graph = chain(70, nir.Affine(one, rng.normal(0, 0.1, 90)), nir.Linear(two), nir.Scale(np.full(80, 0.5)), lif(80))
    expected = stepped((x @ one.T + graph.nodes["n0"].bias) @ two.T * 0.5)
    assert expected.sum() > 50
    assert np.array_equal(raster(run(graph, x), "n3")[1 : STEPS + 1], expected)


def test_paths_of_different_lengths_meet() -> None:
    """in -> a -> b and in -> b: b gets both in the step in which other tools add them."""
    rng = np.random.default_rng(7)
    x, one, two, skip = drawn(3), rng.normal(0.5, 1, (4, 3)), rng.normal(0.5, 1, (2, 4)), rng.normal(0, 1, (2, 3))
    nodes = {"in": nir.Input(np.array([3])), "a": lif(4), "b": lif(2, r=9.0), "out": nir.Output(np.array([2]))}
    nodes |= {"one": nir.Linear(one), "two": nir.Linear(two), "skip": nir.Linear(skip)}
    edges = [("in", "one"), ("one", "a"), ("a", "two"), ("two", "b"), ("in", "skip"), ("skip", "b"), ("b", "out")]
    result = run(nir.NIRGraph(nodes, edges), x)
    first = stepped(x @ one.T)
    second = stepped(first @ two.T + x @ skip.T, r=9.0)
    assert second.sum() > 5
    assert np.array_equal(raster(result, "a")[1 : STEPS + 1], first)
    assert np.array_equal(raster(result, "b")[2 : STEPS + 2], second)


def test_sub_graphs_are_dissolved() -> None:
    x, weight, back = drawn(3), np.random.default_rng(8).random((2, 3)), np.array([[0.0, -0.5], [0.4, 0.0]])
    inner = nir.NIRGraph(
        {"in": nir.Input(np.array([2])), "lif": lif(2), "w": nir.Linear(back), "out": nir.Output(np.array([2]))},
        [("in", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "out")],
    )
    v, z, expected = np.zeros(2), np.zeros(2), []
    for current in x @ weight.T:
        v = v + DT_S / 0.004 * (4.0 * (current + back @ z) - v)
        z = v > 1
        v = np.where(z, -0.5, v)
        expected.append(z)
    found = raster(run(chain(3, nir.Linear(weight), inner), x), "n1.lif")
    assert np.array_equal(found[1 : STEPS + 1], expected)


def test_a_way_back_over_several_populations_is_told() -> None:
    nodes = {"in": nir.Input(np.array([2])), "a": lif(2), "b": lif(2), "out": nir.Output(np.array([2]))}
    nodes |= {f"w{k}": nir.Linear(np.eye(2)) for k in range(3)}
    edges = [("in", "w0"), ("w0", "a"), ("a", "w1"), ("w1", "b"), ("b", "w2"), ("w2", "a"), ("b", "out")]
    with pytest.warns(ern.ModelWarning, match="I105 .*b sends back to a takes 1 steps more"):
        net = ern.from_nir(nir.NIRGraph(nodes, edges), dt_ms=1.0)
    assert net.projections["b_to_a"].delay_ms == 1.0


def test_exact_steps() -> None:
    x, weight = drawn(3), np.random.default_rng(9).random((2, 3))
    found = raster(run(chain(3, nir.Linear(weight), lif(2)), x, integration="exact"), "n1")
    euler = -np.expm1(-DT_S / 0.004)
    assert np.array_equal(found[1 : STEPS + 1], stepped(x @ weight.T, tau=DT_S / euler))


def test_a_threshold_that_is_reached_is_not_passed() -> None:
    """NIR's neurons spike above it: weights that lead to it exactly, or up to rounding, make no spike."""
    x = np.ones((STEPS, 1), bool)
    for tau in (0.001, 0.0037, 0.01):
        graph = chain(1, nir.Linear(np.array([[1.0]])), lif(1, tau=tau, r=1.0))
        assert not raster(run(graph, x), "n1").any()
        graph.nodes["n0"].weight[:] = 1 + 1e-7
        assert raster(run(chain(1, nir.Linear(np.array([[1 + 1e-7]])), lif(1, tau=0.001, r=1.0)), x), "n1").any()


def test_names_that_populations_cannot_have() -> None:
    nodes = {"0 in": nir.Input(np.array([2])), "0": lif(2), "ä/b": lif(2), "0_in": nir.Output(np.array([2]))}
    nodes |= {"w": nir.Linear(np.eye(2)), "v": nir.Linear(np.eye(2))}
    edges = [("0 in", "w"), ("w", "0"), ("0", "v"), ("v", "ä/b"), ("ä/b", "0_in")]
    net = ern.from_nir(nir.NIRGraph(nodes, edges), dt_ms=1.0)
    assert list(net.populations) == ["n0_in", "n0", "__b"]


@pytest.mark.filterwarnings("ignore:(?s).*G302:UserWarning")
@pytest.mark.parametrize("tau", [0.004, 0.001])
def test_a_sum_of_weights_ends_a_graph_with_neurons_that_only_integrate(tau: float) -> None:
    """Where currents act from the next step on, also with neurons and sums that keep nothing over a step."""
    x, one, two = drawn(3), np.random.default_rng(12).random((4, 3)), np.random.default_rng(13).normal(size=(2, 4))
    integrate = nir.IF(r=np.full(2, 1000.0), v_threshold=np.ones(2), v_reset=np.zeros(2))
    last = np.array([[1.0, -2.0], [0.5, 0.25]])
    graph = chain(3, nir.Linear(one), lif(4, tau=tau), nir.Linear(two), integrate, nir.Linear(last))
    v, spikes = np.zeros(2), []
    for current in stepped(x @ one.T, tau=tau).astype(float) @ two.T:
        v = v + current
        spikes.append(v > 1)
        v = np.where(spikes[-1], 0.0, v)
    result = run(graph, x, extra=8)
    ((_, potential),) = result.recording.signals.values()
    assert np.sum(spikes) > 10
    assert np.array_equal(raster(result, "n3")[4 : STEPS + 4], spikes)
    np.testing.assert_allclose(potential[6 : STEPS + 6], np.array(spikes) @ last.T, atol=1e-9)


@pytest.mark.parametrize("r", [4.0, -4.0])
def test_numbers_in_place_of_spikes(r: float) -> None:
    """Held from time to time, through weights, a bias and a delay, into neurons and into a sum."""
    rng = np.random.default_rng(14)
    values, weight = rng.normal(0, 1, (8, 3)), rng.normal(0, 1, (2, 3))
    held = np.repeat(values, STEPS // 8, axis=0)
    graph = chain(3, nir.Delay(np.array([0.0, 0.0, 2.0]) * DT_S), nir.Affine(weight, np.array([0.1, 0.0])), lif(2, r=r))
    schedule = ern.Schedule(np.arange(8) * 10.0, values)
    net = ern.from_nir(graph, dt_ms=1.0, inputs=schedule)
    assert "in" not in net.populations
    late = np.concatenate([np.zeros((2, 1)), held[:-2, 2:]])
    expected = stepped(np.hstack([held[:, :2], late]) @ weight.T + [0.1, 0.0], r=r)
    assert expected.sum() > 5
    result = ern.run(net, duration_ms=STEPS + 1, backend="reference")
    assert np.array_equal(raster(result, "n2")[1:], expected)
    net = ern.from_nir(chain(3, nir.Linear(weight)), dt_ms=1.0, inputs=schedule)
    ((_, v),) = ern.run(net, duration_ms=STEPS + 1, backend="reference").recording.signals.values()
    np.testing.assert_allclose(v[1:], held @ weight.T, atol=1e-9)
    with pytest.raises(ern.InvalidModel, match="in: needs one number at a time or 3, has 2"):
        ern.from_nir(graph, dt_ms=1.0, inputs=ern.Schedule([0.0], np.ones((1, 2))))
    cuba = nir.CubaLIF(*(np.full(2, 0.01) for _ in range(3)), np.zeros(2), np.ones(2))
    with pytest.raises(ern.InvalidModel, match="n1: has synaptic currents, which numbers of in cannot drive"):
        ern.from_nir(chain(3, nir.Linear(weight), cuba), dt_ms=1.0, inputs=schedule)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_one_parameter_for_all_neurons(shape: tuple[int, ...]) -> None:
    x, weight = drawn(3), np.random.default_rng(15).random((4, 3))
    found = raster(run(chain(3, nir.Linear(weight), lif(shape)), x), "n1")
    assert np.array_equal(found[1 : STEPS + 1], stepped(x @ weight.T))


def test_sources_of_the_users_own() -> None:
    graph = chain(2, nir.Linear(np.eye(2)), lif(2))
    net = ern.from_nir(graph, dt_ms=1.0, inputs=ern.Poisson(100.0))
    assert isinstance(net.populations["in"].model, ern.Poisson)
    net = ern.from_nir(graph, dt_ms=1.0, inputs={"in": ern.SpikeTimes([[1], [2]])})
    assert len(ern.run(net, duration_ms=5, backend="reference").recording.spikes["in"][0]) == 2
    with pytest.raises(ern.InvalidModel, match="no Input 'inn'; did you mean 'in'"):
        ern.from_nir(graph, dt_ms=1.0, inputs={"inn": ern.Poisson(100.0)})
