"""A second implementation of integer networks, in plain Python numbers, one neuron and one synapse at a time.

Written from the formulae of Lava's fixed-point models alone; it shares nothing with the emulator but the description.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

BOUNDS = {"MIXED": (-256, 255), "EXCITATORY": (0, 255), "INHIBITORY": (-255, 0)}
LOW, HIGH = -(2**15) - 1, 2**15 - 1


def clip(value, low, high):
    return max(low, min(high, value))


def truncated(value):
    return int(math.copysign(abs(value) // 4096, value))


def int32(value):
    return (value + 2**31) % 2**32 - 2**31


class Neuron:
    def __init__(self, cells, index):
        self.cells, self.bias = cells, int(cells.bias[index]) << cells.bias_exp
        self.u = self.v = self.wait = 0

    def step(self, arrived):
        u = int32(truncated(self.u * (4096 - (self.cells.du + 1))) + int32(arrived << 6))
        if u > 2**23:
            u -= 2**24
        elif u <= -(2**23):
            u += 2**24
        self.u = u
        if self.wait:
            self.wait -= 1
            return False
        v = int32(truncated(self.v * (4096 - self.cells.dv)) + u + self.bias)
        self.v = clip(v, -(2**23) + 1, 2**23 - 1)
        if self.v > self.cells.vth << 6:
            self.v, self.wait = 0, self.cells.refractory
            return True
        return False


class Glia:
    def __init__(self, astrocyte):
        self.a, self.c, self.on, self.y = astrocyte, 0, False, 0

    def step(self, fired):
        a = self.a
        heard = sum(start <= n < stop for name, start, stop in a.members for n in fired[name])
        self.c = truncated(self.c * (4096 - a.decay)) + a.gain * heard
        if a.threshold is None:
            self.y = min(127, self.c >> a.shift)
        else:
            off = a.threshold if a.threshold_off is None else a.threshold_off
            self.on = self.c >= (off if self.on else a.threshold)
            self.y = a.level if self.on else 0


class Synapses:
    def __init__(self, connection):
        c = self.c = connection
        self.n_post, self.n_pre = c.weights.shape
        self.delay = np.broadcast_to(np.asarray(c.delays), c.weights.shape)
        pairs = [(j, i) for j in range(self.n_post) for i in range(self.n_pre)]
        self.pairs = [(j, i) for j, i in pairs if self.delay[j, i] > 0]
        self.w = {(j, i): int(c.weights[j, i]) for j, i in pairs}
        self.t = {(j, i): 0 if c.tag is None else int(c.tag[j, i]) for j, i in pairs}
        self.d = dict.fromkeys(pairs, 0)
        if c.rule:
            self.traces = {
                k: [0] * (self.n_pre if k[0] == "x" else self.n_post) for k in ("x1", "x2", "y1", "y2", "y3")
            }
            self.last = {"x": [0] * self.n_pre, "y": [0] * self.n_post}
            self.random = {"x": np.random.default_rng(c.rule.seed), "y": np.random.default_rng(c.rule.seed + 2)}
            self.synaptic = np.random.default_rng(2)
            self.draw = {"x": self.random["x"].random(), "y": self.random["y"].random(), "s": self.synaptic.random()}

    def arriving(self, spikes):
        """The arrivals by spikes of one step: {delay: {post: amount}}."""
        sums = defaultdict(lambda: defaultdict(int))
        for j, i in self.pairs:
            if i in spikes:
                sums[int(self.delay[j, i])][j] += self.w[j, i]
        e = self.c.exponent
        return {d: {j: a << e if e > 0 else a >> -e for j, a in row.items()} for d, row in sums.items()}

    def trace(self, name):
        if name in self.c.rule.third:
            return 0, 65535
        trace = self.c.rule.traces.get(name)
        return (trace.impulse, trace.tau) if trace else (0, 0)

    def learn(self, step, pre, post, third):
        """One step; ``pre`` and ``post`` are the neurons whose spikes are heard now."""
        rule, lava_step = self.c.rule, step + 1
        for side, spikes in (("x", pre), ("y", post)):
            for n in spikes:
                if self.last[side][n]:
                    for name, values in self.traces.items():
                        if name[0] == side:
                            values[n] = clip(values[n] + self.trace(name)[0], 0, 127)
                self.last[side][n] = lava_step % rule.epoch or rule.epoch
            self.random[side].random()
            self.draw[side] = self.random[side].random()
        for name, sender in rule.third.items():
            self.traces[name] = [third[sender]] * self.n_post
        if lava_step % rule.epoch == 0:
            self.draw["s"] = self.synaptic.random()
            self.end_of_epoch(lava_step)

    def end_of_epoch(self, lava_step):
        rule = self.c.rule
        history = {name: [list(values)] for name, values in self.traces.items()}
        for name, rows in history.items():
            impulse, tau = self.trace(name)
            for e in range(1, rule.epoch + 1):
                row = []
                for n, x in enumerate(rows[-1]):
                    z = float(np.exp(-1 / np.array([tau]))[0]) * x if tau else 0.0
                    x = math.floor(z) + (self.draw[name[0]] < z % 1)
                    if self.last[name[0]][n] == e:
                        x = clip(x + impulse, 0, 127)
                    row.append(x)
                rows.append(row)
            self.traces[name] = list(rows[-1])
        new = {}
        for target, products in (("w", rule.dw), ("t", rule.dt), ("d", rule.dd)):
            if products:
                new[target] = {pair: self.updated(target, pair, products, history, lava_step) for pair in self.pairs}
        for target, values in new.items():
            getattr(self, target).update(values)
        self.last = {"x": [0] * self.n_pre, "y": [0] * self.n_post}

    def updated(self, target, pair, products, history, lava_step):
        old = getattr(self, target)[pair]
        total = old * 128
        for product in products:
            total = clip(total + self.change(product, pair, history, lava_step), LOW, HIGH)
        if (target == "w" and self.c.mode == "EXCITATORY") or target == "d":
            total = max(total, 0)
        if target == "w" and self.c.mode == "INHIBITORY":
            total = min(total, 0)
        value = math.floor(total / 128) + (self.draw["s"] < (total / 128) % 1)
        return clip(value, *{"w": BOUNDS[self.c.mode], "t": (-257, 255), "d": (0, 255)}[target])

    def change(self, product, pair, history, lava_step):
        j, i = pair
        event = product.event
        if event[0] == "u":
            happens, e = lava_step // self.c.rule.epoch % 2 ** int(event[1:]) == 0, self.c.rule.epoch
        else:
            e = self.last[event[0]][i if event == "x0" else j]
            happens = e > 0
        mantissa, exponent, width = product.mantissa, product.exponent, 4
        value = int(happens)
        for part in product.parts:
            if part.variable in "wtd":
                bits, held = 9, getattr(self, part.variable)[pair]
            elif part.variable[1] == "0":
                bits, held = 1, int(self.last[part.variable[0]][i if part.variable == "x0" else j] > 0)
            else:
                bits, held = 7, history[part.variable][e][i if part.variable[0] == "x" else j]
            mantissa *= part.sign
            held += part.sign * part.constant
            held = (held > 0) - (held < 0) if part.sgn else clip(held, -(2**bits), 2**bits - 1)
            value, width = int32(value * held), width + bits
        while abs(mantissa) > 7 and mantissa % 2 == 0 and exponent < 8:
            mantissa, exponent = mantissa // 2, exponent + 1
        value = int32(value * mantissa) >> max(0, width - 15)
        return clip(value << exponent + 7, LOW, HIGH)


def run(network, n_steps):
    """(spikes, states): {population: [(step, neuron), ...]} and {name: {variable: [values after each step]}}."""
    cells = {c.name: [Neuron(c, k) for k in range(c.size)] for c in network.cells}
    glia = {a.name: Glia(a) for a in network.astrocytes}
    connections = [Synapses(c) for c in network.connections]
    arrivals = defaultdict(int)
    fired: dict[int, dict[str, set[int]]] = {}
    states = defaultdict(lambda: defaultdict(list))
    for step in range(n_steps):
        now = {s.name: {int(n) for t, n in zip(s.steps, s.neurons, strict=True) if t == step} for s in network.sources}
        for name, neurons in cells.items():
            now[name] = {k for k, neuron in enumerate(neurons) if neuron.step(arrivals.pop((step, name, k), 0))}
        fired[step] = now
        for astrocyte in glia.values():
            astrocyte.step(now)
        for s in connections:
            c = s.c

            def heard(at, population, start, size):
                return {n - start for n in fired.get(at, {}).get(population, ()) if start <= n < start + size}

            pre = heard(step, c.pre, c.pre_start, s.n_pre)
            arriving = s.arriving(pre)
            if c.rule:
                post = heard(step - c.post_delay, c.post, c.post_start, s.n_post)
                s.learn(step, pre, post, {name: a.y for name, a in glia.items()})
                if c.order == "spinnaker":
                    arriving = s.arriving(pre)
            for delay, row in arriving.items():
                for j, amount in row.items():
                    arrivals[step + delay, c.post, c.post_start + j] += amount
        for name, neurons in cells.items():
            states[name]["u"].append([n.u for n in neurons])
            states[name]["v"].append([n.v for n in neurons])
        for name, a in glia.items():
            states[name]["c"].append([a.c])
            states[name]["y"].append([a.y])
        for s in connections:
            if s.c.rule:
                for variable in ("w", "t", "d"):
                    held = getattr(s, variable)
                    states[s.c.name][variable].append([[held[j, i] for i in range(s.n_pre)] for j in range(s.n_post)])
                for variable, values in s.traces.items():
                    states[s.c.name][variable].append(list(values))
    spikes = {name: [(t, n) for t in range(n_steps) for n in sorted(fired[t][name])] for name in fired.get(0, {})}
    return spikes, states
