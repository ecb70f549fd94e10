"""Model files as networks: `load` and `load_float` read any format that hwq knows."""

from hwq.frontends.loading import load, load_float

__all__ = ["load", "load_float"]
