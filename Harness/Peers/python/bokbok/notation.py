"""Values as people read and write them: the advanced form of RFC 9804. It is never sent (V-4)."""

from __future__ import annotations

import base64
import binascii
import re

from .errors import MalformedValue
from .values import DEPTH_MAX, VALUES_MAX, Value

_TOKEN = re.compile(rb"[A-Za-z\-./_:*+=][A-Za-z0-9\-./_:*+=]*")
_LENGTH = re.compile(rb"0|[1-9][0-9]*")
_SPACE = re.compile(rb"[ \t\r\n\v\f]+")
_QUOTED_PIECE = re.compile(rb'[^"\\]+')
_ESCAPES = {
    b"a": b"\a", b"b": b"\b", b"t": b"\t", b"v": b"\v", b"n": b"\n", b"f": b"\f", b"r": b"\r",
    b'"': b'"', b"'": b"'", b"?": b"?", b"\\": b"\\",
}  # fmt: skip


def format_value(value: Value) -> str:
    """Write `value` in the advanced form: tokens, quoted strings, and `#…#` for what is not printable ASCII."""
    parts: list[str] = []
    stack: list[object] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(item)
        elif isinstance(item, list):
            parts.append("(")
            stack.append(")")
            for index in range(len(item) - 1, -1, -1):
                stack.append(item[index])
                if index:
                    stack.append(" ")
        else:
            assert isinstance(item, bytes)
            parts.append(_format_atom(item))
    return "".join(parts)


def _format_atom(atom: bytes) -> str:
    if _TOKEN.fullmatch(atom):
        return atom.decode("ascii")
    if all(0x20 <= octet < 0x7F for octet in atom):
        return '"' + atom.decode("ascii").replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"#{atom.hex()}#"


def parse_value(text: str) -> Value:
    """Read one value from its advanced form. Raises `MalformedValue`, which says at which byte."""
    data = text.encode("utf-8")
    unfinished: list[list[Value]] = []
    result: Value | None = None
    position = count = 0
    while True:
        if space := _SPACE.match(data, position):
            position = space.end()
        if position >= len(data):
            break
        if result is not None:
            raise MalformedValue(f"something follows the value at byte {position}")
        octet = data[position : position + 1]
        if octet == b")":
            if not unfinished:
                raise MalformedValue(f"')' at byte {position} closes no list")
            value: Value = unfinished.pop()
            position += 1
        else:
            count += 1
            if count > VALUES_MAX:
                raise MalformedValue(f"more than {VALUES_MAX} values")
            if octet == b"(":
                if len(unfinished) >= DEPTH_MAX:
                    raise MalformedValue(f"lists nest more than {DEPTH_MAX} deep at byte {position}")
                unfinished.append([])
                position += 1
                continue
            value, position = _parse_atom(data, position)
        if unfinished:
            unfinished[-1].append(value)
        else:
            result = value
    if result is None:
        raise MalformedValue("the text ends before the value does")
    return result


def _parse_atom(data: bytes, start: int) -> tuple[bytes, int]:
    if token := _TOKEN.match(data, start):
        return token.group(), token.end()
    position, length = start, None
    if digits := _LENGTH.match(data, position):
        position, length = digits.end(), int(digits.group())
    mark = data[position : position + 1]
    if mark == b":" and length is not None:
        end = position + 1 + length
        if end > len(data):
            raise MalformedValue(f"the length at byte {start} is longer than what follows")
        return data[position + 1 : end], end
    if mark == b'"':
        atom, end = _parse_quoted(data, position + 1)
    elif mark in (b"#", b"|"):
        close = data.find(mark, position + 1)
        if close < 0:
            raise MalformedValue(f"{mark.decode()!r} at byte {position} is not closed")
        inner = _SPACE.sub(b"", data[position + 1 : close])
        try:
            if mark == b"#":
                atom = binascii.unhexlify(inner)
            else:
                inner = inner.rstrip(b"=")
                atom = base64.b64decode(inner + b"=" * (-len(inner) % 4), validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedValue(f"bad digits between the marks at byte {position}: {error}") from None
        end = close + 1
    else:
        raise MalformedValue(f"neither an atom nor a list at byte {start}")
    if length is not None and length != len(atom):
        raise MalformedValue(f"the atom at byte {start} has {len(atom)} bytes, and says {length}")
    return atom, end


def _parse_quoted(data: bytes, position: int) -> tuple[bytes, int]:
    start = position
    atom = bytearray()
    while True:
        if piece := _QUOTED_PIECE.match(data, position):
            atom += piece.group()
            position = piece.end()
        mark = data[position : position + 1]
        if mark == b'"':
            return bytes(atom), position + 1
        if not mark:
            raise MalformedValue(f"the quoted string at byte {start - 1} is not closed")
        following = data[position + 1 : position + 2]
        if following in _ESCAPES:
            atom += _ESCAPES[following]
            position += 2
        elif octal := re.compile(rb"\\([0-3][0-7]{2})").match(data, position):
            atom.append(int(octal.group(1), 8))
            position = octal.end()
        elif hexadecimal := re.compile(rb"\\x([0-9A-Fa-f]{2})").match(data, position):
            atom.append(int(hexadecimal.group(1), 16))
            position = hexadecimal.end()
        elif newline := re.compile(rb"\\(\r\n|\n\r|\r|\n)").match(data, position):
            position = newline.end()  # a line continued
        else:
            raise MalformedValue(f"unknown escape at byte {position}")
