"""Names in C++."""

from __future__ import annotations

from hwq.hls.naming import Names


def test_names_stay_what_they_are() -> None:
    assert Names().give("conv2d_1") == "conv2d_1"


def test_each_is_given_once() -> None:
    names = Names()
    assert [names.give("a"), names.give("a"), names.give("a_2")] == ["a", "a_2", "a_2_2"]


def test_words_of_the_language_are_no_names() -> None:
    names = Names()
    assert [names.give("double"), names.give("main"), names.give("layers")] == ["double_2", "main_2", "layers_2"]


def test_other_characters_are_replaced() -> None:
    names = Names()
    assert [names.give("a/b:0"), names.give("0"), names.give("__"), names.give("_X")] == ["a_b_0", "n0", "unnamed", "X"]
