"""What every test relies on: where the official models are, unless the environment says."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("HWQ_MLPERF_TINY", str((Path(__file__).parents[2] / "shared" / "mlperf_tiny").resolve()))
