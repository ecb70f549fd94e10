"""One engine a file: its parameters, the layout of its descriptor, its latencies."""

from __future__ import annotations

from collections.abc import Mapping

from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import TableParameters

PARAMETERS: Mapping[str, type] = {
    "depthwise": DepthwiseParameters,
    "pooling": PoolingParameters,
    "elementwise": ElementwiseParameters,
    "table": TableParameters,
}
"""The engines beside the array by name, with the parameters of each; every parameter has a default."""

SUMMING = ("array", "depthwise")
"""The engines that accumulate products: their sums may leave their widths."""
