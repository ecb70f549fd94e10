"""hwq: bit-accurate emulation and hardware generation for quantized neural networks."""

__version__ = "0.1.0"
