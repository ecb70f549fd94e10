"""One engine a file, under the names that ``hwq.arch`` and ``hwq.schedule`` use."""

from hwq.gateware.engines.array import ArrayEngine
from hwq.gateware.engines.depthwise import DepthwiseEngine
from hwq.gateware.engines.elementwise import ElementwiseEngine
from hwq.gateware.engines.pooling import PoolingEngine
from hwq.gateware.engines.table import TableEngine

ENGINES = {
    "array": ArrayEngine,
    "depthwise": DepthwiseEngine,
    "pooling": PoolingEngine,
    "elementwise": ElementwiseEngine,
    "table": TableEngine,
}
"""The component of each engine."""
