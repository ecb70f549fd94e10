"""Seeded damage to a file: what transmission, bugs and ill will do to bytes."""

from __future__ import annotations

import hashlib
import re
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


#: What replaces a number, a text or a literal of a network file's header.
_VALUES = (b"null", b"-1", b"1e999", b"NaN", b"1.5", b'""', b'"int8"', b"[]", b"{}", b"true", b"9" * 30, b"[" * 2000)
_TOKEN = re.compile(rb'-?\d+(?:\.\d+)?(?:e-?\d+)?|"[^"]*"|null|true|false')


def mutate_network(data: bytes, rng: np.random.Generator) -> bytes:
    """A file of ``save_network`` with damage; three in four are sealed again, to get past the checksum.

    Those sealed have one to three values of the header replaced, rarely a key; an eighth have bytes damaged as well.
    """
    if rng.random() < 0.25:
        return mutate(data, rng, np.arange(len(data)))
    (length,) = struct.unpack_from("<Q", data, 40)
    header, arrays = data[48 : 48 + length], data[48 + length :]
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        tokens = list(_TOKEN.finditer(header))
        if rng.random() < 0.9:
            tokens = [token for token in tokens if header[token.end() : token.end() + 1] != b":"]
        if not tokens:
            break
        token = tokens[rng.integers(0, len(tokens))]
        kind = rng.random()
        if kind < 0.2:
            value = b"%d" % _BOUNDARIES[rng.integers(0, len(_BOUNDARIES))]
        elif kind < 0.6:
            value = b"%d" % rng.integers(-4, 20)
        elif kind < 0.7:
            # A list of another length, where it is in a list.
            value = token.group() + b"," + token.group()
        elif kind < 0.85:
            value = tokens[rng.integers(0, len(tokens))].group()
        else:
            value = _VALUES[rng.integers(0, len(_VALUES))]
        header = header[: token.start()] + value + header[token.end() :]
    body = struct.pack("<Q", len(header)) + header + arrays
    if rng.random() < 0.125:
        body = mutate(body, rng, np.arange(len(header) + 8))
    return data[:8] + hashlib.sha256(body).digest() + body
