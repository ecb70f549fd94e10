"""A generated accelerator as a bench sees it: manifest and images, nothing of how they were made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class GeneratedPackage:
    """What `hwq gen` wrote to ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest: dict[str, Any] = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
        derived = self.manifest["derived"]
        self.word_elements: int = derived["word_elements"]
        self.element_bits: int = derived["element_bits"]
        self._memories = self.manifest["memories"]
        ports = {port["name"]: port for port in self.manifest["ports"]}
        self._beat = {field["name"]: field for field in ports["load__payload"]["fields"]}

    def run(self, name: str) -> dict[str, Any]:
        """The manifest's entry of a layer, or of the whole network."""
        runs = [*self.manifest["layers"], self.manifest["network"]]
        entry: dict[str, Any] = next(run for run in runs if run and run["name"] == name)
        whole = entry not in self.manifest["layers"]
        return {**entry, "whole": whole, "title": name if whole else f"layer {name}"}

    @property
    def used_activation_words(self) -> int:
        """Words of activation memory that the network's tensors take."""
        return int(self._memories["activations"]["used"])

    @property
    def counts_overflows(self) -> bool:
        """Whether the accelerator counts what left its width."""
        return bool(self.manifest["parameters"]["arithmetic"]["overflow"] != "refuse")

    def register(self, name: str) -> int:
        """Byte offset of a register."""
        offset: int = next(r["offset"] for r in self.manifest["registers"] if r["name"] == name)
        return offset

    def bit(self, register: str, name: str) -> int:
        """Mask of a register's bit."""
        bits = next(r["bits"] for r in self.manifest["registers"] if r["name"] == register)
        return 1 << int(next(bit["bit"] for bit in bits if bit["name"] == name))

    def image(self, file: str) -> list[int]:
        """The words of an image file."""
        return [int(line, 16) for line in (self.root / file).read_text(encoding="ascii").split()]

    def beats(self, memory: str, base: int, words: Sequence[int]) -> list[int]:
        """Payloads of the load port that write ``words`` to ``memory`` from word ``base`` on."""
        data, address = self._beat["data"], self._beat["address"]
        width = data["width"]
        count = -(-self._memories[memory]["word_bits"] // width)
        tag = self._memories[memory]["space"] << self._beat["space"]["lsb"]
        last = 1 << self._beat["last"]["lsb"]
        mask = (1 << width) - 1
        return [
            (word >> (part * width) & mask) << data["lsb"]
            | (base + number) << address["lsb"]
            | tag
            | (last if part == count - 1 else 0)
            for number, word in enumerate(words)
            for part in range(count)
        ]

    def pack(self, codes: NDArray[np.integer]) -> list[int]:
        """A tensor's codes as words of activation memory, the last filled with 0."""
        flat = np.asarray(codes).reshape(-1).astype(np.int64)
        padded = np.zeros(-(-len(flat) // self.word_elements) * self.word_elements, dtype=np.int64)
        padded[: len(flat)] = flat
        mask = (1 << self.element_bits) - 1
        return [
            sum((int(code) & mask) << (place * self.element_bits) for place, code in enumerate(word))
            for word in padded.reshape(-1, self.word_elements)
        ]

    def unpack(self, words: Sequence[int], elements: int) -> NDArray[np.int64]:
        """The first ``elements`` codes of ``words``, sign extended."""
        bits = self.element_bits
        mask, sign = (1 << bits) - 1, 1 << (bits - 1)
        codes = [((word >> (i * bits) & mask) ^ sign) - sign for word in words for i in range(self.word_elements)]
        return np.array(codes[:elements], dtype=np.int64)
