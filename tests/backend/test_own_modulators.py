"""Third factors that are nobody's but a user's: one class each, on every backend that reads equations."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import pytest
from on_backends import assert_equal_spikes, modulator_refused_in_words

import ernsnn as ern
from ernsnn.analyse.export.contents import contents
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import get_backend
from ernsnn.describe.expressions import Name
from ernsnn.describe.kinds import Parameter, positive, state
from ernsnn.describe.modulators import Listener, ModulatorKind
from ernsnn.describe.modulators.kind import Read, expression, statements


@dataclass(frozen=True, eq=False, kw_only=True)
class SlidingThreshold(Listener):
    """The threshold of BCM: a sliding average of the square of a rate in Hz, by rates of change per second."""

    kind = ModulatorKind(
        "SlidingThreshold",
        parameters=(*positive("tau_rate_ms", "tau_s"), Parameter("most_Hz", low=0.0)),
        states=(state("C", "0.0", "C"), state("rate", "0.0", "rate_Hz")),
        constants=statements("P = exp(-dt/tau_rate_ms)"),
        before=statements("rate = rate*P"),
        heard=statements("rate = rate + weight*heard*1000.0/tau_rate_ms"),
        after=statements("rate = min(rate, most_Hz)"),
        rates=statements("square = rate**2; dC/dt = (square - C)/tau_s"),
        time_ms=1000.0,
        units=(("rate_Hz", "Hz"),),
    )

    tau_rate_ms: float = 20.0
    tau_s: float = 0.1
    most_Hz: float = 1e9


@dataclass(frozen=True, eq=False, kw_only=True)
class Counter(Listener):
    """Words that programs have for themselves as names; integer states; an effect of the step before; conditions."""

    kind = ModulatorKind(
        "Counter",
        parameters=(Parameter("N"), Parameter("spikes")),
        states=(state("C", "N", "C"), state("sqrt2_new", "0", "sqrt2_new"), state("was", "0", "was")),
        before=statements("was = C; C = C - 0.5 if value > spikes else C"),
        heard=statements("many = heard > 1.0; C = C + (2.0*weight if many else heard*weight)"),
        after=statements("sqrt2_new = was; sqrt2_new = sqrt2_new + C"),
        value=expression("C if C < 20.0 else 20.0"),
    )

    N: float = 0.0
    spikes: float = 3.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Saturating(Listener):
    """Each spike takes a share of what is left up to ``most``; it leaks by forward Euler, per 10 ms."""

    kind = ModulatorKind(
        "Saturating",
        parameters=(*positive("most", "tau_ms"), Parameter("bound")),
        states=(state("C", "0.0", "C"),),
        heard=statements("C = C + (most - C)*(1.0 - exp(-abs(weight)*heard))"),
        after=statements("C = C + 0.5*given"),
        rates=statements("high = C > 0.5*most; dC/dt = -10.0*C/(2.0*tau_ms if high else tau_ms)"),
        time_ms=10.0,
        method="euler",
        sound=expression("C < bound or bound < 0.0"),
        unsound="it is above its bound; choose a higher one",
    )

    most: float = 2.0
    tau_ms: float = 15.0
    bound: float = 10.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Impostor(ern.Astrocyte):
    """A kind of its own, of the name of one of ours: it forgets."""

    kind = dataclasses.replace(ern.Astrocyte.kind, heard=statements("C = weight*heard"))


@dataclass(frozen=True, eq=False, kw_only=True)
class Renamed(ern.Astrocyte):
    """Nothing but other defaults."""

    tau_ms: float = 7.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Fortune(ern.Signal):
    kind = dataclasses.replace(ern.Signal.kind, value=expression("2.0*given"))


def network(*kinds, **options) -> ern.Network:
    net = ern.Network(dt_ms=0.5)
    inputs = net.population("inputs", 10, ern.Poisson(60.0))
    cells = net.population("cells", 3, ern.LIF())
    rule = ern.LearningRule.from_equations(on_post={"w": "0.1*D"}, third_factors=("D",), bounds={"w": (0, 5)})
    for k, kind in enumerate(kinds):
        per = {"per": "neuron"} if k % 2 else {"weight": [1.0, -0.25]}
        heard = [cells] if k % 2 else [inputs, cells[:2]]
        made = net.modulator(f"m{k}", kind, heard, **per, **options)
        factor = ern.ThirdFactor(modulator=made, per="post") if k % 2 else made
        net.projection(f"p{k}", inputs, cells, weight_nA=2.0, learning=rule, third_factors={"D": factor})
        net.modulate(cells, made, "i_offset_nA", gain=0.001)
        for probe in made.kind.probes:
            net.probe(made, probe)
    net.freeze(20, 30)
    return net


@pytest.mark.parametrize("kind", [SlidingThreshold, Counter, Saturating])
def test_equal_spikes_on_every_backend_that_reads_equations(kind) -> None:
    net = network(kind, kind)
    assert assert_equal_spikes(net, duration_ms=80)["cells"] > 20
    found = ern.run(net, duration_ms=80, backend="reference").recording.signals
    assert all(np.ptp(values) > 0 for _, values in found.values())


@pytest.mark.parametrize("kind", [SlidingThreshold, Counter])
def test_a_saved_graph_holds_it_whole(kind, tmp_path) -> None:
    graph = ern.lower(network(kind))
    loaded = ern.load_graph(ern.save_graph(graph, tmp_path / "graph"))
    assert loaded.digest == graph.digest
    assert loaded.modulators[0].kind == kind.kind
    spikes = [ern.run(g, duration_ms=40, backend="native").recording.spikes["cells"] for g in (graph, loaded)]
    np.testing.assert_array_equal(*(np.stack(s) for s in spikes))


@pytest.mark.parametrize("backend", ["reference", "native", "brian2"])
def test_what_must_hold_is_looked_at_after_every_step(backend: str) -> None:
    ern.run(network(Saturating, bound=-1.0), duration_ms=40, backend=backend)
    with pytest.raises(ern.ProgramFailed, match=r"m0: .*it is above its bound; choose a higher one"):
        ern.run(network(Saturating, bound=0.5), duration_ms=40, backend=backend)


def test_units_of_probes_are_those_of_the_kind() -> None:
    result = ern.run(network(SlidingThreshold), duration_ms=5, backend="reference")
    assert {s.variable: s.unit for s in contents(result).series} == {"C": "", "rate_Hz": "Hz", "value": ""}


def test_other_backends_refuse_it_in_words() -> None:
    modulator_refused_in_words(network(SlidingThreshold), "m0", "SlidingThreshold")


def test_one_of_the_name_of_ours_runs_by_its_own_equations_and_is_not_ours() -> None:
    net = network(Impostor, tau_ms=1e6)
    C = ern.run(net, duration_ms=20, backend="reference").recording.signals["m0.C"][1]
    assert {*np.unique(C).tolist()} <= {0.0, -0.25, -0.5}
    assert C.min() < 0
    modulator_refused_in_words(net, "m0", "Astrocyte")


@pytest.mark.parametrize("backend", backend_names())
def test_other_defaults_are_the_same_kind(backend: str) -> None:
    graphs = [ern.lower(network(kind, tau_ms=7.0)) for kind in (Renamed, ern.Astrocyte)]
    assert len({graph.digest for graph in graphs}) == 1
    refused = "G204" in {issue.code for issue in ern.check(network(Renamed), backend)}
    assert refused == (get_backend(backend).modulators == ())


@pytest.mark.parametrize(
    ("add", "kind"),
    [
        (lambda net, a: net.gate("it", opens={a: 1.0}), "Gate"),
        (lambda net, a: net.either("it", [a, net.signal("s", times_ms=[0], values=[1])]), "Either"),
        (lambda net, a: net.signal("it", times_ms=[0], values=[1]), "Signal"),
        (lambda net, a: net.calcium_astrocyte("it", a.listens_to), "CalciumAstrocyte"),
    ],
)
def test_kinds_that_a_chip_lacks_are_named(add, kind: str) -> None:
    net = network(ern.Astrocyte, tau_ms=5.0)
    add(net, net.modulators["m0"])
    for name in ("loihi-emulator", "nest", "spinnaker", "lava-float"):
        said = {i.path: (i.message, i.remedy) for i in ern.check(net, name).errors if i.code == "G204"}
        has = "Astrocyte alone" if name == "loihi-emulator" else "no third factors"
        assert said["it"] == (f"its kind is {kind}, and {name} has {has}", "run it on brian2, native, reference, torch")
        assert ("m0" in said) == (name != "loihi-emulator")


def test_parameters_in_no_equation_and_classes_that_are_no_kind_are_refused() -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Ignored(ern.Astrocyte):
        resonance: float = 2.0

    net = ern.Network()
    heard = net.population("heard", 2, ern.Poisson(10.0))
    with pytest.raises(ern.InvalidModel, match="a: resonance is in no equation of Astrocyte"):
        net.modulator("a", Ignored, [heard], tau_ms=5.0)
    with pytest.raises(ern.InvalidModel, match="Listener is what all kinds of astrocytes share"):
        net.modulator("a", Listener, [heard])
    for strange in (ern.LIF, ern.Signal, ern.Astrocyte(name="x", listens_to=[heard], tau_ms=1), "Astrocyte"):
        with pytest.raises(ern.InvalidModel, match=r"a: needs a class of astrocytes|kind: must be"):
            net.modulator("a", strange, [heard])
    net.modulators["odd"] = Fortune(name="odd", schedule=ern.Schedule([0], [1]))
    with pytest.raises(ern.InvalidModel, match="odd: equations of your own stand in a class derived from ernsnn's Lis"):
        ern.lower(net)


C = (state("C", "0.0", "C"),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "a b"}, "'a b' is no name for a kind"),
        ({"states": (*C, state("dt", "0"))}, "K: dt is the name of two things"),
        ({"states": (state("C", "nowhere"),)}, "K: the initial C uses no known name 'nowhere'"),
        ({"before": statements("C = heard")}, "K: C uses no known name 'heard'"),
        ({"heard": statements("weight = 2.0")}, "K: weight cannot be assigned in heard"),
        ({"after": statements("value = 2.0")}, "K: value cannot be assigned in after"),
        ({"after": statements("C = value > 0.0")}, "K: C is set to what is true or false"),
        ({"before": statements("dC/dt = -C")}, "K: dC/dt stands among rates, once, of a state"),
        ({"rates": statements("C = 1.0")}, "K: C cannot be assigned in rates"),
        ({"rates": statements("dC/dt = -C; dC/dt = C")}, "K: dC/dt stands among rates, once"),
        ({"rates": statements("dx/dt = -C")}, "K: dx/dt stands among rates, once, of a state"),
        ({"after": statements("if tau_ms: C = 0.0")}, "K: C needs 'tau_ms'; a statement needs nothing, or given"),
        ({"value": expression("C > 1.0")}, "K: value is true or false"),
        ({"value": Name("x")}, "K: value uses no known name 'x'"),
        ({"value": Name("__import__('os')")}, "K: value: .* is no part of an expression"),
        ({"sound": expression("C + 1.0")}, "K: sound is a condition"),
        ({"reads": (Read("value", "value"),)}, "K: value is the name of two things"),
        ({"time_ms": 0.0}, "K: rates need a unit of time above 0 ms"),
        ({"parameters": (Parameter("a", follows="b"),)}, "K: a parameter follows another that it does not have"),
    ],
)
def test_a_kind_that_no_program_could_be_written_of_is_refused(given: dict, message: str) -> None:
    with pytest.raises(ern.InvalidModel, match=message):
        ModulatorKind(**{"name": "K", "states": C} | given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["parameters"]["dict"].pop(), "other parameters than"),
        (lambda m: m.update(weights=[]), "0 weights for 2 members"),
        (lambda m: m["kind"].update(states=[]), "no known name"),
        (lambda m: m["kind"].update(name="x; import os"), "is no name for a kind"),
        (lambda m: m["parameters"]["dict"][0].__setitem__(1, -1.0), "tau_rate_ms must be > 0"),
        (lambda m: m.update(threshold=1.0), "its thresholds are"),
    ],
)
def test_a_damaged_file_is_refused(change, message: str, tmp_path) -> None:
    folder = ern.save_graph(ern.lower(network(SlidingThreshold)), tmp_path / "graph")
    stored = json.loads((folder / "graph.json").read_text())
    change(stored["graph"]["modulators"][0])
    (folder / "graph.json").write_text(json.dumps(stored))
    with pytest.raises(ern.InvalidModel, match=f"damaged .*{message}"):
        ern.load_graph(folder)
