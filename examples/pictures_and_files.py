"""An overview as a picture, a picture composed of several, and exports. Needs the extras `plot` and `ecosystem`."""

import matplotlib.pyplot as plt

from ernsnn.models import CA3Memory

memory = CA3Memory(cues=2, contents=3)
memory.learn(cue=0, content=[0, 2])
memory.learn(cue=1, content=[1])
memory.recall(cue=0)
result = memory.run(backend="reference")

result.plot().savefig("overview.png")

figure, (left, right) = plt.subplots(1, 2, width_ratios=[2, 1], figsize=(10, 4), layout="constrained")
result.plot.raster(left, populations=["IN", "OUT"])
result.plot.weights("cue_to_content", ax=right)
figure.savefig("memory.pdf")

for file in ("memory.csv", "memory.npz", "memory.nix"):  # or .nwb
    print("written:", ", ".join(path.name for path in result.export(file)))

block = result.to_neo()
print("Neo:", len(block.segments[0].spiketrains), "spike trains in", [group.name for group in block.groups][:3], "...")
print("xarray:", result.to_xarray()["spikes_OUT"].to_numpy())
