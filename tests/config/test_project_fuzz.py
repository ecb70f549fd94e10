"""Damaged project files give a ConfigError or load; nothing else ever comes out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hwq.config.project import load_project
from hwq.errors import ConfigError

PROJECT = (Path(__file__).parents[2] / "configs" / "projects" / "kws_8x8.yaml").read_bytes()
PIECES = [b"&a ", b"*a", b"!!python/name:os ", b"{", b"[", b"]", b"}", b": ", b"\n", b"\t", b"- ", b"? ", b"|", b">"]
PIECES += [
    b"'",
    b'"',
    b"#",
    b"%",
    b"---\n",
    b"...\n",
    b"<<: ",
    b"null",
    b".nan",
    b"1e999",
    b"0x",
    b"\x00",
    b"\xff",
    b"\\",
]


def mutated(seed: int) -> bytes:
    random_ = random.Random(seed)
    data = bytearray(PROJECT)
    for _ in range(random_.randint(1, 6)):
        at = random_.randrange(len(data))
        action = random_.randrange(4)
        if action == 0:
            data[at] = random_.randrange(256)
        elif action == 1:
            del data[at : at + random_.randint(1, 40)]
        elif action == 2:
            data[at:at] = random_.choice(PIECES)
        else:
            end = at + random_.randint(1, 60)
            data[end:end] = data[at:end]
    return bytes(data)


@pytest.mark.parametrize("block", range(8))
def test_mutations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", "/models")
    path = tmp_path / "p.yaml"
    loaded = refused = 0
    for seed in range(block * 50, block * 50 + 50):
        path.write_bytes(mutated(seed))
        try:
            load_project(path)
            loaded += 1
        except ConfigError as error:
            assert str(path) in str(error), f"seed {seed}"
            refused += 1
        except Exception as error:
            pytest.fail(f"seed {seed}: {type(error).__name__}: {error}")
    assert loaded
    assert refused


@pytest.mark.proof
@pytest.mark.parametrize("block", range(10))
def test_many_mutations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", "/models")
    path = tmp_path / "p.yaml"
    for seed in range(1000 + block * 1000, 2000 + block * 1000):
        path.write_bytes(mutated(seed))
        try:
            load_project(path)
        except ConfigError:
            pass
        except Exception as error:
            pytest.fail(f"seed {seed}: {type(error).__name__}: {error}")
