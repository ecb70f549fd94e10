"""Layers that take codes of more than 8 bits."""

from __future__ import annotations

from collections.abc import Mapping

#: For `random_network`; of poolings only the maxima do, of whose kind a seed decides.
LAYERS: Mapping[str, int] = {
    "conv": 4,
    "depthwise": 4,
    "pad": 2,
    "concatenate": 2,
    "pool": 2,
    "residual": 1,
    "activate": 1,
}
