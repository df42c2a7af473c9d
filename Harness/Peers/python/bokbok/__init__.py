"""Bokbok: two processes expose APIs to each other over one byte stream.

`connect` and `serve` are where to begin; README.md shows both.
"""

from .addresses import Address, CommandAddress, StandardIOAddress, TCPAddress, UNIXAddress, parse_address
from .client import connect
from .connection import Connection
from .errors import (
    AddressError,
    ApplicationError,
    AuthenticationFailed,
    BokbokError,
    ConnectionClosing,
    ConnectionLost,
    Ending,
    HandshakeTimeout,
    MalformedValue,
    NotBokbok,
    ProtocolViolation,
    Refused,
    RemoteClosing,
    RemoteError,
    Tampered,
    TooLarge,
    TurnDown,
    Unreachable,
)
from .keys import derive_key, random_key
from .limits import Limits
from .notation import format_value, parse_value
from .server import Server, serve
from .values import Value, decode, encode
from .wire import Settings

__version__ = "1.0.0"

__all__ = [
    "Address",
    "AddressError",
    "ApplicationError",
    "AuthenticationFailed",
    "BokbokError",
    "CommandAddress",
    "Connection",
    "ConnectionClosing",
    "ConnectionLost",
    "Ending",
    "HandshakeTimeout",
    "Limits",
    "MalformedValue",
    "NotBokbok",
    "ProtocolViolation",
    "Refused",
    "RemoteClosing",
    "RemoteError",
    "Server",
    "Settings",
    "StandardIOAddress",
    "TCPAddress",
    "Tampered",
    "TooLarge",
    "TurnDown",
    "UNIXAddress",
    "Unreachable",
    "Value",
    "connect",
    "decode",
    "derive_key",
    "encode",
    "format_value",
    "parse_address",
    "parse_value",
    "random_key",
    "serve",
]
