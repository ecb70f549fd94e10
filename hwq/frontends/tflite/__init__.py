"""TFLite models (FlatBuffers) as networks: int8 ones, and those of real numbers."""

from hwq.frontends.tflite.float_importer import import_float_model
from hwq.frontends.tflite.importer import import_model, read_tflite

__all__ = ["import_float_model", "import_model", "read_tflite"]
