"""The parts of a program, as the template writes them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

NEVER = 2.0**62
"""A step after the end of every run."""


def padded(values: np.ndarray, fill: float) -> np.ndarray:
    """A table filled up to a power of two: its length stands in the compiled code, which so seldom changes."""
    length = 1 << max(4, len(values).bit_length())
    return np.concatenate([values, np.full((length - len(values), *values.shape[1:]), fill)])


@dataclass
class Operation:
    """``owner.run_regularly(code)``, in every step."""

    name: str
    owner: str
    code: list[str]
    when: str
    order: int


@dataclass
class Pathway:
    """Code that a spike executes at a synapse. ``delay`` is in steps: one number, or the name of an array.

    ``on`` names another event of the neurons than a spike, ``when`` the slot of the step in which it acts.
    """

    name: str
    event: str
    code: list[str]
    order: int
    delay: int | str
    on: str = ""
    when: str = "synapses"


@dataclass
class Group:
    """A NeuronGroup. ``values``: what to set; numbers for shared parameters, arrays otherwise.

    ``solver`` is (method, place within the synapses of a step) where the equations have differential ones. ``sound``
    is a shared variable that must still be true at the end, and what went wrong if it is not. ``kept`` are the
    variables with which another program can go on, ``streams`` those of them that are streams of random numbers;
    ``events`` the conditions of further events beside spikes; ``reset`` is the code of the event ``resetting``. Where
    spikes are ``counted``, a spike is as many as ``spike_count`` says.
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
    streams: list[str] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)
    counted: bool = False
    periods: list[int] = field(default_factory=list)

    def due(self, every: int, first: int) -> str:
        """The condition of the steps t with (t + 1) % every == 0, of a program that starts at step ``first``.

        It counts steps and compares no times: Brian2 takes two times of a clock for one if they differ by less than
        1e-4 of the clock's own period, which is many steps of a slow clock.
        """
        if every not in self.periods:
            self.periods.append(every)
            k = len(self.periods) - 1
            self.equations += [f"period{k} : 1 (shared, constant)", f"ahead{k} : 1 (shared, constant)"]
            self.values |= {f"period{k}": float(every), f"ahead{k}": float(first % every + 1)}
        k = self.periods.index(every)
        return f"(t_in_timesteps + ahead{k}) % period{k} == 0"

    @property
    def length(self) -> int:
        """The number of values of a variable."""
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

    def let_reset(self, first: int, resets: Sequence[int]) -> None:
        """Give variables that are ``kept``, but for streams, their values of now again before each of the ``resets``.

        ``began`` is then the step of the last one, below 0 where none was in this program.
        """
        self.equations += ["began : integer", "reset_piece : integer"]
        self.values |= {"began": -(2**30), "reset_piece": bisect_left(resets, first)}
        self.events["resetting"] = "reset_steps(reset_piece*dt) == t_in_timesteps"
        self.reset = ["began = t_in_timesteps", "reset_piece = reset_piece + 1"]
        for name in self.kept:
            if name in self.streams:
                continue
            if name in self.values:
                self.parameter(f"first_{name}", np.broadcast_to(self.values[name], self.size))
                self.reset.append(f"{name} = first_{name}")
            else:
                self.reset.append(f"{name} = {'False' if f'{name} : boolean' in self.equations else 0}")


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
        """The number of values of a variable."""
        return len(self.i)


Owner = Group | SynapseGroup


@dataclass
class Monitor:
    """Records one probe: in every step, or at ``event`` of its owner, that of the steps that are due."""

    name: str
    key: str
    owner: str
    variable: str
    record: np.ndarray
    every: int
    event: str = ""


@dataclass
class Parts:
    """A whole program.

    Where the network's learning is ``frozen`` at times, intervals from first to last step (exclusive), owners that
    learn keep a shared flag; before the steps ``resets`` groups are reset. ``first`` is the step at which the program
    starts: its own steps count from there, so that no number in it grows with the length of what went before. ``late``
    names, by group and delay, the tables of post spikes from before, which reach synapses later. ``most``: the most
    spikes of a neuron in a step, of sources.
    """

    frozen: tuple[tuple[int, int], ...] = ()
    resets: tuple[int, ...] = ()
    first: int = 0
    most: dict[str, int] = field(default_factory=dict)
    late: dict[tuple[str, int], str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    tables: dict[str, np.ndarray] = field(default_factory=dict)
    synapses: list[SynapseGroup] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    monitors: list[Monitor] = field(default_factory=list)

    def most_of(self, populations: Iterable[str]) -> int:
        """The most spikes of a neuron of these populations in a step."""
        return max((self.most.get(name, 1) for name in populations), default=1)

    @property
    def owners(self) -> list[Owner]:
        """All objects with variables."""
        return [*self.groups, *self.synapses]

    def calls(self, function: str) -> bool:
        """Whether any code that runs in every step, or any equation of a group, calls a function."""
        lines = [
            *(line for o in self.operations for line in o.code),
            *(line for g in self.groups for line in g.equations),
        ]
        return any(f"{function}(" in line for line in lines)

    @property
    def freezes(self) -> bool:
        """Whether learning is frozen in some steps."""
        return bool(self.frozen)

    def since_reset(self, delay: int | str) -> str:
        """The condition, at a synapse, that what was sent ``delay`` steps ago was not sent before a reset."""
        return f"t_in_timesteps - began_post >= {delay}" * bool(self.resets)

    @property
    def before_resets(self) -> str:
        """The further condition, on a group, that no reset was in this program."""
        return " and began < 0" * bool(self.resets)

    def let_reset(self) -> None:
        """Let all groups be reset; after they have their variables, and before these have other values."""
        if self.resets:
            self.tables["reset_steps"] = padded(np.asarray(self.resets, dtype=float) - self.first, NEVER)
            for group in self.groups:
                group.let_reset(self.first, self.resets)

    def follow(self, owner: Owner, table: str, steps: np.ndarray, piece: str = "piece", shared: bool = False) -> str:
        """Declare ``piece`` on an owner, the number of the rising ``steps`` so far; returns the code that renews it."""
        self.tables[f"{table}_steps"] = padded(np.asarray(steps, dtype=float) - self.first, NEVER)
        owner.equations.append(f"{piece} : integer" + " (shared)" * shared)
        owner.values[piece] = int(np.searchsorted(steps, self.first))
        return f"{piece} = {piece} + int({table}_steps({piece}*dt) == t_in_timesteps)"

    def let_freeze(self, owner: Owner, flag: str = "learns") -> None:
        """Declare ``flag`` on an owner, true in the steps in which the network learns, and keep it up to date.

        It is set first in a step. On synapses it needs another name than on their neurons.
        """
        declaration, piece = f"{flag} : boolean (shared)", f"{flag}_piece"
        if not self.freezes or declaration in owner.equations:
            return
        owner.equations.append(declaration)
        # It changes at each of these steps; where one interval ends as the next begins, it does not.
        bounds, times = np.unique(np.array(self.frozen), return_counts=True)
        code = [self.follow(owner, "freezing", bounds[times == 1], piece, shared=True), f"{flag} = {piece} % 2 == 0"]
        self.operations.append(Operation(f"{owner.name}_{flag}", owner.name, code, "groups", -1000))
