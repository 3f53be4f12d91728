"""Lava processes of ernsnn: given spikes, LIF neurons with a refractory period, plastic synapses, astrocytes.

Where Lava has a model, ours inherits its arithmetic. Every process records its own variables, because reading them from
outside takes some milliseconds for each variable and step. Step s of a recording is Lava's step s + 1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.models import PyLearningDenseModelBitApproximate
from lava.proc.dense.process import LearningDense
from lava.proc.lif.models import PyLifModelBitAcc, PyLifModelFloat
from lava.proc.lif.process import LIF
from lava.utils.weightutils import truncate_weights

Model = TypeVar("Model", bound=type[PyLoihiProcessModel])


def model_of(process: type[AbstractProcess], *arithmetics: str) -> Callable[[Model], Model]:
    """Declare a class as the model of ``process`` for Lava's simulator, in fixed point by default."""
    tags = arithmetics or ("fixed_pt",)

    def declared(model: Model) -> Model:
        model.implements_process = None  # a parent's own: Lava refuses to replace one
        return cast(Model, implements(process, LoihiProtocol)(requires(CPU)(tag(*tags)(model))))

    return declared


class Journal:
    """The record of a process: spikes, and its state after the steps in ``watch``.

    The record is written to a file after ``n_steps``.
    """

    def __init__(self, file: str, n_steps: int, watch: np.ndarray) -> None:
        self.file, self.n_steps, self.watch = file, n_steps, frozenset(watch.tolist())
        self.steps: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
        self.neurons: list[np.ndarray] = [np.zeros(0, dtype=np.int32)]
        self.states: dict[str, list[np.ndarray]] = {}

    def spikes(self, step: int, fired: np.ndarray) -> None:
        neurons = np.flatnonzero(fired).astype(np.int32)
        if len(neurons) and step < self.n_steps:
            self.steps.append(np.full(len(neurons), step, dtype=np.int64))
            self.neurons.append(neurons)

    def state(self, step: int, **variables: Any) -> None:
        """Record ``variables`` at the end of ``step``, if it is in ``watch``."""
        if step in self.watch:
            for name, values in variables.items():
                self.states.setdefault(name, []).append(np.array(values))
        if step == self.n_steps - 1:
            out = {"steps": np.concatenate(self.steps), "neurons": np.concatenate(self.neurons)}
            out |= {f"state/{name}": np.array(values) for name, values in self.states.items()}
            np.savez(self.file, **out)


class Replay(AbstractProcess):  # type: ignore[misc]
    """Sends given spikes: (steps, neurons), sorted by step."""

    def __init__(self, *, size: int, steps: np.ndarray, neurons: np.ndarray) -> None:
        super().__init__(size=size, steps=steps, neurons=neurons)
        self.s_out = OutPort(shape=(size,))


@model_of(Replay, "fixed_pt", "floating_pt")
class PyReplay(PyLoihiProcessModel):  # type: ignore[misc]
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        steps, neurons = self.proc_params["steps"], self.proc_params["neurons"]
        first, last = np.searchsorted(steps, [self.time_step - 1, self.time_step])
        spikes = np.zeros(self.proc_params["size"], dtype=np.int32)
        spikes[neurons[first:last]] = 1
        self.s_out.send(spikes)


class Listener(AbstractProcess):  # type: ignore[misc]
    """Records the spikes of Lava's own neurons, which do not record them."""

    def __init__(self, *, size: int, journal: Journal) -> None:
        super().__init__(journal=journal)
        self.s_in = InPort(shape=(size,))


@model_of(Listener)
class PyListener(PyLoihiProcessModel):  # type: ignore[misc]
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        journal: Journal = self.proc_params["journal"]
        journal.spikes(self.time_step - 1, self.s_in.recv())
        journal.state(self.time_step - 1)


class Cells(LIF):  # type: ignore[misc]
    """Lava's LIF; after a spike, v is held at 0 for ``refractory`` steps while u goes on."""


class _Refractory:
    """The refractory period that both models of ``Cells`` add to Lava's.

    Where a v is held at 0 it cannot spike: thresholds are 0 or more.
    """

    v: np.ndarray
    u: np.ndarray
    s_out_buff: np.ndarray
    time_step: int

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)  # type: ignore[call-arg]
        self.refractory: int = proc_params["refractory"]
        self.waits = np.zeros(proc_params["shape"], dtype=np.int64)
        self.journal: Journal = proc_params["journal"]

    def subthr_dynamics(self, activation_in: np.ndarray) -> None:
        held = self.v.copy()
        super().subthr_dynamics(activation_in)  # type: ignore[misc]
        self.v[:] = np.where(self.waits > 0, held, self.v)

    def reset_voltage(self, spike_vector: np.ndarray) -> None:
        super().reset_voltage(spike_vector)  # type: ignore[misc]
        self.waits = np.where(spike_vector, self.refractory, np.maximum(self.waits - 1, 0))

    def run_spk(self) -> None:
        super().run_spk()  # type: ignore[misc]
        step = self.time_step - 1
        self.journal.spikes(step, self.s_out_buff)
        self.journal.state(step, u=self.u, v=self.v)


@model_of(Cells)
class PyCells(_Refractory, PyLifModelBitAcc):  # type: ignore[misc]
    pass


@model_of(Cells, "floating_pt")
class PyCellsFloat(_Refractory, PyLifModelFloat):  # type: ignore[misc]
    pass


class Plastic(LearningDense):  # type: ignore[misc]
    """Lava's LearningDense, for synapses where ``exists``, in one of two orders.

    "loihi": transmit with the weights from before this step's learning, as Lava and the chip do.
    "spinnaker": learn first, and transmit with the result.
    Post spikes act on learning after ``post_delay`` steps; 0 is Lava's own wiring.
    ``third`` names the traces (y1 to y3) that are no traces but third factors, received in the same step.
    """

    def __init__(self, *, third: tuple[str, ...], **more: Any) -> None:
        super().__init__(third=third, **more)
        for name in third:
            setattr(self, f"s_in_{name}", InPort(shape=(1,)))


@model_of(Plastic)
class PyPlastic(PyLearningDenseModelBitApproximate):  # type: ignore[misc]
    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        n_post, n_pre = proc_params["shape"]
        self.weights: np.ndarray
        self.weights_set: bool
        self.learns_first = proc_params["order"] == "spinnaker"
        self.third: tuple[str, ...] = proc_params["third"]
        self.absent = ~proc_params["exists"]
        self.journal: Journal = proc_params["journal"]
        self.fired = np.zeros(n_pre, dtype=bool)
        self.echoes = deque(np.zeros(n_post, dtype=bool) for _ in range(proc_params["post_delay"]))

    def run_spk(self) -> None:
        if self.time_step > 1:
            self.write_down()
        if not self.learns_first:
            super().run_spk()
            return
        if not self.weights_set:
            self.weights = truncate_weights(self.weights, self.sign_mode, self.num_weight_bits)
            self.weights_set = True
        # The spikes of the last step, with the weights that its learning left.
        arriving = self.weights[:, self.fired].sum(axis=1)
        exponent = self.weight_exp
        self.a_out.send(arriving << exponent if exponent > 0 else arriving >> -exponent)
        self.fired = self.s_in.recv().astype(bool)
        self.recv_traces(self.fired)

    def recv_traces(self, s_in: np.ndarray) -> None:
        """Lava's method with delayed post spikes, and with third factors beside traces."""
        self._process_pre_spikes(s_in)
        self._update_trace_randoms()
        self.echoes.append(self.s_in_bap.recv().astype(bool))
        self._process_post_spikes(self.echoes.popleft())
        for name in self.third:
            getattr(self, name)[:] = getattr(self, f"s_in_{name}").recv()
        self._update_trace_randoms()

    def run_lrn(self) -> None:
        super().run_lrn()
        for variable in (self.weights, self.tag_1, self.tag_2):
            variable[self.absent] = 0

    def write_down(self) -> None:
        """The state after the last step, whose learning is only now known to be over."""
        traces = {name: getattr(self, name) for name in ("x1", "x2", "y1", "y2", "y3")}
        self.journal.state(self.time_step - 2, w=self.weights, t=self.tag_1, d=self.tag_2, **traces)


class Members(AbstractProcess):  # type: ignore[misc]
    """Sends the number of neurons from ``start`` to ``stop`` (exclusive) that spiked in this step."""

    def __init__(self, *, size: int, start: int, stop: int) -> None:
        super().__init__(start=start, stop=stop)
        self.s_in, self.s_out = InPort(shape=(size,)), OutPort(shape=(1,))


@model_of(Members)
class PyMembers(PyLoihiProcessModel):  # type: ignore[misc]
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        fired = self.s_in.recv()[self.proc_params["start"] : self.proc_params["stop"]]
        self.s_out.send(np.array([np.count_nonzero(fired)], dtype=np.int32))


class Astrocyte(AbstractProcess):  # type: ignore[misc]
    """c = trunc(c (4096 - decay) / 4096) + gain * spikes, in whole numbers; sends its output in the same step.

    Without ``threshold`` that is min(127, c >> shift); with it ``level`` from c >= threshold on, until
    c < threshold_off, and 0 elsewhere.
    """

    def __init__(
        self,
        *,
        decay: int,
        gain: int,
        threshold: int | None,
        threshold_off: int | None,
        level: int,
        shift: int,
        journal: Journal,
    ) -> None:
        super().__init__(
            decay=decay,
            gain=gain,
            threshold=threshold,
            threshold_off=threshold if threshold_off is None else threshold_off,
            level=level,
            shift=shift,
            journal=journal,
        )
        self.a_in, self.y_out = InPort(shape=(1,)), OutPort(shape=(1,))


@model_of(Astrocyte)
class PyAstrocyte(PyLoihiProcessModel):  # type: ignore[misc]
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    y_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.c, self.on = 0, False

    def run_spk(self) -> None:
        p = self.proc_params
        self.c = (self.c * (4096 - p["decay"]) >> 12) + p["gain"] * int(self.a_in.recv()[0])
        if p["threshold"] is None:
            y = min(127, self.c >> p["shift"])
        else:
            self.on = self.c >= (p["threshold_off"] if self.on else p["threshold"])
            y = p["level"] if self.on else 0
        self.y_out.send(np.array([y], dtype=np.int32))
        p["journal"].state(self.time_step - 1, c=self.c, y=y)
