"""Setting up, running and ending a simulation."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, get_args

from pyNN import common
from pyNN.common.control import DEFAULT_MAX_DELAY, DEFAULT_MIN_DELAY, DEFAULT_TIMESTEP
from pyNN.recording import get_io

from ernsnn.backend.issues import Issues
from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import AUTO, fastest_first, get_backend, names_of
from ernsnn.backend.stepping import SteppedBackend
from ernsnn.describe.arguments import whole
from ernsnn.describe.units import to_single
from ernsnn.errors import InvalidModel, quoted

from . import simulator
from .absent import unsupported
from .codes import CODES
from .hints import without_effect
from .labels import in_labels, labelled
from .runs import graph_of, settings_of
from .simulator import CONVENTIONS, Convention

state = simulator.state

Integration = Literal["exact", "step_average"]
Callback = Callable[[float], float]


def setup(
    timestep: float = DEFAULT_TIMESTEP,
    min_delay: float | str = DEFAULT_MIN_DELAY,
    *,
    backend: str | Backend | None = None,
    current_integration: Integration = "exact",
    convention: Convention = "pynn",
    seed: int = 0,
    **extra_params: Any,
) -> int:
    """Reset the simulator: all parts of an earlier network are removed. Returns 0, the rank of the only process.

    ``timestep`` and ``min_delay`` in ms (``"auto"``: one timestep). ``backend``: any of ernsnn, or ``"auto"``;
    where none is named, the fastest that runs step by step, ``native``.
    ``current_integration``: ``"exact"`` (NEST's and Brian2's) or ``"step_average"`` (SpiNNaker's). ``convention`` says
    what a script's numbers mean:

    - ``"pynn"``: A_plus and A_minus are fractions of w_max, weights of inhibitory synapses are negative, and spikes are
      stamped with the end of their step, as NEST does;
    - ``"spinnaker"``: with additive weight dependence A_plus and A_minus are absolute (nA), weights of inhibitory
      synapses are positive, or all of a projection negative, and spikes are stamped with the beginning of their step.

    ``seed`` fixes all that is drawn without a seed of its own: Poisson inputs, noise, and the numbers of distributions
    and generators. Connectors that are given no generator have PyNN's seed. Further parameters: ``max_delay``, options
    of the backend, and settings of other simulators, which a warning says have no effect. Raises InvalidModel on a
    value that cannot be.
    """
    timestep = _positive("timestep", timestep)
    max_delay = extra_params.get("max_delay", DEFAULT_MAX_DELAY)
    min_delay, max_delay = (
        given if isinstance(given, str) and given == "auto" else _positive(name, given)
        for name, given in (("min_delay", min_delay), ("max_delay", max_delay))
    )
    _in_order(timestep, min_delay, max_delay)
    if (number := whole(seed)) is None:
        raise InvalidModel(f"setup: seed must be a whole number, got {quoted(seed)}; what is drawn comes from it")
    common.setup(timestep, min_delay, **extra_params)
    _one_of("current_integration", current_integration, get_args(Integration))
    _one_of("convention", convention, CONVENTIONS)
    if backend is None:
        backend = next(each for each in fastest_first(lambda each: each.stepwise) if each.missing() is None)
    if not isinstance(backend, str | Backend):
        raise InvalidModel(f"setup: backend must be the name of one, or 'auto', got {backend!r}")
    chosen = None if backend == AUTO else get_backend(backend)
    given = dict(extra_params)
    given.pop("max_delay", None)
    options = {name: given.pop(name) for name in list(given) if chosen and name in chosen.options}
    _without_effect(given, [*inspect.signature(setup).parameters, *(chosen.options if chosen else ())])
    if chosen:
        settings_of(chosen, options)  # raises here what the first run would
    state.configure(timestep, min_delay, max_delay, chosen, current_integration, convention, number, options)
    return 0


def _positive(name: str, value: Any) -> float:
    number = to_single(value, f"setup: {name}")
    if number <= 0:
        raise InvalidModel(f"setup: {name} must be > 0 ms, got {value!r}")
    return number


def _in_order(timestep: float, min_delay: float | str, max_delay: float | str) -> None:
    """Raise InvalidModel where a delay is shorter than a step, or the longest than the shortest."""
    steps = [("timestep", timestep), ("min_delay", min_delay), ("max_delay", max_delay)]
    known = [(name, time) for name, time in steps if not isinstance(time, str)]
    for (lower, low), (upper, high) in pairwise(known):
        if high < low * (1 - 1e-9):
            raise InvalidModel(f"setup: {upper} must be at least {lower}, {low:g} ms, got {high:g}")


def _without_effect(given: Mapping[str, Any], own: Sequence[str]) -> None:
    """Warn of settings of other simulators, and raise InvalidModel on names that are nearly those of ernsnn."""
    for name in given:
        near = difflib.get_close_matches(name, own, n=1, cutoff=0.8)
        if near and near[0] != name:
            raise InvalidModel(f"setup: no parameter {name!r}; did you mean {near[0]!r}?")
    if given:
        warnings.warn(f"setup: {', '.join(given)} of another simulator has no effect here", stacklevel=3)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidModel(f"setup: {name} must be one of {', '.join(allowed)}, got {value!r}")


def name() -> str:
    """The name of the simulator, which scripts for SpiNNaker write under their figures."""
    return simulator.name


def set_number_of_neurons_per_core(neuron_type: Any, max_permitted: Any) -> None:
    """SpiNNaker's hint on placement, which scripts for it give: a warning says that it has no effect."""
    without_effect(f"set_number_of_neurons_per_core({neuron_type.__name__}, {max_permitted})")


def set_number_of_synapse_cores(neuron_type: Any, n_synapse_cores: Any) -> None:
    """SpiNNaker's hint on placement: a warning says that it has no effect."""
    without_effect(f"set_number_of_synapse_cores({neuron_type.__name__}, {n_synapse_cores})")


def set_allow_delay_extensions(neuron_type: Any, allow_delay_extensions: Any) -> None:
    """SpiNNaker's hint on long delays: a warning says that it has no effect."""
    without_effect(f"set_allow_delay_extensions({neuron_type.__name__}, {allow_delay_extensions})")


def end(compatible_output: bool = True) -> None:
    """Write what was to be recorded to files."""
    for population, variables, filename in state.write_on_end:
        population.write_data(get_io(filename), variables)
    state.write_on_end = []


_run, _run_until = common.build_run(simulator)


def run(simtime: float, callbacks: Sequence[Callback] | None = None) -> float:
    """Advance by ``simtime`` ms, a multiple of the timestep; returns the time.

    Each of ``callbacks`` is called with the time, and returns when it wants to be called next. Raises InvalidModel on
    what is no time >= 0.
    """
    return float(_run(_duration("run", simtime, 0.0), callbacks))


def run_until(time_point: float, callbacks: Sequence[Callback] | None = None) -> float:
    """Advance to ``time_point`` (ms), which must not be past; else as ``run``."""
    return float(_run_until(_duration("run_until", time_point, state.t), callbacks))


def _duration(what: str, time_ms: Any, least: float) -> float:
    number = to_single(time_ms, what)
    if number < least - state.dt / 2:
        raise InvalidModel(f"{what}: {number:g} ms is before {least:g} ms; only reset() goes back in time")
    return number


run_for = run
reset = common.build_reset(simulator)
initialize = common.initialize
get_current_time, get_time_step, get_min_delay, get_max_delay, num_processes, rank = common.build_state_queries(
    simulator
)


def check(backend: str | Backend | None = None) -> Issues:
    """Every limit that a run of the script meets, in the script's labels.

    It is one with the backend and the options of ``setup``; of another ``backend``, with its defaults in scripts. To
    the backend's own come Y101 (spike times moved to the end of their step), Y102 (a spike of the time at which it is
    given sent in the next step), Y103 (several spikes of a neuron in a step), Y104 (delays rounded to steps) and Y105
    (spikes given for times that are past). Where the script has cells (Y201) or synapses (Y202) that ernsnn does not
    have, only these are listed.
    """
    chosen = state.backend if backend is None else get_backend(backend)
    if chosen is None:
        raise InvalidModel("check: name a backend; setup has backend='auto'")
    absent = [limit.issue(chosen.name, CODES) for limit in unsupported(state)]
    if absent:
        return Issues(chosen.name, absent)
    state.noted.clear()  # those of parameters that have been changed since
    graph = graph_of(state)
    # Another backend would have to be given options of its own.
    options = state.options if state.backend and chosen.name == state.backend.name else {}
    if not isinstance(chosen, SteppedBackend):
        for path in (f"{p.label}.{variable}" for p in state.populations for variable in p.further_starts):
            message = "does not start where it does by itself, which cannot be set in a program"
            state.note("Y203", path, message, f"use backend {names_of(lambda each: each.stepwise)}")
    with labelled(state.labels):
        issues = chosen.check(graph, **settings_of(chosen, options))
    own = [limit.issue(chosen.name, CODES) for limit in state.noted.values()]
    return Issues(chosen.name, [*own, *(in_labels(issue, state.labels) for issue in issues)])
