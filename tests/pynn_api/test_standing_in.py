"""``python -m ernsnn.pynn script.py``: scripts for other simulators, as they are."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("ernsnn.pynn")
import ernsnn.pynn as sim
from ernsnn.pynn import simulator
from ernsnn.pynn.__main__ import main
from ernsnn.pynn.standing_in import is_simulator, stand_in

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BODY = """
setup(timestep=1.0)
source = Population(2, SpikeSourceArray(spike_times=[2.0, 4.0]))
source.record("spikes")
run(6)
print([t.magnitude.tolist() for t in source.get_data().segments[0].spiketrains])
end()
"""
SIM = BODY.replace("setup", "sim.setup").replace("Population", "sim.Population").replace("run(", "sim.run(")
SIM = SIM.replace("SpikeS", "sim.SpikeS").replace("end()", "print(sim.name(), __name__)")

IMPORTS = {
    "import as": "import pyNN.nest as sim" + SIM,
    "import from": "from pyNN import neuron as sim" + SIM,
    "plain import": "import pyNN.brian2; sim = pyNN.brian2" + SIM,
    "spinnaker": "import pyNN.spiNNaker as sim" + SIM,
    "old spinnaker": "import spynnaker8 as sim" + SIM,
    "its package": "import spynnaker.pyNN as sim" + SIM,
    "star": "from pyNN.nest import *" + BODY,
    "exec": "import sys; exec(f'from pyNN.{sys.argv[1]} import *')" + BODY,
    "exec import": "import sys; exec('import pyNN.%s as sim' % sys.argv[-1])" + SIM,
    "importlib": "import importlib, sys; sim = importlib.import_module('pyNN.' + sys.argv[1])" + SIM,
    "built in": "import sys; sim = __import__('pyNN.' + sys.argv[1], fromlist=['x'])" + SIM,
    "get_simulator": "from pyNN.utility import get_simulator; sim, options = get_simulator()" + SIM,
}


@pytest.mark.parametrize("how", IMPORTS)
def test_every_way_of_importing_a_simulator_gives_ernsnn(how, tmp_path, capsys, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text(IMPORTS[how])
    monkeypatch.setattr(sys, "argv", ["ernsnn.pynn"])
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert main([str(script), "nest"]) == 0
    printed = capsys.readouterr().out
    assert "[[2.0, 4.0], [2.0, 4.0]]" in printed
    if "sim.name" in IMPORTS[how]:
        assert "ernsnn __main__" in printed
    assert simulator.state.convention == ("spinnaker" if "spi" in how or "package" in how else "pynn")


def test_it_runs_from_the_command_line_beside_its_own_modules(tmp_path):
    (tmp_path / "beside.py").write_text("TIMES = [2.0, 4.0]")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, pyNN.nest as sim\nfrom beside import TIMES\nimport pyNN.utility\n"
        "sim.setup(1.0)\nprint(TIMES, sys.argv[1:], sim.simulator.state.backend.name)"
    )
    options = ["--backend", "reference", "--seed", "4"]
    command = [sys.executable, "-m", "ernsnn.pynn", *options, str(script), "--backend", "mine"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "[2.0, 4.0] ['--backend', 'mine'] reference"


def test_settings_are_those_of_the_command_line_then_the_simulators_and_the_scripts_own_come_first():
    state = simulator.state
    with stand_in({"backend": "reference", "seed": 3}):
        import pyNN.spiNNaker as sim

        sim.setup(1.0)
        assert (state.backend.name, state.seed, state.convention) == ("reference", 3, "spinnaker")
        assert state.current_integration == "step_average"
        sim.setup(1.0, convention="pynn", seed=5)
        assert (state.seed, state.convention) == (5, "pynn")
    with stand_in({"convention": "pynn"}):
        import spynnaker8

        spynnaker8.setup(1.0)
        assert state.convention == "pynn"
        assert spynnaker8.IF_cond_alpha is not None
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            spynnaker8.nothing  # noqa: B018


def test_afterwards_simulators_are_those_that_are_installed():
    import pyNN

    before = [name for name in sys.modules if is_simulator(name)]
    with stand_in({}):
        import pyNN.mock as sim

        assert sim.name() == "ernsnn"
        with pytest.raises(ModuleNotFoundError):
            import pyNN.no_such_simulator
    assert [name for name in sys.modules if is_simulator(name)] == before
    import pyNN.mock as mock

    assert pyNN.mock is mock
    assert not hasattr(mock, "name")
    with stand_in({}):
        from pyNN import mock as ours

        assert ours.name() == "ernsnn", "imported before, too"
    assert pyNN.mock is sys.modules["pyNN.mock"] is mock


def test_modules_of_pynn_itself_are_no_simulators():
    own = ("pyNN", "pyNN.random", "pyNN.utility", "pyNN.utility.plotting", "pyNN.nest.simulator", "pyNN.utilty", "nest")
    assert not [name for name in own if is_simulator(name)]
    ours = ("nest", "neuron", "brian2", "brian", "mock", "arbor", "moose", "spiNNaker", "spinnaker")
    assert all(is_simulator(f"pyNN.{name}") for name in ours)


def test_what_is_no_script_or_no_backend_is_told(tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text("")
    for arguments, told in (
        ([str(tmp_path / "none.py")], "no script"),
        (["--backend", "nes", str(script)], "'nest'"),
        ([], "script"),
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "import pyNN.spiNNaker as sim; extra = sim.extra_models",
        "from pyNN.spiNNaker import extra_models as extra",
        "import pyNN.spiNNaker.extra_models as extra",
        "from pyNN.spiNNaker import *; extra = extra_models",
        "import spynnaker8.extra_models as extra",
    ],
)
def test_extra_models_of_spynnaker_by_every_way_of_importing_them(line):
    names = {}
    with stand_in({"backend": "reference"}):
        exec(line, names)
        assert names["extra"].SpikeNearestPairRule is sim.extra_models.SpikeNearestPairRule
        assert "IF_curr_delta" in names["extra"].IFCurDelta.remedy
        with pytest.raises(AttributeError, match="extra_models has no Nothing: there are AllButMeConnector"):
            names["extra"].Nothing  # noqa: B018
    assert "pyNN.spiNNaker.extra_models" not in sys.modules


def test_devices_of_spynnaker_are_refused_with_what_to_do():
    with stand_in({}):
        import pyNN.spiNNaker as spinnaker

        with pytest.raises(AttributeError, match=r"external_devices.activate_live_output_to.*get_data"):
            spinnaker.external_devices.activate_live_output_to(None)
        with pytest.raises(AttributeError, match=r"external_devices.ICUBRetinaDevice.*SpikeSourceArray"):
            spinnaker.external_devices.ICUBRetinaDevice()


def test_every_extra_model_of_spynnaker_is_there():
    theirs = pytest.importorskip("spynnaker.pyNN.extra_models").__all__
    assert len(theirs) > 20
    assert set(theirs) <= set(sim.extra_models.__all__)


def test_a_nearest_pair_rule_of_spynnaker_learns():
    sim.setup(1.0, backend="reference", convention="spinnaker")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0, 3.0, 30.0]))
    cells = sim.Population(1, sim.IF_curr_exp(i_offset=3.0))
    rule = sim.extra_models.SpikeNearestPairRule(A_plus=0.1, A_minus=0.1)
    synapse = sim.STDPMechanism(rule, sim.AdditiveWeightDependence(w_min=0.0, w_max=2.0), weight=1.0, delay=1.0)
    learns = sim.Projection(source, cells, sim.AllToAllConnector(), synapse)
    sim.run(60)
    assert learns.get("weight", format="array")[0, 0] != 1.0
