"""Joining the fragments of messages, requests and answers alike (X-4, X-5, X-10)."""

from __future__ import annotations

from .wire import Frame, Settings, Violation


class Assembly:
    """Checks fragments as they come, and counts the bytes of all unfinished messages of one connection.

    The bytes of each message are in a `bytearray` of its exchange: it grows with what has come (R-5.a), holds copies
    and no part of a receive buffer (R-5.c), and takes at most an eighth more than its bytes (R-5.b).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.held_bytes = 0

    def add(self, begun: bytearray, frame: Frame) -> bytes | None:
        """Add `frame` to the message `begun`. Return the message if it is whole. Raises `Violation`."""
        body = frame.body
        if frame.more and not body:
            raise Violation("X-4.e", f"an empty fragment with MORE, exchange {frame.id}")
        if len(begun) + len(body) > self._settings.message_bytes_max:
            raise Violation("X-5.a", f"exchange {frame.id}: over {self._settings.message_bytes_max} bytes")
        if frame.more:
            begun += body
            self.held_bytes += len(body)
            if self.held_bytes > self._settings.partial_bytes_max:  # X-10.f: a last fragment does not come here
                raise Violation("X-10.e", f"over {self._settings.partial_bytes_max} bytes of unfinished messages")
            return None
        if not begun:
            return body
        message = bytes(begun) + body
        self.forget(begun)
        return message

    def forget(self, begun: bytearray) -> None:
        """The message `begun` is over: whole, cancelled, or replaced by an ERROR."""
        self.held_bytes -= len(begun)
        begun.clear()
