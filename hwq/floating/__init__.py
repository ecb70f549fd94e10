"""Networks of real numbers: layers, checks, folding, and execution in numpy."""

from hwq.floating.execution import run, trace
from hwq.floating.network import FloatNetwork

__all__ = ["FloatNetwork", "run", "trace"]
