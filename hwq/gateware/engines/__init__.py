"""One engine a file, under the names that ``hwq.arch`` and ``hwq.schedule`` use."""

from hwq.gateware.engines.array import ArrayEngine

ENGINES = {"array": ArrayEngine}
"""The component of each engine."""
