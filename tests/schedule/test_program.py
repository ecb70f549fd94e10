"""Lowering: what does not fit is refused with memory, shortfall and parameter; what fits is laid out as promised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Space
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
)
from hwq.errors import CapacityError
from hwq.graph.network import Network
from hwq.schedule import images
from hwq.schedule.capacity import accumulator_bits, width_faults
from hwq.schedule.program import lower
from tests.support.convolutions import quantization, random_convolution, reaching_network, small_network

BUFFERS = BufferParameters(activations=1024, weights=4096, channels=64, descriptors=8, accumulators=16)


def accelerator(**changes: object) -> Accelerator:
    return replace(Accelerator(ArrayParameters(4, 4), buffers=BUFFERS), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed,message",
    [
        (
            {"activations": 128},
            "activations memory holds 128 elements and 272 are needed.*buffers.activations to 272",
        ),
        (
            {"weights": 64},
            "weights memory holds 64 weights and 1248 are needed, 1184 too many; raise buffers.weights to",
        ),
        (
            {"channels": 4},
            "records memory holds 4 channels and 28 are needed, 24 too many; raise buffers.channels to 28",
        ),
    ],
)
def test_a_memory_that_is_too_small_is_named(changed: dict[str, int], message: str) -> None:
    network = small_network()
    with pytest.raises(CapacityError, match=f"^{message}"):
        lower(network, network.layers, accelerator(buffers=replace(BUFFERS, **changed)))


def test_everything_that_is_too_small_is_said_at_once() -> None:
    network = small_network()
    tiny = BufferParameters(activations=128, weights=64, channels=4, descriptors=2, accumulators=2)
    with pytest.raises(CapacityError) as caught:
        lower(network, network.layers, accelerator(buffers=tiny, arithmetic=ArithmeticParameters(accumulator_bits=19)))
    message = str(caught.value)
    for part in ("activations memory", "weights memory", "records memory", "descriptors memory"):
        assert message.count(part) == 1


def test_the_parameter_that_the_message_names_is_enough() -> None:
    network = small_network()
    exact = BufferParameters(activations=272, weights=1248, channels=28, descriptors=4, accumulators=16)
    lower(network, network.layers, accelerator(buffers=exact))
    for name, less in (("activations", 16), ("weights", 16), ("channels", 16), ("descriptors", 1)):
        with pytest.raises(CapacityError, match=f"raise buffers.{name} to {getattr(exact, name)}"):
            lower(network, network.layers, accelerator(buffers=replace(exact, **{name: getattr(exact, name) - less})))


def test_too_few_descriptors_for_the_groups_of_a_convolution() -> None:
    network = next(n for seed in range(50) if (n := random_convolution(seed)).layers[0].groups == 3)
    with pytest.raises(CapacityError, match=r"^descriptors memory holds 3 descriptors and 4 are needed"):
        lower(network, network.layers, accelerator(buffers=replace(BUFFERS, descriptors=3)))


def test_sums_that_need_more_bits_are_refused() -> None:
    network, _ = reaching_network(20)
    narrow = accelerator(arithmetic=ArithmeticParameters(accumulator_bits=19, psum_bits=19))
    with pytest.raises(
        CapacityError, match=r"layer reach: its sums need 20 bits and arithmetic.accumulator_bits is 19"
    ):
        lower(network, network.layers, narrow)
    lower(network, network.layers, accelerator(arithmetic=ArithmeticParameters(accumulator_bits=20)))
    with pytest.raises(CapacityError, match=r"need 17 bits and arithmetic.psum_bits is 16; raise arithmetic.psum_bits"):
        lower(network, network.layers, accelerator(arithmetic=ArithmeticParameters(psum_bits=16)))


def test_weights_that_need_more_bits_are_refused() -> None:
    network = small_network()
    narrow = accelerator(arithmetic=ArithmeticParameters(weight_bits=4))
    with pytest.raises(
        CapacityError,
        match=r"^layers first, second, classes: their weights need 8 bits and arithmetic\.weight_bits is 4",
    ):
        lower(network, network.layers, narrow)


def test_narrow_weights_advise_only_the_parameter_that_was_set() -> None:
    network = small_network()
    with pytest.raises(CapacityError) as caught:
        lower(network, network.layers, accelerator(arithmetic=ArithmeticParameters(weight_bits=2)))
    assert str(caught.value) == (
        "layers first, second, classes: their weights need 8 bits and arithmetic.weight_bits is 2; "
        "raise arithmetic.weight_bits to 8"
    )


def test_a_width_that_several_layers_lack_is_raised_once_and_far_enough() -> None:
    network = small_network()
    needs = {
        layer.name: accumulator_bits(layer.steps[0].plans[0].cut)
        for layer in lower(network, network.layers, accelerator()).layers
    }
    most = max(needs.values())
    worst = [name for name, need in needs.items() if need == most]
    assert (len(worst), len(needs)) == (2, 3)
    with pytest.raises(CapacityError) as caught:
        lower(network, network.layers, accelerator(arithmetic=ArithmeticParameters(psum_bits=8, accumulator_bits=8)))
    sums, in_array = str(caught.value).splitlines()
    assert sums == (
        f"layers {', '.join(worst)}: their sums need {most} bits and arithmetic.accumulator_bits is 8 (1 more layer "
        f"does not fit either); raise arithmetic.accumulator_bits to {most}"
    )
    bits = int(in_array.rsplit(" ", 1)[1])
    assert in_array.endswith(f"raise arithmetic.psum_bits to {bits}")
    enough = ArithmeticParameters(psum_bits=bits, accumulator_bits=most)
    lower(network, network.layers, accelerator(arithmetic=enough))
    with pytest.raises(CapacityError, match=f"arithmetic.psum_bits is {bits - 1}"):
        lower(network, network.layers, accelerator(arithmetic=replace(enough, psum_bits=bits - 1)))


def test_of_many_layers_a_few_are_named() -> None:
    step = lower(small_network(), small_network().layers, accelerator()).layers[0].steps[0]
    plans = [plan.cut for plan in step.plans]
    narrow = accelerator(arithmetic=ArithmeticParameters(weight_bits=4))
    many = [
        replace(plan, accelerator=narrow, convolution=replace(plan.convolution, layer=f"layer_{number}"))
        for number in range(5)
        for plan in plans
    ]
    (fault,) = width_faults(many)
    assert fault.startswith("layers layer_0, layer_1, layer_2 and 2 more: their weights need 8 bits")


def test_subtracted_operands_need_their_own_bits() -> None:
    network = small_network()
    forms = {}
    for form in InputZeroPoint:
        program = lower(network, network.layers, accelerator(arithmetic=ArithmeticParameters(input_zero_point=form)))
        forms[form] = [accumulator_bits(layer.steps[0].plans[0].cut) for layer in program.layers]
    assert all(bits >= 15 for bits in forms[InputZeroPoint.FOLDED])
    # With a zero-point of -9 operands reach 136 instead of 127.
    weights = small_network().layers[1].weights.reshape(10, -1).astype(np.int64)
    high = max(np.maximum(w, 0).sum() * 136 - np.minimum(w, 0).sum() * 119 for w in weights)
    low = max(np.maximum(w, 0).sum() * 119 - np.minimum(w, 0).sum() * 136 for w in weights)
    assert forms[InputZeroPoint.SUBTRACTED][1] == int(max(high, low)).bit_length() + 1


def test_a_scale_that_needs_a_left_shift_is_refused_without_the_shifter() -> None:
    network = small_network()
    tensors = dict(network.tensors)
    tensors["scores"] = replace(tensors["scores"], quantization=quantization(0.001, 0))
    steep = Network(network.name, tensors, network.layers, network.input, network.output)
    plain = accelerator(requantizer=RequantizerParameters(max_left_shift=0))
    lower(network, network.layers, plain)
    with pytest.raises(CapacityError, match=r"layer classes: .*raise requantizer.max_left_shift to \d+") as caught:
        lower(steep, steep.layers, plain)
    needed = int(str(caught.value).rsplit(" ", 1)[1])
    lower(steep, steep.layers, accelerator(requantizer=RequantizerParameters(max_left_shift=needed)))


def test_a_descriptor_field_that_is_too_narrow_is_a_capacity_error() -> None:
    network = small_network()
    tensors = dict(network.tensors)
    tall = replace(network.layers[1], padding=(1 << 16, 0, 0, 0))
    tensors["deep"] = replace(tensors["deep"], shape=(32771, 2, 10))
    deep = Network("deep", tensors, (tall,), "wide", "deep")
    big = accelerator(buffers=replace(BUFFERS, activations=1 << 20))
    with pytest.raises(CapacityError, match=r"layer second: the accelerator's descriptor has no room.*y_start"):
        lower(deep, deep.layers, big)


def test_folded_bias_holds_the_zero_point() -> None:
    network = small_network()
    folded = lower(network, network.layers, accelerator())
    subtracted = lower(
        network,
        network.layers,
        accelerator(arithmetic=ArithmeticParameters(input_zero_point=InputZeroPoint.SUBTRACTED)),
    )
    for channel in range(6):
        moved = 4 * int(network.layers[0].weights[channel].astype(np.int64).sum())
        assert folded.records[channel]["bias"] == subtracted.records[channel]["bias"] - moved
        assert subtracted.records[channel]["bias"] == network.layers[0].bias[channel]


def test_cycles_add_up_and_end_with_the_last_output() -> None:
    for seed in range(20):
        network = random_convolution(seed)
        program = lower(
            network, network.layers, accelerator(buffers=replace(BUFFERS, activations=1 << 14, weights=1 << 14))
        )
        layer = program.layers[0]
        written = [layer.output_cycle(element) for element in range(layer.output.elements)]
        assert max(written) == layer.predicted_cycles
        assert layer.cycles.total == layer.predicted_cycles
        for count in layer.steps[0].cycles:
            assert min(count.fetch, count.load, count.issue, count.tail) > 0
            assert count.wait >= 0


def test_images_round_trip() -> None:
    rng = np.random.default_rng(3)
    for bits in (2, 5, 8):
        codes = rng.integers(-(1 << bits - 1), 1 << bits - 1, 23)
        words = images.pack_words(codes, 4, bits)
        assert len(words) == 6
        assert all(0 <= word < 1 << 4 * bits for word in words)
        assert np.array_equal(images.unpack_words(words, 4, bits)[:23], codes)


def test_beats_carry_each_word_lowest_part_first() -> None:
    wide = accelerator(array=ArrayParameters(16, 16))
    bits = wide.word_bits[Space.WEIGHTS]
    assert bits == 128
    word = 0x0123456789ABCDEF_FEDCBA9876543210
    low, high = images.load_beats(wide, Space.WEIGHTS, 5, [word])
    mask = (1 << isa.WORD_BITS) - 1
    address = wide.load_address_bits
    assert (low & mask, high & mask) == (word & mask, word >> 64)
    for beat, last in ((low, 0), (high, 1)):
        assert beat >> 64 & (1 << address) - 1 == 5
        assert beat >> 64 + address & 3 == Space.WEIGHTS
        assert beat >> 64 + address + 2 == last


def test_use_of_each_memory() -> None:
    network = small_network()
    used = {space: words for space, (words, _) in lower(network, network.layers, accelerator()).used().items()}
    # 272 elements, 1248 weights, 28 channels by two lanes, and four descriptors for the whole network in one run.
    assert used[Space.ACTIVATIONS] == 68
    assert used[Space.WEIGHTS] == 312
    assert used[Space.RECORDS] == 14
    assert used[Space.DESCRIPTORS] == 4 * isa.DESCRIPTOR_WORDS
    first = lower(network, network.layers[:1], accelerator()).used()
    assert first[Space.DESCRIPTORS][0] == 2 * isa.DESCRIPTOR_WORDS
