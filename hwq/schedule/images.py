"""Memory images: the words of each memory behind the load port, as Python integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.schedule.program import Program
from hwq.schedule.runs import Run


def pack_words(codes: NDArray[np.integer], per_word: int, bits: int) -> list[int]:
    """Pack integer codes, ``per_word`` to a word, ``bits`` each, the first lowest; the last word is filled with 0."""
    flat = np.asarray(codes).reshape(-1).astype(np.int64)
    padded = np.zeros(-(-len(flat) // per_word) * per_word, dtype=np.int64)
    padded[: len(flat)] = flat
    if bits == 8:
        # Whole bytes pack without a loop over elements.
        raw = padded.astype(np.uint8).tobytes()
        return [int.from_bytes(raw[i : i + per_word], "little") for i in range(0, len(raw), per_word)]
    mask = (1 << bits) - 1
    return [
        sum((int(code) & mask) << (i * bits) for i, code in enumerate(word)) for word in padded.reshape(-1, per_word)
    ]


def unpack_words(words: Sequence[int], per_word: int, bits: int) -> NDArray[np.int64]:
    """The codes of ``words``, sign extended, int64 [len(words) * per_word]."""
    mask, sign = (1 << bits) - 1, 1 << (bits - 1)
    codes = [((word >> (i * bits) & mask) ^ sign) - sign for word in words for i in range(per_word)]
    return np.array(codes, dtype=np.int64)


def activation_words(accelerator: Accelerator, codes: NDArray[np.integer]) -> list[int]:
    """A tensor's codes, in memory order, as words of activation memory."""
    return pack_words(codes, accelerator.word, accelerator.activation.width)


def weight_words(program: Program) -> list[int]:
    """Weight memory."""
    a = program.accelerator
    return pack_words(program.weights, a.array.columns, a.arithmetic.weight_bits)


def record_words(program: Program) -> list[int]:
    """Record memory."""
    return pack_records(program.accelerator, program.records)


def pack_records(accelerator: Accelerator, records: Sequence[Mapping[str, int]]) -> list[int]:
    """The fields of records as words of record memory, a record for each lane, the first lowest."""
    lanes = accelerator.lanes
    layout = accelerator.record
    packed = [layout.pack(record) for record in records]
    return [
        sum(record << (lane * layout.bits) for lane, record in enumerate(packed[i : i + lanes]))
        for i in range(0, len(packed), lanes)
    ]


def descriptor_words(run: Run) -> list[int]:
    """Descriptor memory that runs one layer, or the whole network: its descriptors, then END."""
    words = []
    for fields in run.descriptors:
        words += isa.descriptor_words(fields)
    return words + isa.descriptor_words({"opcode": isa.Opcode.END.value})


def load_beats(accelerator: Accelerator, space: isa.Space, base: int, words: Sequence[int]) -> list[int]:
    """Beats of the load port that write ``words`` to ``space`` from word ``base`` on.

    Each beat is the port's whole payload as one integer: data, address, space, last, from the lowest bit up.
    """
    count = -(-accelerator.word_bits[space] // isa.WORD_BITS)
    lsb = {name: place.offset for name, place in accelerator.beat.fields.items()}
    mask = (1 << isa.WORD_BITS) - 1
    tag = space.value << lsb["space"]
    last = 1 << lsb["last"]
    return [
        (word >> (i * isa.WORD_BITS) & mask) << lsb["data"]
        | (base + n) << lsb["address"]
        | tag
        | (last if i == count - 1 else 0)
        for n, word in enumerate(words)
        for i in range(count)
    ]
