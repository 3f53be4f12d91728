"""A pytest plugin (``-p on_native``): where tests ask for the reference, they get the native engine in float64."""

from __future__ import annotations

import ernsnn.backend.registry as backends
from ernsnn.hardware_backends.native.engine import Engine

_get_backend = backends.get_backend


class OnNative:
    """Its learning rules are interpreted: those of hand-made tests are many, and compiling each takes seconds."""

    def run(self, graph, n_steps, progress):
        return Engine(graph, "float64", compiled=False).run(n_steps, progress)


backends.get_backend = lambda name: OnNative() if name == "reference" else _get_backend(name)
