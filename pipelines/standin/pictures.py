"""Pictures of rockets, drawn here: a PNG needs nothing but zlib."""

from __future__ import annotations

import struct
import zlib

WIDTH, HEIGHT = 160, 200


def png(number: int) -> bytes:
    """A rocket in front of an evening sky; each number has its own colours."""
    rows = b"".join(b"\0" + b"".join(_pixel(number, x, y) for x in range(WIDTH)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 9)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pixel(number: int, x: int, y: int) -> bytes:
    hue = number * 53 % 256
    beside = abs(x - WIDTH // 2)
    if 40 <= y < 70 and beside < (y - 40) // 2:
        return bytes((220, 60 + hue // 4, 60))
    if 70 <= y < 150 and beside < 15:
        return bytes((235, 235, 240))
    if 130 <= y < 150 and beside < 15 + (y - 130):
        return bytes((hue, 90, 160))
    if 150 <= y < 185 and beside < (185 - y) // 3:
        return bytes((255, 160 + y % 60, 40))
    return bytes((20 + hue // 5, 30 + y // 4, 70 + y // 2))
