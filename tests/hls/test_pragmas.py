"""What Vitis HLS insists on, read out of what is emitted: interfaces, partitions, bounded loops; no recursion."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from hwq.graph.inputs import random_samples
from hwq.hls.flavors import Flavor
from tests.graph.networks import network_of_every_layer
from tests.hls.support import emit, hardware

#: Run on the host alone.
HOST = {"hwq_bench.h", "hwq_stream.h"}
#: What hardware does not have.
FORBIDDEN = r"\b(new|delete|malloc|free|std::vector|std::string|std::map|virtual|throw|goto|while|do)\b"
#: A bound that the compiler knows: numbers, members of a spec, template parameters, and names declared constexpr.
KNOWN = r"(\d+|SPEC::\w+|(window<SPEC>|PACK|IN|OUT)::\w+|[A-Z][A-Z_]*)"
NAME = r"[A-Za-z_]\w*"

Files = dict[str, str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    root = tmp_path_factory.mktemp("vitis")
    network = network_of_every_layer()
    emit(network, hardware(4, 2), random_samples(network, 1, 0), root, Flavor.VITIS)
    paths = [*(root / "include").glob("*.h"), root / "src" / "every_layer.cpp"]
    return {path.name: path.read_text() for path in paths if path.name not in HOST}


def code(text: str) -> str:
    """Without comments."""
    return re.sub(r"//.*", "", text)


def faults(files: Files) -> list[str]:
    """Everything that synthesis would refuse, by file."""
    found = [*interfaces(files["every_layer.cpp"])]
    for name, text in files.items():
        found += [f"{name}: {fault}" for fault in (*partitions(code(text)), *loops(code(text)))]
        found += [f"{name}: {word[0]}" for word in re.finditer(FORBIDDEN, code(text))]
    return [*found, *recursions("\n".join(code(text) for text in files.values()))]


def interfaces(text: str) -> Iterator[str]:
    head = re.search(r"\nvoid every_layer\((.*?)\) \{\n(.*?)\n\}", text, re.DOTALL)
    assert head is not None
    for port in [*re.findall(rf"({NAME})(?:,|$)", head[1]), "return"]:
        if not re.search(rf"^#pragma HLS interface (axis|s_axilite) port = {port}$", head[2], re.MULTILINE):
            yield f"port {port} has no interface"


def partitions(text: str) -> Iterator[str]:
    for pragma in re.finditer(rf"#pragma HLS array_partition variable = ({NAME}) (complete|cyclic factor = \S+)", text):
        # Declared before in its function, as an array, a line buffer or a reference to one.
        before = text[max(text.rfind("\n}\n", 0, pragma.start()), 0) : pragma.start()]
        declared = rf"[\w>] {pragma[1]}\[[^;=]*\];|\(&{pragma[1]}\)\[|line_buffer<SPEC> {pragma[1]};"
        if not re.search(declared, before):
            yield f"{pragma[1]} is partitioned, and no array"
    if text.count("#pragma HLS array_partition") != len(
        re.findall(rf"#pragma HLS array_partition variable = {NAME} (?:complete|cyclic factor = \S+)", text)
    ):
        yield "a partition is not understood"


def loops(text: str) -> Iterator[str]:
    known = {*re.findall(rf"constexpr int ({NAME})", text)}
    for loop in re.finditer(r"for \((.*?)\) \{\n(.*)", text):
        bound = re.fullmatch(rf"int ({NAME}) = \w+; \1 < (.+); \1(?:\+\+| \+= \S+)", loop[1])
        words = re.split(r" [/*+-] ", bound[2]) if bound else [""]
        if all(re.fullmatch(KNOWN, word) or word in known for word in words):
            continue
        if not re.match(r"#pragma HLS loop_tripcount min = \S+ max = \S+$", loop[2]):
            yield f"for ({loop[1]}) has no bound and no trip count"
    if len(re.findall(r"\bfor\b", text)) != len(re.findall(r"for \(.*?\) \{\n", text)):
        yield "a loop is not understood"


def recursions(text: str) -> Iterator[str]:
    bodies: dict[str, str] = {}
    for head in re.finditer(rf"^(?: *)(?:[\w:<>,&* ]+ )({NAME})\([^;{{}}]*?\) (?:const )?\{{\n", text, re.MULTILINE):
        depth, end = 1, head.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        bodies[head[1]] = bodies.get(head[1], "") + text[head.end() : end]
    assert {"convolution", "requantize", "finish_sum"} <= set(bodies)
    # A layer's own function is called as its template may be.
    calls = {name: set(re.findall(rf"(?<!hwq::)(?<!\w)({NAME})(?:<[^;]*?>)?\(", body)) for name, body in bodies.items()}
    for name in bodies:
        reached: set[str] = set()
        todo = [name]
        while todo:
            new = (calls[todo.pop()] & set(bodies)) - reached
            reached |= new
            todo += new
        if name in reached and name not in ("read", "write"):
            yield f"{name} calls itself"


def test_nothing_is_refused(files: Files) -> None:
    assert faults(files) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("every_layer.cpp", "#pragma HLS interface axis port = input\n", "", "port input has no interface"),
        ("every_layer.cpp", "#pragma HLS interface s_axilite port = return\n", "", "port return has no interface"),
        (
            "hwq_dense.h",
            "variable = operands",
            "variable = operand",
            "hwq_dense.h: operand is partitioned, and no array",
        ),
        ("hwq_dense.h", "vector < SPEC::vectors", "vector < passes.in_run", "has no bound and no trip count"),
        ("hwq_window.h", "#pragma HLS loop_tripcount min = 0 max = SPEC::height\n", "", "has no bound and no trip"),
        ("hwq_mean.h", "integer<32> sums[SPEC::inner];", "int* sums = new int[4];", "hwq_mean.h: new"),
        ("hwq_softmax.h", "  return saturate(result * 2);", "  return one_over_one_plus(result);", "calls itself"),
    ],
)
def test_what_would_be_refused_is_found(file: str, old: str, new: str, fault: str, files: Files) -> None:
    assert old in files[file]
    found = faults(files | {file: files[file].replace(old, new, 1)})
    assert len(found) == 1 and fault in found[0]
