"""One engine a file, under the names that ``hwq.arch`` and ``hwq.schedule`` use."""

from hwq.gateware.engines.array import ArrayEngine
from hwq.gateware.engines.depthwise import DepthwiseEngine
from hwq.gateware.engines.elementwise import ElementwiseEngine
from hwq.gateware.engines.pooling import PoolingEngine

ENGINES = {
    "array": ArrayEngine,
    "depthwise": DepthwiseEngine,
    "pooling": PoolingEngine,
    "elementwise": ElementwiseEngine,
}
"""The component of each engine."""
