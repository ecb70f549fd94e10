"""What the conversion of a float operator needs: its tensors, and its constants as real numbers."""

from __future__ import annotations

import numpy as np

from hwq.errors import ModelError
from hwq.floating.layers import Reals
from hwq.floating.network import FloatTensor
from hwq.frontends.tflite.reading import TensorReader
from hwq.frontends.tflite.schema import RawTensor


def float_tensor(raw: RawTensor, name: str) -> FloatTensor:
    """The graph's tensor for an activation of the file; ModelError where its type or its batch is unsupported."""
    if raw.type != "float32":
        raise ModelError(f"{raw} is {raw.type}; needed are float32 activations throughout")
    if raw.is_variable:
        raise ModelError(f"{raw} keeps its value between inferences; supported are tensors without state")
    if not raw.shape or raw.shape[0] != 1:
        raise ModelError(f"{raw} has shape {list(raw.shape)}; supported is batch 1 as the first dimension")
    return FloatTensor(name, raw.shape[1:], raw.name)


class FloatReader(TensorReader[FloatTensor]):
    """One operator on its way to a layer of a float network."""

    def reals(self, position: int, rank: int | None = None) -> Reals:
        """Constant input number ``position`` as float32, of ``rank`` dimensions where that is given, none empty."""
        raw = self.raw_input(position)
        if raw.type not in ("float32", "float16", "int8", "uint8"):
            raise ModelError(f"constant {raw} is {raw.type}; supported are float32, float16, and int8 with a scale")
        values = self.constant(position)
        if values.size == 0 or (rank is not None and values.ndim != rank):
            needed = "none" if rank is None else f"{rank} dimensions, none"
            raise ModelError(f"constant {raw} has shape {list(raw.shape)}; needed are {needed} empty")
        if values.dtype.kind == "f":
            return np.asarray(values, np.float32)
        return _dequantized(raw, values)

    def bias(self, position: int, channels: int) -> Reals:
        """Biases, float32 [channels]; zeros where the operator has none."""
        if position >= len(self.operator.inputs) or self.operator.inputs[position] == -1:
            return np.zeros(channels, np.float32)
        values = self.reals(position).reshape(-1)
        if values.size != channels:
            raise ModelError(f"{values.size} biases {self.raw_input(position)} for {channels} output channels")
        return values


def _dequantized(raw: RawTensor, codes: np.ndarray) -> Reals:
    """The real numbers that constant codes stand for: ``scale * (code - zero_point)`` in float32, as TFLite does."""
    found = raw.quantization
    if found is None:
        raise ModelError(f"constant {raw} is {raw.type} without a scale")
    scale, zero_point = found.scale, found.zero_point
    if zero_point.size not in (0, scale.size):
        raise ModelError(f"constant {raw} has {scale.size} scales and {zero_point.size} zero-points")
    shape = [1] * codes.ndim
    if scale.size > 1:
        if not 0 <= found.axis < codes.ndim or codes.shape[found.axis] != scale.size:
            raise ModelError(f"constant {raw} has {scale.size} scales along axis {found.axis} of {list(codes.shape)}")
        shape[found.axis] = -1
    if zero_point.size and (np.abs(zero_point) > 255).any():
        raise ModelError(f"constant {raw} has a zero-point outside {raw.type}")
    offset = zero_point.reshape(shape) if zero_point.size else 0
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(scale.reshape(shape) * (codes.astype(np.int32) - offset).astype(np.float32), np.float32)
