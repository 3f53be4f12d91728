"""What every backend returns, in one form: spikes, signals, final synapses and where they come from."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.errors import InvalidModel
from ernsnn.files import Arrays, Content, read_json
from ernsnn.graph.memory import require_memory

SCHEMA = 1
_STATE = "state/"
_META_KINDS = {"backend": str, "digest": str, "options": dict, "versions": dict, "issues": list, "notes": dict}
RECORDING_FILE, META_FILE, STATE_FILE = "recording.npz", "meta.json", "state.npz"
RUN_FILE = "run.json"
"""What was asked for, where a run is recorded while it goes on (``execution.run_folder``)."""


@checked
@dataclass(frozen=True, eq=False)
class Recording:
    """Raw results, in steps: of ``n_steps`` steps from ``first_step`` on, which is 0 unless it goes on from another.

    ``spikes[population]`` = (steps, neurons), by step, then neuron; ``signals[key]`` = (steps (k,), values (k, n));
    ``synapses[projection][variable]``: final values of plastic synapses, in the order of the graph's rows;
    ``neurons[population][parameter]``: final values of what intrinsic plasticity changed. ``state``: all else that a
    run needs to go on from here, as the backend has it; None where there is none.
    """

    n_steps: int
    spikes: dict[str, tuple[np.ndarray, np.ndarray]]
    signals: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    synapses: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    neurons: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    first_step: int = 0
    state: Mapping[str, np.ndarray] | None = None

    @property
    def end(self) -> int:
        """The step after the last."""
        return self.first_step + self.n_steps

    def from_zero(self) -> Recording:
        """The same with the steps of its spikes counted from its own first."""
        if not self.first_step:
            return self
        return replace(
            self, spikes={name: (s - self.first_step, neurons) for name, (s, neurons) in self.spikes.items()}
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Flat arrays, ``kind/name/what``: the layout of ``recording.npz``, which compiled programs write too."""
        flat = {"n_steps": np.array(self.n_steps), "first_step": np.array(self.first_step)}
        for name, (steps, neurons) in self.spikes.items():
            flat[f"spikes/{name}/steps"], flat[f"spikes/{name}/neurons"] = steps, neurons
        for name, (steps, values) in self.signals.items():
            flat[f"signals/{name}/steps"], flat[f"signals/{name}/values"] = steps, values
        for kind, owners in (("synapses", self.synapses), ("neurons", self.neurons)):
            for name, variables in owners.items():
                for variable, values in variables.items():
                    flat[f"{kind}/{name}/{variable}"] = values
        return flat

    @classmethod
    def from_arrays(
        cls, flat: dict[str, np.ndarray], meta: dict[str, Any], state: Mapping[str, np.ndarray] | None = None
    ) -> Recording:
        """The inverse of ``to_arrays``. A program's own arrays may hold its state too, as ``state/path``."""
        nested: dict[str, dict[str, dict[str, np.ndarray]]] = {
            "spikes": {},
            "signals": {},
            "synapses": {},
            "neurons": {},
        }
        for key, array in flat.items():
            if key not in ("n_steps", "first_step") and not key.startswith(_STATE):
                kind, name, what = key.split("/")
                nested[kind].setdefault(name, {})[what] = array
        own = {key.removeprefix(_STATE): array for key, array in flat.items() if key.startswith(_STATE)}
        return cls(
            n_steps=int(flat["n_steps"]),
            spikes={name: _by_step(v["steps"], v["neurons"]) for name, v in nested["spikes"].items()},
            signals={name: (v["steps"], v["values"]) for name, v in nested["signals"].items()},
            synapses=nested["synapses"],
            neurons=nested["neurons"],
            meta=meta,
            first_step=int(flat.get("first_step", 0)),
            state=own or None if state is None else state,
        )

    def to_files(self) -> dict[str, Content]:
        """The files that ``load`` reads."""
        state: dict[str, Content] = {} if self.state is None else {STATE_FILE: self.state}
        return {META_FILE: meta_text(self.meta), RECORDING_FILE: self.to_arrays(), **state}

    @classmethod
    def load(cls, folder: str | Path) -> Recording:
        """Read a recording; its state is read when it is asked for. Raises InvalidModel on a missing or damaged one."""
        folder = Path(folder)
        try:
            meta = read_json(folder / META_FILE)
            for key, kind in _META_KINDS.items():
                if not isinstance(meta.get(key, kind()), kind):
                    raise ValueError(f"{key} in {META_FILE} is {meta[key]!r}")
            if meta["schema"] != SCHEMA:
                raise InvalidModel(f"{folder}: recording schema {meta['schema']}; this ernsnn reads schema {SCHEMA}")
            with (folder / RECORDING_FILE).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                needed = sum(member.file_size for member in file.zip.infolist())
                require_memory(str(folder / RECORDING_FILE), needed, "read single arrays of it with numpy.load")
                state = Arrays(folder / STATE_FILE) if (folder / STATE_FILE).exists() else None
                return cls.from_arrays({name: file[name] for name in file.files}, meta, state)
        except InvalidModel:
            raise
        except (FileNotFoundError, NotADirectoryError) as error:
            if (folder / RUN_FILE).exists():
                raise InvalidModel(
                    f"{folder}: this run has not finished; `ernsnn resume {shlex.quote(str(folder))}` goes on"
                ) from None
            raise InvalidModel(f"{folder}: no recording ({error.filename} is missing)") from None
        except Exception as error:
            raise InvalidModel(f"{folder}: the recording is damaged ({type(error).__name__}: {error})") from None


def by_neuron(times: np.ndarray, neurons: np.ndarray, size: int) -> list[np.ndarray]:
    """The ``times`` (steps or ms) of each of ``size`` neurons, in the order given; O(n log n) for n spikes."""
    order = np.argsort(neurons, kind="stable")
    return np.split(times[order], np.searchsorted(neurons[order], np.arange(1, size)))


def meta_text(meta: dict[str, Any]) -> str:
    """The content of the file of meta data."""
    return json.dumps({"schema": SCHEMA, **meta}, indent=1)


def _by_step(steps: np.ndarray, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    later, together = steps[1:] > steps[:-1], steps[1:] == steps[:-1]
    if (later | (together & (neurons[1:] >= neurons[:-1]))).all():
        return steps, neurons
    order = np.lexsort((neurons, steps))
    return steps[order], neurons[order]
