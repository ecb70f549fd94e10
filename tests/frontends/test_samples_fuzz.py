"""Damaged .npz files give a DataError or samples; nothing else ever comes out."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest

from hwq.errors import DataError
from hwq.frontends.samples import open_samples
from tests.cli.support import small_samples
from tests.graph.networks import network_of_every_layer


def archive(compressed: bool) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, x=small_samples(3), y=np.arange(3))
    return buffer.getvalue()


def mutated(data: bytes, seed: int) -> bytes:
    random_ = random.Random(seed)
    changed = bytearray(data)
    # Half of the mutations hit the headers at both ends, where the interesting bytes are.
    for _ in range(random_.randint(1, 4)):
        reach = len(changed) if seed % 2 else 200
        at = random_.randrange(reach) * random_.choice((1, -1))
        action = random_.randrange(3)
        if action == 0:
            changed[at] = random_.randrange(256)
        elif action == 1:
            changed[at] ^= 1 << random_.randrange(8)
        else:
            del changed[at : at + random_.randint(1, 30)]
    return bytes(changed)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("compressed", [False, True], ids=["stored", "deflated"])
@pytest.mark.parametrize("block", range(4))
def test_mutations(tmp_path: Path, compressed: bool, block: int) -> None:
    network, good = network_of_every_layer(), archive(compressed)
    path = tmp_path / "x.npz"
    refused = 0
    for seed in range(block * 250, block * 250 + 250):
        path.write_bytes(mutated(good, seed))
        try:
            samples = open_samples(path, network)
            assert sum(len(x) for x in samples.pieces(lambda: 2)) == samples.count
        except DataError as error:
            assert str(error).startswith(f"{path}: "), f"seed {seed}"
            refused += 1
        except Exception as error:
            pytest.fail(f"seed {seed}: {type(error).__name__}: {error}")
    assert refused > 100
