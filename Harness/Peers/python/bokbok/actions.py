"""What the connection machine asks of whoever drives it. Actions carry ids and values, never callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Union

from .errors import BokbokError, Ending
from .values import Value


@dataclass(frozen=True)
class LookUpKey:
    """A sealed server: find the key of `user` and call `Machine.key_found` with it, or with None."""

    user: str


@dataclass(frozen=True)
class Opened:
    """The connection is open. `user` is the authenticated one, None on a plain connection."""

    user: str | None


@dataclass(frozen=True)
class Handle:
    """Call the handler, and `Machine.respond` or `Machine.fail` with `id` when it has ended."""

    id: int
    value: Value


@dataclass(frozen=True)
class CancelHandler:
    """Tell the handler of `id` to stop."""

    id: int


@dataclass(frozen=True)
class RequestDone:
    """The request `token` of this side has its answer, or has failed with `error`."""

    token: int
    value: Value | None = None
    error: BokbokError | None = None


@dataclass(frozen=True)
class PingDone:
    """The PING `token` has its PONG, or has failed with `error`."""

    token: Any
    error: BokbokError | None = None


@dataclass(frozen=True)
class Ended:
    """The end is decided; nothing else is reported after it. Requests under way have failed by then.

    `was_open` says whether the connection had opened, `turned_down` whether an open handler turned it down. `error` is
    what an attempt to connect gets if it had not opened.
    """

    ending: Ending
    was_open: bool
    turned_down: bool
    error: BokbokError


@dataclass(frozen=True)
class ShutDownSending:
    """All has been written: shut down the sending half, and go on reading (F-3)."""


@dataclass(frozen=True)
class CloseStream:
    """Close the stream now. The last action of a machine."""


@dataclass(frozen=True)
class Log:
    """A line for the local log."""

    text: str


Action = Union[
    LookUpKey, Opened, Handle, CancelHandler, RequestDone, PingDone, Ended, ShutDownSending, CloseStream, Log
]
