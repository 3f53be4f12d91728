"""Reads the figures of reports."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
import zlib

import numpy as np


def parsed(figure):
    """The figure as a tree, which it can only be if all its markup is well-formed."""
    return ET.fromstring(figure)


def having(tree, name, look):
    """All elements of that name whose class holds ``look``."""
    return [e for e in tree.iter(name) if look in e.get("class", "").split()]


def pixels(data):
    """The bytes of a greyscale PNG (rows, columns), read by the standard."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    columns, rows = (int.from_bytes(data[k : k + 4], "big") for k in (16, 20))
    start = data.index(b"IDAT") + 4
    lines = np.frombuffer(zlib.decompress(data[start:-16]), np.uint8).reshape(rows, columns + 1)
    assert not lines[:, 0].any()
    return lines[:, 1:]


def images(figure):
    """Every image in a figure, as its bytes."""
    return [pixels(base64.b64decode(encoded)) for encoded in re.findall(r"data:image/png;base64,([^\"]+)", figure)]
