"""The loop over time, in machine code: calls kernels by their addresses, window by window and step by step.

It is written in LLVM's language once, for all networks: which kernels are called with which arrays is data.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ...machine_code import Call, assembled

_TEXT = """
; Calls kernels %from to %to (exclusive) of %kernels, pairs of an address and of the words that it is given, with the
; steps %a to %b. Returns the first result that is not 0, and calls no others then.
define private i64 @calls(ptr %kernels, i64 %from, i64 %to, i64 %a, i64 %b, i64 %worker) {
entry:
  br label %test
test:
  %k = phi i64 [ %from, %entry ], [ %next, %call ]
  %more = icmp slt i64 %k, %to
  br i1 %more, label %call, label %end
call:
  %offset = shl i64 %k, 1
  %p = getelementptr i64, ptr %kernels, i64 %offset
  %q = getelementptr i64, ptr %p, i64 1
  %address = load i64, ptr %p
  %given = load i64, ptr %q
  %kernel = inttoptr i64 %address to ptr
  %words = inttoptr i64 %given to ptr
  %result = call i64 %kernel(ptr %words, i64 %a, i64 %b, i64 %worker)
  %next = add i64 %k, 1
  %fine = icmp eq i64 %result, 0
  br i1 %fine, label %test, label %stop
stop:
  ret i64 %result
end:
  ret i64 0
}

; Runs steps %t to %stop (exclusive) in windows of %window steps, which end at multiples of %every, too. Kernels up to
; %n1 are called for each window, then those up to %n2 for each of its steps, then those up to %n3 at its end. Returns
; the next step: a window is not begun where a kernel of the first ones returns another number than 0.
define i64 @NAME(ptr %kernels, i64 %n1, i64 %n2, i64 %n3, i64 %window, i64 %every, i64 %t, i64 %stop, i64 %worker) {
entry:
  br label %test
test:
  %a = phi i64 [ %t, %entry ], [ %b, %ended ]
  %more = icmp slt i64 %a, %stop
  br i1 %more, label %begin, label %end
begin:
  %longest = add i64 %a, %window
  %past = srem i64 %a, %every
  %whole = sub i64 %a, %past
  %cut = add i64 %whole, %every
  %b1 = call i64 @llvm.smin.i64(i64 %longest, i64 %cut)
  %b = call i64 @llvm.smin.i64(i64 %b1, i64 %stop)
  %refused = call i64 @calls(ptr %kernels, i64 0, i64 %n1, i64 %a, i64 %b, i64 %worker)
  %fine = icmp eq i64 %refused, 0
  br i1 %fine, label %steps, label %end
steps:
  %s = phi i64 [ %a, %begin ], [ %s1, %step ]
  %within = icmp slt i64 %s, %b
  br i1 %within, label %step, label %ended
step:
  %s1 = add i64 %s, 1
  %r2 = call i64 @calls(ptr %kernels, i64 %n1, i64 %n2, i64 %s, i64 %s1, i64 %worker)
  br label %steps
ended:
  %r3 = call i64 @calls(ptr %kernels, i64 %n2, i64 %n3, i64 %a, i64 %b, i64 %worker)
  br label %test
end:
  ret i64 %a
}

; Returns when all workers have called it: %words are how many they are, how many have come, and how often all had.
define i64 @BARRIER(ptr %words, i64 %a, i64 %b, i64 %worker) {
entry:
  %came = getelementptr i64, ptr %words, i64 1
  %times = getelementptr i64, ptr %words, i64 2
  %n = load i64, ptr %words
  %before = load atomic i64, ptr %times acquire, align 8
  %others = atomicrmw add ptr %came, i64 1 acq_rel
  %all = add i64 %others, 1
  %last = icmp eq i64 %all, %n
  br i1 %last, label %open, label %wait
open:
  store atomic i64 0, ptr %came monotonic, align 8
  %after = add i64 %before, 1
  store atomic i64 %after, ptr %times release, align 8
  ret i64 0
wait:
  %k = phi i64 [ 0, %entry ], [ %k1, %more ], [ %k1, %yield ]
  %now = load atomic i64, ptr %times acquire, align 8
  %opened = icmp ne i64 %now, %before
  br i1 %opened, label %end, label %more
more:
  %k1 = add i64 %k, 1
  %patient = icmp slt i64 %k1, 10000
  br i1 %patient, label %wait, label %yield
yield:
  %ignored = call i32 @sched_yield()
  br label %wait
end:
  ret i64 0
}

declare i32 @sched_yield()
declare i64 @llvm.smin.i64(i64, i64)
"""

NEVER = 1 << 62
"""A step that no run comes to: as a window or its end, there is none."""

BARRIER = object()
"""Stands among kernels where all workers wait for one another."""


class Driver:
    """Kernels bound to their arrays, each called with (first step, end, worker): see ``_TEXT`` for the order."""

    def __init__(
        self, first: Sequence[Any], each: Sequence[Any], last: Sequence[Any], window: int, every: int, workers: int
    ) -> None:
        self.stages, self.waiting = [*first, *each, *last], np.array([workers, 0, 0], np.int64)
        barrier = _addresses()[1], self.waiting.ctypes.data
        pairs = [barrier if stage is BARRIER else _called(stage) for stage in self.stages]
        self.pairs = np.array(pairs, np.int64).reshape(-1, 2)
        entry = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, *[ctypes.c_int64] * 8)(_addresses()[0])
        counts = len(first), len(first) + len(each), len(self.stages)
        self.run = functools.partial(entry, self.pairs.ctypes.data, *counts, window, every)
        self.others = ThreadPoolExecutor(workers - 1, "ernsnn-native") if workers > 1 else None
        self.workers = range(1, workers)

    def __call__(self, t: int, stop: int) -> int:
        """Run from step ``t`` to ``stop`` at most; returns the next step."""
        if self.others is None:
            return int(self.run(t, stop, 0))
        pending = [self.others.submit(self.run, t, stop, worker) for worker in self.workers]
        reached = int(self.run(t, stop, 0))
        for each in pending:
            each.result()
        return reached


def _called(kernel: Call) -> tuple[int, int]:
    """The address of a bound kernel and of what it is given."""
    return vars(kernel)["address"], vars(kernel)["kept"][0].ctypes.data


@functools.cache
def _addresses() -> tuple[int, int]:
    """Of the loop and of the barrier."""
    names = "ernsnn_loop", "ernsnn_barrier"
    loop, barrier = assembled(names, _TEXT.replace("NAME", names[0]).replace("BARRIER", names[1]))
    return loop, barrier
