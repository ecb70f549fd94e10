"""How near a quantized network's answers are to the float network's, on samples that calibration has not seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.floating import FloatNetwork, run
from hwq.graph import quantize_input
from hwq.graph.network import Network
from hwq.quantize.calibration import Progress, Samples, piece_samples, samples_of


@dataclass(frozen=True)
class Evaluation:
    """What comparing two networks on the same samples gave.

    Parameters
    ----------
    samples:
        How many.
    agreement:
        Part of them whose largest output is the same.
    noise_ratio:
        Signal-to-quantization-noise ratio of the outputs in dB; infinite where they are equal.
    accuracy, float_accuracy:
        Part of them whose largest output is the label, of either network; ``None`` without labels.
    """

    samples: int
    agreement: float
    noise_ratio: float
    accuracy: float | None
    float_accuracy: float | None


def evaluate(
    network: FloatNetwork,
    quantized: Network,
    data: NDArray[Any] | Samples,
    labels: NDArray[np.integer] | None = None,
    *,
    first: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Compare ``quantized`` with ``network``.

    Parameters
    ----------
    network, quantized:
        The network, and what was made of it.
    data, labels:
        Samples, and the index of the right output of each where it is known.
    first:
        Number of the first sample to compare on.
    progress:
        Called with (done, total).
    """
    samples, emulator = samples_of(network, data), Emulator(quantized)
    total = samples.count - first
    size, done, seen = piece_samples(network), 0, 0
    same = right = float_right = 0
    signal = noise = 0.0
    output = quantized.tensors[quantized.output].quantization
    for piece in samples.pieces(lambda: size):
        x = piece[max(0, first - seen) :]
        seen += len(piece)
        if not len(x):
            continue
        expected = run(network, x).reshape(len(x), -1).astype(np.float64)
        codes = emulator.run(quantize_input(quantized, x)).reshape(len(x), -1).astype(np.float64)
        real = (codes - output.zero_point[0]) * float(output.scale[0])
        signal += float(np.sum(expected**2))
        noise += float(np.sum((real - expected) ** 2))
        answers, wanted = codes.argmax(axis=1), expected.argmax(axis=1)
        same += int(np.count_nonzero(answers == wanted))
        if labels is not None:
            truth = labels[first + done : first + done + len(x)]
            right += int(np.count_nonzero(answers == truth))
            float_right += int(np.count_nonzero(wanted == truth))
        done += len(x)
        if progress is not None:
            progress(done, total)
    ratio = math.inf if noise == 0 else 10 * math.log10(max(signal, 1e-300) / noise)
    accuracies = (None, None) if labels is None else (right / total, float_right / total)
    return Evaluation(total, same / total, ratio, *accuracies)
