"""Prices as data, and published measurements recomputed from them."""

import itertools
import json

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.analyse.energy import estimate
from ernsnn.analyse.prices import PARTS, price_set, price_sets
from ernsnn.cli import main
from ernsnn.models.ca3_memory import CA3Memory

LOIHI, FITTED = price_sets()["loihi-davies"], price_sets()["loihi-sanafe"]


@pytest.mark.parametrize("name", price_sets())
def test_every_price_has_its_origin(name):
    found = price_sets()[name]
    assert all([found.source, found.operating_point, found.chip, found.title])
    assert found.evidence in ("measured", "simulated", "derived", "proxy", "none")
    assert found.scope in ("per event", "all-in", "arithmetic")
    assert all(0 < p.low_J <= p.high_J for p in found.prices)
    assert all(found.omitted.values())
    assert all(found.missing.values())
    assert len(found.prices) == 1 or found.scope != "all-in", "nothing is ever added to an all-in price"


BROKEN = """
chip = "X"
title = "x"
source = "x"
operating_point = "x"
evidence = "proxy"
scope = "per event"
[price]
synaptic_operation = { value = 1, unit = "pJ" }
"""


def test_a_set_must_say_something_of_every_part_of_the_work():
    with pytest.raises(ern.InvalidModel, match="price set mine: neuron_update must be priced, omitted or missing"):
        price_set("mine", BROKEN)
    others = ["[[[", "price = 3", BROKEN.replace("= 1", "= -1"), BROKEN.replace("= 1", "= nan")]
    others += [BROKEN.replace("= 1", f"= {value}") for value in ("[1]", "[2, 1]", "[1, 2, 3]", "'1'", "inf", "true")]
    others += [BROKEN.replace('chip = "X"', given) for given in ("", "chip = 3", 'chip = "X"\nmissing = 3')]
    for given in others:
        with pytest.raises(ern.InvalidModel, match=r"price set mine: mine.toml is damaged"):
            price_set("mine", given)
    with pytest.raises(ern.InvalidModel, match="no known count or unit"):
        price_set("mine", BROKEN.replace("pJ", "kWh"))
    said = BROKEN + "[missing]\n" + "".join(f'{p} = "why"\n' for p in PARTS if p != "synaptic_operation")
    assert price_set("mine", said).prices[0].low_J == 1e-12
    with pytest.raises(ern.InvalidModel, match="synaptic_operation must be"):
        price_set("mine", said + 'synaptic_operation = "why"\n')


def test_k_nearest_neighbours_on_loihi():
    """Frady et al. 2020: 1.33 mJ a query measured; 667 to 750 spikes, 76,800 neurons with a synapse each, 60 steps."""
    for spikes, by_table, by_fit in ((667, 1.449e-3, 1.54 * 1.33e-3), (750, 1.599e-3, 1.71 * 1.33e-3)):
        totals = {"synaptic_operation": spikes * 76_800, "neuron_update": 76_800 * 60}
        assert estimate(totals, LOIHI).low_J == pytest.approx(by_table, rel=1e-3)
        fitted = {"synaptic_operation.dense": spikes * 76_800, "neuron_update": 76_800 * 60}
        assert estimate(fitted, FITTED).low_J == pytest.approx(by_fit, rel=0.01)


def test_truenorth_s_power_is_linear_in_its_events():
    """68, 71 and 94 mW at 11.58, 20.07 and 95.93 Hz, of 2^20 neurons with 128 synapses: the ends predict the middle."""
    rates, power = np.array([11.58, 20.07, 95.93]), np.array([68e-3, 71e-3, 94e-3])
    events = rates * 2**20 * 128
    slope = (power[2] - power[0]) / (events[2] - events[0])
    assert slope == pytest.approx(2.297e-12, rel=1e-3)
    assert power[0] + slope * (events[1] - events[0]) == pytest.approx(70.6e-3, abs=0.05e-3)
    all_in = price_sets()["truenorth"].prices[0].low_J
    assert power[1] / events[1] == pytest.approx(all_in, rel=0.02)


def test_events_do_not_explain_small_networks():
    """Blouw et al. 2019: 271 uJ an inference of a 390-256-256-29 network; at most 41 if all neurons spiked 10 times."""
    layers = (390, 256, 256, 29)
    synapses = sum(a * b for a, b in itertools.pairwise(layers))
    totals = {"synaptic_operation": 10 * synapses, "neuron_update": 10 * sum(layers[1:])}
    assert estimate(totals, LOIHI).high_J == pytest.approx(41e-6, abs=0.5e-6)


def test_the_fitted_formula_of_sana_fe():
    """Its sum, by hand: 51.2 N T + 21.6 updated + 69.3 spikes + 35.5 synops + 111 packets + 3.0 EW + 4.2 NS."""
    totals = {
        "neuron_update": 1000, "spike": 30, "synaptic_operation.dense": 500, "synaptic_operation.sparse": 70,
        "packet": 41, "hop_east_west": 12, "hop_north_south": 9,
    }  # fmt: skip
    rest = 69.3 * 30 + 35.5 * 500 + 33.6 * 70 + 111 * 41 + 3.0 * 12 + 4.2 * 9
    found = estimate(totals, FITTED)
    assert found.low_J == pytest.approx((51.2 * 1000 + rest) * 1e-12, rel=1e-12)
    assert found.high_J == pytest.approx(((51.2 + 21.6) * 1000 + rest) * 1e-12, rel=1e-12)
    assert not found.uncounted


def memory_result():
    memory = CA3Memory(cues=5, contents=10)
    memory.learn(cue=0, content=[0, 1, 8])
    memory.recall(content=[8])
    return memory.run(backend="reference")


def test_no_total_without_the_price_of_work_that_was_done():
    found = memory_result().energy("Loihi")
    assert set(found.estimates) == {"loihi-davies", "loihi-sanafe"}
    fitted, table = found.estimates["loihi-sanafe"], found.estimates["loihi-davies"]
    assert fitted.low_J is None
    assert set(fitted.missing) == {"learning_update"}
    assert fitted.priced_J[0] > 0
    assert found.band("Loihi") == (table.low_J, table.high_J)
    assert set(table.uncounted) == {"packet", "hop_east_west", "hop_north_south"}
    assert found.totals["learning_update"] > 0 == found.totals["mark_update"]


def test_with_cores_packets_are_priced():
    result = memory_result()
    cores = {p.name: np.full(p.size, k) for k, p in enumerate(result.graph.neurons())}
    without, found = result.energy("loihi-davies"), result.energy("loihi-davies", cores)
    table = found.estimates["loihi-davies"]
    assert not table.uncounted
    assert table.low_J > without.estimates["loihi-davies"].low_J


def test_with_links_packets_are_those_of_a_multicast():
    result = memory_result()
    links = {"IN": np.arange(15), "OUT": np.full(15, 2)}
    found = result.energy("SpiNNaker", links=links)
    spikes = {name: result.spikes(name)[1] for name in links}
    hops = spikes["IN"].sum() + 2 * len(spikes["OUT"])
    assert found.totals["multicast_packet"] == len(spikes["IN"]) + len(spikes["OUT"])
    assert found.totals["multicast_hop"] == hops > 0
    routers = found.estimates["spinnaker-spynnaker"]
    assert routers.priced_J[0] == pytest.approx((found.totals["multicast_packet"] + hops) * 1e-9)
    assert not routers.uncounted
    assert result.energy("SpiNNaker").estimates["spinnaker-spynnaker"].uncounted == (
        "multicast_packet",
        "multicast_hop",
    )


def test_a_range_stays_a_range_wherever_it_is_told():
    """Which neuron updates were active is not recorded: from all idle to all active, in every sum and as JSON."""
    found = memory_result().energy("loihi-davies")
    table, updates = found.estimates["loihi-davies"], found.totals["neuron_update"]
    [line] = [line for line in table.lines if line.what == "neuron_update"]
    assert (line.low_J, line.high_J) == pytest.approx((52e-12 * updates, 81e-12 * updates))
    assert table.high_J - table.low_J == pytest.approx(29e-12 * updates)
    told = found.to_json()
    assert told["bands"]["Loihi"] == (table.low_J, table.high_J)
    assert (told["estimates"]["loihi-davies"]["low_J"], told["estimates"]["loihi-davies"]["high_J"]) == found.band(
        "Loihi"
    )


def test_an_unknown_chip():
    with pytest.raises(ern.InvalidModel, match="no prices of 'loihi3'; did you mean 'loihi2'"):
        memory_result().energy("loihi3")


def test_commands(tmp_path, capsys):
    memory_result().save(tmp_path / "run")
    assert main(["energy", str(tmp_path / "run"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bands"]["Loihi 2"] is None
    assert found["bands"]["Loihi"][0] == found["estimates"]["loihi-davies"]["low_J"]
    assert found["estimates"]["truenorth"]["missing"] == {"learning_update": "TrueNorth does not learn"}
    assert main(["energy", str(tmp_path / "run"), "--chips", "Loihi,45 nm"]) == 0
    text = capsys.readouterr().out
    assert "loihi-sanafe" in text
    assert "no price of learning updates: SANA-FE" in text
    assert "truenorth" not in text
    assert "cannot be predicted from counts" in text
    assert main(["energy", str(tmp_path / "run"), "--placement", "loihi2", "--json"]) == 0
    placed = json.loads(capsys.readouterr().out)
    assert placed["totals"]["packet"] > 0
    assert placed["estimates"]["loihi-davies"]["uncounted"] == []
    assert main(["energy", str(tmp_path / "run"), "--placement", "reference"]) == 2
    assert "puts neurons on no chip" in capsys.readouterr().err
    assert main(["metrics", str(tmp_path / "run")]) == 0
    assert "effective ACs" in capsys.readouterr().out
    assert main(["metrics", str(tmp_path / "run"), "--bin-ms", "0.3"]) == 2
