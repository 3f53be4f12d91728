"""Checks for integer networks that Lava would refuse, hang on, or silently change."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.errors import InvalidModel

from ..arithmetic.integers import Astrocyte, Cells, Connection, IntegerNetwork, Product, Rule
from ..arithmetic.limits import (
    BIAS_EXPONENT_MAX,
    BIAS_MANTISSA_MAX,
    DECAY_MAX,
    DELAY_MAX,
    EPOCH_EXPONENT_MAX,
    EXPONENT_MAX,
    EXPONENT_MIN,
    MANTISSA_MAX,
    POST_TRACES,
    REFRACTORY_MAX,
    TAG_MAX,
    TAG_MIN,
    THRESHOLD_MAX,
    TRACE_MAX,
    WEIGHT_BITS,
)
from .build import BOUNDS, SYNAPTIC, TRACES, products, reduced


def check(network: IntegerNetwork) -> None:
    """Raise InvalidModel, listing every error of a network."""
    problems = [f"{it.name}: {text}" for it in network.cells for text in _cells(it)]
    problems += [f"{it.name}: {text}" for it in network.astrocytes for text in _astrocyte(it)]
    problems += [f"{it.name}: {text}" for it in network.connections for text in _connection(it, network)]
    if problems:
        raise InvalidModel("\n".join(["no integer network for Loihi:", *problems]))


def _cells(it: Cells) -> Iterator[str]:
    ranges = {"du": DECAY_MAX, "dv": DECAY_MAX, "vth": THRESHOLD_MAX, "bias_exp": BIAS_EXPONENT_MAX}
    ranges |= {"refractory": REFRACTORY_MAX}
    for name, most in ranges.items():
        if not 0 <= getattr(it, name) <= most:
            yield f"{name} must be 0 to {most}, got {getattr(it, name)}"
    if np.any(np.abs(it.bias) > BIAS_MANTISSA_MAX):
        yield f"bias must be -{BIAS_MANTISSA_MAX} to {BIAS_MANTISSA_MAX}"


def _astrocyte(it: Astrocyte) -> Iterator[str]:
    if not 0 <= it.decay <= 4096 or it.gain < 0 or it.shift < 0:
        yield "decay must be 0 to 4096, gain and shift 0 or more"
    if it.threshold is not None and not 0 <= it.level <= TRACE_MAX:
        yield f"level must be 0 to {TRACE_MAX}, got {it.level}"


def _connection(it: Connection, network: IntegerNetwork) -> Iterator[str]:
    low, high = BOUNDS[it.mode]
    unit = 1 << (WEIGHT_BITS - it.bits + (it.mode == "MIXED"))
    if it.weights.size and (it.weights.min() < low or it.weights.max() > high or np.any(it.weights % unit)):
        yield f"weights must be multiples of {unit} in {low} to {high} ({it.mode}, {it.bits} bits)"
    longest, allowed = (
        (1, "plastic delays must be 1 step") if it.rule else (DELAY_MAX, f"delays must be 1 to {DELAY_MAX} steps")
    )
    if np.min(it.delays, initial=1) < 0 or np.max(it.delays, initial=1) > longest:
        yield f"{allowed}, or 0 where there is no synapse"
    if it.rule:
        if it.post_delay < 0:
            yield f"post_delay must be 0 steps or more, got {it.post_delay}"
        if it.tag is not None and (np.min(it.tag, initial=0) < TAG_MIN or np.max(it.tag, initial=0) > TAG_MAX):
            yield f"tags must be {TAG_MIN} to {TAG_MAX}"
        absent = np.broadcast_to(np.asarray(it.delays) == 0, it.weights.shape)
        if np.any(it.weights[absent]) or (it.tag is not None and np.any(it.tag[absent])):
            yield "weights and tags must be 0 where there is no synapse"
        yield from _rule(it.rule, network)


def _rule(rule: Rule, network: IntegerNetwork) -> Iterator[str]:
    if not 1 <= rule.epoch <= 63:
        yield f"the epoch must be 1 to 63 steps, got {rule.epoch}"
    for name, trace in rule.traces.items():
        if not (0 <= trace.impulse <= TRACE_MAX and trace.impulse == int(trace.impulse) and trace.tau >= 0):
            yield f"{name}: the impulse must be whole and 0 to {TRACE_MAX}, tau 0 or more"
    for name, sender in rule.third.items():
        if name not in POST_TRACES or name in rule.traces or sender not in {a.name for a in network.astrocytes}:
            yield f"third factor {name}: must be one of y1, y2, y3, no trace, and sent by an astrocyte"
    if len({p.event for _, p in products(rule) if p.event[0] == "u"}) > 1:
        yield "all products must have the same u_k"
    if not products(rule):
        yield "a rule needs a product"
    for target, product in products(rule):
        yield from (f"d{target}, {product}: {text}" for text in _product(product, rule))


def _product(product: Product, rule: Rule) -> Iterator[str]:
    mantissa, exponent = reduced(product)
    if product.event not in ("x0", "y0", *(f"u{k}" for k in range(EPOCH_EXPONENT_MAX + 1))):
        yield "every product needs x0, y0 or u0 to u9"
    if not -MANTISSA_MAX - 1 <= mantissa <= MANTISSA_MAX or not EXPONENT_MIN <= exponent <= EXPONENT_MAX:
        yield "the mantissa must be -8 to 7, the exponent -7 to 8"
    for part in product.parts:
        if part.sgn and (part.variable not in SYNAPTIC or part.sign < 0):
            yield "sgn is for w, d or t, with a sign of 1"
        if part.variable in TRACES and part.variable not in (*rule.traces, *rule.third):
            yield f"{part.variable} is neither a trace nor a third factor of the rule"
