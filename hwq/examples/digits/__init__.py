"""Handwritten digits: a small convolutional network, 8x8 gray pictures that it has not seen, and a project file.

`hwq.examples.digits.train` makes network and pictures anew. The pictures come from scikit-learn, and there from
"Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (UCI Machine Learning Repository, 1998,
CC BY 4.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path


@contextmanager
def project_file() -> Iterator[Path]:
    """The project file, beside the network and the pictures that it names, wherever hwq is installed."""
    with resources.as_file(resources.files(__name__)) as folder:
        yield folder / "digits.yaml"
