"""Runs that are killed at a chosen moment, of a network with a bit of everything."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager

import pytest

import ernsnn as ern
from ernsnn.backend import source_spikes

DURATION_MS, EVERY_MS = 900.0, 100.0


def network(rate_hz=30.0):
    net = ern.Network(name="killed")
    source, cells = net.population("source", 8, ern.Poisson(rate_hz)), net.population("cells", 6, ern.LIF(noise_mV=1))
    glia = net.astrocyte("glia", [cells], tau_ms=100, threshold=2)
    tags = [
        ern.marks.Labile("a", tau_s=0.5, rise=0.3),
        ern.marks.Stable("m", tau_s=2, consolidated_by="P", tag="a", rate_per_s=20, budget=0.1),
    ]
    rule = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=1.0, marks=tags, epoch_ms=20)
    options = {"weight_nA": ern.Uniform(0.2, 0.8), "delay_ms": ern.Uniform(1, 4), "learning": rule}
    plastic = net.projection("plastic", source, cells, **options, third_factors={"P": glia})
    net.probe(plastic, "w", every_ms=250)
    net.probe(cells, "v_mV", every_ms=7)
    net.probe(glia, "C", every_ms=2_000)
    return net


GRAPH = ern.lower(network(), 3)
RUN = {"duration_ms": DURATION_MS, "backend": "reference", "weights_at_ms": [0, 333]}


def assert_recorded(result, expected):
    actual = result.recording.to_arrays()
    assert actual.keys() == expected.keys()
    for key, array in expected.items():
        assert (actual[key].dtype, actual[key].tobytes()) == (array.dtype, array.tobytes()), key


def in_child(action):
    """Run ``action`` in a forked process; how that ended: an exit code, or minus the number of a signal."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def killed_at(call, owner, name, before):
    """This process ends by SIGKILL around the ``call``-th call of ``owner.name``."""
    original, calls = getattr(owner, name), []

    def killing(*arguments, **options):
        calls.append(name)
        if before and len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, killing)
        yield


def kill(graph, folder):
    """A run of ``graph`` into ``folder`` that is killed in its fourth interval."""

    def work():
        with killed_at(390, source_spikes.SourceSpikes, "at", True):
            ern.run(graph, **RUN, out=folder, checkpoint_every_ms=EVERY_MS)

    assert in_child(work) == -signal.SIGKILL
    return folder


def refused(folder, message):
    """The run in ``folder`` cannot be resumed."""
    with pytest.raises(ern.InvalidModel, match=message):
        ern.resume(folder)
