"""The quantized network: tensors, layers, checks, geometry and its file format."""

from hwq.graph.inputs import quantize_input

__all__ = ["quantize_input"]
