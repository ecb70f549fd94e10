"""Names in C++: those of the network, where they are none of the language's and none of each other."""

from __future__ import annotations

import re

#: Words of C++14 that no name can be, and what the emitted files themselves call things.
_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl const
const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export extern false
float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private
protected public register reinterpret_cast return short signed sizeof static static_assert static_cast struct switch
template this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t
while xor xor_eq main std hwq layers constants linux unix
"""
_TAKEN = frozenset(_WORDS.split())


class Names:
    """Gives out identifiers, each once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, wanted: str) -> str:
        """``wanted``, as near to it as an identifier can be that is free."""
        # Two underscores in a row belong to the compiler, and so does one before a capital.
        name = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", wanted)).strip("_") or "unnamed"
        name = f"n{name}" if name[0].isdigit() else name
        free, number = name, 1
        while free in _TAKEN or free in self._given:
            number += 1
            free = f"{name}_{number}"
        self._given.add(free)
        return free
