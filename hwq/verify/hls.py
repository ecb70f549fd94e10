"""A network as C++ for high-level synthesis, with what the emulator says every tensor of it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator
from hwq.emulate import Emulator
from hwq.graph.network import Network
from hwq.hls.assembly import assemble
from hwq.hls.emission import Vectors
from hwq.hls.source import Source


@dataclass(frozen=True, eq=False)
class HlsDesign:
    """A network, the hardware it is written for, and its C++."""

    network: Network
    accelerator: Accelerator
    source: Source

    def vectors(self, x: NDArray[np.integer]) -> Vectors:
        """What every tensor holds for samples ``x`` [N, *input shape]."""
        # Sums that could leave their width are refused: no order changes them.
        return Emulator(self.network, self.accelerator.arithmetic.contract).trace(x)


def hls_design(network: Network, accelerator: Accelerator) -> HlsDesign:
    """The C++ of ``network``.

    Raises
    ------
    ConfigError
        Layers or options that cannot be exported.
    """
    return HlsDesign(network, accelerator, assemble(network, accelerator))
