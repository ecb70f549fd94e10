"""Model files as networks: `load` reads any format that hwq knows."""

from hwq.frontends.loading import load

__all__ = ["load"]
