"""Every limit of a connection or a server that is not negotiated by SETTINGS, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one side. Times are in seconds.

    The number of connections and of streams that are opening or ending concern servers; `end_seconds` and
    `kill_seconds` concern clients of `exec:` addresses.
    """

    #: The time in which a connection has to be open, from the moment the stream is there (O-10).
    handshake_seconds: float = 10.0  # O-10.d
    #: How long the side that asked for a close waits for the clean end, from the asking (C-5).
    drain_seconds: float = 5.0  # C-5.a
    #: Send a PING after this time without a record; None switches keepalive off (P-3).
    keepalive_seconds: float | None = None  # P-3.a
    #: Give the connection up as lost after this time without a record after that PING; None: the same (P-3).
    keepalive_timeout_seconds: float | None = None
    #: How many open connections a server holds; it refuses further ones as `busy` (O-6).
    connections_max: int = 10_000
    #: How many streams that are not open or are ending a server holds; at the bound the oldest is closed (O-12).
    opening_max: int = 1024  # O-12.a
    #: From the close of the stream to SIGTERM for a command of `exec:` (A-3).
    end_seconds: float = 2.0  # A-3.b
    #: From SIGTERM to SIGKILL for a command of `exec:` (A-3).
    kill_seconds: float = 2.0  # A-3.b
    #: Stop reading while PONGs and errors of the protocol layer that wait to be sent exceed this (P-4).
    reply_backlog_bytes_max: int = 262_144  # P-4.b
    #: Hand no request to the handler while answers that wait, the longest not counted, exceed this (P-5).
    answer_backlog_bytes_max: int = 1_048_576  # P-5.a
    #: Answer a request with `overloaded` if the whole requests held in memory would exceed this; None: never (X-11).
    held_requests_bytes_max: int | None = None
    #: Send a fixed text instead of the description of a handler's error (E-1.h).
    hide_errors: bool = False

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not value >= 0:
                raise ValueError(f"{name} is {value}; it cannot be less than 0")
        if self.keepalive_seconds == 0:
            raise ValueError("keepalive_seconds is 0; None switches keepalive off")
        if self.opening_max < 1:
            raise ValueError("opening_max is 0; at least one stream has to be opening for a server to take any")
