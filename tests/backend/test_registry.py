"""Which backend is taken where none is named, and which are named where one cannot do something."""

from __future__ import annotations

import pytest

import ernsnn as ern
from ernsnn.backend import discovery, registry
from ernsnn.backend.registry import default_backend, fastest_first, installed, names_of
from ernsnn.backend.stepping import SteppedBackend
from ernsnn.cli import main


def broken():
    raise ImportError("no module named chip")


@pytest.fixture
def known(monkeypatch):
    """Loaders by name, which a test may change."""
    loaders, discover = discovery.discover(discovery.GROUP), discovery.discover
    for module in (discovery, registry):
        monkeypatch.setattr(module, "discover", lambda group: loaders if group == discovery.GROUP else discover(group))
    return loaders


def test_one_backend_is_the_default():
    assert [backend.name for backend in installed() if backend.default] == [default_backend().name] == ["brian2"]


def test_without_a_default_one_must_be_named(known):
    del known["brian2"]
    with pytest.raises(ern.BackendNotAvailable, match=r"name one of .*native.*reference"):
        default_backend()
    net = ern.Network()
    net.population("cells", 1, ern.LIF())
    with pytest.raises(ern.BackendNotAvailable, match="name one of"):
        ern.run(net, duration_ms=1)
    assert ern.run(net, duration_ms=1, backend="reference").meta["backend"] == "reference"


def test_the_list_marks_the_default(capsys):
    assert main(["backends"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.endswith("(default)")] == [
        "brian2"
    ]


def test_those_that_can_are_named_the_fastest_first(known):
    assert names_of(lambda backend: backend.stepwise) == "'native', 'reference' or 'torch'"
    assert names_of(lambda backend: backend.continues) == "'native', 'brian2', 'reference' or 'torch'"
    known["native"] = broken
    assert names_of(lambda backend: backend.continues) == "'brian2', 'reference' or 'torch'"
    assert names_of(lambda backend: False) == "another"


def test_a_backend_elsewhere_takes_its_place_by_its_traits(known):
    class Fast(ern.Backend):
        name, description, speed = "fast", "faster than all", 1000

        def run(self, graph, n_steps, progress, **options):
            raise NotImplementedError

    known["fast"] = lambda: Fast
    assert [backend.name for backend in fastest_first(lambda each: each.speed > 0)][:2] == ["fast", "native"]


@pytest.mark.parametrize("backend", list(installed()), ids=lambda backend: backend.name)
def test_traits_are_what_a_backend_does(backend):
    assert backend.stepwise == isinstance(backend, SteppedBackend)
    assert backend.places == (type(backend).placement is not ern.Backend.placement)
    assert backend.settings(backend.doubles).items() >= backend.doubles.items()
    net = ern.Network()
    net.population("cells", 1, ern.LIF())
    if backend.continues and backend.missing() is None:
        first = ern.run(net, duration_ms=1, backend=backend)
        assert ern.run(net, duration_ms=1, backend=backend, start=first).start_ms == 1
