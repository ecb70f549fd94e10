"""The official keyword samples are codes of the int8 model; the file says of what scale."""

from __future__ import annotations

import numpy as np

from hwq.frontends import load_float
from hwq.frontends.samples import open_float_samples
from tests.support.models import official_file, official_float_model
from tests.support.samples import real_numbers


def test_the_official_samples_are_real_numbers_of_the_float_model() -> None:
    network = load_float(official_float_model("kws"))
    (x,) = open_float_samples(official_file("kws_test_600.npz"), network).pieces(lambda: 600)
    assert x.dtype == np.float32
    assert np.allclose(x, real_numbers("kws", network, 600, 0), rtol=1e-6, atol=1e-6)
