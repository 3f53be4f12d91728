r"""The neurons of NIR as ours, and ours as NIR's.

NIR's neurons are differential equations without a step. Both ways of stepping them over dt,

.. math::
    V \leftarrow \beta V + (1 - \beta)(v_{leak} + r I), \qquad I \leftarrow \alpha I + (1 - \alpha) w_{in} x

with x held over the step, are one recursion: Euler's with beta = 1 - dt/tau, the exact one with beta = exp(-dt/tau).
Ours are exact, so that Euler's time constant is that whose exact step is the same: tau' = -dt/log(1 - dt/tau).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.neurons import LIF, Neuron
from ernsnn.describe.neurons.leaky_integrator import LeakyIntegrator
from ernsnn.describe.neurons.soft_reset import SoftResetLIF
from ernsnn.errors import InvalidModel, quoted
from ernsnn.interchange.nodes import NEURONS, READOUTS, Node

INSTANT = 2.0**-10
"""A time constant in steps of which nothing is left after a step: exp(-1024) is 0 in double precision."""
FORGETFUL = 1 / 40
"""The same of a membrane that a current moves from the next step on, of which this much must reach it: exp(-40) of a
number is less than its last digit."""
ENDLESS = 2.0**60
"""A time constant in steps of which a step takes nothing: exp(-2^-60) is 1 in double precision."""
STRICT = 2.0**-40
"""NIR's neurons spike above their threshold, ours at it: ours is higher by this part, more than rounding amounts to and
less than numbers of single precision tell apart."""
RESETS = ("value", "late_value", "subtraction", "late_subtraction")
INTEGRATIONS = ("euler", "exact")


@dataclass(frozen=True, eq=False)
class Stepping:
    """How neurons of NIR are stepped: dt in ms, the way of integration and reset, and our network's scheme."""

    dt_ms: float
    integration: str
    reset: str | Mapping[str, str] | None
    scheme: str

    @property
    def shortest(self) -> float:
        """The time constant in ms of a membrane without memory."""
        return (INSTANT if self.scheme == "step_average" else FORGETFUL) * self.dt_ms


@dataclass(frozen=True, eq=False)
class Made:
    """Our neurons of a node, and by what weights onto each are multiplied: one number, or one a neuron.

    ``current_nA`` is the constant current into each that a constant input of 1 becomes in the end.
    """

    model: Neuron
    scale: np.ndarray
    current_nA: np.ndarray


def tau_of(path: str, tau_s: np.ndarray, dt_ms: float, integration: str) -> np.ndarray:
    """Our time constants in ms. Raises InvalidModel, naming ``path``, where Euler's steps are longer than they."""
    steps = tau_s * 1000.0 / dt_ms
    if integration == "euler":
        if (steps < 1 - 1e-6).any():
            raise InvalidModel(
                f"{path}: {steps.min() * dt_ms:.6g} ms is shorter than the step of {dt_ms:g} ms, which Euler's method "
                "cannot follow; choose a shorter dt_ms, or integration='exact'"
            )
        with np.errstate(divide="ignore"):
            steps = -1.0 / np.log1p(-1.0 / np.maximum(steps, 1.0))
    return np.clip(steps, INSTANT, ENDLESS) * dt_ms


def tau_from(tau_ms: Any, dt_ms: float, integration: str) -> np.ndarray:
    """The inverse of ``tau_of``, in s."""
    steps = np.asarray(tau_ms, np.float64) / dt_ms
    if integration == "euler":
        steps = -1.0 / np.expm1(-1.0 / steps)
    return steps * dt_ms / 1000.0


def _decay(tau_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    return np.exp(-dt_ms / tau_ms)


def made_of(node: Node, how: Stepping) -> Made:
    """Our neurons of a node. Raises InvalidModel, naming the node, where there are none."""
    dt, numbers = how.dt_ms, {name: _flat(node.numbers(name)) for name in _names(node)}
    r, rest = numbers.get("r", np.ones(())), numbers.get("v_leak", np.zeros(()))
    tau_key = "tau" if "tau" in numbers else "tau_mem"
    endless = node.type in ("IF", "I")
    if endless:
        tau = np.array(ENDLESS * dt)
        drive = r * (dt / 1000.0)
    elif node.type == "Threshold":
        tau, drive = np.array(how.shortest), np.ones(())
    else:
        tau = np.maximum(tau_of(f"{node.name}.{tau_key}", numbers[tau_key], dt, how.integration), how.shortest)
        drive = r * -np.expm1(-dt / tau)
    synapse = numbers.get("tau_syn")
    tau_syn = (
        np.array(INSTANT * dt) if synapse is None else tau_of(f"{node.name}.tau_syn", synapse, dt, how.integration)
    )
    # A held input of 1 moves V by ``drive`` in a step. cm makes R I do so, unless r has a sign, which weights take.
    resistance = r if node.type != "Threshold" and (r > 0).all() else np.ones(())
    cm = (1000.0 if endless else tau) / resistance
    moves = tau / cm * -np.expm1(-dt / tau)
    share = drive / moves * numbers.get("w_in", np.ones(()))
    scale = share / added(how.scheme, dt, tau, tau_syn)
    values = {"cm_nF": cm, "tau_m_ms": tau, "v_rest_mV": rest, "tau_syn_E_ms": tau_syn, "tau_syn_I_ms": tau_syn}
    return Made(_model(node, values, numbers, how), scale, share)


def always(dt_ms: float) -> LIF:
    """A neuron without memory that a constant current makes spike in every step."""
    instant = dict.fromkeys(("cm_nF", "tau_m_ms", "tau_syn_E_ms", "tau_syn_I_ms"), INSTANT * dt_ms)
    return LIF(**instant, v_rest_mV=0.0, v_threshold_mV=0.5, v_reset_mV=0.0, i_offset_nA=1.0)


def summing(how: Stepping) -> Made:
    """Neurons without memory or spikes, whose V is what reaches them in a step."""
    tau, currents = how.shortest, INSTANT * how.dt_ms
    adds = added(how.scheme, how.dt_ms, np.array(tau), np.array(currents))
    model = LeakyIntegrator(cm_nF=tau, tau_m_ms=tau, v_rest_mV=0.0, tau_syn_E_ms=currents, tau_syn_I_ms=currents)
    return Made(model, 1 / adds, np.ones(()))


def _names(node: Node) -> tuple[str, ...]:
    return NEURONS[node.type]


def _flat(value: np.ndarray) -> np.ndarray:
    return value.reshape(-1) if value.size > 1 else value.reshape(())


def added(scheme: str, dt: float, tau_m: np.ndarray, tau_s: np.ndarray) -> np.ndarray:
    """What a spike of weight 1 adds to V in the first step in which it acts, in parts of what x = 1 of NIR adds."""
    if scheme == "step_average":
        return tau_s / dt
    made: np.ndarray = _gain(dt, tau_m, tau_s) / (tau_m * np.expm1(-dt / tau_m) * np.expm1(-dt / tau_s))
    return made


def _gain(dt: float, tau_m: np.ndarray, tau_s: np.ndarray) -> np.ndarray:
    """What a current that decays from 1 adds to V in an exact step, times cm (see ``describe.neurons.lif``)."""
    delta = dt * np.abs(tau_s - tau_m) / (tau_s * tau_m)
    relative = np.where(delta > 0, -np.expm1(-delta) / np.where(delta > 0, delta, 1.0), 1.0)
    gain: np.ndarray = dt * np.exp(-dt / np.maximum(tau_s, tau_m)) * relative
    return gain


def _model(node: Node, values: Mapping[str, np.ndarray], numbers: Mapping[str, np.ndarray], how: Stepping) -> Neuron:
    kind: type[Any] = LIF
    more: dict[str, np.ndarray] = {}
    if node.type in READOUTS:
        kind = LeakyIntegrator
    elif node.type == "Threshold":
        threshold = numbers["threshold"]
        more = {"v_threshold_mV": _above(threshold, threshold - 1), "v_reset_mV": np.minimum(threshold - 1, 0.0)}
    else:
        threshold, reset = numbers["v_threshold"], numbers["v_reset"]
        spikes_at = _above(threshold, reset)
        word = reset_of(node, how.reset)
        if word == "late_value":
            more["tau_refrac_ms"] = np.array(how.dt_ms)
        elif word != "value":
            kind = SoftResetLIF
            amount = threshold - reset
            if word == "late_subtraction":
                left = _decay(values["tau_m_ms"], how.dt_ms)
                if (left < 1e-9).any():
                    raise InvalidModel(
                        f"{node.name}: keeps nothing over a step, so that nothing can be subtracted a step late; give "
                        "reset='subtraction' or 'value'"
                    )
                amount = amount / left
            reset = spikes_at - amount
        more |= {"v_threshold_mV": spikes_at, "v_reset_mV": reset}
    made = {name: v if v.ndim and np.ptp(v) else float(v.flat[0]) for name, v in {**values, **more}.items()}
    try:
        model: Neuron = kind(**made)
    except InvalidModel as problem:
        raise InvalidModel(f"{node.name}: {problem}") from None
    return model


def reset_of(node: Node, given: str | Mapping[str, str] | None) -> str:
    """How a neuron resets: as ``given``, else as the node's metadata say under "reset", else to its v_reset.

    Raises InvalidModel on an unknown word in the metadata.
    """
    said = given.get(node.name) if isinstance(given, Mapping) else given
    word = node.metadata.get("reset", "value") if said is None else said
    if word not in RESETS:
        raise InvalidModel(f"{node.name}: reset must be one of {', '.join(RESETS)}, got {quoted(word)}")
    return str(word)


def _above(threshold: np.ndarray, reset: np.ndarray) -> np.ndarray:
    size = np.maximum(np.abs(threshold), np.abs(threshold - reset))
    higher: np.ndarray = threshold + STRICT * size
    return higher


def at(spikes_at: np.ndarray, reset: np.ndarray) -> np.ndarray:
    """The inverse of ``_above``, to the last digits."""
    size = np.maximum(np.abs(spikes_at), np.abs(spikes_at - reset))
    lower: np.ndarray = spikes_at - STRICT * size
    return lower
