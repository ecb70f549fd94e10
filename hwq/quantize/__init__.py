"""Post-training quantization: a network of real numbers and samples give a quantized network."""

from hwq.quantize.quantizing import quantize
from hwq.quantize.specification import Quantization

__all__ = ["Quantization", "quantize"]
