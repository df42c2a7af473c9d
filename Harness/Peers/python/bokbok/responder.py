"""The other side's requests: from their fragments to their one answer (X-2 to X-7, X-11, C-1, C-3, C-9, E-1 to E-4)."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, Callable, Sequence

from . import values
from .actions import Action, CancelHandler, Handle, Log
from .assembly import Assembly
from .display import displayed
from .errors import MalformedValue
from .limits import Limits
from .outbox import Message, Outbox
from .values import Encodable, Value
from .wire import (
    CANCELLED,
    CLOSING,
    ERROR,
    HANDLER_FAILED,
    MALFORMED,
    OVERLOADED,
    RESERVED_CODES,
    RESPONSE,
    TOO_LARGE,
    Frame,
    Settings,
    Violation,
    coded_body,
    is_code,
)

_HIDDEN_MESSAGE = "the handler failed"


class _State(Enum):
    PARTIAL = auto()  # fragments have come, not the last
    HELD = auto()  # whole, and waits for the handler
    RUNNING = auto()  # the handler has begun
    ANSWERED = auto()  # the answer waits to be sent, or has been sent in part


class _Exchange:
    __slots__ = ("state", "begun", "value", "bytes", "cancelled")

    def __init__(self) -> None:
        self.state = _State.PARTIAL
        self.begun = bytearray()
        self.value: Value | None = None
        self.bytes = 0
        self.cancelled = False


class Responder:
    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        assembly: Assembly,
        outbox: Outbox,
        act: Callable[[Action], None],
        *,
        admitted: bool,
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._assembly = assembly
        self._outbox = outbox
        self._act = act
        self._peer = Settings()
        self._under_way: dict[int, _Exchange] = {}
        self._held: dict[int, None] = {}  # whole requests that wait for the handler, the oldest first
        self._held_bytes = 0
        self._admitted = admitted
        #: This side has sent or received CLOSE: what becomes whole now comes too late (C-3).
        self.is_late = False
        #: The other side has sent CLOSE: it begins no new requests (C-1).
        self.peer_has_closed = False

    @property
    def is_idle(self) -> bool:
        return not self._under_way

    def peer_settings_came(self, settings: Settings) -> None:
        self._peer = settings

    # From the connection

    def take_request(self, frame: Frame) -> None:
        exchange = self._under_way.get(frame.id)
        if exchange is None:
            if self.peer_has_closed:
                raise Violation("C-1.f", f"a new request, {frame.id}, after CLOSE")
            if len(self._under_way) >= self._settings.requests_max:
                raise Violation("X-6.a", f"over {self._settings.requests_max} requests under way")
            exchange = self._under_way[frame.id] = _Exchange()
        elif exchange.state is not _State.PARTIAL:
            rule, state = ("X-3.b", "cancelled") if exchange.cancelled else ("X-3.a", "whole")
            raise Violation(rule, f"a REQUEST frame for {frame.id}, which is {state} and not yet answered")
        message = self._assembly.add(exchange.begun, frame)
        if message is not None:
            self._take_whole(frame.id, exchange, message)

    def _take_whole(self, id: int, exchange: _Exchange, message: bytes) -> None:
        if self.is_late:
            self._refuse(id, exchange, CLOSING, "the connection is closing")  # C-3.a: malformed or not
            return
        try:
            value = values.decode(message)
        except MalformedValue as error:
            self._refuse(id, exchange, MALFORMED, f"the request is not a value: {error.message}")  # E-2.a
            return
        bytes_max = self._limits.held_requests_bytes_max
        if bytes_max is not None and self._held_bytes + len(message) > bytes_max:
            self._refuse(id, exchange, OVERLOADED, "too many requests are held in memory")  # X-11.a
            return
        exchange.state, exchange.value, exchange.bytes = _State.HELD, value, len(message)
        self._held_bytes += exchange.bytes
        self._held[id] = None
        self.hand_over()

    def take_cancel(self, frame: Frame) -> None:
        exchange = self._under_way.get(frame.id)
        if exchange is None or exchange.cancelled or exchange.state is _State.ANSWERED:
            return  # X-7.d, and an answer that was already decided stays (X-7.a)
        exchange.cancelled = True
        if exchange.state is _State.RUNNING:
            self._act(CancelHandler(frame.id))  # X-7.b; the answer waits for the handler's end (X-7.c)
            return
        self._assembly.forget(exchange.begun)
        self._held.pop(frame.id, None)
        self._refuse(frame.id, exchange, CANCELLED, "cancelled")  # X-7.f, X-7.g

    def frame_taken(self, message: Message, last: bool) -> None:
        if last:
            del self._under_way[message.id]  # X-6.c
            self.hand_over()

    def hand_over(self) -> None:
        """Hand requests to the handler, as long as nothing holds them back."""
        while self._held and self._admitted:  # C-9.d
            if self._outbox.answers_exceed(self._limits.answer_backlog_bytes_max):
                return  # P-5.a
            id = next(iter(self._held))
            del self._held[id]
            exchange = self._under_way[id]
            value, exchange.value = exchange.value, None
            exchange.state = _State.RUNNING
            assert value is not None
            self._act(Handle(id, value))

    def end(self) -> None:
        """The connection has ended: nothing is answered any more, and nothing of the requests is kept."""
        self._under_way.clear()
        self._held.clear()

    # From the open handler

    def admit(self) -> None:
        self._admitted = True
        self.hand_over()

    def turn_down(self) -> None:
        """Requests that came before the decision are answered with `closing` (C-9.b)."""
        self.is_late = True
        held, self._held = self._held, {}
        for id in held:
            self._refuse(id, self._under_way[id], CLOSING, "the connection was turned down")

    # From the handler

    def respond(self, id: int, value: Encodable) -> None:
        """The handler of `id` has ended with an ordinary answer."""
        exchange = self._end_handler(id)
        if exchange is None:
            return
        try:
            message = values.encode(value)
        except Exception as error:  # also what the application's own types raise
            self._answer_error(id, exchange, HANDLER_FAILED, self._described(f"the response cannot be sent: {error}"))
            return  # E-4.b
        if len(message) > self._peer.message_bytes_max:
            text = f"the response has {len(message)} bytes, and the limit is {self._peer.message_bytes_max}"
            self._answer_error(id, exchange, TOO_LARGE, text)  # X-5.c
            return
        self._answer(exchange, Message(RESPONSE, id, message))

    def fail(self, id: int, code: str | None, message: str, details: Sequence[Any] = ()) -> None:
        """The handler of `id` has failed, with an error that has `code` or none."""
        exchange = self._end_handler(id)
        if exchange is None:
            return
        if code is None or not is_code(code) or code in RESERVED_CODES:
            code = HANDLER_FAILED  # E-1.b, E-1.c, E-1.d
        if code == HANDLER_FAILED and self._limits.hide_errors:
            self._act(Log(f"the handler of request {id} failed: {displayed(message)}"))
            message, details = _HIDDEN_MESSAGE, ()  # E-1.h
        self._answer_error(id, exchange, code, message, details)

    def _end_handler(self, id: int) -> _Exchange | None:
        """The exchange whose handler has ended, if it still is to be answered by that."""
        exchange = self._under_way.get(id)
        if exchange is None or exchange.state is not _State.RUNNING:
            return None  # the connection has ended meanwhile
        if exchange.cancelled:
            self._answer_error(id, exchange, CANCELLED, "cancelled")  # X-7.a
            return None
        return exchange

    # Answers

    def _refuse(self, id: int, exchange: _Exchange, code: str, text: str) -> None:
        """Answer a request that never reached the handler (P-4)."""
        body = coded_body(code, text, self._outbox.body_bytes_max)
        self._answer(exchange, Message(ERROR, id, body, from_protocol=True))

    def _answer_error(self, id: int, exchange: _Exchange, code: str, text: str, details: Sequence[Any] = ()) -> None:
        try:
            body = coded_body(code, text, self._outbox.body_bytes_max, details)  # E-3
        except Exception:
            body = coded_body(HANDLER_FAILED, self._described(text), self._outbox.body_bytes_max)  # E-4.c
        self._answer(exchange, Message(ERROR, id, body))

    def _answer(self, exchange: _Exchange, message: Message) -> None:
        self._held_bytes -= exchange.bytes
        exchange.bytes = 0
        exchange.value = None
        exchange.state = _State.ANSWERED
        self._outbox.put(message, is_answer=True)

    def _described(self, text: str) -> str:
        return _HIDDEN_MESSAGE if self._limits.hide_errors else text  # E-1.g, E-1.h
