"""Where samples come from: a file that was named, or a random generator whose seed is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwq.frontends.samples import SampleFile, open_samples
from hwq.graph.inputs import random_samples
from hwq.graph.network import Network


@dataclass(frozen=True, eq=False)
class RandomSamples:
    """Uniformly random inputs, the same for the same ``seed`` however they are cut into pieces; no labels."""

    network: Network
    count: int
    seed: int
    labels: None = None

    @property
    def origin(self) -> str:
        """What to tell the user of where the samples are from."""
        return f"random, seed {self.seed}"

    def pieces(self, size: Callable[[], int]) -> Iterator[NDArray[np.integer]]:
        """The samples as input codes, as many at a time as ``size`` says each time."""
        generator = np.random.default_rng(self.seed)
        left = self.count
        while left:
            count = min(size(), left)
            yield random_samples(self.network, count, generator)
            left -= count


def choose_samples(
    network: Network, path: Path | None, count: int | None, seed: int, default: int
) -> SampleFile | RandomSamples:
    """The first ``count`` samples of the file at ``path``, all without it; or, without a file, random ones.

    Parameters
    ----------
    network:
        Whose inputs they are.
    path, count:
        ``None`` where the user said nothing.
    seed:
        Of random samples.
    default:
        How many random samples there are where ``count`` is ``None``.

    Raises
    ------
    DataError
        The file does not hold what is asked for.
    """
    if path is None:
        return RandomSamples(network, default if count is None else count, seed)
    samples = open_samples(path, network)
    return samples if count is None else samples.first(count)
