"""Damaged and hostile NIR files and graphs are refused in words, before anything is made of them."""

import os
import subprocess
import sys

import h5py
import nir
import numpy as np
import pytest

import ernsnn as ern


def lif(n, **other):
    fields = {"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0, **other}
    return nir.LIF(**{name: np.full(n, value) for name, value in fields.items()})


def graph(nodes=None, edges=None, **more):
    """in -> w -> lif -> out, with other nodes and edges."""
    made = {"in": nir.Input(np.array([3])), "w": nir.Affine(np.ones((2, 3)), np.zeros(2)), "lif": lif(2)}
    made |= {"out": nir.Output(np.array([2])), **(nodes or {})}
    edges = [("in", "w"), ("w", "lif"), ("lif", "out")] if edges is None else edges
    return nir.NIRGraph(made, edges, type_check=False, **more)


@pytest.fixture
def path(tmp_path):
    nir.write(tmp_path / "model.nir", graph())
    return tmp_path / "model.nir"


def refused(given, match, **how):
    with pytest.raises(ern.InvalidModel, match=match) as caught:
        ern.from_nir(given, dt_ms=1.0, **how)
    assert len(str(caught.value)) < 3000
    return str(caught.value)


def changed(path, change):
    with h5py.File(path, "a") as file:
        change(file["node"])
    return path


def replace(group, name, value, **options):
    del group[name]
    group.create_dataset(name, data=value, **options)


# Files


def test_what_is_no_file_of_nir(tmp_path) -> None:
    refused(tmp_path / "none.nir", "none.nir.*no such file")
    refused(tmp_path, "no regular file")
    (tmp_path / "text.nir").write_text("hello")
    refused(tmp_path / "text.nir", "text.nir: the NIR file")
    with h5py.File(tmp_path / "other.nir", "w") as file:
        file["x"] = 1
    refused(tmp_path / "other.nir", "is no NIR file")
    os.mkfifo(tmp_path / "pipe.nir")
    refused(tmp_path / "pipe.nir", "no regular file")


def soft(node):
    node["nodes"]["again"] = h5py.SoftLink("/node/nodes/lif")


def external(node):
    node["nodes"]["again"] = h5py.ExternalLink("/etc/passwd", "/")


def circle(node):
    node["nodes"]["again"] = node


def twice(node):
    node["nodes"]["again"] = node["nodes"]["lif"]


def foreign_numbers(node):
    del node["nodes/lif/tau"]
    node["nodes/lif"].create_dataset("tau", (2,), "f8", external=[("/etc/passwd", 0, 16)])


def virtual(node):
    layout = h5py.VirtualLayout((2,), "f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (2,))
    del node["nodes/lif/tau"]
    node["nodes/lif"].create_virtual_dataset("tau", layout)


def references(node):
    replace(node["nodes/lif"], "tau", np.array([node.ref, node.ref], h5py.ref_dtype))


def compound(node):
    replace(node["nodes/lif"], "tau", np.zeros(2, [("a", "f8"), ("b", "f8")]))


def deep(node):
    for _ in range(60):
        node = node.create_group("metadata") if "metadata" not in node else node["metadata"]


def nothing(node):
    replace(node["nodes/lif"], "tau", h5py.Empty("f8"))


def bomb(node):
    del node["nodes/w/weight"]
    node["nodes/w"].create_dataset("weight", (2, 2**43), "f8", chunks=(2, 2**16), compression="gzip")


def bad_text(node):
    replace(node["nodes/lif"], "type", np.bytes_(b"\xff\xfe"))


HARM = {
    soft: "is a link to another place",
    external: "is a link to another place",
    circle: "another name of a part",
    twice: "another name of a part",
    foreign_numbers: "lie in another file",
    virtual: "lie in another file",
    references: "needs numbers or text",
    compound: "needs numbers or text",
    deep: "more than 40 groups",
    nothing: "tau': is empty",
    bomb: r"needs \d+ bytes .* of memory",
    bad_text: "no text in UTF-8",
}


@pytest.mark.parametrize(("harm", "said"), HARM.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_files_that_lead_elsewhere_or_nowhere(harm, said, path) -> None:
    refused(changed(path, harm), f"model.nir.*{said}")


def test_damaged_files_are_refused_in_words(path, tmp_path) -> None:
    """In a process of its own, since a library in C reads them."""
    script = f"""
import numpy as np, pathlib, warnings
warnings.simplefilter("ignore")
import ernsnn as ern
whole = pathlib.Path({str(path)!r}).read_bytes()
rng, refused = np.random.default_rng(0), 0
for k in range(120):
    made = bytearray(whole)
    for at in rng.integers(0, len(whole), 1 + k % 12):
        made[at] = rng.integers(256)
    bad = pathlib.Path({str(tmp_path / "bad.nir")!r})
    bad.write_bytes(made[: rng.integers(len(whole))] if k % 4 == 0 else made)
    try:
        ern.from_nir(bad, dt_ms=1.0)
    except ern.InvalidModel:
        refused += 1
print(refused)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= 30


# Nodes


def test_all_that_is_wrong_is_listed_at_once() -> None:
    nodes = {"w": nir.Affine(np.full((2, 3), np.nan), np.zeros(2)), "lif": lif(2, tau=-1.0, v_reset=2.0)}
    said = refused(graph(nodes), "lif.tau: must be > 0")
    assert "lif.v_reset: must lie below v_threshold" in said
    assert "w.weight: has numbers that are not finite" in said


def test_what_does_not_fit_is_listed_with_what_is_too_short() -> None:
    nodes = {"w": nir.Linear(np.ones((2, 4))), "lif": lif(2, tau=1e-4), "alone": nir.Flatten(None, 0, -1)}
    said = refused(graph(nodes), "w: needs an input")
    assert "lif.tau: 0.1 ms is shorter than the step" in said


def test_types_that_cannot_be_mapped_are_listed_with_their_nodes(path) -> None:
    def foreign(node):
        for name in ("w", "lif"):
            del node["nodes"][name]["type"]
            node["nodes"][name]["type"] = f"Strange{name}"

    said = refused(changed(path, foreign), "w: nodes of the type 'Strangew' cannot be mapped")
    assert "lif: nodes of the type 'Strangelif' cannot be mapped" in said


def test_shapes_that_do_not_fit() -> None:
    refused(graph({"w": nir.Linear(np.ones((2, 4)))}), r"w: needs an input of shape \(4,\), .* has shape \(3,\)")
    refused(graph({"w": nir.Linear(np.ones((5, 3)))}), r"lif: needs an input of shape \(2,\)")
    refused(graph({"w": nir.Scale(np.ones(4))}), "w: needs an input of shape")
    conv = nir.Conv2d(None, np.ones((2, 1, 2, 2)), 1, 0, 1, 1, np.zeros(2))
    refused(graph({"w": conv}), r"w: needs an input \(channels, height, width\) of 1 channels")
    refused(graph({"in": nir.Input(np.array([-3]))}), "in.shape: must be whole numbers >= 1")
    refused(graph({"in": nir.Input(np.array([2**40, 2**40]))}), "in.shape: must be whole numbers >= 1")
    refused(graph({"in": nir.Input(np.array([2**31 - 1]))}), "in: needs .* bytes|w: needs an input")


def test_parameters_of_different_shapes(path) -> None:
    refused(
        changed(path, lambda n: replace(n["nodes/lif"], "r", np.ones(3))), "lif: its parameters have different shapes"
    )
    refused(changed(path, lambda n: replace(n["nodes/lif"], "r", "text")), "lif.r: must be numbers, got 'text'")
    refused(changed(path, lambda n: replace(n["nodes/lif"], "r", np.ones(0))), "lif")
    assert "lif.tau: is missing" in refused(changed(path, lambda n: n["nodes/lif"].__delitem__("tau")), "lif")


def test_edges_that_cannot_be() -> None:
    refused(graph(edges=[("in", "nowhere")]), "the edge from 'in' to 'nowhere' names no node 'nowhere'")
    refused(graph(edges=[("in", "w"), ("in", "w"), ("w", "lif")]), "is given twice")
    refused(graph(edges=[("in",)]), "an edge must be a pair of names")
    refused(graph(edges=[]), "lif|w: nothing tells the shape")


def test_circles_without_a_neuron() -> None:
    nodes = {"v": nir.Linear(np.ones((3, 2)))}
    edges = [("in", "w"), ("w", "v"), ("v", "w"), ("w", "lif"), ("lif", "out")]
    refused(graph(nodes, edges), "v, w: lead back to themselves without a neuron between")


def test_potentials_that_are_sent_on() -> None:
    read = nir.LI(tau=np.full(2, 0.01), r=np.ones(2), v_leak=np.zeros(2))
    edges = [("in", "w"), ("w", "li"), ("li", "v"), ("v", "lif"), ("lif", "out")]
    refused(graph({"li": read, "v": nir.Linear(np.ones((2, 2)))}, edges), "lif: gets the potential of li")


def test_graphs_within_each_other_without_end() -> None:
    inner = graph()
    for _ in range(60):
        inner = nir.NIRGraph({"in": nir.Input(np.array([3])), "g": inner}, [("in", "g")], type_check=False)
    refused(inner, "more than 40 graphs within each other")


def test_ways_without_end() -> None:
    """Thirty forks, each of which doubles the different delays from the input to the neurons."""
    nodes, edges, last = {}, [], "in"
    for k in range(30):
        nodes |= {
            f"a{k}": nir.Scale(np.ones(3)),
            f"b{k}": nir.Delay(np.full(3, 2.0**k * 1e-3)),
            f"c{k}": nir.Scale(np.ones(3)),
        }
        edges += [(last, f"a{k}"), (last, f"b{k}"), (f"a{k}", f"c{k}"), (f"b{k}", f"c{k}")]
        last = f"c{k}"
    refused(
        graph(nodes, [*edges, (last, "w"), ("w", "lif"), ("lif", "out")]), "c6: more than 64 ways of different delays"
    )


def test_delays_that_are_no_steps() -> None:
    edges = [("in", "late"), ("late", "w"), ("w", "lif"), ("lif", "out")]
    refused(
        graph({"late": nir.Delay(np.full(3, 0.0015))}, edges), "lif: is reached after 1.5 ms, no multiple of the step"
    )
    refused(graph({"late": nir.Delay(np.full(3, -0.001))}, edges), "late.delay: must be >= 0")


def test_arguments_in_words() -> None:
    refused(5, "needs a file or a nir.NIRGraph, got 5")
    refused(graph(), "reset must be one of", reset="softly")
    refused(graph(), "reset of no node 'lid'; did you mean 'lif'", reset={"lid": "value"})
    refused(
        graph(metadata={"ernsnn": "odd"}, nodes={"lif": lif(2, tau=1e-4)}), "lif.tau: 0.1 ms is shorter than the step"
    )
    with pytest.raises(ern.InvalidModel, match="integration"):
        ern.from_nir(graph(), dt_ms=1.0, integration="heun")
    with pytest.raises(ern.InvalidModel, match="dt_ms must be > 0"):
        ern.from_nir(graph(), dt_ms=-1)


# The network in the metadata


def tampered(change):
    net = ern.Network(dt_ms=1.0)
    a = net.population("a", 2, ern.LIF())
    net.projection("p", a, a, weight_nA=np.ones((2, 2)), learning=ern.stdp.pair(A_plus=0.1, A_minus=0.1))
    with pytest.warns(ern.ModelWarning, match="I101"):
        made = ern.to_nir(net)
    change(made.metadata["ernsnn"])
    return made


WRONG = {
    "no JSON": lambda m: m.update(network="{"),
    "a list": lambda m: m.update(network="[]"),
    "nothing": lambda m: m.update(network="{}"),
    "deep": lambda m: m.update(network="[" * 100_000),
    "a foreign class": lambda m: m.update(network=m["network"].replace('"is": "LIF"', '"is": "Popen"')),
    "another field": lambda m: m.update(network=m["network"].replace('"cm_nF"', '"cm"')),
    "a missing array": lambda m: m.update(arrays={}),
    "NaN": lambda m: m.update(network=m["network"].replace('"cm_nF": 1.0', '"cm_nF": NaN')),
    "a text for a number": lambda m: m.update(network=m["network"].replace('"cm_nF": 1.0', '"cm_nF": "x"')),
    "an endless network": lambda m: m.update(network=m["network"].replace('["a", 2,', '["a", 99999999999,')),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_network_that_is_no_network(wrong: str) -> None:
    said = refused(tampered(WRONG[wrong]), ".")
    assert "\n" not in said or "InvalidModel" not in said


def test_a_newer_schema_is_read_by_its_nodes() -> None:
    with pytest.warns(ern.ModelWarning, match="I104"):
        net = ern.from_nir(tampered(lambda m: m.update(schema=2)), dt_ms=1.0)
    assert isinstance(net.populations["a"].model, ern.LIF)
