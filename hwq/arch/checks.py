"""Parameter checks that collect every fault before they raise, so that a user mends a file in one go."""

from __future__ import annotations

from collections.abc import Iterable

from hwq.errors import ConfigError


class Checks:
    """Collects faults of one section of parameters; leaving the ``with`` block raises them all as a ConfigError.

    Parameters
    ----------
    section:
        Name that goes before each parameter's, as in ``array.rows``.
    """

    def __init__(self, section: str) -> None:
        self._section = section
        self._faults: list[tuple[str, str]] = []

    def __enter__(self) -> Checks:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None and self._faults:
            raise ConfigError("\n".join(f"{path}: {fault}" for path, fault in self._faults), self._faults)

    def fault(self, name: str, text: str) -> None:
        """Record that parameter ``name`` is wrong."""
        self._faults.append((f"{self._section}.{name}" if self._section else name, text))

    def integer(self, name: str, value: object, low: int, high: int) -> bool:
        """Check an integer within [low, high]; returns whether it is one."""
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fault(name, f"must be an integer from {low} to {high}, not {value!r}")
            return False
        return True

    def boolean(self, name: str, value: object) -> None:
        """Check a truth value."""
        if not isinstance(value, bool):
            self.fault(name, f"must be true or false, not {value!r}")

    def one_of(self, name: str, value: object, allowed: Iterable[object]) -> None:
        """Check membership in a short list."""
        allowed = list(allowed)
        if value not in allowed:
            self.fault(name, f"must be one of {', '.join(str(a) for a in allowed)}, not {value!r}")
