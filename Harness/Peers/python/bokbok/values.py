"""Values and their canonical encoding (section 7 of the specification).

A value is an atom, which is `bytes`, or a list of values, which is a `list`. There are no other types. For convenience
`encode` also takes text (its UTF-8 bytes), whole numbers (their decimal digits) and tuples; decoding gives `bytes` and
`list` only.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Sequence, Union

from .errors import MalformedValue

Value = Union[bytes, List["Value"]]
#: What `encode` takes.
Encodable = Union[bytes, bytearray, memoryview, str, int, Sequence["Encodable"]]

DEPTH_MAX = 64  # V-3
VALUES_MAX = 1_048_576  # V-6
NUMBER_MAX = 4_294_967_295

_OPEN, _CLOSE, _ZERO = b"()0"
_DIGITS_MAX = 10  # more digits than any length that can be followed by so many bytes


def decode(data: bytes, *, depth_max: int = DEPTH_MAX, values_max: int = VALUES_MAX) -> Value:
    """Return the one value that `data` is the canonical encoding of.

    Raises `MalformedValue`. Takes time and memory in proportion to `data`, and does not recurse (V-3).
    """
    data = bytes(data)
    size = len(data)
    position = 0
    count = 0
    top: list[Value] = []  # holds the one value in the end
    unfinished = [top]
    append = top.append
    while True:
        if position >= size:
            raise MalformedValue(f"the value is cut off at byte {position}")  # V-1.c
        octet = data[position]
        if octet == _CLOSE:
            position += 1
            unfinished.pop()
            if not unfinished:
                raise MalformedValue(f"')' at byte {position - 1} closes no list")  # V-1.c
            append = unfinished[-1].append
        else:
            count += 1
            if count > values_max:
                raise MalformedValue(f"more than {values_max} values")  # V-6.a
            if octet == _OPEN:
                if len(unfinished) > depth_max:
                    raise MalformedValue(f"lists nest more than {depth_max} deep at byte {position}")  # V-3.a
                position += 1
                inner: list[Value] = []
                append(inner)
                append = inner.append
                unfinished.append(inner)
                continue
            colon = data.find(b":", position, position + _DIGITS_MAX + 1)
            digits = data[position:colon] if colon >= 0 else b""
            if not digits.isdigit():
                raise MalformedValue(f"neither an atom nor a list at byte {position}")  # V-4.a
            if octet == _ZERO and len(digits) > 1:
                raise MalformedValue(f"the length at byte {position} has a leading zero")  # V-2.a
            position = colon + 1 + int(digits)
            if position > size:
                raise MalformedValue(f"a length of {int(digits)} is longer than what follows it")  # V-2.b
            append(data[colon + 1 : position])
        if len(unfinished) == 1:
            break
    if position != size:
        raise MalformedValue(f"{size - position} bytes after the value")  # V-1.a
    return top[0]


def encode(value: Encodable, *, depth_max: int = DEPTH_MAX, values_max: int = VALUES_MAX) -> bytes:
    """Return the canonical encoding of `value`.

    Raises `MalformedValue` for one that nests too deep or holds too many values (E-4), and `TypeError` for what is no
    value at all.
    """
    parts: list[bytes] = []
    append = parts.append
    count = 0
    outer: list[Iterator[Any]] = []
    items: Iterator[Any] = iter((value,))
    while True:
        for item in items:
            count += 1
            if count > values_max:
                raise MalformedValue(f"the value holds more than {values_max} values")  # E-4, V-6.a
            if isinstance(item, bytes):
                append(b"%d:" % len(item))
                append(item)
            elif isinstance(item, (list, tuple)):
                if len(outer) >= depth_max:
                    raise MalformedValue(f"the value nests more than {depth_max} deep")  # E-4, V-3.a
                append(b"(")
                outer.append(items)
                items = iter(item)
                break
            else:
                atom = _atom(item)
                append(b"%d:" % len(atom))
                append(atom)
        else:
            if not outer:
                return b"".join(parts)
            append(b")")
            items = outer.pop()


def _atom(item: object) -> bytes:
    if isinstance(item, str):
        try:
            return item.encode("utf-8")
        except UnicodeEncodeError as error:
            raise MalformedValue(f"a text holds what UTF-8 has no bytes for: {error.reason}") from None
    if isinstance(item, int) and not isinstance(item, bool):
        return b"%d" % item
    if isinstance(item, (bytearray, memoryview)):
        return bytes(item)
    raise TypeError(
        f"a value is bytes, str, int, or a list or tuple of values; got {type(item).__name__}. "
        "Turn it into one of these first."
    )


def number(atom: Value) -> int | None:
    """The number that `atom` writes in decimal without leading zeros, up to 4294967295; None if it does not."""
    if not isinstance(atom, bytes) or not 1 <= len(atom) <= 10 or not atom.isdigit():
        return None
    if atom[0] == _ZERO and len(atom) > 1:
        return None
    result = int(atom)
    return result if result <= NUMBER_MAX else None
