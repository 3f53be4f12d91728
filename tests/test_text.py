"""Tables as text."""

import pytest

from ernsnn.text import markdown, table


def test_columns_have_one_width_and_numbers_stand_to_the_right():
    rows = [("name", "spikes", "rate"), ("a", "12", "3 Hz"), ("cells", "4", "10 Hz")]
    assert table(rows, [1]) == ["name   spikes  rate", "a          12  3 Hz", "cells       4  10 Hz"]
    assert table([("a", ""), ("bb", "")]) == ["a", "bb"]  # nothing stands after the last letter
    assert table([]) == []


def test_rows_of_other_lengths_are_a_fault():
    with pytest.raises(ValueError, match="zip"):
        table([("a", "b"), ("c",)])


def test_a_table_of_markdown():
    assert markdown(["a", "b"], [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
