"""Models by name (entry point group ``ernsnn.models``), from a Python file or a NIR file, and their sessions."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from ernsnn.analyse.summary import Summary as Summary
from ernsnn.analyse.summary import TimeMark as TimeMark
from ernsnn.backend.discovery import discover
from ernsnn.describe.network import Network
from ernsnn.describe.trials import Trials
from ernsnn.errors import InvalidModel, unknown
from ernsnn.files import absolute
from ernsnn.graph.graph import Graph
from ernsnn.studies.sessions import Session as Session

GROUP = "ernsnn.models"
NIR_SUFFIX = ".nir"
_SESSION_ONLY = ("input", "demo")


@dataclass(frozen=True, eq=False)
class Model:
    """A module with ``build(**parameters) -> Network``.

    One that reads input files or has a demonstration has ``session(*, input, demo, **parameters) -> Session`` too.
    ``name`` is a registered name, or the path of a file.
    """

    name: str
    module: ModuleType
    file: Path | None = None

    @property
    def description(self) -> str:
        """The first line of the module's docstring."""
        return (inspect.getdoc(self.module) or "").partition("\n")[0]

    @property
    def has_session(self) -> bool:
        """Whether it takes an input file or has a demonstration."""
        return hasattr(self.module, "session")

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """The parameters of ``session``, and those of ``build`` where ``session`` passes them on or does not exist."""
        named: dict[str, inspect.Parameter] = {}
        for signature in self._signatures():
            for name, parameter in signature.parameters.items():
                if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                    named.setdefault(name, parameter)
        return {name: p for name, p in named.items() if not (self.has_session and name in _SESSION_ONLY)}

    @property
    def takes_any(self) -> bool:
        """Whether it accepts parameters of any name."""
        return all(_passes_on(signature) for signature in self._signatures())

    def open(
        self,
        *,
        input: Path | None = None,  # noqa: A002 - the argument's name
        demo: bool = False,
        **parameters: Any,
    ) -> Session:
        """The session of these parameters; without a ``session`` of its own the model is built as it is.

        Raises InvalidModel, naming the model and the cause, on every error within it.
        """
        for name in parameters:
            if name not in self.parameters and not self.takes_any:
                raise InvalidModel(unknown(f"{self.name}: no parameter", name, self.parameters))
        if not self.has_session:
            if input is not None or demo:
                given = "demonstration" if demo else "input file"
                raise InvalidModel(f"{self.name}: takes no {given}; a model that does has a function `session`")
            session = Session(network=self._call("build", parameters))
        else:
            session = self._call("session", {"input": input, "demo": demo, **parameters})
            if not isinstance(session, Session):
                raise InvalidModel(f"{self.name}: session must return a Session, got {type(session).__name__}")
        if not isinstance(session.network, Network):
            raise InvalidModel(f"{self.name}: build must return a Network, got {type(session.network).__name__}")
        if not isinstance(session.trials, Trials | None):
            raise InvalidModel(f"{self.name}: Session.trials must be Trials, got {type(session.trials).__name__}")
        return session

    def _signatures(self) -> list[inspect.Signature]:
        build = inspect.signature(self.module.build)
        session = inspect.signature(self.module.session) if self.has_session else None
        return [build] if session is None else [build, session] if _passes_on(session) else [session]

    def _call(self, function: str, arguments: Mapping[str, Any]) -> Any:
        called = getattr(self.module, function)
        try:
            inspect.signature(called).bind(**arguments)
        except TypeError as error:
            raise InvalidModel(f"{self.name}: {function}: {error}; give it with --set NAME=VALUE") from None
        with _guarded(self.name, self.file, function):
            return called(**arguments)


def _passes_on(signature: inspect.Signature) -> bool:
    return any(p.kind == p.VAR_KEYWORD for p in signature.parameters.values())


def model_names() -> list[str]:
    """The names of all registered models, loadable or not."""
    return list(discover(GROUP))


def get_model(name: str) -> Model:
    """The model of that name, or in that file.

    Raises InvalidModel, with the cause in one line, where it does not load.
    """
    loaders = discover(GROUP)
    if name in loaders:
        with _guarded(name, None, "the plug-in does not load"):
            module = loaders[name]()
        return _checked(Model(name, module))
    file = Path(name)
    absolute(file)
    if file.suffix == NIR_SUFFIX:
        from ernsnn.studies.nir_models import nir_module  # which most models do without

        return Model(name, nir_module(name, file), file)
    if file.suffix != ".py" and not file.is_file():
        raise InvalidModel(
            unknown("no model", name, loaders) + " - a model of your own is a file that ends in .py or .nir"
        )
    return _checked(Model(name, load_file(name, file), file))


def session_of(graph: Graph, notes: Mapping[str, Any], model: str | None, given: Path | None) -> Session | None:
    """The session of a saved run, built again from ``model`` and the input file ``given``.

    No path in a saved run is opened: the user names code and input. Without ``model``, the installed model that the run
    names is used if it had no input file. Returns None if there is no such model, or if it builds another network now.
    Raises InvalidModel if a ``model`` that the user names does not fit the run.
    """
    name, had_input = notes.get("model") if model is None else model, bool(notes.get("input"))
    if given is not None and (not had_input or (model is None and name not in model_names())):
        raise InvalidModel(f"--input {given}: " + ("give --model, which reads it" if had_input else "the run had none"))
    if model is None and (name not in model_names() or had_input != (given is not None)):
        return None
    parameters, demo = notes.get("parameters", {}), notes.get("demo", False)
    try:
        if not isinstance(parameters, dict) or not isinstance(demo, bool):
            raise InvalidModel(f"{name}: what the run notes of its parameters is damaged")
        session = get_model(str(name)).open(input=given, demo=demo, **parameters)
        sizes = {p.name: p.size for p in session.network.populations.values()}
        same = sizes == {p.name: p.size for p in graph.populations}
        if not same or session.lowered(graph.seed).digest != graph.digest:
            raise InvalidModel(f"{name}: makes another network than that which was run")
    except InvalidModel:
        if model is None:
            return None
        raise
    return session


def _checked(model: Model) -> Model:
    if not callable(getattr(model.module, "build", None)):
        raise InvalidModel(f"{model.name}: has no function `build(...)` that returns a Network")
    return model


class _AsItIs(SourceFileLoader):
    """Loads a file without Python's cache of its code, which is compared with the file by size and second only."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the text of the file."""
        return self.source_to_code(self.get_data(self.path), self.path)


def load_file(name: str, file: Path) -> ModuleType:
    """Load a user's file as a module. Raises InvalidModel, with the cause, where it does not load."""
    absolute(file)
    if not file.is_file():
        raise InvalidModel(f"{name}: no such file")
    if file.suffix != ".py":
        raise InvalidModel(f"{name}: is no Python file; a model is a file that ends in .py")
    loader = _AsItIs(f"ernsnn_model_{file.stem}", str(file))
    spec = importlib.util.spec_from_file_location(loader.name, file, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    with _guarded(name, file, "the file does not load"):
        loader.exec_module(module)
    return module


@contextmanager
def _guarded(name: str, file: Path | None, what: str) -> Iterator[None]:
    """Turn every error of a model into an InvalidModel of one line, and print what it prints to stderr.

    Modules beside a model's file can be imported meanwhile.
    """
    neighbours = [] if file is None else [str(file.resolve().parent)]
    sys.path.extend(neighbours)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except InvalidModel as error:
        raise InvalidModel(str(error) if str(error).startswith(f"{name}:") else f"{name}: {error}") from error
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
        own = str(file.resolve()) if file else ""
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if os.path.realpath(f.filename) == own]
        where = f" (line {lines[-1]})" if lines else ""
        raise InvalidModel(f"{name}: {what}: {cause}{where}") from error
    finally:
        for neighbour in neighbours:
            sys.path.remove(neighbour)
