"""sPyNNaker's connectors between images: kernels, convolutions, pooling; and those within groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate2d

sim = pytest.importorskip("ernsnn.pynn")
from ernsnn.errors import InvalidModel  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def image(shape, cells=None, **parameters):
    cells = sim.IF_curr_exp(**parameters) if cells is None else cells
    return sim.Population(int(np.prod(shape)), cells, structure=sim.Grid2D(shape[0] / shape[1]))


def source(shape, spiking=None):
    times = [[5.0] if spiking is None or k in spiking else [] for k in range(int(np.prod(shape)))]
    return image(shape, sim.SpikeSourceArray(spike_times=times))


@pytest.fixture(autouse=True)
def _set_up():
    sim.setup(1.0, convention="spinnaker", current_integration="step_average", backend="reference")


def weights(projection):
    return np.nan_to_num(projection.get("weight", format="array"))


@pytest.mark.parametrize("seed", range(8))
def test_a_convolution_is_that_of_scipy(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(4, 9, 2))
    kernel = rng.normal(size=tuple(rng.integers(1, 4, 2)))
    padding = tuple(int(p) for p in rng.integers(0, 2, 2))
    strides = tuple(int(s) for s in rng.integers(1, 3, 2))
    connector = sim.ConvolutionConnector(kernel, strides=strides, padding=padding)
    post = connector.get_post_shape(shape)
    projection = sim.Projection(source(shape), image(post), connector, sim.Convolution())
    pixels = rng.random(shape)
    padded = np.pad(pixels, [(p, p) for p in padding])
    expected = correlate2d(padded, kernel, mode="valid")[:: strides[0], :: strides[1]][: post[0], : post[1]]
    np.testing.assert_allclose((pixels.reshape(-1) @ weights(projection)).reshape(post), expected, atol=1e-12)


def test_each_sign_goes_to_a_receptor_of_its_own():
    kernel = np.array([[1.0, -2.0, 0.0]])
    post = image((1, 3), tau_syn_E=2.0, tau_syn_I=7.0)
    connector = sim.ConvolutionConnector(kernel, padding=(0, 1))
    projection = sim.Projection(source((1, 3), [1]), post, connector, sim.Convolution(delay=1.0))
    post.record(["gsyn_exc", "gsyn_inh"])
    sim.run(8)
    # cell C gets pre cell C + j - 1 with kernel[j]: from cell 1, cell 2 gets +1 and cell 1 gets -2
    signals = {s.name: s.magnitude for s in post.get_data().segments[0].analogsignals}
    np.testing.assert_array_equal(signals["gsyn_exc"].max(axis=0) > 0, [False, False, True])
    np.testing.assert_array_equal(signals["gsyn_inh"].max(axis=0) > 0, [False, True, False])
    assert sorted(projection.get("weight", format="list", with_address=False)) == [-2, -2, -2, 1, 1]
    with pytest.raises(Exception, match="keeps its sign"):
        projection.set(weight=-1.0)
    projection.set(weight=np.array([3.0 if w > 0 else -4.0 for w in projection.column("weight")]))
    sim.run(1)


def test_pools_share_a_weight_and_divide_it():
    connector = sim.ConvolutionConnector(np.array([[4.0, 8.0]]), pool_shape=2)
    assert connector.get_post_shape((4, 6)) == (2, 2)
    projection = sim.Projection(source((4, 6)), image((2, 2)), connector, sim.Convolution())
    pixels = np.arange(24.0).reshape(4, 6)
    pooled = pixels.reshape(2, 2, 3, 2).mean(axis=(1, 3))
    expected = 4 * pooled[:, :-1] + 8 * pooled[:, 1:]
    np.testing.assert_allclose((pixels.reshape(-1) @ weights(projection)).reshape(2, 2), expected)


def test_a_pooled_dense_layer_multiplies_means_of_pools():
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(6, 5))
    projection = sim.Projection(
        source((4, 7)),
        sim.Population(5, sim.IF_curr_exp()),
        sim.PoolDenseConnector(dense, pool_shape=2),
        sim.PoolDense(),
    )
    pixels = rng.random((4, 7))  # the last column lies in no whole pool
    pooled = pixels[:, :6].reshape(2, 2, 3, 2).mean(axis=(1, 3)).reshape(-1)
    np.testing.assert_allclose(pixels.reshape(-1) @ weights(projection), pooled @ dense, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, (2, 1)])
def test_a_kernel_lies_centred_on_each_cell(steps):
    kernel, delays = np.arange(1.0, 10).reshape(3, 3), np.arange(1.0, 10).reshape(3, 3) + 1
    down, across = (steps, steps) if isinstance(steps, int) else steps
    post = (7 // down, 8 // across)
    projection = sim.Projection(
        source((7, 8)),
        sim.Population(post[0] * post[1], sim.IF_curr_exp()),
        sim.KernelConnector(
            (7, 8), post, (3, 3), weight_kernel=kernel, delay_kernel=delays, post_sample_steps_in_pre=(down, across)
        ),
    )
    expected = np.zeros((7, 8, *post))
    for r, c, i, j in np.ndindex(*post, 3, 3):
        row, column = r * down + i - 1, c * across + j - 1
        if 0 <= row < 7 and 0 <= column < 8:
            expected[row, column, r, c] = kernel[i, j]
    np.testing.assert_array_equal(weights(projection), expected.reshape(56, -1))
    np.testing.assert_array_equal(projection.column("delay"), projection.column("weight") + 1)


def test_a_kernel_that_is_drawn_is_drawn_once_for_each_of_its_places():
    drawn = sim.StaticSynapse(weight=sim.RandomDistribution("uniform", (1.0, 2.0)), delay=2.0)
    projection = sim.Projection(source((5, 5)), image((5, 5)), sim.KernelConnector((5, 5), (5, 5), (3, 3)), drawn)
    assert len(np.unique(projection.column("weight"))) == 9
    assert len(projection) == 13 * 13


def test_a_kernel_takes_synapses_that_learn():
    stdp = sim.STDPMechanism(sim.SpikePairRule(), sim.AdditiveWeightDependence(w_max=9.0), weight=3.0, delay=1.0)
    projection = sim.Projection(source((4, 4)), image((4, 4)), sim.KernelConnector((4, 4), (4, 4), (3, 3)), stdp)
    assert len(projection) == 100
    with pytest.raises(InvalidModel, match="use KernelConnector for STDPMechanism"):
        sim.Projection(source((4, 4)), image((2, 2)), sim.ConvolutionConnector(np.ones((3, 3))), stdp)
    sim.run(20)
    assert projection.column("weight").max() != 3.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sim.ConvolutionConnector(3.0), "needs kernel_shape"),
        (lambda: sim.ConvolutionConnector([1.0, 2.0], kernel_shape=3), "9 numbers"),
        (lambda: sim.ConvolutionConnector(np.ones((2, 2)), strides=0), "strides: must be a whole number >= 1"),
        (lambda: sim.ConvolutionConnector(np.ones((2, 2)), kernel_shape=(3, 3)), "3 x 3 weights by its shape"),
        (lambda: sim.KernelConnector((3, 3), (3, 3), (3, 3), weight_kernel=np.ones((2, 2))), "3 x 3 weights"),
        (lambda: sim.PoolDenseConnector(1.0, pool_shape=(2, 2, 2)), "pool_shape"),
    ],
)
def test_shapes_that_cannot_be_are_refused(make, message):
    with pytest.raises(InvalidModel, match=message):
        make()


def test_populations_of_other_shapes_are_refused_by_name():
    kernel = sim.ConvolutionConnector(np.ones((3, 3)))
    with pytest.raises(Exception, match="needs 3 x 4 of population1, got 4 x 4"):
        sim.Projection(source((5, 6)), image((4, 4)), kernel, sim.Convolution())
    flat = sim.Population(12, sim.IF_curr_exp(), label="flat")
    with pytest.raises(Exception, match="the 12 cells of flat are no image"):
        sim.Projection(source((5, 6)), flat, kernel, sim.Convolution())
    with pytest.raises(Exception, match="3 x 5 cells for flat, which has 12"):
        sim.Projection(flat, flat, sim.KernelConnector((3, 5), (3, 4), (3, 3)))
    receptor = sim.ConvolutionConnector(np.ones((3, 3)), negative_receptor_type="shunting")
    with pytest.raises(Exception, match="no receptor 'shunting'"):
        sim.Projection(source((5, 6)), image((3, 4)), receptor, sim.Convolution())


def test_cells_of_a_group_reach_all_of_it_but_themselves():
    cells = sim.Population(6, sim.IF_curr_exp())
    connector = sim.extra_models.AllButMeConnector(3, weights=np.arange(1.0, 7))
    found = weights(sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=9.0)))
    group = np.array([[0.0, 3, 5], [1, 0, 6], [2, 4, 0]])
    np.testing.assert_array_equal(found, np.kron(np.eye(2), group))
    with pytest.raises(Exception, match="divides it, got 6 and 6 cells in groups of 4"):
        sim.Projection(cells, cells, sim.extra_models.AllButMeConnector(4))


@pytest.mark.parametrize(("wrap", "pairs"), [(True, [0, 1, 2, 3, 4, 5]), (False, [0, 1, 3, 4])])
def test_a_cell_reaches_that_some_cells_on(wrap, pairs):
    cells = sim.Population(6, sim.IF_curr_exp())
    projection = sim.Projection(cells, cells, sim.extra_models.OneToOneOffsetConnector(1, wrap, 3))
    assert projection.column("presynaptic_index").tolist() == pairs
    assert projection.column("postsynaptic_index").tolist() == [k // 3 * 3 + (k + 1) % 3 for k in pairs]
