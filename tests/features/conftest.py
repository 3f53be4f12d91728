"""Parametrisation: every test here that runs a network (by_hand.run) does so on every backend that has its feature.

The backends decide: a module may have a function ``having`` that gives a small network with its feature, and backends
without issues on this network take part. For those in ``SLOW`` its tests are among the slow ones, and so are all but
its first test for those that take much of a second a run.
"""

from __future__ import annotations

from types import CodeType, FunctionType

import by_hand
import engines
import pytest

import ernsnn as ern

_COSTLY, _begun = {"brian2"}, set()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if reaches_run(metafunc.function):
        having = getattr(metafunc.module, "having", None)
        graph = None if having is None else ern.lower(having(), 1)
        slow = set(getattr(metafunc.module, "SLOW", ()))
        if metafunc.module.__name__ in _begun:
            slow |= _COSTLY
        _begun.add(metafunc.module.__name__)
        metafunc.parametrize("on_backend", [_parameter(n, n in slow) for n in engines.having(graph)], indirect=True)


def _parameter(name: str, slow: bool) -> object:
    missing = engines.get_backend(name).missing()
    marks = [pytest.mark.skip(reason=missing)] if missing else []
    marks += [pytest.mark.nest] * (name == "nest") + [pytest.mark.slow] * slow
    return pytest.param(name, marks=marks)


@pytest.fixture(autouse=True)
def on_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(request, "param"):
        return
    monkeypatch.setattr(by_hand, "backend", request.param)
    if request.param == "nest":
        request.getfixturevalue("simulators")


def reaches_run(function: object) -> bool:
    """Whether a function of these modules runs a network, itself or by what it calls."""
    seen: set[int] = set()

    def search(found: object) -> bool:
        if found is by_hand.run:
            return True
        if isinstance(found, type):
            return found.__module__ == "by_hand" and any(map(search, vars(found).values()))
        if not isinstance(found, FunctionType) or id(found) in seen:
            return False
        seen.add(id(found))
        return any(search(found.__globals__.get(name)) for name in _names(found.__code__))

    return search(function)


def _names(code: CodeType) -> set[str]:
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return {*code.co_names, *(name for c in inner for name in _names(c))}
