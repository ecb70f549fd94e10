"""Make the example anew: ``python -m hwq.examples.digits.train [DIR]`` (needs scikit-learn).

Trains on the first 1437 of scikit-learn's 1797 handwritten digits, quantizes to int8, and writes the network and the
remaining 360 pictures. The same network comes out on every machine, bit for bit.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from hwq.emulate import Emulator
from hwq.examples.digits.quantization import quantize
from hwq.examples.digits.training import Floats, Stage, forward, train
from hwq.graph.files import save_network
from hwq.graph.inputs import quantize_input
from hwq.graph.network import Network

_HELD_OUT = 360
_EPOCHS = 40
_SEED = 1

#: Pixels are from 0, paper, to 16, ink.
_INK = 16.0


@dataclass(frozen=True, eq=False)
class Digits:
    """Pictures [N, 8, 8, 1] from 0 to 1, with labels [N]: to train on, and held out."""

    x: Floats
    y: NDArray[np.int64]
    test_x: Floats
    test_y: NDArray[np.int64]


def load() -> Digits:
    """scikit-learn's digits in their order, the last 360 held out."""
    bunch = load_digits()
    x, y = bunch.images[..., None] / _INK, bunch.target.astype(np.int64)
    return Digits(x[:-_HELD_OUT], y[:-_HELD_OUT], x[-_HELD_OUT:], y[-_HELD_OUT:])


def make(digits: Digits, epochs: int = _EPOCHS) -> tuple[list[Stage], Network]:
    """The trained stages and the int8 network made of them."""
    stages = [
        Stage(kernel=3, channels=1, out=16, stride=1, relu=True),
        Stage(kernel=3, channels=16, out=24, stride=2, relu=True),
        Stage(kernel=3, channels=24, out=32, stride=2, relu=True),
        Stage(kernel=0, channels=128, out=10, stride=1, relu=False),
    ]
    # The matrices are small: a second thread would cost more time than it saves.
    with threadpool_limits(1):
        train(stages, digits.x, digits.y, epochs, _SEED)
        return stages, quantize(stages, ["strokes", "curves", "shapes", "digit"], digits.x, "digits")


def float_accuracy(stages: list[Stage], digits: Digits) -> float:
    """Part of the held-out pictures that the trained stages name right, in float64."""
    return float(np.mean(forward(stages, digits.test_x)[-1].argmax(axis=1) == digits.test_y))


def int8_accuracy(network: Network, digits: Digits) -> float:
    """Part of the held-out pictures that the quantized network names right, in the emulator."""
    outputs = Emulator(network).run(quantize_input(network, digits.test_x.astype(np.float32)))
    return float(np.mean(outputs.argmax(axis=1) == digits.test_y))


def main() -> None:
    """Train, quantize, write, and say how good it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("directory", nargs="?", type=Path, default=Path(__file__).parent, help="where the files go")
    directory = parser.parse_args().directory
    begun = time.monotonic()
    digits = load()
    stages, network = make(digits)
    directory.mkdir(parents=True, exist_ok=True)
    save_network(network, directory / "digits.hwq")
    np.savez_compressed(directory / "digits.npz", x=digits.test_x.astype(np.float32), y=digits.test_y.astype(np.uint8))
    before, after = float_accuracy(stages, digits), int8_accuracy(network, digits)
    print(f"held out {len(digits.test_y)}: float {before:.2%}, int8 {after:.2%}; {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
