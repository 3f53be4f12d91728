"""Live connections of sPyNNaker's scripts, which act between steps."""

from __future__ import annotations

import numpy as np
import pytest

sim = pytest.importorskip("ernsnn.pynn")
from ernsnn.errors import InvalidModel  # noqa: E402 - needs PyNN

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*nothing runs in real time"),
]
devices = sim.external_devices


def trains(population):
    return [t.magnitude.tolist() for t in population.get_data().segments[0].spiketrains]


def network(convention, backend="reference"):
    sim.setup(1.0, convention=convention, backend=backend)
    injector = sim.Population(3, devices.SpikeInjector(), label="in", additional_parameters={"virtual_key": 0x70000})
    cells = sim.Population(3, sim.IF_curr_exp(tau_refrac=20.0, tau_syn_E=1.0), label="out")
    sim.Projection(injector, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=40.0, delay=1.0))
    devices.activate_live_output_for(cells, database_notify_port_num=19996)
    for each in (injector, cells):
        each.record("spikes")
    return injector, cells


@pytest.mark.parametrize("backend", ["reference", "native"])
@pytest.mark.parametrize("convention", ["spinnaker", "pynn"])
def test_spikes_go_round_through_callbacks(convention, backend):
    """A callback sends each spike of cell k on to input k + 1: a chain that runs through the script."""
    with pytest.warns(UserWarning, match="virtual_key"):
        injector, cells = network(convention, backend)
    told = []
    connection = devices.SpynnakerLiveSpikesConnection(["out"], ["in"], local_port=19996)
    connection.add_init_callback("in", lambda *given: told.append(given))
    connection.add_start_resume_callback("in", lambda label, sender: sender.send_spike(label, 0))

    def receive(label, time, neurons):
        told.append((label, time, neurons))
        connection.send_spikes("in", [(k + 1) % 3 for k in neurons])

    connection.add_receive_callback("out", receive)
    connection.add_pause_stop_callback("out", lambda label, _: told.append(f"{label} pauses"))
    sim.run(20)
    connection.close()
    sim.run(5)
    seen = [(time, k) for _, time, neurons in told[1:-1] for k in neurons]
    by_data = sorted((int(t), k) for k, train in enumerate(trains(cells)) for t in train if t <= 20)
    assert [pair for pair in seen if pair[0] <= 20] == by_data
    assert [k for _, k in seen][:3] == [0, 1, 2]
    assert told[0] == ("in", 3, 20.0, 1000.0)
    assert told[-1] == "out pauses"
    assert trains(injector)[0][0] == (1.0 if convention == "pynn" else 0.0)


def test_a_check_tells_that_time_stands_still():
    with pytest.warns(UserWarning, match="virtual_key"):
        network("spinnaker")
    with pytest.warns(UserWarning, match="nothing runs in real time"):
        devices.SpynnakerLiveSpikesConnection(receive_labels=["out"])
    assert [(issue.code, issue.fidelity) for issue in sim.check()][:1] == [("Y204", "approximate")]


def test_rates_are_set_while_a_network_runs():
    sim.setup(1.0, backend="reference", convention="spinnaker")
    source = sim.Population(2, sim.SpikeSourcePoisson(rate=0.0), label="noise")
    source.record("spikes")
    devices.add_poisson_live_rate_control(source)
    control = devices.SpynnakerPoissonControlConnection(["noise"])
    control.add_start_callback("noise", lambda label, sender: sender.set_rates(label, [(1, 500.0)]))
    sim.run(100)
    silent, loud = trains(source)
    assert silent == []
    assert 20 < len(loud) < 80
    control.set_rate("noise", 1, 0.0)
    sim.run(100)
    assert np.max(trains(source)[1]) <= 100


@pytest.mark.filterwarnings("ignore:.*virtual_key")
def test_what_cannot_be_is_refused_by_label():
    network("spinnaker")
    connection = devices.SpynnakerLiveSpikesConnection(send_labels=["in"])
    with pytest.raises(InvalidModel, match="no population 'inn'; did you mean 'in'"):
        connection.send_spike("inn", 0)
    with pytest.raises(InvalidModel, match="in: no cell 3, there are 3"):
        connection.send_spike("in", 3)
    with pytest.raises(InvalidModel, match="out: spikes are sent to a SpikeInjector, it is IF_curr_exp"):
        connection.send_spike("out", 0)
    with pytest.raises(InvalidModel, match="a callback must be a function"):
        connection.add_receive_callback("out", None)
    with pytest.raises(InvalidModel, match="needs a SpikeSourcePoisson"):
        devices.add_poisson_live_rate_control(None)
    with pytest.raises(AttributeError, match=r"run_forever.*for as long as it takes"):
        devices.run_forever  # noqa: B018


@pytest.mark.filterwarnings("ignore:.*virtual_key")
def test_a_backend_that_runs_in_one_go_passes_nothing_on():
    network("spinnaker", "loihi-emulator")
    connection = devices.SpynnakerLiveSpikesConnection(["out"])
    connection.add_receive_callback("out", print)
    with pytest.raises(InvalidModel, match="runs in one go; set up with one that runs by steps"):
        sim.run(5)
