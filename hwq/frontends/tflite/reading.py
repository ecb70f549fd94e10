"""What the conversion of an operator needs: its tensors as the graph's, its constants, their checked quantization."""

from __future__ import annotations

from typing import Generic, Protocol, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ModelError
from hwq.frontends.tflite.schema import RawModel, RawOperator, RawTensor
from hwq.graph.layers import ActivationKind
from hwq.graph.requantization import activation_clamp
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8, UINT8

_FUSED = {0: None, 1: ActivationKind.RELU, 2: ActivationKind.RELU_N1_TO_1, 3: ActivationKind.RELU6}
_FORMATS = {"int8": INT8, "uint8": UINT8}
#: Most values of a list of axes or sizes: the most dimensions a tensor may have.
_MOST_INTEGERS = 8
#: How far a bias's scale may be from input times weight scale: relatively, or (TFLite's own bound) in output scales.
_BIAS_RELATIVE, _BIAS_ABSOLUTE = 0.001, 0.02


class Common(TypedDict):
    """The fields of every layer."""

    name: str
    inputs: tuple[str, ...]
    output: str


def activation_tensor(raw: RawTensor, name: str) -> Tensor:
    """The graph's tensor for an activation of the file; ModelError where type, batch or quantization is unsupported."""
    if raw.type not in _FORMATS:
        raise ModelError(f"{raw} is {raw.type}; supported are int8 activations (a fully integer-quantized model)")
    if raw.is_variable:
        raise ModelError(f"{raw} keeps its value between inferences; supported are tensors without state")
    if not raw.shape or raw.shape[0] != 1:
        raise ModelError(f"{raw} has shape {list(raw.shape)}; supported is batch 1 as the first dimension")
    if raw.quantization is None:
        raise ModelError(f"{raw} is {raw.type} without a scale")
    if raw.quantization.scale.size != 1:
        raise ModelError(f"{raw} has {raw.quantization.scale.size} scales; supported are activations with one")
    return Tensor(name, raw.shape[1:], _quantization(raw, axis=None), raw.name)


def _quantization(raw: RawTensor, axis: int | None) -> Quantization:
    found = raw.quantization
    if found is None:
        raise ModelError(f"{raw} has no scale")
    if found.scale.size != found.zero_point.size:
        raise ModelError(f"{raw} has {found.scale.size} scales and {found.zero_point.size} zero-points")
    code_format = _FORMATS[raw.type]
    low, high = code_format.min, code_format.max
    if (found.zero_point < low).any() or (found.zero_point > high).any():
        raise ModelError(f"{raw} has a zero-point outside {low}..{high}")
    return Quantization(code_format, found.scale, found.zero_point.astype(np.int32), axis)


class GraphTensor(Protocol):
    """What an activation of a graph has, whatever its values are."""

    @property
    def name(self) -> str:
        """Its name in the graph."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Without the batch."""


T = TypeVar("T", bound=GraphTensor)


class TensorReader(Generic[T]):
    """One operator on its way to a layer of any graph.

    Parameters
    ----------
    model:
        The file.
    operator:
        The operator.
    tensors:
        The graph's tensors so far, by index in the file.
    name:
        Name of the layer and of the tensor it writes.
    """

    def __init__(self, model: RawModel, operator: RawOperator, tensors: dict[int, T], name: str) -> None:
        self._model = model
        self._tensors = tensors
        self._name = name
        self.operator = operator

    def expect(self, options: str | None, inputs: tuple[int, ...] | None, *, decisive: bool = True) -> None:
        """Check the type of the options (where given) and the number of inputs (where limited).

        Options that are ``decisive`` must be there: the defaults would be a guess at what the operator computes.
        """
        count, found = len(self.operator.inputs), self.operator.options_type
        if inputs is not None and count not in inputs:
            raise ModelError(f"{count} inputs; supported are {' or '.join(map(str, inputs))}")
        if options is None:
            return
        if found not in (options, "NONE"):
            raise ModelError(f"options of type {found}; needed are {options}")
        if decisive and self.operator.options is None:
            raise ModelError(f"its {options} are missing, which say what it computes; convert the model anew")

    def raw_input(self, position: int) -> RawTensor:
        """Input number ``position`` as the file holds it."""
        index = self.operator.inputs[position]
        if index < 0:
            raise ModelError(f"input {position} is left out")
        return self._model.tensor(index)

    def input(self, position: int) -> T:
        """Input number ``position``, an activation that an earlier operator wrote."""
        raw = self.raw_input(position)
        found = self._tensors.get(raw.index)
        if found is None:
            if self._model.is_constant(raw):
                raise ModelError(f"{raw} is a constant; supported here are tensors that the model computes")
            raise ModelError(f"{raw} is read before any operator writes it")
        return found

    def output(self) -> T:
        """The operator's only output."""
        return self._tensors[self.operator.outputs[0]]

    def common(self, inputs: int) -> Common:
        """Name and tensors of the layer, whose first ``inputs`` inputs are activations."""
        names = tuple(self.input(position).name for position in range(inputs))
        return {"name": self._name, "inputs": names, "output": self.output().name}

    def constant(self, position: int) -> NDArray[np.generic]:
        """Values of a constant input, in its own shape."""
        return self._model.constant(self.raw_input(position))

    def is_constant(self, position: int) -> bool:
        """Whether the model holds the values of input number ``position``."""
        return self._model.is_constant(self.raw_input(position))

    def integers(self, position: int) -> list[int]:
        """Values of a constant input of integers, flat."""
        raw = self.raw_input(position)
        if raw.type not in ("int32", "int64"):
            raise ModelError(f"{raw} is {raw.type}; needed are int32 or int64")
        values = self.constant(position)
        if values.size > _MOST_INTEGERS:
            raise ModelError(f"{raw} holds {values.size} values; needed is at most one for each dimension")
        return [int(value) for value in values.reshape(-1).tolist()]

    def fused(self, slot: int) -> ActivationKind | None:
        """The fused activation in ``slot`` of the options."""
        code = self.operator.integer(slot, "int8")
        if code not in _FUSED:
            raise ModelError(f"fused activation {code}; supported are NONE, RELU, RELU6 and RELU_N1_TO_1")
        return _FUSED[code]


class OperatorReader(TensorReader[Tensor]):
    """One operator on its way to a layer of a quantized network."""

    def weights(self, position: int, rank: int) -> NDArray[np.int8]:
        """Constant int8 weights of ``rank`` dimensions, none of them empty."""
        raw = self.raw_input(position)
        if raw.type != "int8":
            raise ModelError(f"weights {raw} are {raw.type}; supported are int8")
        values = self.constant(position)
        if values.ndim != rank or values.size == 0:
            raise ModelError(f"weights {raw} have shape {list(raw.shape)}; needed are {rank} dimensions, none empty")
        return values.astype(np.int8, copy=False)

    def weight_quantization(self, position: int, axis: int, layer_axis: int) -> Quantization:
        """Quantization of weights: one scale, or one for each index of ``axis``, the layer's ``layer_axis``."""
        raw = self.raw_input(position)
        found = raw.quantization
        if found is None:
            raise ModelError(f"weights {raw} have no scale")
        if (found.zero_point != 0).any():
            raise ModelError(f"weights {raw} have a zero-point other than 0; supported are symmetric weights")
        if found.scale.size == 1:
            return _quantization(raw, axis=None)
        if found.axis != axis or found.scale.size != raw.shape[axis]:
            raise ModelError(
                f"weights {raw} have {found.scale.size} scales along axis {found.axis}; "
                f"supported are one, or {raw.shape[axis]} along axis {axis}"
            )
        return _quantization(raw, axis=layer_axis)

    def bias(self, position: int, channels: int, weight_input: int) -> NDArray[np.int32]:
        """int32 biases [channels]; zeros where the operator has none."""
        if position >= len(self.operator.inputs) or self.operator.inputs[position] == -1:
            return self._model.zeros(channels)
        raw = self.raw_input(position)
        if raw.type != "int32":
            raise ModelError(f"biases {raw} are {raw.type}; supported are int32")
        values = self.constant(position).reshape(-1)
        if values.size != channels:
            raise ModelError(f"{values.size} biases {raw} for {channels} output channels")
        self._check_bias_scale(raw, self.raw_input(weight_input), channels)
        return values.astype(np.int32, copy=False)

    def _check_bias_scale(self, bias: RawTensor, weights: RawTensor, channels: int) -> None:
        """Biases are added to the accumulator as they are, so their scale must be input times weight scale."""
        if bias.quantization is None or weights.quantization is None:
            return
        if (bias.quantization.zero_point != 0).any():
            raise ModelError(f"biases {bias} have a zero-point other than 0")
        scale = bias.quantization.scale.astype(np.float64)
        if scale.size not in (1, channels):
            raise ModelError(f"biases {bias} have {scale.size} scales for {channels} output channels")
        with np.errstate(invalid="ignore", over="ignore"):
            accumulator = float(self.input(0).quantization.scale[0]) * weights.quantization.scale.astype(np.float64)
            error = np.abs(scale - accumulator)
            allowed = np.maximum(_BIAS_RELATIVE * accumulator, _BIAS_ABSOLUTE * self.output().quantization.scale[0])
        if not (error <= allowed).all():
            raise ModelError(f"biases {bias} have scale {scale[0]:g}, which is not input scale times weight scale")

    def clamp(self, slot: int, output: Tensor) -> tuple[int, int]:
        """Range of output codes that the fused activation in ``slot`` of the options leaves."""
        return activation_clamp(self.fused(slot), output.quantization)
