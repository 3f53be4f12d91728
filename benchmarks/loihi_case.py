"""The Loihi emulator beside Lava, whose numbers it has: time per step of the same integer networks."""

from __future__ import annotations

import statistics
import time

import numpy as np

from ernsnn.hardware_backends.loihi.arithmetic.integers import (
    Cells,
    Connection,
    IntegerNetwork,
    Operand,
    Product,
    Rule,
    Source,
    Trace,
)
from ernsnn.hardware_backends.loihi.emulator.emulator import Emulator
from ernsnn.hardware_backends.loihi.lava.run import missing, run_on_lava

STDP = Rule(
    dw=(Product(4, -3, "y0", (Operand("x1"),)), Product(-5, -3, "x0", (Operand("y1"),))),
    dt=(),
    dd=(),
    traces={"x1": Trace(64, 20.0), "y1": Trace(64, 20.0)},
    third={},
    epoch=1,
    seed=1,
)
LATCH = Rule(
    dw=(
        Product(1, -6, "y0", (Operand("x1"), Operand("t", -1, 255))),
        Product(-1, -6, "x0", (Operand("y1"), Operand("t", -1, 255))),
    ),
    dt=(
        Product(1, -1, "y0", (Operand("x1"),)),
        Product(1, 0, "u0", (Operand("t", 1, -64, sgn=True),)),
        Product(-1, -3, "u0", (Operand("t", sgn=True),)),
        Product(1, 0, "u0"),
    ),
    dd=(),
    traces={"x1": Trace(64, 4.0), "y1": Trace(64, 4.0)},
    third={},
    epoch=1,
    seed=1,
)
STEPS = 20_000


def _source(name: str, size: int, rate: float, rng: np.random.Generator) -> Source:
    steps = np.repeat(np.arange(STEPS), rng.binomial(size, rate, STEPS))
    return Source(name, size, steps, rng.integers(0, size, len(steps)))


def plastic(rule: Rule, size: int = 1024, rate: float = 0.01) -> IntegerNetwork:
    """One plastic all-to-all connection; both sides fire at ``rate`` per step, the post side driven one to one."""
    rng = np.random.default_rng(0)
    cells = Cells("cells", size, 4095, 4095, 60_000, np.zeros(size, dtype=np.int64), 0, 0)
    weights, drive = rng.integers(0, 100, (size, size)), np.diag(np.full(size, 255))
    return IntegerNetwork(
        sources=(_source("in", size, rate, rng), _source("drive", size, rate, rng)),
        cells=(cells,),
        connections=(
            Connection("plastic", "in", "cells", 0, 0, weights, -6, 8, "EXCITATORY", 1, rule, order="loihi"),
            Connection("one to one", "drive", "cells", 0, 0, drive, 8, 8, "EXCITATORY", 1),
        ),
        astrocytes=(),
        scale={},
    )


def twenty(rule: Rule | None, size: int = 64) -> IntegerNetwork:
    """A ring of twenty populations, in which more than half of the neurons fire by themselves."""
    rng = np.random.default_rng(0)
    bias = np.arange(size) % 5 * 20
    cells = tuple(Cells(f"c{k}", size, 400, 200, 100, bias, 3, 2) for k in range(20))
    ring = tuple(
        Connection(f"r{k}", f"c{k}", f"c{(k + 1) % 20}", 0, 0, rng.integers(0, 20, (size, size)), -8, 8,
                   "EXCITATORY", 1, rule, order="loihi")
        for k in range(20)
    )  # fmt: skip
    return IntegerNetwork((), cells, ring, (), {})


def _emulated(network: IntegerNetwork, n: int) -> float:
    """Seconds of the emulator, without compiling."""
    emulator = Emulator(network)
    emulator.advance(100)
    began = time.perf_counter()
    emulator.advance(n)
    return (time.perf_counter() - began) / n


def _lava(network: IntegerNetwork, n: int) -> float:
    """Seconds of Lava without its start: the difference of two runs."""
    times = []
    for steps in (n // 4, n):
        began = time.perf_counter()
        run_on_lava(network, steps)
        times.append(time.perf_counter() - began)
    return (times[1] - times[0]) / (n - n // 4)


def loihi(repeats: int) -> list[dict[str, object]]:
    """The Loihi emulator against Lava (if it is installed), ms per step, in turn; the ratio is the median of pairs."""
    cases = {
        "1024 x 1024, STDP, 1 %": (plastic(STDP), 2000, 80),
        "1024 x 1024, STDP, 5 %": (plastic(STDP, rate=0.05), 1000, 80),
        "1024 x 1024, latching tag, 1 %": (plastic(LATCH), 300, 40),
        "20 x 64, static": (twenty(None), 10_000, 800),
        "20 x 64, STDP": (twenty(STDP), 5000, 400),
    }
    rows: list[dict[str, object]] = []
    for name, (network, steps, lava_steps) in cases.items():
        pairs = []
        for _ in range(repeats):
            pairs.append((_emulated(network, steps), np.nan if missing() else _lava(network, lava_steps)))
        emulated, lava = (statistics.median(column) for column in zip(*pairs, strict=True))
        row: dict[str, object] = {"what": name, "emulator_ms": round(emulated * 1e3, 4)}
        if not missing():
            ratio = statistics.median(b / a for a, b in pairs)
            row |= {"lava_ms": round(lava * 1e3, 1), "ratio": round(ratio, 1)}
        rows.append(row)
    return rows
