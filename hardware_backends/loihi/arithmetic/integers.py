"""Integer networks, which ``quantise`` makes of graphs, and which the emulator and Lava run.

Everything is in Lava's fixed-point units and in steps. A spike that is stamped s on a connection of delay D >= 1
arrives, and acts on u and v, in step s + D (Lava's DelayDense counts D - 1). Step s here is Lava's step s + 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Order = Literal["spinnaker", "loihi"]
SignMode = Literal["MIXED", "EXCITATORY", "INHIBITORY"]
Variable = Literal["w", "d", "t", "x0", "x1", "x2", "y0", "y1", "y2", "y3"]


@dataclass(frozen=True, eq=False)
class Source:
    """Given spikes: (steps, neurons), sorted by step."""

    name: str
    size: int
    steps: np.ndarray
    neurons: np.ndarray


@dataclass(frozen=True, eq=False)
class Cells:
    """LIF neurons: u decays by ``du``, v by ``dv`` (of 4096), spike where v > vth * 2^6; order: the emulator.

    ``bias`` is a mantissa per neuron, with one ``bias_exp``. After a spike v is held at 0 for ``refractory`` steps.
    """

    name: str
    size: int
    du: int
    dv: int
    vth: int
    bias: np.ndarray
    bias_exp: int
    refractory: int


@dataclass(frozen=True)
class Operand:
    """One operand of a product: ``sign * variable + constant``, or with ``sgn`` the sign of that.

    x0 beside the event y0, or y0 beside x0, is a coincidence: 1 where both spike in the step (its width is 1).
    """

    variable: Variable
    sign: Literal[1, -1] = 1
    constant: int = 0
    sgn: bool = False


@dataclass(frozen=True)
class Product:
    """mantissa * 2^exponent * event * parts; ``event`` is x0, y0 or u0 to u9, mantissa in [-8, 7]."""

    mantissa: int
    exponent: int
    event: str
    parts: tuple[Operand, ...] = ()


@dataclass(frozen=True)
class Trace:
    """A 7-bit trace: impulse 0 to 127 (whole numbers), time constant in steps. A tau of 0 keeps one step's impulse."""

    impulse: int
    tau: float


@dataclass(frozen=True, eq=False)
class Rule:
    """A learning rule: products per target in their order, traces by name (x1, x2, y1, y2, y3), and the seed.

    ``third``: which of y1 to y3 are third factors instead of traces of post spikes -> the name of the sender.
    ``ahead``: w is what a spike of the next step transmits, and the learnt weight itself is in the tag.
    """

    dw: tuple[Product, ...]
    dt: tuple[Product, ...]
    dd: tuple[Product, ...]
    traces: dict[str, Trace]
    third: dict[str, str]
    epoch: int
    seed: int
    ahead: bool = False


@dataclass(frozen=True, eq=False)
class Connection:
    """Synapses as a matrix ``weights`` (n_post, n_pre), within slices of two populations.

    What arrives is (sum of weights) * 2^exponent. ``delays`` is one number, or a matrix like the weights; 0 where there
    is no synapse. ``weights`` are as Lava stores them: in range for ``mode`` and of ``bits`` bits. Plastic ones have a
    ``rule``, a ``tag`` matrix or None, an ``order`` in which a step learns and transmits, and a ``post_delay``: a post
    spike stamped s reaches the synapses, to learn, in step s + post_delay (0: at once, as Lava wires it). Their
    ``delays`` are always 1, or 0 where there is no synapse.
    """

    name: str
    pre: str
    post: str
    pre_start: int
    post_start: int
    weights: np.ndarray
    exponent: int
    bits: int
    mode: SignMode
    delays: int | np.ndarray
    rule: Rule | None = None
    tag: np.ndarray | None = None
    order: Order = "spinnaker"
    post_delay: int = 1


@dataclass(frozen=True, eq=False)
class Astrocyte:
    """A leaky integrator in integers: c = trunc(c (4096 - decay) / 4096) + gain * spikes of its members.

    It sends min(127, c >> shift) as a graded spike, or ``level`` where c >= threshold and 0 elsewhere.
    """

    name: str
    decay: int
    gain: int
    threshold: int | None
    threshold_off: int | None
    level: int
    shift: int
    members: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """An integer network. ``scale``: population -> integer units of v per mV, to read v back."""

    sources: tuple[Source, ...]
    cells: tuple[Cells, ...]
    connections: tuple[Connection, ...]
    astrocytes: tuple[Astrocyte, ...]
    scale: dict[str, float]
