"""The capability check of `spinnaker`: every code can be met, its arithmetic is what it says, and boards are found."""

from __future__ import annotations

import importlib.util
import math
import runpy
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pynn_networks
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynn_networks import PAIR, frozen, intrinsic, large, probed, with_another
from strategies import networks

import ernsnn as ern
from ernsnn import LearningRule, Network, stdp
from ernsnn.backend.issues import CODES as COMMON
from ernsnn.hardware_backends.spinnaker import board
from ernsnn.hardware_backends.spinnaker.backend import SpinnakerBackend
from ernsnn.hardware_backends.spinnaker.capabilities import delay_slots
from ernsnn.hardware_backends.spinnaker.codes import CODES
from ernsnn.hardware_backends.spinnaker.rounding import ACCUM, accum, largest_sums, shift, unit

SOFT = LearningRule.from_equations(
    traces={"x": ern.Trace("pre", 10), "y": ern.Trace("post", 15)},
    on_post={"w": "0.05*x"},
    on_pre={"w": "-0.3*y*w"},
    bounds={"w": (0, 2)},
)
MARKED = stdp.pair(A_plus=0.1, A_minus=0.1, marks=[ern.marks.Labile("a", tau_s=2, rise=0.2)], epoch_ms=10)


OTHER = stdp.pair(A_plus=0.1, A_minus=0.05, w_max=1.0)
network = partial(pynn_networks.network, scheme="step_average", weight=0.25)


LEFT_OUT = ("adaptive", "delta", "noise", "floor", "intrinsic", "freeze", "modulations", "plastic", "probes", "gates")
EXAMPLES = {
    "S101": (lambda: network(dt_ms=0.25), "dt_ms"),
    "S102": (lambda: network(weight_nA=0.3), "p"),
    "S103": (lambda: network(ern.LIF(cm_nF=0.14)), "n"),
    "S104": (network, "network"),
    "S105": (lambda: network(scheme="exact"), "network"),
    "S106": (lambda: network(learning=PAIR), "p.learning"),
    "S107": (lambda: network(learning=PAIR), "p"),
    "S108": (lambda: network(delay_ms=5000), "p.delay_ms"),
    "S109": (network, "network"),
    "S110": (lambda: network(ern.ConductanceLIF()), "n"),
    "S203": (intrinsic, "n"),
    "S204": (lambda: network(ern.LIF(noise_mV=1)), "n.noise_mV"),
    "S205": (lambda: network(ern.LIF(v_min_mV=-80)), "n.v_min_mV"),
    "S207": (lambda: frozen(network(learning=PAIR)), "network"),
    "S208": (lambda: network(learning=MARKED), "p.learning"),
    "S209": (lambda: network(learning=stdp.pair(A_plus=0.1, A_minus=0.1, w_min=0.1)), "p.learning.bounds"),
    "S210": (lambda: with_another(network(learning=PAIR), OTHER), "q.learning"),
    "S211": (lambda: network(learning=PAIR, connector=ern.FromList([[0, 1], [0, 1]])), "p"),
    "S212": (lambda: network(ern.LIF(tau_syn_E_ms=5, tau_syn_I_ms=7), receptor="signed"), "p"),
    "S213": (lambda: probed(network(), "v_mV"), "n.v_mV"),
    "S214": (lambda: network(learning=SOFT), "p.learning"),
    "S215": (lambda: network(short_term=ern.TsodyksMarkram()), "p.short_term"),
    "S301": (lambda: network(dt_ms=0.0015), "dt_ms"),
    "S302": (large, "network"),
    "S303": (lambda: network(delay_ms=40_000), "p.delay_ms"),
    "S304": (lambda: network(weight_nA=40_000), "n"),
}


def test_every_code_has_an_example() -> None:
    assert list(EXAMPLES) == list(CODES) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_codes_are_met(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    build, path = EXAMPLES[code]
    if code == "S109":
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = [issue for issue in ern.check(build(), "spinnaker") if issue.code == code]
    assert [(issue.path, issue.fidelity) for issue in found] == [(path, CODES[code][0])]
    assert found[0].remedy or found[0].fidelity != "unsupported"


def test_a_mark_is_told_as_such_with_the_remedy() -> None:
    [found] = [issue for issue in ern.check(network(learning=MARKED), "spinnaker") if issue.code == "S208"]
    assert "mark 'a'" in found.message
    assert found.remedy == "run it on native or brian2"


def test_all_of_a_network_is_told_at_once() -> None:
    net = network(ern.LIF(noise_mV=1, v_min_mV=-80), MARKED)
    net.population("adaptive", 2, ern.AdaptiveLIF(i_offset_nA=5.0))
    assert {issue.code for issue in ern.check(net, "spinnaker").errors} == {"G201", "S204", "S205", "S208"}
    with pytest.raises(ern.UnsupportedOnBackend, match=r"(?s)G201.*S204.*S205.*S208"):
        ern.compile(net, "spinnaker", duration_ms=5, out="unused")


def test_what_fits_is_not_rounded() -> None:
    assert {issue.code for issue in ern.check(network(), "spinnaker")} <= {"S104", "S109"}


def test_a_number_too_large_for_S16_15() -> None:
    [found] = [i for i in ern.check(network(ern.LIF(tau_m_ms=1e5)), "spinnaker") if i.code == "S304"]
    assert (found.path, found.message) == ("n.tau_m", "reaches 100000")


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(st.one_of(networks(), networks(**dict.fromkeys(LEFT_OUT, False))), st.integers(0, 2**31))
def test_any_network_is_checked_and_compiled_or_refused(drawn: Network, seed: int) -> None:
    graph, backend = ern.lower(drawn, seed), SpinnakerBackend()
    issues = backend.check(graph)
    assert {issue.code for issue in issues} <= {*CODES, *COMMON}
    if not issues.errors:
        assert set(backend.compile(graph, 20).files) == {"program.py", "arrays.npz", "board.py", "mapping.py"}


# Arithmetic


@given(st.floats(0, 65_000))
def test_the_shift_is_the_least_whose_power_of_2_is_above_the_sum(largest: float) -> None:
    k = shift(largest)
    assert 2**k > largest
    assert k == 0 or 2 ** (k - 1) <= largest


@given(st.floats(0, 60), st.sampled_from([ern.LIF(), ern.ConductanceLIF()]))
def test_sums_are_less_than_2_to_the_15_units(largest: float, model: ern.LIF) -> None:
    [post] = [p for p in ern.lower(network(model)).neurons() if p.name == "n"]
    assert largest / unit(post, largest) < 2**15
    assert unit(post, largest) <= max(2.0**-15, 2 * largest / 2**15)


def test_conductances_have_finer_units_and_less_room() -> None:
    def told(weight: float, **how: object) -> dict[str, str]:
        return {i.code: i.message for i in ern.check(network(ern.ConductanceLIF(), weight=weight, **how), "spinnaker")}

    # 2 nS from each of two: 1024 times their sum is below 8, so that a unit is 2^(3 - 15)/1024 uS.
    assert told(0.002)["S102"] == "excitatory weights in units of 2.38e-07 uS: 0.002 -> 0.00200009"
    assert "S102" not in told(2.0**-22)
    assert told(40)["S304"] == "what its excitatory synapses transmit together reaches 80 uS"
    learning = told(0.5, learning=stdp.pair(A_plus=0.1, A_minus=2.0**-20, w_max=1.0))
    assert "in units of 0.000122 uS" in learning["S106"]
    assert learning["S103"] == "A_plus 0.1 -> 0.099999994"


@given(st.floats(-65_000, 65_000))
def test_the_nearest_number_of_S16_15(value: float) -> None:
    assert abs(accum(value) - value) <= ACCUM / 2
    assert float(accum(value)) * 2**15 == round(float(accum(value)) * 2**15)


@given(st.integers(0, 2**31))
def test_sums_are_the_most_that_one_neuron_can_be_sent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = Network()
    a, b = net.population("a", 3, ern.LIF()), net.population("b", 4, ern.LIF())
    w = rng.uniform(-1, 1, (3, 4))
    net.projection("both", a, b, weight_nA=w, receptor="signed")
    net.projection("down", a, b, weight_nA=np.abs(w), receptor="inhibitory")
    net.projection("learns", a[1:], b[1:], weight_nA=0.5, learning=PAIR)
    up = np.maximum(w, 0).sum(axis=0) + np.array([0, 4.0, 4.0, 4.0])
    down = np.maximum(-w, 0).sum(axis=0) + np.abs(w).sum(axis=0)
    np.testing.assert_allclose(largest_sums(ern.lower(net))["b"], [up.max(), down.max()], rtol=1e-12)
    assert largest_sums(ern.lower(net))["a"] == (0, 0)


def test_weights_that_become_0_are_counted() -> None:
    weights = np.array([[3.0, 3.0], [1e-6, 0.25]])
    [found] = [i for i in ern.check(network(weight_nA=weights), "spinnaker") if i.code == "S102"]
    assert f"in units of {2.0**-13:.3g} nA: 1e-06 -> 0; 1 of 4 become 0" in found.message


def test_an_amplitude_that_becomes_0_is_told() -> None:
    rule = stdp.pair(A_plus=1e-5, A_minus=0.25, w_max=2.0)
    [found] = [i for i in ern.check(network(learning=rule), "spinnaker") if i.code == "S103"]
    assert (found.path, found.message) == ("p.learning", "A_plus 1e-05 -> 0")


def test_learning_below_a_unit_is_told() -> None:
    def remedy(A_plus: float) -> str:
        rule = stdp.pair(A_plus=A_plus, A_minus=A_plus, w_max=2.0)
        [found] = [i for i in ern.check(network(learning=rule), "spinnaker") if i.code == "S106"]
        return found.remedy

    assert remedy(0.1) == ""
    assert "half a unit is lost" in remedy(1e-4)


def test_how_far_a_core_remembers() -> None:
    assert [delay_slots(n) for n in (1, 2, 3, 64, 100, 256, 10_000)] == [4096, 4096, 2048, 128, 64, 32, 32]


def test_steps_below_a_millisecond_take_one() -> None:
    graph = ern.lower(network(dt_ms=0.25))
    backend = SpinnakerBackend()
    own, given = (str(backend.compile(graph, 4, **o).files["program.py"]) for o in ({}, {"time_scale_factor": 7}))
    assert ("TIME_SCALE_FACTOR = 4 " in own, "TIME_SCALE_FACTOR = 7 " in given) == (True, True)


def test_a_given_time_scale_is_the_one_that_is_told() -> None:
    def told(**options: int) -> list[str]:
        return [i.message for i in ern.check(network(dt_ms=0.25), "spinnaker", **options) if i.code == "S101"]

    assert told() == ["a step of 0.25 ms takes 1 ms: 4 times slower than real time"]
    assert told(time_scale_factor=7) == ["a step of 0.25 ms takes 1.75 ms: 7 times slower than real time"]
    assert told(time_scale_factor=1) == []


def test_shifts_are_those_of_sPyNNaker_s_own_formula() -> None:
    for largest in [0, 0.3, 1, 1.5, 2, 4, 5.999, 8, 1000, 1024, 60_000]:
        power = 0 if largest <= 0 else math.ceil(max(0, math.log2(largest)))
        assert shift(largest) == (power + 1 if 2**power <= largest else power)


# Boards


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any configuration."""
    pytest.importorskip("appdirs")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.setenv(name, str(tmp_path / "xdg"))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        ("[Machine]\nversion = 5\n", None),
        ("[Machine]\nmachine_name = None\nversion = 5\n", None),
        ("[Machine]\nmachineName = spinn-1.example\nversion = 5\n", "spinn-1.example"),
        ("[Machine]\nspalloc_server = https://spinn.example/spalloc\n", "https://spinn.example/spalloc"),
        ("[Machine]\nspalloc_server = https://me:p@ss@spinn.example/spalloc\n", "https://spinn.example/spalloc"),
        ("[Machine]\nmachine_name = spinn-1\nvirtual_board = True\n", None),
        ("no configuration\n", None),
    ],
)
def test_which_board_is_configured(home: Path, text: str | None, expected: str | None) -> None:
    if text is not None:
        (home / ".spynnaker.cfg").write_text(text)
    found = board.configured()
    assert found == (expected and f"{expected} ({home / '.spynnaker.cfg'})")


def test_without_a_board_there_are_no_results(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    with pytest.raises(ern.BackendNotAvailable, match=r"mapped and not executed: no SpiNNaker board is configured"):
        ern.run(network(), duration_ms=5, backend="spinnaker")
    assert list(home.iterdir()) == []


def test_without_sPyNNaker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ern.BackendNotAvailable, match=r"pip install 'ernsnn\[spinnaker\]'"):
        ern.run(network(), duration_ms=5, backend="spinnaker")
    assert SpinnakerBackend().placement(ern.lower(network())) == ()


# The script


class Spikes:
    """What sPyNNaker's recordings look like: Neo's trains, each with its neuron."""

    def __init__(self, *trains: tuple[int, list[float]]) -> None:
        self.segments = [SimpleNamespace(spiketrains=[self.train(*each) for each in trains])]

    @staticmethod
    def train(neuron: int, times: list[float]) -> SimpleNamespace:
        return SimpleNamespace(rescale=lambda unit: np.array(times), annotations={"source_index": neuron})


def test_a_recording_is_read_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By hand, with what a board might answer: spikes by neuron, weights in any order."""
    net = network(learning=PAIR, dt_ms=0.5, weight_nA=0.5)
    folder = SpinnakerBackend().compile(ern.lower(net), 20).write(tmp_path / "program")
    spynnaker = SimpleNamespace(__version__="7", pyNN=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "spynnaker", spynnaker)
    monkeypatch.setitem(sys.modules, "spynnaker.pyNN", spynnaker.pyNN)
    monkeypatch.setitem(sys.modules, "board", board)
    program = runpy.run_path(str(folder / "program.py"))
    answers = {"s": Spikes((0, [0.5]), (1, [1.0])), "n": Spikes((1, [4.0, 9.5]), (0, [4.0])), "m": Spikes()}
    populations = {n: SimpleNamespace(get_data=lambda what, n=n: answers[n]) for n in answers}
    rows = [(1, 1, 0.4), (0, 1, 0.2), (1, 0, 0.3), (0, 0, 0.1)]
    projection = SimpleNamespace(get=lambda *_, **__: rows, post=SimpleNamespace(size=2))
    out = program["recorded"](populations, {"p": projection})
    found = ern.Recording.from_arrays({k: v for k, v in out.items() if not k.startswith("about/")}, {})
    assert found.n_steps == 20
    spikes = {name: [side.tolist() for side in both] for name, both in found.spikes.items()}
    assert spikes == {"s": [[1, 2], [0, 1]], "n": [[8, 8, 19], [0, 1, 1]], "m": [[], []]}
    assert found.synapses["p"]["w"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert program["trains"]("s") == [[0.5005], [1.0005]]  # half a microsecond into the step
