"""The axes of a sweep file: lists, ranges and presets, and the conditions under which they vary."""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from hwq.config.document import Document, Key
from hwq.config.faults import nearest
from hwq.config.project import project_keys
from hwq.explore.metrics import METRICS
from hwq.explore.space import MOST_POINTS, Axis, Choice, Scalar, same

_FORMS = ("values", "range", "presets", "when")


def read_axes(document: Document) -> tuple[Axis, ...]:
    """The axes of a sweep; records their faults."""
    given = document.values.get("axes")
    if "axes" not in document.values:
        document.fault((), "axes is required: the keys of the project that vary")
    elif not isinstance(given, dict) or not given:
        fault(document, ("axes",), "must be a mapping of keys of a project to their values")
    else:
        axes: list[Axis] = []
        for name, spec in given.items():
            choices = _choices(document, name, spec)
            when = _when(document, name, spec, axes)
            for key in dict.fromkeys(key for choice in choices for key, _ in choice.settings):
                if other := next((axis.name for axis in axes if key in axis.keys), None):
                    what = "is set" if key == name else f"sets {key}, which is set"
                    document.fault(("axes", name), f"{what} by axis {other} too")
            axes.append(Axis(name, choices, when))
        return tuple(axes)
    return ()


def _choices(document: Document, name: str, spec: object) -> tuple[Choice, ...]:
    at: Key = ("axes", name)
    if isinstance(spec, dict):
        for key in spec:
            if key not in _FORMS:
                document.fault((*at, key), f"unknown key; {nearest(key, _FORMS)}")
        forms = [key for key in ("values", "range", "presets") if key in spec]
        if len(forms) != 1:
            what = f"has {' and '.join(forms)}" if forms else "has no values"
            document.fault(at, f"{what}; an axis has one of values, range [first, last, step] or presets")
            return ()
        if forms == ["presets"]:
            return _presets(document, name, spec["presets"])
        at = (*at, forms[0])
        values = _range(document, at, spec["range"]) if forms == ["range"] else _list(document, at, spec["values"])
    else:
        values = _list(document, at, spec)
    _check_key(document, ("axes", name), name)
    return tuple(Choice(value, ((name, value),)) for value in values)


def _check_key(document: Document, at: Key, key: str) -> None:
    if key not in project_keys():
        sections = {valid.partition(".")[0] for valid in project_keys()}
        if key in sections:
            inside = [valid for valid in project_keys() if valid.startswith(f"{key}.")]
            document.fault(at, f"is a section of a project; its keys are {', '.join(inside)}")
        else:
            document.fault(at, f"no key of a project; {_nearest_key(key)}")


def _nearest_key(key: str) -> str:
    """Advice after an unknown key: the nearest one, or those of its section, or all sections."""
    advice = nearest(key, project_keys())
    if advice.startswith("did"):
        return advice
    tops = dict.fromkeys(valid.partition(".")[0] for valid in project_keys())
    return f"an example: array.rows; sections are {', '.join(tops)}"


def _list(document: Document, at: Key, given: object) -> list[Scalar]:
    if not isinstance(given, list) or not given:
        example = f"{at[1]}: [first, second], or {at[1]}: {{range: [first, last, step]}}"
        fault(document, at, f"must be a list of values: {example}")
        return []
    values: list[Scalar] = []
    for number, value in enumerate(given):
        if not isinstance(value, int | float | str | None):
            document.fault((*at, str(number)), "must be a number, a text, true, false or null")
        elif any(same(value, other) for other in values):
            document.fault((*at, str(number)), f"is given twice: {shown(value)}")
        else:
            values.append(value)
    return values


def _range(document: Document, at: Key, given: object) -> list[Scalar]:
    good = isinstance(given, list) and len(given) in (2, 3) and all(type(number) is int for number in given)
    if not good:
        fault(document, at, "must be [first, last, step]: integers, last included where a step meets it")
        return []
    assert isinstance(given, list)
    first, last, step = (*given, 1)[:3]
    if step == 0 or (last - first) * step < 0:
        document.fault(at, f"never comes from {first} to {last} by steps of {step}")
        return []
    values = range(first, last + (1 if step > 0 else -1), step)
    if len(values) > MOST_POINTS:
        document.fault(at, f"has more than {MOST_POINTS:,} values")
        return []
    return list(values)


def _presets(document: Document, name: str, given: object) -> tuple[Choice, ...]:
    at: Key = ("axes", name, "presets")
    tops = {key.partition(".")[0] for key in project_keys()}
    if name in (*tops, *project_keys(), *METRICS) or not name.isidentifier() or keyword.iskeyword(name):
        document.fault(("axes", name), "presets need a name of their own: letters, digits and _, no key of a project")
    if not isinstance(given, dict) or not given:
        fault(document, at, "must be a mapping of names to keys of a project: small: {array.rows: 4}")
        return ()
    choices = []
    for label, settings in given.items():
        inner: Key = (*at, label)
        if not isinstance(settings, dict) or not settings:
            fault(document, inner, "must be a mapping of keys of a project to values: {array.rows: 4}")
            continue
        for key, value in settings.items():
            _check_key(document, (*inner, key), key)
            if not isinstance(value, int | float | str | None):
                document.fault((*inner, key), "must be a number, a text, true, false or null")
        choices.append(Choice(label, tuple(settings.items())))
    return tuple(choices)


def _when(
    document: Document, name: str, spec: object, before: list[Axis]
) -> tuple[tuple[str, tuple[Scalar, ...]], ...]:
    if not isinstance(spec, dict) or "when" not in spec:
        return ()
    at: Key = ("axes", name, "when")
    given = spec["when"]
    if not isinstance(given, dict) or not given:
        fault(document, at, "must be a mapping of other axes to the values they must have: {array.rows: 8}")
        return ()
    conditions = []
    for other, wanted in given.items():
        values: tuple[Scalar, ...] = tuple(wanted) if isinstance(wanted, list) else (wanted,)
        valid = list(_values_of(other, before))
        if not valid:
            known = [name for axis in before for name in (axis.name, *axis.keys)]
            advice = nearest(other, list(dict.fromkeys(known))) if known else "this is the first axis"
            document.fault((*at, other), f"names no axis above this one; {advice}")
        for value in values if valid else ():
            if not any(same(value, possible) for possible in valid):
                text = f"is never {shown(value)}; its values are {', '.join(map(shown, valid))}"
                document.fault((*at, other), text)
        conditions.append((other, values))
    return tuple(conditions)


def _values_of(name: str, axes: list[Axis]) -> Iterator[Scalar]:
    """What an axis, or a key that presets set, may be."""
    for axis in axes:
        for choice in axis.choices:
            if axis.name == name:
                yield choice.label
            else:
                yield from (value for key, value in choice.settings if key == name)


def fault(document: Document, key: Key, text: str) -> None:
    """Record a fault, unless the value could not be read and has its own."""
    if key not in document.lost:
        document.fault(key, text)


def shown(value: object) -> str:
    """A value as messages about the file show it."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
