"""Profiles of Hypothesis (the same examples in every `make test`, others in `make test-all`), and simulators."""

from __future__ import annotations

import warnings

import engines
import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.register_profile("other", derandomize=False, print_blob=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def simulators() -> None:
    """NEST and PyNN, imported once for all forks (see ``forked``). Skips where they are not installed."""
    if missing := engines.get_backend("nest").missing():
        pytest.skip(missing)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("PATH", "")  # as in the program: PyNN compiles extensions where it finds NEST's headers
        patch.setenv("PYNEST_QUIET", "1")
        patch.setenv("OMP_WAIT_POLICY", "passive")
        import pyNN.nest  # noqa: F401
