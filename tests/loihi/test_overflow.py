"""What wraps around or is cut off on the emulator was announced: by naive integers that count where they do."""

from __future__ import annotations

from typing import ClassVar

import naive_loihi
import numpy as np
import pytest

import ernsnn as ern
from ernsnn.describe.kinds import Receptor
from ernsnn.hardware_backends.loihi.check.check import check_graph
from ernsnn.hardware_backends.loihi.codes import CODES
from ernsnn.hardware_backends.loihi.quantise.quantise import required

STEPS = 250


class Counting(naive_loihi.Neuron):
    """Notes by population whether u left its range, and V below."""

    left: ClassVar[dict[str, set[str]]] = {}

    def step(self, arrived):
        exact = naive_loihi.truncated(self.u * (4096 - (self.cells.du + 1))) + (arrived << 6)
        waits, v = self.wait, naive_loihi.truncated(self.v * (4096 - self.cells.dv))
        fired = super().step(arrived)
        found = self.left.setdefault(self.cells.name, set())
        if self.u != exact:
            found.add("u")
        elif not waits and v + self.u + self.bias < -(2**23) + 1:
            found.add("v")
        return fired


def left(net: ern.Network, monkeypatch: pytest.MonkeyPatch, steps: int = STEPS) -> dict[str, set[str]]:
    monkeypatch.setattr(naive_loihi, "Neuron", Counting)
    monkeypatch.setattr(Counting, "left", {})
    naive_loihi.run(required(ern.lower(net), n_steps=steps)[0], steps)
    return Counting.left


def told(net: ern.Network) -> dict[str, dict[str, str]]:
    """{population: {u or v: code}}."""
    found: dict[str, dict[str, str]] = {}
    for i in check_graph(ern.lower(net)).limits:
        if i.code in ("L303", "L308"):
            found.setdefault(i.path, {})["u" if "its current" in i.message else "v"] = i.code
    return found


def driven(times: list[int], size: int = 20, weight_nA: float = 0.1, **cell: float) -> ern.Network:
    net = ern.Network(dt_ms=1.0)
    taus = {"tau_syn_E_ms": 100.0, "tau_syn_I_ms": 100.0, **cell}
    source, target = net.population("s", size, ern.SpikeTimes([times] * size)), net.population("n", 1, ern.LIF(**taus))
    receptor: Receptor = "inhibitory" if weight_nA < 0 else "excitatory"
    net.projection("p", source, target, weight_nA=abs(weight_nA), receptor=receptor)
    return net


EVERY_STEP = list(range(STEPS))


def test_excitation_that_adds_up_wraps_around_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    net = driven(EVERY_STEP)
    assert "u" in left(net, monkeypatch)["n"]
    (issue,) = (i for i in check_graph(ern.lower(net)).limits if i.code == "L303")
    # 20 weights of 128 a step, which decay by 41 of 4096, and 250 of them.
    u = 20 * 128 * 4096 / 41 * (1 - (1 - 41 / 4096) ** STEPS)
    assert f"{u / 2**17:.3g} times its range" in issue.message
    assert CODES[issue.code][0] == "approximate"


def test_inhibition_cuts_v_off_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    net = driven(EVERY_STEP, size=3, weight_nA=-0.1, tau_syn_I_ms=20, tau_syn_E_ms=20, tau_m_ms=200)
    assert left(net, monkeypatch) == {"n": {"v"}}
    assert told(net) == {"n": {"v": "L303"}}


def test_a_negative_current_alone_never_leaves_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    net = driven([], size=1, i_offset_nA=-0.2)
    assert left(net, monkeypatch) == {"n": set()}
    assert not told(net)


@pytest.mark.parametrize("every", [5, 20, 100])
def test_given_spikes_that_stay_within_are_not_told(every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The same synapses as above, and bursts of two steps: counted as they are, not by their shortest interval.
    net = driven(sorted({*EVERY_STEP[::every], *EVERY_STEP[1::every]}), size=5)
    assert left(net, monkeypatch) == {"n": set()}
    assert not told(net)


def test_spikes_long_after_all_others_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    late = list(range(10_000_000, 10_000_250))
    assert told(driven([0, 1, *late])) == {"n": {"u": "L303"}}
    assert not told(driven([0, 1, *late[::50]]))


@pytest.mark.parametrize(("inhibited", "expected"), [(True, {}), (False, {"n": {"u": "L303"}})])
def test_poisson_sources_are_followed_in_their_mean(inhibited: bool, expected: dict[str, dict[str, str]]) -> None:
    """40 arrivals a step, each lasting for 20 steps, are more than the 514 that fit; inhibition takes it all back."""
    net = ern.Network(dt_ms=1.0)
    target = net.population("n", 2, ern.LIF(tau_syn_E_ms=20, tau_syn_I_ms=20, tau_m_ms=1, cm_nF=0.02))
    receptors: tuple[Receptor, ...] = ("excitatory", "inhibitory")
    for receptor in receptors[: 1 + inhibited]:
        source = net.population(receptor[:2], 200, ern.Poisson(200))
        net.projection(receptor, source, target, weight_nA=ern.Uniform(0.07, 0.075), receptor=receptor)
    assert told(net) == expected


def test_what_only_a_storm_could_do_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """600 neurons that rest, onto one: worth knowing, and no approximation."""
    net = ern.Network(dt_ms=1.0)
    cell = ern.LIF(tau_syn_E_ms=5, tau_syn_I_ms=5, tau_refrac_ms=2)
    net.projection("p", net.population("a", 600, cell), net.population("n", 1, cell), weight_nA=0.1)
    assert told(net) == {"n": {"u": "L308"}}
    (issue,) = (i for i in check_graph(ern.lower(net)).limits if i.code == "L308")
    assert CODES[issue.code][0] == "exact"
    assert " Hz of each" in issue.message


@pytest.mark.parametrize("delay_ms", [1.0, 5.0])
def test_learning_synapses_count_as_they_start_and_at_their_largest(delay_ms: float) -> None:
    def net(start: float) -> ern.Network:
        net = ern.Network(dt_ms=1.0)
        source = net.population("s", 20, ern.SpikeTimes([EVERY_STEP] * 20))
        target = net.population("n", 1, ern.LIF(tau_syn_E_ms=100.0, tau_syn_I_ms=100.0))
        rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01, w_max=1.0)
        net.projection("p", source, target, weight_nA=start, learning=rule, delay_ms=delay_ms)
        return net

    assert told(net(1.0)) == {"n": {"u": "L303"}}
    assert told(net(0.01)) == {"n": {"u": "L308"}}


def drawn(seed: int) -> ern.Network:
    """Given and Poisson sources, one or two populations that excite and inhibit each other, near the end of the range
    or far from it.
    """
    rng = np.random.default_rng(seed)
    net = ern.Network(dt_ms=1.0, name=f"drawn_{seed}", current_integration=rng.choice(["exact", "step_average"]))
    sources, cells = [], []
    for k in range(int(rng.integers(1, 3))):
        size, rate = int(rng.integers(1, 25)), rng.choice([0.02, 0.2, 0.9])
        if rng.random() < 0.5:
            times = [np.flatnonzero(rng.random(STEPS) < rate).tolist() for _ in range(size)]
            sources.append(net.population(f"s{k}", size, ern.SpikeTimes(times)))
        else:
            given = ern.Schedule([0, 60, 120], [1000 * rate, 0.0, 500.0]) if rng.random() < 0.5 else 1000 * rate
            sources.append(net.population(f"s{k}", size, ern.Poisson(given)))
    tau_s = float(rng.choice([2.0, 20.0, 100.0]))
    for k in range(int(rng.integers(1, 3))):
        cell = ern.LIF(
            tau_m_ms=float(rng.choice([5.0, 50.0, 1000.0])),
            tau_syn_E_ms=tau_s,
            tau_syn_I_ms=tau_s,
            tau_refrac_ms=float(rng.integers(0, 6)),
            i_offset_nA=rng.choice([0.0, rng.uniform(-0.5, 0.5)]),
        )
        cells.append(net.population(f"n{k}", int(rng.integers(1, 4)), cell))
    for pre in [*sources, *cells]:
        for post in cells:
            if rng.random() < 0.3:
                continue
            learning = ern.stdp.pair(A_plus=0.1, A_minus=0.1, w_max=0.3) if rng.random() < 0.2 else None
            net.projection(
                f"{pre.name}-{post.name}",
                pre,
                post,
                weight_nA=ern.Uniform(0.0, 0.3),
                receptor=rng.choice(["excitatory", "inhibitory"]),
                delay_ms=float(rng.integers(1, 6)),
                learning=learning,
            )
    return net


def unannounced(seeds: range, monkeypatch: pytest.MonkeyPatch) -> tuple[list[object], dict[str, int]]:
    silent: list[object] = []
    counts = {"left": 0, "L303": 0, "L308": 0, "L303 and stayed": 0, "nothing told": 0}
    for seed in seeds:
        net = drawn(seed)
        if any(CODES[limit.code][0] == "unsupported" for limit in check_graph(ern.lower(net)).limits):
            continue
        was, said = left(net, monkeypatch), told(net)
        for name, quantities in was.items():
            if name not in net.populations:
                continue
            codes = said.get(name, {})
            # A current that wrapped around has thrown V anywhere.
            silent += [(seed, name, q) for q in quantities if q not in codes and "u" not in codes]
            counts["left"] += bool(quantities)
            counts["nothing told"] += not codes
            counts["L303"] += "L303" in codes.values()
            counts["L308"] += "L308" in codes.values()
            counts["L303 and stayed"] += "L303" in codes.values() and not quantities
    return silent, counts


def test_no_drawn_network_leaves_the_range_unannounced(monkeypatch: pytest.MonkeyPatch) -> None:
    silent, counts = unannounced(range(60), monkeypatch)
    assert not silent
    assert counts["left"] > 20
    # Plastic weights move on, and Poisson sources may come to it later.
    assert counts["L303 and stayed"] < 0.2 * counts["L303"]
    assert counts["nothing told"] > 20
