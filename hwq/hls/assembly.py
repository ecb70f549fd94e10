"""From a network to its C++, before any of it is text: names, streams, calls; refusals all at once."""

from __future__ import annotations

from hwq.arch.accelerator import Accelerator
from hwq.errors import ConfigError
from hwq.graph.network import Network
from hwq.graph.shapes import macs
from hwq.hls.computations import computation
from hwq.hls.lanes import tensor_lanes
from hwq.hls.naming import Names
from hwq.hls.setting import Setting
from hwq.hls.source import Computation, LayerCode, Source, StreamCode, TensorCode
from hwq.schedule.order import ordered_sums

#: Packs that a stream holds between layers that follow one another.
_DEPTH = 2

#: The network's output among the readers of a tensor; no function is called that.
_PORT = ""


def assemble(network: Network, accelerator: Accelerator) -> Source:
    """The C++ of ``network`` with the arithmetic of ``accelerator``, and loops unrolled as its array is wide.

    Raises
    ------
    ConfigError
        Layers or options that cannot be exported, every one by name.
    """
    lanes = tensor_lanes(network, accelerator.array.columns)
    setting = Setting(network, accelerator, lanes, ordered_sums(network, accelerator))
    faults = []
    computations: dict[str, Computation] = {}
    for layer in network.layers:
        found = computation(setting, layer)
        if isinstance(found, str):
            faults.append(f"layer {layer.name}: {found}")
        else:
            computations[layer.name] = found
    if not network.layers:
        faults.append(f"network {network.name} has no layer")
    if faults:
        raise ConfigError("\n".join(faults))
    return _Assembly(setting, computations).source()


class _Assembly:
    """Gives names, and joins layers by streams."""

    def __init__(self, setting: Setting, computations: dict[str, Computation]) -> None:
        network = self._network = setting.network
        self._setting = setting
        self._streams = Names()
        self._streams.give("input")
        self._streams.give("output")
        functions = Names()
        self._functions = {layer.name: functions.give(layer.name) for layer in network.layers}
        self._tensors = {network.input: self._tensor(network.input, "input")}
        for layer in network.layers:
            self._tensors[layer.output] = self._tensor(layer.output, self._streams.give(f"{layer.name}_out"))
        self._layers = [
            LayerCode(
                self._functions[layer.name],
                layer.name,
                layer.op,
                macs(network, layer),
                [self._tensors[name] for name in layer.inputs],
                self._tensors[layer.output],
                computations[layer.name],
            )
            for layer in network.layers
        ]
        self._inner: list[StreamCode] = []
        self._statements: list[str] = []

    def source(self) -> Source:
        """All of it."""
        network = self._network
        ends = self._distribute(self._tensors[network.input], "input")
        for layer, code in zip(network.layers, self._layers, strict=True):
            inputs = [ends[name].pop(0) for name in layer.inputs]
            last = self._readers(layer.output) == [_PORT]
            output = "output" if last else self._stream(code.output, code.output.name)
            self._statements.append(f"layers::{code.name}({', '.join([*inputs, output])});")
            ends.update(self._distribute(code.output, output))
        return Source(
            Names().give(network.name),
            network.name,
            self._layers,
            self._tensors[network.input],
            self._tensors[network.output],
            list(self._tensors.values()),
            self._inner,
            self._statements,
        )

    def _readers(self, tensor: str) -> list[str]:
        """Who takes a tensor, in the order in which they do: functions, and `_PORT`."""
        found = [
            self._functions[layer.name] for layer in self._network.layers for name in layer.inputs if name == tensor
        ]
        return [*found, _PORT] if tensor == self._network.output else found

    def _distribute(self, tensor: TensorCode, stream: str) -> dict[str, list[str]]:
        """Streams for the readers of ``tensor``, which is in ``stream``: that one, or copies where there are several.

        Where ways part, one may go on long before the other: every copy has room for the whole tensor.
        """
        readers = self._readers(tensor.tensor)
        if not readers:
            self._statements.append(f"hwq::discard<{tensor.packs}>({stream});")
        ends = []
        while len(readers) > 1:
            first = self._end(tensor, readers.pop(0))
            rest = self._end(tensor, readers[0] if len(readers) == 1 else "others")
            self._statements.append(f"hwq::fork<{tensor.packs}>({stream}, {first}, {rest});")
            ends.append(first)
            stream = rest
        return {tensor.tensor: [*ends, stream]}

    def _end(self, tensor: TensorCode, reader: str) -> str:
        if reader == _PORT:
            return "output"
        return self._stream(tensor, f"{tensor.name}_to_{reader}", tensor.packs)

    def _stream(self, tensor: TensorCode, name: str, depth: int = _DEPTH) -> str:
        # A tensor's stream is called as the tensor is, which the names know; copies are given new ones.
        given = name if name == tensor.name else self._streams.give(name)
        self._inner.append(StreamCode(given, tensor.type, depth))
        return given

    def _tensor(self, tensor: str, name: str) -> TensorCode:
        found, lanes = self._network.tensors[tensor], self._setting.lanes[tensor]
        kind = "codes" if found.quantization.format.signed else "bytes"
        return TensorCode(name, tensor, f"hwq::{kind}<{lanes}>", found.elements // lanes, found.shape)
