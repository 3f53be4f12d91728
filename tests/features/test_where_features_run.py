"""Which backends take part in the tests of which feature: one that no longer says that it has it is missed here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import engines
import pytest

import ernsnn as ern

EVERYWHERE = {"delays", "injections", "probes", "receptors", "refractory", "stdp", "trials"}
"""Features that programs for NEST have, too."""
READING = {"reference", "native", "brian2"} | ({"torch"} if importlib.util.find_spec("torch") else set())
"""Backends that compute everything from its equations."""
NO_FEATURES = {"against_the_oracle", "resets", "short_term_refusals", "stdp_against_nest", "where_features_run"}
"""Files that name their backends themselves."""
FILES = {path.stem.removeprefix("test_"): path for path in sorted(Path(__file__).parent.glob("test_*.py"))}


@pytest.mark.parametrize("name", sorted(FILES.keys() - NO_FEATURES))
def test_a_feature_is_tested_where_it_is(name: str) -> None:
    spec = importlib.util.spec_from_file_location(f"feature_{name}", FILES[name])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    graph = ern.lower(module.having(), 1) if hasattr(module, "having") else None
    expected = READING | ({"nest"} if name in EVERYWHERE else set())
    assert set(engines.having(graph)) == expected
    assert (graph is None) == (name in EVERYWHERE), "a feature that some backend lacks needs a network that has it"


def test_resets_are_tested_where_they_are() -> None:
    resetting = {n for n in engines.backend_names() if engines.get_backend(n).resets}
    assert resetting == {"reference", "native", "brian2", "torch"}


def test_what_a_backend_lacks_is_seen() -> None:
    net = ern.Network()
    net.population("n", 1, ern.AdaptiveLIF())
    assert "nest" not in engines.having(ern.lower(net))
    assert set(engines.having(None)) == READING | {"nest"}
