"""Shades as images: a greyscale PNG serves as the mask of a plain colour, which follows the page's light or dark."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from ernsnn.report.markup import Html, join, tag

_LEVELS = 51
"""The number of shades above 0; fewer would not make files smaller."""


def png(grey: np.ndarray) -> bytes:
    """A greyscale image (rows, columns) of bytes as a PNG file (ISO/IEC 15948: 8 bits, no filter)."""
    rows, columns = grey.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), np.asarray(grey, np.uint8)], axis=1)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def mask(shares: np.ndarray, height: float, *, smooth: bool = False) -> tuple[str, Html]:
    """(its reference, the mask): opaque where ``shares`` (rows, columns) are 1, clear where they are 0.

    It fills a picture of ``height`` pixels; ``smooth`` where neighbours may run into each other.
    """
    image = png(np.rint(_LEVELS * shares) * (255 // _LEVELS))
    name = f"m{zlib.crc32(image + f'{height}{smooth}'.encode()):08x}"
    data = "data:image/png;base64," + base64.b64encode(image).decode()
    sides = {"width": "100%", "height": f"{height:g}"}
    drawn = tag("image", href=data, preserveAspectRatio="none", class_=None if smooth else "pixels", **sides)
    return f"url(#{name})", tag("mask", drawn, id=name, maskUnits="userSpaceOnUse", x=0, y=0, **sides)


def shade(shares: np.ndarray, colour: str, height: float) -> Html:
    """A rectangle of the class ``colour`` that fills the picture, as dense as ``shares`` say."""
    reference, masked = mask(shares, height)
    return join(masked, tag("rect", width="100%", height=f"{height:g}", class_=f"shade {colour}", mask=reference))
