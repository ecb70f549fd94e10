"""Memory ports with names of their own, so that Verilog and waveforms read like the source."""

from __future__ import annotations

from amaranth.lib.memory import Memory, ReadPort, WritePort


def read_port(memory: Memory, name: str) -> ReadPort:
    """A synchronous read port whose signals are called ``{name}__addr`` and so on."""
    signature = ReadPort.Signature(addr_width=(memory.depth - 1).bit_length(), shape=memory.shape)
    return ReadPort(signature, memory=memory, domain="sync", path=(name,))


def write_port(memory: Memory, name: str, granularity: int | None = None) -> WritePort:
    """A write port whose signals are called ``{name}__addr`` and so on; one enable bit per ``granularity`` bits."""
    signature = WritePort.Signature(
        addr_width=(memory.depth - 1).bit_length(), shape=memory.shape, granularity=granularity
    )
    return WritePort(signature, memory=memory, domain="sync", path=(name,))
