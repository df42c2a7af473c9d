"""What the connection machine asks of whoever drives it. Actions carry ids and values, never callbacks.

They are named tuples, which a program that starts often loads faster than data classes. Tell them apart by their class:
two of different classes may be equal, and those without fields are false.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Union

from .errors import BokbokError, Ending
from .values import Value


class LookUpKey(NamedTuple):
    """A sealed server: find the key of `user` and call `Machine.key_found` with it, or with None."""

    user: str


class Opened(NamedTuple):
    """The connection is open. `user` is the authenticated one, None on a plain connection."""

    user: str | None


class Handle(NamedTuple):
    """Call the handler, and `Machine.respond` or `Machine.fail` with `id` when it has ended."""

    id: int
    value: Value


class CancelHandler(NamedTuple):
    """Tell the handler of `id` to stop."""

    id: int


class RequestDone(NamedTuple):
    """The request `token` of this side has its answer, or has failed with `error`."""

    token: int
    value: Value | None = None
    error: BokbokError | None = None


class PingDone(NamedTuple):
    """The PING `token` has its PONG, or has failed with `error`."""

    token: Any
    error: BokbokError | None = None


class Ended(NamedTuple):
    """The end is decided; nothing else is reported after it. Requests under way have failed by then.

    `was_open` says whether the connection had opened, `turned_down` whether an open handler turned it down. `error` is
    what an attempt to connect gets if it had not opened.
    """

    ending: Ending
    was_open: bool
    turned_down: bool
    error: BokbokError


class ShutDownSending(NamedTuple):
    """All has been written: shut down the sending half, and go on reading (F-3)."""


class CloseStream(NamedTuple):
    """Close the stream now. The last action of a machine."""


class Log(NamedTuple):
    """A line for the local log."""

    text: str


Action = Union[
    LookUpKey, Opened, Handle, CancelHandler, RequestDone, PingDone, Ended, ShutDownSending, CloseStream, Log
]
