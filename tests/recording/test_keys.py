"""The names of a recording's arrays are made and read by ``recording.keys`` alone."""

import re

import numpy as np
import pytest
from imports import FOLDERS

from ernsnn.describe.names import owner_and_variable, variable_of
from ernsnn.recording.keys import KINDS, ArrayKey, neuron_key, signal_keys, spike_keys, synapse_key
from ernsnn.recording.recording import Recording


def test_a_key_is_read_as_it_was_made() -> None:
    made = [*spike_keys("a.b"), *signal_keys("a.b.v_mV"), synapse_key("p-1", "w"), neuron_key("a.b", "v_threshold_mV")]
    assert made == [
        *("spikes/a.b/steps", "spikes/a.b/neurons", "signals/a.b.v_mV/steps", "signals/a.b.v_mV/values"),
        *("synapses/p-1/w", "neurons/a.b/v_threshold_mV"),
    ]
    assert [str(ArrayKey.parse(text)) for text in made] == made
    assert {ArrayKey.parse(text).kind for text in made} == set(KINDS)
    assert ArrayKey.parse("synapses/p-1/w") == ("synapses", "p-1", "w")


@pytest.mark.parametrize("text", ["", "n_steps", "spikes/a", "spikes/a/steps/more", "state/a/b", "Spikes/a/steps"])
def test_what_names_no_array_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not kind/owner/what"):
        ArrayKey.parse(text)


def test_a_variable_is_read_as_it_was_named() -> None:
    assert owner_and_variable(variable_of("a.b", "v_mV")) == ("a.b", "v_mV")


def test_a_recording_names_its_arrays_by_them() -> None:
    steps, neurons = np.array([1, 2]), np.array([0, 0])
    recording = Recording(
        n_steps=3,
        spikes={"a": (steps, neurons)},
        signals={"a.v_mV": (steps, np.zeros((2, 1)))},
        synapses={"p": {"w": np.ones(4)}},
        neurons={"a": {"v_threshold_mV": np.ones(1)}},
    )
    flat = recording.to_arrays()
    final = {synapse_key("p", "w"), neuron_key("a", "v_threshold_mV")}
    assert flat.keys() == {"n_steps", "first_step", *spike_keys("a"), *signal_keys("a.v_mV"), *final}
    assert recording.final_values().keys() == final
    again = Recording.from_arrays(flat, {})
    assert again.synapses["p"]["w"].tolist() == [1.0] * 4
    assert again.signals["a.v_mV"][1].shape == (2, 1)


def test_no_other_file_puts_a_key_together() -> None:
    made = re.compile(rf"""f["'](?:{"|".join(KINDS)})/""")
    files = [f for folder in FOLDERS.values() for f in folder.rglob("*.py") if "native" not in f.parts]
    assert len(files) > 200
    assert [str(file) for file in files if made.search(file.read_text(encoding="utf-8"))] == []
