"""The pieces of a program, as the template writes them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Operation:
    """``owner.run_regularly(code)``; ``every`` in steps. It does nothing until its ``switch``, if any, is on."""

    name: str
    owner: str
    code: list[str]
    when: str
    order: int
    every: int = 1
    switch: str = ""


@dataclass
class Pathway:
    """What a spike does at a synapse. ``delay`` is in steps: one number, or the name of an array.

    ``on`` names another event of the neurons than a spike.
    """

    name: str
    event: str
    code: list[str]
    order: int
    delay: int | str
    on: str = ""


@dataclass
class Group:
    """A NeuronGroup. ``values``: what to set; numbers for shared parameters, arrays otherwise.

    ``solver`` is (method, place within the synapses of a step) where the equations have differential ones. ``sound``
    is a shared variable that must still be true at the end, and what went wrong if it is not. ``kept`` are the
    variables with which another program can go on; ``events`` the conditions of further events beside spikes.
    """

    name: str
    size: int
    equations: list[str]
    values: dict[str, float | np.ndarray] = field(default_factory=dict)
    links: dict[str, tuple[str, str, np.ndarray]] = field(default_factory=dict)
    spikes: bool = True
    solver: tuple[str, int] | None = None
    sound: tuple[str, str] | None = None
    kept: list[str] = field(default_factory=list)
    events: dict[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many values a variable has."""
        return self.size

    def parameter(self, name: str, values: np.ndarray, kind: str = "1") -> None:
        """Declare a constant: shared where all values are equal."""
        if len(values) and (values == values[0]).all():
            self.equations.append(f"{name} : {kind} (shared, constant)")
            self.values[name] = values[0].item()
        else:
            self.equations.append(f"{name} : {kind} (constant)")
            self.values[name] = values

    def state(self, name: str, initial: np.ndarray | None = None, kind: str = "1") -> None:
        """Declare a variable, 0 at first unless given."""
        self.equations.append(f"{name} : {kind}")
        self.kept.append(name)
        if initial is not None:
            self.values[name] = initial


@dataclass
class SynapseGroup:
    """A Synapses object."""

    name: str
    pre: str
    post: str
    equations: list[str]
    pathways: list[Pathway]
    i: np.ndarray
    j: np.ndarray
    values: dict[str, float | np.ndarray] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    @property
    def length(self) -> int:
        """How many values a variable has."""
        return len(self.i)


@dataclass
class Monitor:
    """A StateMonitor for one probe."""

    name: str
    key: str
    owner: str
    variable: str
    record: np.ndarray
    every: int


@dataclass
class Parts:
    """A whole program. ``timed`` are tables that are read by time: entry k holds from step k * ``every`` on.

    Where the network ``freezes`` its learning at times, owners that learn keep a shared flag. ``first`` is the step at
    which it starts; ``late`` names, by delay, the tables of post spikes from before, which reach synapses later.
    """

    freezes: bool = False
    first: int = 0
    late: dict[int, str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    tables: dict[str, np.ndarray] = field(default_factory=dict)
    timed: dict[str, tuple[np.ndarray, int]] = field(default_factory=dict)
    synapses: list[SynapseGroup] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    monitors: list[Monitor] = field(default_factory=list)

    @property
    def owners(self) -> list[Group | SynapseGroup]:
        """All that has variables."""
        return [*self.groups, *self.synapses]

    def let_freeze(self, owner: str, equations: list[str], flag: str = "learns") -> None:
        """Declare ``flag`` on an owner, true in the steps in which the network learns, and keep it up to date.

        It is set before all else of a step, so that what ends a step, at the start of the next, finds that step's. On
        synapses it needs another name than on their neurons.
        """
        declaration = f"{flag} : boolean (shared)"
        if self.freezes and declaration not in equations:
            equations.append(declaration)
            self.operations.append(Operation(f"{owner}_{flag}", owner, [f"{flag} = learning(t) > 0"], "groups", -1000))
