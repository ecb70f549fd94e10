"""Tensors of a quantized network and the affine map between their codes and real numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.numeric.formats import IntFormat


@dataclass(frozen=True, eq=False)
class Quantization:
    """Affine quantization: ``real = scale * (code - zero_point)``.

    Parameters
    ----------
    format:
        Integer format of the codes.
    scale:
        float32 [1] per tensor or [channels] per channel; positive and finite.
    zero_point:
        int32, same shape as ``scale``, inside ``format``.
    axis:
        Channel axis of a per-channel tensor, ``None`` per tensor.
    """

    format: IntFormat
    scale: NDArray[np.float32]
    zero_point: NDArray[np.int32]
    axis: int | None = None

    @property
    def per_channel(self) -> bool:
        """Whether each channel has a scale of its own."""
        return self.axis is not None


@dataclass(frozen=True, eq=False)
class Tensor:
    """One activation tensor of the network.

    ``shape`` leaves out the batch dimension: an image is (height, width, channels), a vector is (features,).
    ``origin`` is the tensor's name in the model it was read from, empty where there is none.
    """

    name: str
    shape: tuple[int, ...]
    quantization: Quantization
    origin: str = ""

    @property
    def elements(self) -> int:
        """Number of elements of one sample."""
        return int(np.prod(self.shape, dtype=np.int64))
