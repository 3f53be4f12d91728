"""``ern.fit`` on small tasks: it learns, keeps to bounds, gives the same bits again, and an ordinary network back."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import ernsnn as ern

torch = pytest.importorskip("torch")
STEPS = 20


def trials_of(seed: int, n: int = 48, labels: int = 3) -> ern.Trials:
    """Each label drives two of six inputs more than the others."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, labels, n)
    chance = np.full((n, 6), 0.05)
    for k in range(2):
        chance[np.arange(n), 2 * of + k] = 0.3
    return ern.Trials(
        show_ms=STEPS, rest_ms=10, labels=of, x=(rng.random((n, STEPS, 6)) < chance[:, None]).astype(float)
    )


def network(trials: ern.Trials, connector: object = None, receptor: str = "signed") -> ern.Network:
    net = ern.Network(name="small")
    given = net.population("given", 6, trials.spikes("x"))
    hidden = net.population("hidden", 10, ern.LIF(tau_m_ms=10, cm_nF=0.25, v_threshold_mV=ern.Uniform(-52, -48)))
    out = net.population("out", 3, ern.LIF(tau_m_ms=10, cm_nF=0.25))
    low = 0.0 if receptor == "excitatory" else -np.inf
    net.projection("see", given, hidden, connector, weight_nA=ern.Normal(0.5, 0.5, low=low), receptor=receptor)
    net.projection("tell", hidden, out, weight_nA=ern.Normal(0.2, 0.3), receptor="signed", delay_ms=2)
    return net


HOW = {"learn": ["see.w", "tell.w"], "loss": ern.losses.most_spikes("out"), "epochs": 6, "batch": 16}


def fitted(connector: object = None, receptor: str = "signed", **how: object) -> ern.Fit:
    trials = trials_of(0)
    return ern.fit(network(trials, connector, receptor), trials, **{**HOW, "learning_rate": 0.05, **how})


def test_it_learns_and_gives_back_a_network():
    fit = fitted(epochs=12)
    assert fit.history[-1].loss < 0.7 * fit.history[0].loss
    assert fit.history[-1].accuracy > 0.8
    others = trials_of(1, 60)
    result = ern.run(fit.network, trials=others, backend="reference")
    told = result.trials.majority("out", np.arange(3))
    assert np.mean(told == others.labels) > 0.7


@pytest.mark.parametrize("connector", [None, ern.FixedProbability(0.6), ern.AllToAll(self_connections=False)])
def test_the_spikes_of_the_network_are_those_that_were_fitted(connector):
    """A trial alone, on native, has the very spikes that it has beside others; under another seed, too."""
    from ernsnn.learn.batches import Batches

    fit, others = fitted(connector, epochs=2), trials_of(2, 8)
    shown = Batches(fit.network, others, 0, (), {"precision": "float64"}).show(np.arange(8), {})
    n = 0
    for k in range(8):
        one = ern.Trials(show_ms=STEPS, x=others.quantities["x"][k : k + 1])
        result = ern.run(fit.network, trials=one, backend="native", precision="float64", seed=9)
        for name in ("hidden", "out"):
            raster = np.zeros(tuple(shown.spikes[name].shape[1:]))
            raster[result.recording.spikes[name]] = 1.0
            np.testing.assert_array_equal(raster, shown.spikes[name][k].numpy())
            n += int(raster.sum())
    assert n > 50


def test_the_same_fit_gives_the_same_bits():
    once, again, other = fitted(epochs=2), fitted(epochs=2), fitted(epochs=2, seed=1)
    assert once.history == again.history
    for path, value in once.values.items():
        np.testing.assert_array_equal(value, again.values[path])
    assert once.history != other.history


def test_a_checkpoint_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    whole, path = fitted(epochs=4), tmp_path / "fit.npz"
    from ernsnn.learn import fitting

    save, seen = fitting.save, []

    def interrupted(*args):
        save(*args)
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted(epochs=4, checkpoint=path)
    resumed = fitted(epochs=4, checkpoint=path)
    assert len(seen) == 4
    assert resumed.history == whole.history
    for name, value in whole.values.items():
        np.testing.assert_array_equal(value, resumed.values[name])
    with pytest.raises(ern.InvalidModel, match="is the checkpoint of another fit"):
        fitted(epochs=5, checkpoint=path)
    with pytest.raises(ern.InvalidModel, match="is the checkpoint of another fit"):
        fitted(epochs=4, checkpoint=path, loss=ern.losses.most_spikes("out", per_spike=0.5))
    path.write_bytes(b"nothing")
    with pytest.raises(ern.InvalidModel, match="is no checkpoint of a fit, or is damaged"):
        fitted(epochs=4, checkpoint=path)


def test_signs_and_bounds_are_kept():
    fit = fitted(receptor="excitatory", learning_rate=1.0, bounds={"tell.w": (-0.6, 1.2)})
    assert fit.values["see.w"].min() == 0.0, "some would have become negative"
    assert fit.values["tell.w"].min() == pytest.approx(-0.6)
    assert fit.values["tell.w"].max() == pytest.approx(1.2)


def test_parameters_of_neurons_and_shared_ones():
    fit = fitted(
        learn=["see.w", "tell.w", ern.Shared("hidden.tau_m_ms"), "hidden.v_threshold_mV", "out.i_offset_nA"],
        learning_rate=0.2,
    )
    values = ern.lower(fit.network, 5).values
    assert values["hidden.tau_m_ms"] == fit.values["hidden.tau_m_ms"]
    assert values["hidden.tau_m_ms"] != 10.0
    assert len(set(values["hidden.v_threshold_mV"].tolist())) == 10
    assert np.abs(fit.values["out.i_offset_nA"]).max() > 0
    assert (values["hidden.v_threshold_mV"] > values["hidden.v_reset_mV"]).all()


def test_time_constants_and_thresholds_stay_possible():
    """However large the steps are, the network can be made."""
    learn = ["hidden.tau_m_ms", "hidden.tau_syn_E_ms", "hidden.v_threshold_mV", "hidden.v_reset_mV", "hidden.cm_nF"]
    fit = fitted(learn=learn, learning_rate=5.0, epochs=3)
    assert fit.values["hidden.tau_m_ms"].min() >= 1.0
    ern.lower(fit.network)


def test_validation_and_patience():
    fit = fitted(validation=trials_of(3, 30), epochs=30, patience=2, learning_rate=0.3)
    losses = [epoch.validation_loss for epoch in fit.history]
    assert fit.best == losses.index(min(losses))
    assert len(fit.history) == min(30, fit.best + 3)
    assert fit.history[0].validation_accuracy is not None


def test_targets_need_not_be_read_by_the_network():
    trials = trials_of(0)
    both = ern.Trials(
        show_ms=STEPS, rest_ms=10, x=trials.quantities["x"], wanted=100.0 * np.eye(3)[np.asarray(trials.labels)]
    )
    fit = ern.fit(network(trials), both, **{**HOW, "loss": ern.losses.target_rates("out", "wanted"), "epochs": 3})
    assert fit.history[0].accuracy is None
    assert fit.history[-1].loss < fit.history[0].loss


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"learn": ["se.w"]}, "nothing that can be learnt is called 'se.w'; did you mean 'see.w'?"),
        ({"learn": []}, "names nothing to learn"),
        ({"learn": ["see.w", "see.w"]}, "'see.w' is named twice"),
        ({"learn": ["hidden.tau_refrac_ms"]}, "nothing that can be learnt is called 'hidden.tau_refrac_ms'"),
        ({"learn": [ern.Shared("see.w")]}, "weights are one a synapse"),
        ({"bounds": {"hidden.tau_m_ms": (1, 2)}}, "fit.bounds: not among learn: 'hidden.tau_m_ms'"),
        ({"bounds": {"see.w": (9.0, 10.0)}}, "see.w: starts at"),
        ({"bounds": {"see.w": (2.0, 1.0)}}, "needs a pair (low, high)"),
        ({"learning_rate": {"sea.w": 1.0}}, "fit.learning_rate: not among learn"),
        ({"epochs": 0}, "fit.epochs: must be a whole number from 1"),
        ({"batch": 0}, "fit.batch: must be a whole number from 1"),
        ({"patience": 2}, "needs validation trials"),
        ({"loss": ern.losses.most_spikes("oot")}, "no population 'oot'; did you mean 'out'?"),
        ({"precision": "float16"}, "precision"),
    ],
)
def test_refusals(how, said):
    with pytest.raises(ern.InvalidModel) as refused:
        fitted(**how)
    assert said in str(refused.value)


def test_what_learns_by_a_rule_is_refused():
    trials = trials_of(0)
    net = network(trials)
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=1.0)
    net.projection("plastic", net.populations["given"], net.populations["out"], weight_nA=0.1, learning=rule)
    with pytest.raises(ern.InvalidModel, match="plastic: learns by a rule"):
        ern.fit(net, trials, **HOW)


def test_the_history_is_plain_values():
    assert set(dataclasses.asdict(fitted(epochs=1).history[0])) == {
        "number",
        "loss",
        "accuracy",
        "validation_loss",
        "validation_accuracy",
    }
