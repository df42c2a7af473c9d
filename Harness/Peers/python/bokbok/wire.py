"""The bytes of preambles, records, frames and SETTINGS (sections 2, 4 and 5 of the specification)."""

from __future__ import annotations

import re
import struct
import sys
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, NamedTuple, Sequence

from . import values
from .errors import MalformedValue
from .values import Value

MAGIC = b"BOKBOK"
VERSION = 1
PREAMBLE_BYTES = 8

MODE_PLAIN = 0x00
MODE_SEALED = 0x01
MODE_REFUSED = 0xFF

RECORD_CONTENT_BYTES_MAX = 65535
RECORD_HEADER_BYTES = 2
FRAME_HEADER_BYTES = 8

SETTINGS, REQUEST, RESPONSE, ERROR, CANCEL, PING, PONG, CLOSE = range(8)
KIND_NAMES = ("SETTINGS", "REQUEST", "RESPONSE", "ERROR", "CANCEL", "PING", "PONG", "CLOSE")
MORE = 0x01
ID_MAX = 2**32 - 1
PING_BYTES = 8

# E-1: what only the protocol layer sends.
HANDLER_FAILED = "handler-failed"
MALFORMED = "malformed"
CANCELLED = "cancelled"
CLOSING = "closing"
TOO_LARGE = "too-large"
OVERLOADED = "overloaded"
RESERVED_CODES = frozenset((HANDLER_FAILED, MALFORMED, CANCELLED, CLOSING, TOO_LARGE, OVERLOADED))

# C-1: what CLOSE says.
NORMAL = "normal"
SHUTDOWN = "shutdown"
PROTOCOL_ERROR = "protocol-error"

_FRAME_HEADER = struct.Struct("!BBHI")
_CODE = re.compile(r"[a-z0-9.-]{1,64}")


class Violation(Exception):
    """The peer did what the protocol calls a violation. `clause` is the rule that it broke."""

    def __init__(self, clause: str, message: str) -> None:
        super().__init__(f"{clause}: {message}")
        self.clause = clause


class Frame(NamedTuple):
    kind: int
    flags: int
    id: int
    body: bytes

    @property
    def more(self) -> bool:
        return bool(self.flags & MORE)


# Preambles and records


def preamble(mode: int) -> bytes:
    return MAGIC + bytes((VERSION, mode))


def record(content: bytes) -> bytes:
    """A record that is not sealed, or whose content has been sealed already."""
    assert 1 <= len(content) <= RECORD_CONTENT_BYTES_MAX
    return len(content).to_bytes(RECORD_HEADER_BYTES, "big") + content


def record_length(buffer: bytearray) -> int | None:
    """The length N that the record at the beginning of `buffer` announces, None if its header has not come."""
    if len(buffer) < RECORD_HEADER_BYTES:
        return None
    return int.from_bytes(buffer[:RECORD_HEADER_BYTES], "big")


def take_record(buffer: bytearray) -> bytes | None:
    """Remove the record at the beginning of `buffer` and return its content, None if it is not there as a whole."""
    length = record_length(buffer)
    if length is None or len(buffer) < RECORD_HEADER_BYTES + length:
        return None
    end = RECORD_HEADER_BYTES + length
    content = bytes(buffer[RECORD_HEADER_BYTES:end])
    del buffer[:end]
    return content


# Frames


def encode_frame(kind: int, id: int, body: bytes = b"", flags: int = 0) -> bytes:
    return _FRAME_HEADER.pack(kind, flags, len(body), id) + body


def frames(content: bytes) -> Iterator[Frame]:
    """The frames of a record's content, in order. Raises `Violation` where one breaks F-1, after those before it."""
    if not content:
        raise Violation("F-1.c", "a record with no frame in it")
    position, size = 0, len(content)
    while position < size:
        if size - position < FRAME_HEADER_BYTES:
            raise Violation("F-1.d", f"{size - position} bytes where a frame header of 8 ought to be")
        kind, flags, length, id = _FRAME_HEADER.unpack_from(content, position)
        position += FRAME_HEADER_BYTES
        if length > size - position:
            raise Violation("F-1.e", f"a body of {length} bytes with {size - position} left in the record")
        frame = Frame(kind, flags, id, content[position : position + length])
        position += length
        _check_frame(frame)
        yield frame


def _check_frame(frame: Frame) -> None:
    kind, flags, id, body = frame
    if kind > CLOSE:
        raise Violation("F-1.f", f"unknown frame kind 0x{kind:02x}")
    name = KIND_NAMES[kind]
    if flags & ~MORE:
        raise Violation("F-1.g", f"reserved flags 0x{flags & ~MORE:02x} set on {name}")
    if flags & MORE and kind not in (REQUEST, RESPONSE):
        raise Violation("F-1.h", f"MORE set on {name}")
    if id == 0 and kind in (REQUEST, RESPONSE, ERROR, CANCEL):
        raise Violation("F-1.i", f"{name} with the exchange id 0")
    if id != 0 and kind in (SETTINGS, PING, PONG, CLOSE):
        raise Violation("F-1.j", f"{name} with the exchange id {id}")
    if kind in (PING, PONG) and len(body) != PING_BYTES:
        raise Violation("F-1.k", f"{name} with a body of {len(body)} bytes")
    if kind == CANCEL and body:
        raise Violation("F-1.l", f"CANCEL with a body of {len(body)} bytes")


# (code message detail …): ERROR, CLOSE and refusals


def is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None  # E-1.a


def read_coded(body: bytes) -> tuple[str, str, list[Value]]:
    """Read `(code message detail …)` (E-1.a). Raises `MalformedValue`."""
    value = values.decode(body)
    if not isinstance(value, list) or len(value) < 2:
        raise MalformedValue("not a list of a code and a message")
    code, message, *details = value
    if not isinstance(code, bytes) or not isinstance(message, bytes):
        raise MalformedValue("the code or the message is not an atom")
    try:
        code_text, message_text = code.decode("ascii"), message.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedValue("the code is not ASCII or the message is not UTF-8") from None
    if not is_code(code_text):
        raise MalformedValue("the code is not 1 to 64 bytes of a-z, 0-9, . and -")
    return code_text, message_text, details


def read_code_and_message(body: bytes) -> tuple[str, str]:
    """Read exactly `(code message)` (E-2.f, E-2.g). Raises `MalformedValue`."""
    code, message, details = read_coded(body)
    if details:
        raise MalformedValue("something follows the message")
    return code, message


def close_body(code: str, message: str) -> bytes:
    """The body of a CLOSE that an application asks for. Raises `ValueError` for a code that it must not give."""
    if not is_code(code) or code == PROTOCOL_ERROR:
        raise ValueError(
            f"{code!r} cannot be the code of a close: it takes 1 to 64 characters of a-z, 0-9, . and -, "
            f"and {PROTOCOL_ERROR!r} is the protocol's own"
        )  # C-9.g
    return coded_body(code, message, RECORD_CONTENT_BYTES_MAX - FRAME_HEADER_BYTES - 16)


def coded_body(code: str, message: str, bytes_max: int, details: Sequence[Any] = ()) -> bytes:
    """Encode `(code message detail …)` in at most `bytes_max` bytes, cut as E-3 says.

    Raises `MalformedValue` if a detail nests too deep, and `TypeError` if one is no value.
    """
    text = message.encode("utf-8", "replace")
    head = b"(" + values.encode(code)
    tails = [values.encode(item, depth_max=values.DEPTH_MAX - 1, values_max=sys.maxsize) for item in details]
    room = bytes_max - len(head) - sum(map(len, tails)) - len(b")")
    if room >= len(b"0:"):
        text = cut_text(text, _atom_bytes_max(room))  # E-3.a
    else:
        text = cut_text(text, 1024)  # E-3.b
        room -= len(values.encode(text))
        while tails and room < 0:
            room += len(tails.pop())  # E-3.b: from the end
    return b"".join((head, values.encode(text), *tails, b")"))


def _atom_bytes_max(room: int) -> int:
    """The bytes of the longest atom whose encoding has at most `room` bytes."""
    length = room - len(b"0:")
    while length + len(b"%d:" % length) > room:
        length -= 1
    return length


def cut_text(text: bytes, bytes_max: int) -> bytes:
    """The longest beginning of the UTF-8 `text` that has at most `bytes_max` bytes and cuts no character."""
    if len(text) <= bytes_max:
        return text
    while bytes_max > 0 and text[bytes_max] & 0xC0 == 0x80:
        bytes_max -= 1
    return text[:bytes_max]


# SETTINGS

_MAX_MESSAGE = b"max-message"
_MAX_REQUESTS = b"max-requests"
_MAX_PARTIAL = b"max-partial"


@dataclass(frozen=True)
class Settings:
    """What a side takes from the other (S-2).

    `message_bytes_max` (`max-message`): the largest message, 1024 to 4294967295.
    `requests_max` (`max-requests`): how many exchanges the other side may have under way, 1 to 4294967295.
    `partial_bytes_max` (`max-partial`): the most bytes in messages that the other side has begun and not ended, at
    least `message_bytes_max`; by default four times that.
    `extensions`: settings of extensions, whose names have a dot, to announce beside these.

    Raises `ValueError` for a number out of range.
    """

    message_bytes_max: int = 16_777_216  # S-2.c
    requests_max: int = 128  # S-2.d
    partial_bytes_max: int = 0  # 0: the default, which depends on message_bytes_max
    extensions: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.partial_bytes_max == 0:
            default = min(4 * self.message_bytes_max, values.NUMBER_MAX)  # S-2.e
            object.__setattr__(self, "partial_bytes_max", default)
        for name, number, least in (
            ("max-message", self.message_bytes_max, 1024),  # S-2.c
            ("max-requests", self.requests_max, 1),  # S-2.d
            ("max-partial", self.partial_bytes_max, self.message_bytes_max),  # S-2.f
        ):
            if not least <= number <= values.NUMBER_MAX:
                raise ValueError(f"{name} is {number}; it takes {least} to {values.NUMBER_MAX}")
        for name, number in self.extensions.items():
            if "." not in name:
                raise ValueError(f"{name!r} is no setting, and one of an extension has a dot in its name")  # S-4.b
            if not 0 <= number <= values.NUMBER_MAX:
                raise ValueError(f"{name} is {number}; it takes 0 to {values.NUMBER_MAX}")  # S-2.b

    @classmethod
    def from_names(cls, numbers: Mapping[str, int]) -> Settings:
        """Make settings from the names of the wire, such as `{"max-message": 65536}`."""
        extensions = dict(numbers)
        default = cls()
        message = extensions.pop("max-message", default.message_bytes_max)
        requests = extensions.pop("max-requests", default.requests_max)
        partial = extensions.pop("max-partial", None)
        if partial == 0:
            raise ValueError(f"max-partial is 0; it takes {message} to {values.NUMBER_MAX}")
        return cls(message, requests, partial or 0, extensions)

    def encode(self) -> bytes:
        """The body of a SETTINGS frame (S-2.a)."""
        pairs: list[values.Encodable] = [
            (_MAX_MESSAGE, self.message_bytes_max),
            (_MAX_REQUESTS, self.requests_max),
            (_MAX_PARTIAL, self.partial_bytes_max),
        ]
        pairs += ((name, number) for name, number in self.extensions.items())
        return values.encode(pairs)


def read_settings(body: bytes) -> Settings:
    """Read the body of a SETTINGS frame. Raises `Violation`."""
    try:
        pairs = values.decode(body)
    except MalformedValue as error:
        raise Violation("S-3.b", f"SETTINGS is not a value: {error}") from None
    if not isinstance(pairs, list):
        raise Violation("S-3.b", "SETTINGS is not a list")
    found: dict[bytes, int] = {}
    for pair in pairs:
        if not isinstance(pair, list) or not pair or not isinstance(pair[0], bytes):
            raise Violation("S-3.b", "an element of SETTINGS is not a list that begins with an atom")
        name = pair[0]
        if name not in (_MAX_MESSAGE, _MAX_REQUESTS, _MAX_PARTIAL):
            continue  # S-3.a
        if name in found:
            raise Violation("S-3.c", f"{name.decode()} comes twice")
        if len(pair) != 2:
            raise Violation("S-3.d", f"{name.decode()} has {len(pair) - 1} numbers, not one")
        number = values.number(pair[1])
        if number is None:
            raise Violation("S-3.d", f"{name.decode()} has no decimal number up to {values.NUMBER_MAX}")
        found[name] = number
    if found.get(_MAX_PARTIAL) == 0:
        raise Violation("S-3.e", "max-partial is 0")
    try:
        return Settings(
            found.get(_MAX_MESSAGE, 16_777_216),  # S-2.c
            found.get(_MAX_REQUESTS, 128),  # S-2.d
            found.get(_MAX_PARTIAL, 0),  # S-2.e
        )
    except ValueError as error:
        raise Violation("S-3.e", str(error)) from None
