"""Cores counted by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import ernsnn
from ernsnn import LIF, AllToAll, FixedProbability, Network, OneToOne, stdp
from ernsnn.cli import main
from ernsnn.describe.marks import Labile
from ernsnn.hardware_backends.loihi.arithmetic.integers import IntegerNetwork
from ernsnn.hardware_backends.loihi.arithmetic.limits import CHIPS, LOIHI_1, LOIHI_2
from ernsnn.hardware_backends.loihi.placement import axon_bits, place
from ernsnn.hardware_backends.loihi.quantise.quantise import quantise
from ernsnn.models.ca3_memory.network import build


def quantised(net: Network) -> IntegerNetwork:
    return quantise(ernsnn.lower(net), n_steps=0)[0]


def two(pre: int, post: int, connector: object, **how: object) -> IntegerNetwork:
    net = Network(dt_ms=1.0, current_integration="step_average")
    a, b = net.population("a", pre, LIF()), net.population("b", post, LIF())
    net.projection("p", a, b, connector, weight_nA=0.5, **how)  # type: ignore[arg-type]
    return quantised(net)


def test_memory_of_axons() -> None:
    # One group of 64: 10 + 64 * 8 = 522 bits are 9 words of 64; 10 + 3 * 8 = 34 bits are one.
    assert axon_bits(np.array([0, 3, 64, 67]), 8).tolist() == [0, 64, 576, 640]
    # 10 + 63 * 9 = 577 bits are 10 words.
    assert axon_bits(np.array([63]), 9).tolist() == [640]


def test_a_dense_projection_of_weights_of_8_bits() -> None:
    a, b = place(two(10, 64, AllToAll()), LOIHI_1).blocks
    assert (b.neurons, b.cores, b.synapses, b.synapse_bits, b.axons_in) == (64, 1, 640, 5760, 10)
    assert (a.axons_out, b.axons_out, a.bottleneck) == (10, 0, "")


def test_delays_and_marks_take_bits_and_an_index_is_cheaper_where_few_synapses_are() -> None:
    (_, b) = place(two(64, 64, OneToOne()), LOIHI_1).blocks
    assert b.synapse_bits == 64 * 64  # 10 + 8 + 6 of index are one word
    (_, late) = place(two(10, 64, AllToAll(), delay_ms=5.0), LOIHI_1).blocks
    assert late.synapse_bits == 10 * 64 * 15  # 10 + 64 * 14 = 906
    rule = stdp.pair(A_plus=0.1, A_minus=0.1, marks=[Labile("m", tau_s=1, rise=0.1)], epoch_ms=8)
    (_, marked) = place(two(10, 64, AllToAll(), learning=rule), LOIHI_1).blocks
    assert marked.synapse_bits == 10 * 64 * 18  # 10 + 64 * 17 = 1098


def test_memory_neurons_and_axons_each_can_be_the_bottleneck() -> None:
    # 37 neurons a core: 400 axons of 10 + 37 * 8 bits, 5 words each. 39 would need 6, too many; 400 are 10.5 * 38.
    small = replace(LOIHI_1, synapse_bits_per_core=131_072)
    dense = two(400, 400, AllToAll())
    leaving, memory = place(dense, small).blocks
    assert memory.bottleneck == "synapse memory"
    assert (memory.cores, memory.neurons, memory.synapse_bits) == (11, 37, 400 * 5 * 64)
    # 400 neurons reach each of 11 cores: 4400 axons, of which 4096 can leave a core.
    assert (leaving.bottleneck, leaving.cores, leaving.axons_out) == ("axons that leave", 2, 2200)
    many = place(two(3000, 3000, OneToOne()), LOIHI_1)
    assert [b.cores for b in many.blocks] == [3, 3]
    assert many.bottleneck == "neurons"


def test_what_no_number_of_cores_mends_is_named() -> None:
    small = replace(LOIHI_1, axons_in_per_core=5)
    placement = place(two(10, 3, AllToAll()), small)
    assert placement.problems == ("b: one neuron has more axons that enter than a core of Loihi 1",)
    assert "axons that enter" in str(placement)


def test_the_ca3_memory_fits_on_one_chip_of_either_kind() -> None:
    network = quantised(build())
    for chip in CHIPS:
        placement = place(network, chip)
        assert (placement.cores, placement.chips, placement.bottleneck) == (9, 1, "")
        assert placement.summary == f"9 of 128 cores of {chip.name} (9 populations)"
        assert len(str(placement).splitlines()) == 2 + 9


def test_loihi_2_counts_synapses_where_loihi_1_counts_bits() -> None:
    network = two(1400, 1400, FixedProbability(0.5))
    first, second = place(network, LOIHI_1), place(network, LOIHI_2)
    assert first.blocks[1].cores > second.blocks[1].cores == 2
    assert second.blocks[1].bottleneck == "synapses"
    assert place(network, replace(LOIHI_2, cores=2)).chips == 2


def test_relays_take_cores_too() -> None:
    rule = stdp.pair(A_plus=0.1, A_minus=0.1)
    placement = place(two(4, 4, AllToAll(), learning=rule, delay_ms=3.0), LOIHI_1)
    assert [b.population for b in placement.blocks] == ["a", "b", "p~relay"]


def test_neurons_lie_on_cores_in_blocks_and_relays_take_their_own() -> None:
    net = Network(dt_ms=1.0, current_integration="step_average")
    net.population("a", 2500, LIF())
    b = net.population("b", 10, LIF())
    net.projection("p", b, b, weight_nA=0.1, delay_ms=3.0, learning=stdp.pair(A_plus=0.1, A_minus=0.1))
    graph = ernsnn.lower(net)
    placed = place(quantise(graph, n_steps=0)[0], LOIHI_1)
    cores = placed.cores_of(graph)
    assert {name: on.shape for name, on in cores.items()} == {"a": (2500,), "b": (10,)}
    assert np.array_equal(cores["a"], np.arange(2500) // 834)  # 2500 on three cores of at most 1024
    assert len({*cores["a"].tolist(), *cores["b"].tolist()}) == 4 < placed.cores
    assert max(cores["b"]) < placed.cores


def test_an_empty_network_takes_nothing() -> None:
    placement = place(IntegerNetwork((), (), (), (), {}), LOIHI_1)
    assert (placement.cores, placement.chips, placement.bottleneck) == (0, 1, "")


def test_what_fills_a_core_most() -> None:
    placement = place(two(10, 64, AllToAll()), replace(LOIHI_1, axons_in_per_core=20))
    assert placement.fullest(placement.blocks[1]) == ("axons that enter", 0.5)
    data = placement.to_json()
    assert [p["share"] for p in data["populations"]] == [10 / 1024, 0.5]
    assert data["populations"][1]["synapse_bits"] == 5760


def test_the_command_prints_it_and_tells_it_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    # Refractory cells have no model for the chip: the model is refused, and placed all the same.
    assert main(["check", "ca3_memory", "--backend", "loihi2"]) == 3
    printed = capsys.readouterr().out
    assert "9 of 128 cores of Loihi 1 (9 populations)\n  population" in printed
    assert "9 of 128 cores of Loihi 2 (9 populations)\n  population" in printed
    assert main(["check", "ca3_memory", "--backend", "loihi2", "--json"]) == 3
    [backend] = json.loads(capsys.readouterr().out)["backends"]
    assert [(p["chip"], p["cores"], p["chips"]) for p in backend["placement"]] == [("Loihi 1", 9, 1), ("Loihi 2", 9, 1)]
    assert main(["check", "ca3_memory", "--backend", "reference", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["backends"][0]["placement"] == []
