"""The loop over time, in machine code: calls kernels by their addresses, window by window and step by step.

It is written in LLVM's language once, for all networks: which kernels are called with which arrays is data.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence

import numpy as np

from .jit import Call, assembled

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

declare i64 @llvm.smin.i64(i64, i64)
"""


class Driver:
    """Kernels bound to their arrays, each called with (first step, end, worker): see ``_TEXT`` for the order."""

    def __init__(self, first: Sequence[Call], each: Sequence[Call], last: Sequence[Call], window: int, every: int) -> None:
        self.kernels = [*first, *each, *last]
        pairs = [(vars(kernel)["address"], vars(kernel)["kept"][0].ctypes.data) for kernel in self.kernels]
        self.pairs = np.array(pairs, np.int64).reshape(-1, 2)
        counts = len(first), len(first) + len(each), len(self.kernels)
        self.run = functools.partial(_entry(), self.pairs.ctypes.data, *counts, window, every)

    def __call__(self, t: int, stop: int) -> int:
        """Run from step ``t`` to ``stop`` at most; returns the next step."""
        return int(self.run(t, stop, 0))


@functools.cache
def _entry() -> Call:
    address = assembled("ernsnn_driver", _TEXT.replace("NAME", "ernsnn_driver"))
    result: Call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, *[ctypes.c_int64] * 8)(address)
    return result
