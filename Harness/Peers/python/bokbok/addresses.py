"""Addresses as text (section 9): `tcp:HOST:PORT`, `unix:PATH`, `stdio:` and `exec:COMMAND ARG …`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Union

from .errors import AddressError

_FORMS = "the forms are tcp:HOST:PORT, HOST:PORT, tcp:[IPV6]:PORT, unix:PATH, stdio: and exec:COMMAND ARG …"


@dataclass(frozen=True)
class TCPAddress:
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp:{host}:{self.port}"


@dataclass(frozen=True)
class UNIXAddress:
    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True)
class StandardIOAddress:
    def __str__(self) -> str:
        return "stdio:"


@dataclass(frozen=True)
class CommandAddress:
    words: tuple[str, ...]

    def __str__(self) -> str:
        return "exec:" + " ".join(_quoted(word) for word in self.words)


Address = Union[TCPAddress, UNIXAddress, StandardIOAddress, CommandAddress]


def parse_address(text: str) -> Address:
    """Read an address. Raises `AddressError`, which says what is wrong and what the forms are (A-1.a)."""
    if "\0" in text:
        raise AddressError("an address holds no NUL character")
    if text.startswith("tcp:"):
        return _parse_tcp(text, text[len("tcp:") :])
    if text.startswith("unix:"):
        return _unix(text, text[len("unix:") :])
    if text.startswith("exec:"):
        return _parse_command(text)
    if text.startswith("stdio:"):
        if text != "stdio:":
            raise AddressError(f"{text!r}: nothing follows stdio:")
        return StandardIOAddress()
    if "/" in text:
        return _unix(text, text)
    return _parse_tcp(text, text)


def _unix(text: str, path: str) -> UNIXAddress:
    if not path:
        raise AddressError(f"{text!r} has no path; {_FORMS}")
    return UNIXAddress(path)


def _parse_tcp(text: str, rest: str) -> TCPAddress:
    if rest.startswith("["):
        host, bracket, port = rest[1:].partition("]")
        if not bracket or not port.startswith(":"):
            raise AddressError(f"{text!r} has no ]:PORT after its IPv6 address; {_FORMS}")
        port = port[1:]
        if ":" not in host:
            raise AddressError(f"{text!r} has no IPv6 address in its brackets; {_FORMS}")
    else:
        host, colon, port = rest.rpartition(":")
        if not colon:
            raise AddressError(f"{text!r} has no port; {_FORMS}")
        if ":" in host:
            raise AddressError(f"{text!r}: an IPv6 address stands in brackets; {_FORMS}")
    if not host:
        raise AddressError(f"{text!r} has no host; to serve all interfaces write 0.0.0.0 or [::]")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise AddressError(f"{text!r} has the port {port!r}; a port is a number from 0 to 65535")
    return TCPAddress(host, int(port))


def _parse_command(text: str) -> CommandAddress:
    words = split_words(text[len("exec:") :])
    if not words:
        raise AddressError(f"{text!r} has no command; {_FORMS}")
    return CommandAddress(tuple(words))


def split_words(text: str) -> list[str]:
    """Split `text` into words as a POSIX shell does, with quotes and backslashes, and without expansion (A-3.e)."""
    words: list[str] = []
    word: str | None = None
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if character in " \t\n":
            if word is not None:
                words.append(word)
            word = None
        elif character == "'":
            end = text.find("'", position)
            if end < 0:
                raise AddressError(f"a ' is not closed in {text!r}")
            word = (word or "") + text[position:end]
            position = end + 1
        elif character == '"':
            inner, position = _double_quoted(text, position)
            word = (word or "") + inner
        elif character == "\\":
            if position == len(text):
                raise AddressError(f"a backslash ends {text!r}")
            if text[position] != "\n":
                word = (word or "") + text[position]
            position += 1
        else:
            word = (word or "") + character
    if word is not None:
        words.append(word)
    return words


def _double_quoted(text: str, position: int) -> tuple[str, int]:
    inner = ""
    while position < len(text):
        character = text[position]
        position += 1
        if character == '"':
            return inner, position
        if character == "\\" and position < len(text) and text[position] in '$`"\\\n':
            character = "" if text[position] == "\n" else text[position]
            position += 1
        inner += character
    raise AddressError(f'a " is not closed in {text!r}')


def _quoted(word: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_@%+=:,./-]+", word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"
