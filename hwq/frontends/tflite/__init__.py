"""TFLite models (FlatBuffers, int8) as networks."""

from hwq.frontends.tflite.importer import import_model, read_tflite

__all__ = ["import_model", "read_tflite"]
