"""The CA3 memory, as published and gated by astrocytes, which does not forget by being read."""

import numpy as np

from ernsnn.models import CA3Memory

random = np.random.default_rng(0)
contents = [random.choice(12, 4, replace=False).tolist() for _ in range(6)]

for gate in ("none", "astrocyte"):
    memory = CA3Memory(cues=6, contents=12, gate=gate)
    for cue, content in enumerate(contents):
        memory.learn(cue=cue, content=content)
    for content in contents:
        memory.recall(content=content[:3])  # several bits at once: to read the published memory so is to change it
    for cue in range(6):
        memory.recall(cue=cue)
    result = memory.run(backend="reference")
    print(f"gate {gate!r}: {result.operations.verdict}")
    for row in result.operations:
        if not row.right:
            t_ms, operation, asked, expected, recalled, _ = row.cells()
            print(f"  {t_ms:>4} ms, {operation} by {asked}: {recalled} where {expected} was learnt")
