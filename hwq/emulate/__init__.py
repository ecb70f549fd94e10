"""The bit-exact emulator: whole networks in integer arithmetic, on numpy."""

from hwq.emulate.emulator import Emulator

__all__ = ["Emulator"]
