"""Every module's header lists its ports in declared order, signed ones among them."""

from __future__ import annotations

import re

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters
from hwq.export.verilog import emit_verilog, port_names
from hwq.gateware.pe import ProcessingElement
from hwq.gateware.requantizer import Requantizer


def test_headers_list_ports_as_declared() -> None:
    accelerator = Accelerator(array=ArrayParameters(rows=2, columns=2))
    text = emit_verilog(accelerator)
    pe = ProcessingElement(
        operand=accelerator.operand, weight=accelerator.weight, psum_bits=accelerator.psum_bits, product_register=True
    )
    for component in (pe, Requantizer(accelerator=accelerator)):
        component._MustUse__silence = True
        header = re.search(rf"^module {component.module}\(([^)]*)\)", text, flags=re.MULTILINE)
        assert header is not None
        assert header[1].replace(",", " ").split() == port_names(component.signature)
