"""Random integer networks for property tests: structure is drawn by Hypothesis, numbers come from one drawn seed."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from ernsnn.hardware_backends.loihi.arithmetic.integers import (
    Astrocyte,
    Cells,
    Connection,
    IntegerNetwork,
    Operand,
    Product,
    Rule,
    Source,
    Trace,
)

BOUNDS = {"MIXED": (-256, 255), "EXCITATORY": (0, 255), "INHIBITORY": (-255, 0)}


class _Builder:
    def __init__(self, draw, rng, steps):
        self.draw, self.rng, self.steps = draw, rng, steps
        self.sizes: dict[str, int] = {}

    def integer(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def source(self, name):
        size = self.sizes[name] = self.draw(st.integers(1, 6))
        steps, neurons = np.nonzero(self.rng.random((self.steps, size)) < self.rng.uniform(0.05, 0.4))
        return Source(name, size, steps, neurons)

    def cells(self, name):
        size = self.sizes[name] = self.draw(st.integers(1, 6))
        return Cells(
            name=name,
            size=size,
            du=self.draw(st.sampled_from([0, 4095, self.integer(1, 4094)])),
            dv=self.draw(st.sampled_from([0, 4095, self.integer(1, 4094)])),
            vth=self.draw(st.sampled_from([0, self.integer(1, 2000), self.integer(1, 2000), 131071])),
            bias=self.rng.integers(-4096, 4097, size) if self.draw(st.booleans()) else np.zeros(size, dtype=int),
            bias_exp=self.integer(0, 7),
            refractory=self.draw(st.integers(0, 4)),
        )

    def slice(self, population):
        size = self.draw(st.integers(1, self.sizes[population]))
        return self.integer(0, self.sizes[population] - size), size

    def connection(self, name, pre, post, rule=None):
        (pre_start, n_pre), (post_start, n_post) = self.slice(pre), self.slice(post)
        shape = (n_post, n_pre)
        mode = self.draw(st.sampled_from(list(BOUNDS)))
        bits = self.draw(st.integers(1, 8))
        unit = 1 << (8 - bits + (mode == "MIXED"))
        low, high = BOUNDS[mode]
        weights = self.rng.integers(-(-low // unit), high // unit, shape, endpoint=True) * unit
        exponent = self.draw(st.sampled_from([0, self.integer(-6, 3), self.integer(-6, 3), 17]))
        delays = self.draw(st.sampled_from([1, self.integer(1, 5)])) if rule is None else 1
        if self.draw(st.booleans()):
            delays = self.rng.integers(0, 2 if rule else 6, shape)
            weights[delays == 0] = 0
        more = {}
        if rule:
            tag = self.rng.integers(-257, 255, shape, endpoint=True) * (np.asarray(delays) > 0)
            more = {
                "tag": self.draw(st.sampled_from([None, tag, np.where(tag < 0, -257, 255) * (np.asarray(delays) > 0)])),
                "order": self.draw(st.sampled_from(["spinnaker", "loihi"])),
                "post_delay": self.draw(st.sampled_from([1, self.integer(0, 4)])),
            }
        return Connection(name, pre, post, pre_start, post_start, weights, exponent, bits, mode, delays, rule, **more)

    def rule(self, senders):
        draw = self.draw
        third = {name: draw(st.sampled_from(senders)) for name in ("y1", "y2", "y3") if senders and draw(st.booleans())}
        names = [name for name in ("x1", "x2", "y1", "y2", "y3") if name not in third and draw(st.booleans())]
        tau = lambda: draw(st.sampled_from([0, 0.7, self.integer(1, 5), float(self.rng.uniform(1, 30)), 65535]))  # noqa: E731
        traces = {name: Trace(self.integer(0, 127), tau()) for name in names}
        every = f"u{draw(st.integers(0, 3))}"
        events = draw(st.sampled_from([["x0", "y0"], ["y0"], ["x0"], ["x0", "y0", every], [every]]))
        series = lambda least: tuple(  # noqa: E731
            self.product(draw(st.sampled_from(events)), [*names, *third]) for _ in range(draw(st.integers(least, 3)))
        )
        return Rule(
            dw=series(1),
            dt=series(0),
            dd=series(0),
            traces=traces,
            third=third,
            epoch=draw(st.sampled_from([1, 1, 2, 4])),
            seed=self.integer(0, 2**31),
        )

    def product(self, event, traces):
        parts = tuple(self.part(event, traces) for _ in range(self.draw(st.integers(0, 4))))
        mantissa = self.draw(st.sampled_from([-8, self.integer(-7, 7)]))
        width = sum({"0": 1}.get(p.variable[1:], 7 if p.variable[1:] else 9) for p in parts)
        # Around where products are of the size of a weight.
        exponent = min(8, max(-7, max(0, width - 11) - width * 3 // 4 + self.integer(-1, 5)))
        if mantissa == -8 or mantissa * np.prod([p.sign for p in parts]) == 8:
            exponent = min(exponent, 7)
        return Product(mantissa, exponent, event, parts)

    def part(self, event, traces):
        coincidence = {"x0": ["y0"], "y0": ["x0"]}.get(event, [])
        variable = self.draw(st.sampled_from(["w", "t", "d", *traces, *traces, *traces, *coincidence]))
        if variable[1:] == "0":
            return Operand(variable)
        constant = self.draw(st.sampled_from([0, 0, self.integer(-300, 300)]))
        if variable in ("w", "t", "d") and self.draw(st.booleans()):
            return Operand(variable, 1, constant, sgn=True)
        # Lava cannot read (0 - var).
        return Operand(variable, -1 if constant and self.draw(st.booleans()) else 1, constant)

    def astrocyte(self, name):
        members = []
        for population in self.draw(st.lists(st.sampled_from(list(self.sizes)), min_size=1, max_size=3)):
            start, size = self.slice(population)
            members.append((population, start, start + size))
        threshold = self.draw(st.sampled_from([None, self.integer(1, 300)]))
        off = self.draw(st.sampled_from([None, self.integer(0, threshold or 0)])) if threshold else None
        return Astrocyte(
            name=name,
            decay=self.integer(0, 2000),
            gain=self.integer(0, 100),
            threshold=threshold,
            threshold_off=off,
            level=self.integer(0, 127),
            shift=self.integer(0, 4),
            members=tuple(members),
        )


@st.composite
def integer_networks(draw, *, steps: int, plastic: bool = True) -> IntegerNetwork:
    """One or two sources, one to three populations, static connections, and plastic ones with any rule if asked for."""
    make = _Builder(draw, np.random.default_rng(draw(st.integers(0, 2**32 - 1))), steps)
    sources = tuple(make.source(f"in{k}") for k in range(draw(st.integers(1, 2))))
    cells = tuple(make.cells(f"c{k}") for k in range(draw(st.integers(1, 3))))
    astrocytes = tuple(make.astrocyte(f"a{k}") for k in range(draw(st.integers(0, 2)) if plastic else 0))
    everyone, targets = list(make.sizes), [c.name for c in cells]
    ends = lambda: (draw(st.sampled_from(everyone)), draw(st.sampled_from(targets)))  # noqa: E731
    connections = [make.connection(f"drive{k}", draw(st.sampled_from(sources)).name, t) for k, t in enumerate(targets)]
    connections += [make.connection(f"s{k}", *ends()) for k in range(draw(st.integers(0, 2)))]
    for k in range(draw(st.integers(1, 2)) if plastic else 0):
        connections.append(make.connection(f"p{k}", *ends(), make.rule([a.name for a in astrocytes])))
    return IntegerNetwork(sources, cells, tuple(draw(st.permutations(connections))), astrocytes, {})
