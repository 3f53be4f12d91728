"""Whatever carries a unit is converted once, and exactly; what does not fit is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn import LIF, CurrentSteps, InvalidModel, Network, SpikeTimes, Trace, Uniform
from ernsnn.describe.units import to_number, to_unit, unit_of_name

b2 = pytest.importorskip("brian2")


class Pint:
    """As much of a pint quantity as we use."""

    factors: dict = {"ms": 1.0, "s": 1000.0}  # noqa: RUF012

    def __init__(self, magnitude, unit):
        self.magnitude, self.unit = magnitude, unit

    def to(self, unit):
        if unit not in self.factors:
            raise ValueError(f"cannot convert from {self.unit} to {unit}")
        return Pint(self.magnitude * self.factors[self.unit] / self.factors[unit], unit)

    def __float__(self):
        return float(self.magnitude)


class Quantities(Pint):
    """As much of the quantities package as we use: rescale, not to."""

    to = None

    def rescale(self, unit):
        return Pint.to(self, unit)

    def __getattribute__(self, name):
        if name == "to":
            raise AttributeError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("20 ms", "ms", 20.0),
        ("20ms", "ms", 20.0),
        (" 0.3 s ", "ms", 300.0),
        ("1e3 us", "ms", 1.0),
        ("7 µs", "ms", 0.007),
        ("7 μs", "ms", 0.007),
        (".5 mV", "mV", 0.5),
        ("-60 mV", "mV", -60.0),
        ("-0.06 V", "mV", -60.0),
        ("+5. nA", "nA", 5.0),
        ("250 pA", "nA", 0.25),
        ("281 pF", "nF", 0.281),
        ("0.02 kHz", "Hz", 20.0),
        ("3 MOhm", "Ohm", 3e6),
    ],
)
def test_text(text, unit, number):
    assert to_unit(text, unit, "x") == number


@pytest.mark.parametrize("k", [1, 3, 7, 19, 57, 123, 999])
def test_text_in_microseconds_is_exact(k):
    assert to_unit(f"{k} us", "ms", "x") == k / 1000


UNREADABLE = ["20", "ms", "", "twenty ms", "1.2.3 ms", ". ms", "1e ms", "20 m", "20 mm", "20 ms 3", "nan ms", "inf ms"]


@pytest.mark.parametrize("text", [*UNREADABLE, "1e999 ms", "__import__('os')", "20 Ms-", "2 xs"])
def test_unreadable_text_is_refused_by_name(text):
    with pytest.raises(InvalidModel, match="where"):
        to_unit(text, "ms", "where")


@pytest.mark.parametrize(
    ("text", "unit"), [("3 mV", "ms"), ("3 ms", "mV"), ("3 nA", "nF"), ("3 Hz", "ms"), ("3 s", "Hz")]
)
def test_text_of_another_dimension(text, unit):
    with pytest.raises(InvalidModel, match=f"where.*{unit}"):
        to_unit(text, unit, "where")


def test_brian2_quantities():
    assert to_unit(20 * b2.ms, "ms", "x") == 20.0
    assert to_unit(-60 * b2.mV, "mV", "x") == -60.0
    assert to_unit(0.25 * b2.nA, "nA", "x") == pytest.approx(0.25, rel=1e-15)
    assert to_unit(281 * b2.pF, "nF", "x") == pytest.approx(0.281, rel=1e-15)
    assert to_unit(20 * b2.Hz, "Hz", "x") == 20.0
    assert to_unit(b2.second, "ms", "x") == 1000.0
    np.testing.assert_allclose(to_unit([1, 2] * b2.second, "ms", "x"), [1000, 2000], rtol=1e-15)


@pytest.mark.parametrize(
    "given",
    [
        [20 * b2.ms, 10 * b2.ms],
        (20 * b2.ms, 0.01 * b2.second),
        ["20 ms", "0.01 s"],
        [20 * b2.ms, "10 ms"],
        [20 * b2.ms, 10],
        [Pint(20, "ms"), Pint(0.01, "s")],
        [Quantities(0.02, "s"), 10.0],
    ],
)
def test_units_inside_a_list_are_not_dropped(given):
    np.testing.assert_allclose(to_unit(given, "ms", "x"), [20, 10], rtol=1e-14)


def test_units_inside_a_list_of_lists():
    given = [[20 * b2.ms, 10 * b2.ms], [1 * b2.ms, 2 * b2.ms]]
    np.testing.assert_allclose(to_unit(given, "ms", "x"), [[20, 10], [1, 2]], rtol=1e-14)


def test_pint_and_quantities():
    assert to_unit(Pint(0.02, "s"), "ms", "x") == 20
    assert to_unit(Quantities(0.02, "s"), "ms", "x") == 20
    np.testing.assert_array_equal(to_unit(Pint(np.array([1.0, 2.0]), "s"), "ms", "x"), [1000, 2000])


@pytest.mark.parametrize(
    ("given", "unit"),
    [
        (3 * b2.mV, "ms"),
        (3 * b2.ms, "mV"),
        (3 * b2.nA, "nF"),
        (3 * b2.ms**2, "ms"),
        ([3 * b2.ms, 3 * b2.mV], "ms"),
        (b2.Quantity(3.0), "ms"),
        (Pint(3, "ms"), "mV"),
        (Quantities(3, "s"), "nA"),
    ],
)
def test_foreign_quantities_of_another_dimension(given, unit):
    with pytest.raises(InvalidModel, match=f"where.*{unit}"):
        to_unit(given, unit, "where")


@pytest.mark.parametrize(
    "given", [None, object(), {}, "x", 1j, np.array([1j]), [[1], [1, 2]], float("nan"), [1, np.inf], 3 * b2.ms]
)
def test_to_number_takes_plain_finite_numbers_only(given):
    with pytest.raises(InvalidModel, match="where"):
        to_number(given, "where")


def test_arrays_are_copied_and_read_only():
    mine = np.array([1.0, 2.0])
    kept = to_number(mine, "x")
    mine[0] = 5
    assert kept.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 5


def test_a_names_unit():
    names = {
        "tau_m_ms": "ms",
        "rate_hz": "Hz",
        "weight_nA": "nA",
        "v_rest_mV": "mV",
        "cm_nF": "nF",
        "ms": None,
        "size": None,
    }
    assert {name: unit_of_name(name) for name in names} == names


def test_units_reach_every_kind_of_object():
    model = LIF(cm_nF="250 pF", tau_m_ms=10 * b2.ms, v_rest_mV="-0.065 V", i_offset_nA=[100 * b2.pA, 200 * b2.pA])
    assert (model.cm_nF, model.tau_m_ms, model.v_rest_mV) == (0.25, 10.0, -65.0)
    np.testing.assert_allclose(model.i_offset_nA, [0.1, 0.2], rtol=1e-14)
    assert Trace("pre", "0.02 s").tau_ms == 20
    assert SpikeTimes([[1 * b2.ms, 2 * b2.ms], "3 ms"]).times_ms[0] == pytest.approx([1, 2])
    steps = CurrentSteps(times_ms=[1, 2] * b2.ms, amplitudes_nA=["500 pA", 0])
    assert steps.amplitudes_nA.tolist() == [0.5, 0]
    assert ernsnn.Poisson("0.02 kHz").rate_hz == 20
    net = Network(dt_ms="100 us")
    assert net.dt_ms == 0.1
    a = net.population("a", 2, model)
    p = net.projection("p", a, a, weight_nA=Uniform("100 pA", 0.2 * b2.nA), delay_ms="2 ms")
    assert p.weight_nA == Uniform(0.1, 0.2)
    assert p.delay_ms == 2
    assert net.probe(a, "v_mV", every_ms=0.005 * b2.second).every == 50
    assert net.astrocyte("g", [a], tau_ms="0.1 s").tau_ms == 100


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: LIF(tau_m_ms=10 * b2.mV), "LIF.tau_m_ms"),
        (lambda: LIF(cm_nF=None), "LIF.cm_nF"),
        (lambda: LIF(v_rest_mV=[["-60 mV"], ["-60 mV", "-61 mV"]]), "LIF.v_rest_mV"),
        (lambda: LIF(v_rest_mV=Uniform("1 ms", "2 ms")), "LIF.v_rest_mV"),
        (lambda: Trace("pre", "20 mV"), "Trace.tau_ms"),
        (lambda: Trace("pre", [10, 20]), "Trace.tau_ms"),
        (lambda: Trace("pre", Uniform(1, 2)), "Trace.tau_ms"),
        (lambda: Trace("pre", None), "Trace.tau_ms"),
        (lambda: Network(dt_ms="1 mV"), "Network.dt_ms"),
        (lambda: Network(dt_ms=[1, 2]), "Network.dt_ms"),
        (lambda: Network(dt_ms=0), "Network.dt_ms"),
        (lambda: Network(dt_ms=-1), "Network.dt_ms"),
        (lambda: Network(dt_ms=float("nan")), "Network.dt_ms"),
        (lambda: SpikeTimes([[1 * b2.mV]]), r"SpikeTimes.times_ms\[0\]"),
        (lambda: ernsnn.Poisson("20 ms"), "Poisson.rate_hz"),
        (lambda: ernsnn.Poisson(Uniform("1 ms", "2 ms")), "Poisson.rate_hz"),
        (lambda: CurrentSteps(times_ms=[0], amplitudes_nA="1 mV"), "CurrentSteps.amplitudes_nA"),
    ],
)
def test_errors_name_the_field(make, where):
    with pytest.raises(InvalidModel, match=where):
        make()
