"""Seeded damage to a file: what transmission, bugs and ill will do to bytes."""

from __future__ import annotations

import struct

import numpy as np

#: Numbers where sizes, counts and offsets break.
_BOUNDARIES = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)


def mutate(data: bytes, rng: np.random.Generator, favored: np.ndarray) -> bytes:
    """``data`` with one to four changes.

    Parameters
    ----------
    data:
        The intact file.
    rng:
        Source of every choice.
    favored:
        Offsets where most changes go: a file's structure is a small part of it beside its weights.
    """
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        kind = rng.integers(0, 7)
        size = len(damaged)
        if size < 16:
            break
        at = int(rng.choice(favored) if rng.random() < 0.8 else rng.integers(0, size)) % (size - 8)
        if kind == 0:
            damaged[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            damaged[at] = int(rng.integers(0, 256))
        elif kind == 2:
            struct.pack_into("<I", damaged, at & ~3, _BOUNDARIES[rng.integers(0, len(_BOUNDARIES))])
        elif kind == 3:
            struct.pack_into("<i", damaged, at & ~3, int(rng.integers(-64, 64)))
        elif kind == 4:
            length, source = int(rng.integers(1, 64)), int(rng.choice(favored)) % (size - 8)
            block = damaged[source : source + length]
            damaged[at : at + len(block)] = block
        elif kind == 5:
            (word,) = struct.unpack_from("<I", damaged, at & ~3)
            struct.pack_into("<I", damaged, at & ~3, (word + int(rng.integers(-16, 17))) & 0xFFFFFFFF)
        elif rng.random() < 0.2:
            del damaged[at:]
    return bytes(damaged)
