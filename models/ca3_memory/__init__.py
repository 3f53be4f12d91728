"""The hippocampal CA3 memory (Casanueva-Morato et al. 2024): learns contents under cues, recalls one by the other."""

from .memory import CA3Memory, MemoryResult, session
from .network import build

__all__ = ["CA3Memory", "MemoryResult", "build", "session"]
