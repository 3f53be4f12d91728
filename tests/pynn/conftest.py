"""NEST and PyNN, imported once for all forks (see ``forked``)."""

from __future__ import annotations

import warnings

import pytest

from ernsnn.hardware_backends.nest.backend import NestBackend


@pytest.fixture(scope="session")
def simulators():
    """Skips where they are not installed."""
    missing = NestBackend().missing()
    if missing:
        pytest.skip(missing)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("PATH", "")  # as in the program: PyNN compiles extensions where it finds NEST's headers
        patch.setenv("PYNEST_QUIET", "1")
        patch.setenv("OMP_WAIT_POLICY", "passive")
        import pyNN.nest  # noqa: F401
