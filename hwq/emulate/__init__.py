"""Bit-accurate execution of quantized networks."""
