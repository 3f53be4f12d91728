"""The third factors of a network: the methods that add them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ernsnn.describe.arguments import checked
from ernsnn.describe.modulators import Astrocyte, CalciumAstrocyte, Domain, Either, Gate, Modulator, Signal
from ernsnn.describe.populations import Population, View, as_view
from ernsnn.describe.stimuli import Schedule
from ernsnn.errors import InvalidModel, quoted

Listening = TypeVar("Listening", bound=Domain)


class ThirdFactors(ABC):
    """What of a network is about third factors: astrocytes, gates and signals, by name."""

    dt_ms: float
    modulators: dict[str, Modulator]

    @abstractmethod
    def _check_name(self, name: str) -> None:
        """Raise InvalidModel where a part of the network has this name already."""

    @abstractmethod
    def _check_own(self, view: View, path: str) -> None:
        """Raise InvalidModel where neurons are not of this network."""

    @checked
    def astrocyte(
        self, name: str, listens_to: Sequence[Population | View], *, tau_ms: float, **options: Any
    ) -> Astrocyte:
        """Add leaky astrocytes that listen to ``listens_to``; the options are those of ``Astrocyte``."""
        return self._listening(Astrocyte, name, listens_to, {"tau_ms": tau_ms, **options})

    @checked
    def calcium_astrocyte(
        self, name: str, listens_to: Sequence[Population | View] = (), **options: Any
    ) -> CalciumAstrocyte:
        """Add astrocytes with calcium dynamics; the options are those of ``CalciumAstrocyte``."""
        return self._listening(CalciumAstrocyte, name, listens_to, options)

    @checked
    def modulator(
        self, name: str, kind: type[Listening], listens_to: Sequence[Population | View], **options: Any
    ) -> Listening:
        """Add astrocytes of any ``kind``, such as ``DoubleExponential``; the options are those of the class."""
        if not isinstance(kind, type) or not issubclass(kind, Domain):
            raise InvalidModel(f"{name}: needs a class of astrocytes, such as ernsnn.Astrocyte, got {quoted(kind)}")
        return self._listening(kind, name, listens_to, options)

    def _listening(
        self, kind: type[Listening], name: str, listens_to: Sequence[Population | View], options: Mapping[str, Any]
    ) -> Listening:
        self._check_name(name)
        views = [as_view(member, f"{name}.listens_to") for member in listens_to]
        for view in views:
            self._check_own(view, name)
        made = kind(name=name, listens_to=views, **options)
        made.check_step(self.dt_ms)
        self.modulators[name] = made
        return made

    @checked
    def gate(
        self,
        name: str,
        *,
        opens: Mapping[Domain, float],
        stays: Mapping[Domain, float] | None = None,
    ) -> Gate:
        """Add a third factor that is 1 while astrocytes agree: see ``Gate``."""
        self._check_name(name)
        gate = Gate(name=name, opens=opens, stays=stays)
        self._check_modulators(gate.opens, name)
        self.modulators[name] = gate
        return gate

    @checked
    def either(self, name: str, factors: Sequence[Modulator]) -> Either:
        """Add a third factor that is the largest of others: see ``Either``."""
        self._check_name(name)
        either = Either(name=name, factors=factors)
        self._check_modulators(either.factors, name)
        self.modulators[name] = either
        return either

    @checked
    def signal(
        self, name: str, schedule: Schedule | None = None, *, times_ms: Any = None, values: Any = None
    ) -> Signal:
        """Add a given third factor: a Schedule, or its ``times_ms`` and ``values``."""
        self._check_name(name)
        if (schedule is None) == (times_ms is None and values is None):
            raise InvalidModel(f"{name}: a signal needs either a Schedule or times_ms and values")
        signal = Signal(name=name, schedule=Schedule(times_ms, values) if schedule is None else schedule)
        self.modulators[name] = signal
        return signal

    def _check_modulators(self, members: Iterable[Modulator], path: str) -> None:
        for member in members:
            if self.modulators.get(member.name) is not member:
                raise InvalidModel(f"{path}: {member.name!r} is not part of this network")
