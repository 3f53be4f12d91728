"""Rows of a draw can be asked for in any order."""

from __future__ import annotations

from ernsnn.graph.seeds import Rows, generator, key_of


def test_one_generator_for_all_rows_gives_the_numbers_of_each():
    key = key_of(3, "p.weight_nA")
    rows = Rows(key)
    for row in (5, 0, 5, 2**40, 1):
        alone, moved = generator(key, row), rows.at(row)
        # 32-bit numbers leave half a number behind, which the next row must not start with.
        assert alone.integers(0, 9, 3).tolist() == moved.integers(0, 9, 3).tolist()
        assert alone.random(5).tolist() == moved.random(5).tolist()
        assert alone.standard_normal(5).tolist() == moved.standard_normal(5).tolist()
