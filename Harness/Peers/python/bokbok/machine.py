"""The connection machine: bytes and calls in, actions and bytes out. It does no I/O and has no clock.

Whoever drives it passes the time with each input, in seconds of any clock that does not go back, and after each input

1. carries out what `take_actions` returns,
2. writes what `data_to_send` returns, one piece at a time: the next when the one before has been written whole, and
   calls `flushed` when there is no more (pulled like this, a PONG overtakes fragments that still wait),
3. reads while `wants_to_read`, at most `read_bytes_max` at once,
4. calls `time_passed` when `deadline` has come.

Three kinds of input that do not fit are told apart: a bug of the driver's trips an assertion; what the peer does wrong
raises `Violation` inside and ends the connection as F-2 says; races that cannot be avoided (an answer for a request
that has just been cancelled, a call after the end) are ignored where they arrive.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import Any, Sequence

from . import wire
from .actions import Action, CloseStream, Ended, Log, LookUpKey, Opened, PingDone, ShutDownSending
from .assembly import Assembly
from .display import displayed
from .errors import (
    BokbokError,
    ConnectionClosing,
    ConnectionLost,
    Ending,
    HandshakeTimeout,
    MalformedValue,
    ProtocolViolation,
    Tampered,
)
from .limits import Limits
from .noise import TAG_BYTES, CipherState, CounterExhausted, NotAuthentic
from .opening import ClientOpening, Established, NotOurProtocol, OpeningFailed, Refuse, ServerOpening
from .outbox import Outbox
from .requester import Requester
from .responder import Responder
from .values import Encodable
from .wire import Frame, Settings, Violation

WORD_SECONDS = 1.0  # F-3.d: to write the last word
DISCARD_SECONDS = 1.0  # F-3.b: to wait for the end of input after it
FAILED_WRITE_SECONDS = 1.0  # F-4.a
READ_BYTES_MAX = 262_144
_RECORD_BYTES_MAX = wire.RECORD_HEADER_BYTES + wire.RECORD_CONTENT_BYTES_MAX


class _Phase(Enum):
    OPENING = auto()  # preambles and handshake
    FRAMES = auto()  # records of frames, from the SETTINGS on
    LAST_WORD = auto()  # the end is decided, the last word is being written (F-3)
    DISCARDING = auto()  # the sending half is shut down (F-3)
    OVER = auto()  # the stream is closed


class Machine:
    """One connection."""

    def __init__(
        self, opening: ClientOpening | ServerOpening, settings: Settings, limits: Limits, *, asks_to_open: bool = False
    ) -> None:
        """`asks_to_open`: requests wait until `admit` or `turn_down` is called (C-9)."""
        self.settings = settings
        self.limits = limits
        self.peer_settings: Settings | None = None
        self.user: str | None = None
        self.ending: Ending | None = None
        self._opening: ClientOpening | ServerOpening = opening
        self._phase = _Phase.OPENING
        self._actions: deque[Action] = deque()
        self._buffer = bytearray()
        self._outgoing = bytearray()  # bytes of the opening that wait to be sent
        self._sending: CipherState | None = None
        self._receiving: CipherState | None = None
        self._outbox = Outbox(sealed=opening.is_sealed)
        assembly = Assembly(settings)
        self._requester = Requester(assembly, self._outbox, self._act)
        self._responder = Responder(settings, limits, assembly, self._outbox, self._act, admitted=not asks_to_open)
        self._pings: list[tuple[bytes, Any]] = []
        self._ping_count = 0
        self._close_to_send: tuple[str, str] | None = None
        self._close_sent: tuple[str, str] | None = None
        self._close_received: tuple[str, str] | None = None
        self._received_before_sent = False
        self._turned_down = False
        self._write_failed = False
        self._input_ended = False
        # Deadlines, None while they do not run.
        self._opening_deadline: float | None = None
        self._drain_deadline: float | None = None
        self._keepalive_deadline: float | None = None
        self._stream_deadline: float | None = None
        self._keepalive_ping_sent = False
        self._now = 0.0

    # What the driver asks

    @property
    def is_open(self) -> bool:
        """S-1.f: both SETTINGS have passed, and the end is not decided."""
        return self.peer_settings is not None and self.ending is None

    @property
    def is_over(self) -> bool:
        """Whether the stream is closed, or will be by an action that is waiting."""
        return self._phase is _Phase.OVER

    @property
    def wants_to_read(self) -> bool:
        if self._input_ended or self._phase is _Phase.OVER:
            return False
        if self._phase is _Phase.OPENING:
            return not (isinstance(self._opening, ServerOpening) and self._opening.awaits_key)  # O-10.e
        if self._phase is _Phase.FRAMES and not self._write_failed:
            return self._outbox.reply_bytes <= self.limits.reply_backlog_bytes_max  # P-4
        return True

    @property
    def read_bytes_max(self) -> int:
        """Before the connection is open no more is kept than one record (O-10.e)."""
        if self.peer_settings is None and self._phase in (_Phase.OPENING, _Phase.FRAMES):
            return _RECORD_BYTES_MAX - len(self._buffer)
        return READ_BYTES_MAX

    @property
    def deadline(self) -> float | None:
        """When `time_passed` has to be called next."""
        deadlines = (
            self._opening_deadline, self._drain_deadline, self._keepalive_deadline, self._stream_deadline
        )  # fmt: skip
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def take_actions(self) -> list[Action]:
        actions = list(self._actions)
        self._actions.clear()
        return actions

    def data_to_send(self) -> bytes | None:
        """The next piece to write, None if there is none now."""
        if self._write_failed or self._phase in (_Phase.DISCARDING, _Phase.OVER):
            return None
        data = bytes(self._outgoing)
        self._outgoing.clear()
        if self._phase is not _Phase.OPENING or self._sends_settings_before_opening:
            data += self._next_record()
        return data or None

    @property
    def _sends_settings_before_opening(self) -> bool:
        return isinstance(self._opening, ClientOpening) and not self._opening.is_sealed  # O-8.a

    def _next_record(self) -> bytes:
        content = self._outbox.take_content(self._frame_taken)
        if content is None:
            return b""
        if self._sending is not None:
            try:
                content = self._sending.encrypt(content)  # R-2.c
            except CounterExhausted:
                self._end_lost("the sealing counter is exhausted")  # R-4.a
                return b""
        return wire.record(content)

    def _frame_taken(self, message: Any, last: bool) -> None:
        if message.kind == wire.REQUEST:
            self._requester.frame_taken(message, last)
            self._send_close_when_due()
        else:
            self._responder.frame_taken(message, last)

    # Input from the stream

    def begin(self, now: float) -> None:
        """The stream is there."""
        self._now = now
        self._opening_deadline = now + self.limits.handshake_seconds  # O-10
        if isinstance(self._opening, ClientOpening):
            self._outgoing += self._opening.begin()
            if self._sends_settings_before_opening:
                self._send_settings()  # O-8.a

    def receive(self, data: bytes, now: float) -> None:
        self._now = now
        if self._phase not in (_Phase.OPENING, _Phase.FRAMES):
            return  # F-2.f, F-3.b: discarded
        self._buffer += data
        if self._phase is _Phase.OPENING:
            self._receive_opening()
        if self._phase is _Phase.FRAMES:
            self._receive_records()

    def end_of_input(self, now: float, *, unwritten: bool) -> None:
        """Nothing more comes: the other side has shut down sending, or the stream was reset or cannot be read.

        `unwritten` says whether part of the last piece of `data_to_send` has not been written.
        """
        self._now = now
        self._input_ended = True
        if self._phase is _Phase.DISCARDING:
            self._close_stream()  # F-3.b
        elif self._phase in (_Phase.OPENING, _Phase.FRAMES):
            self._end_with_input(unwritten)

    def write_failed(self, now: float) -> None:
        """The stream takes no more bytes. Something may be waiting to be read (F-4.a)."""
        self._now = now
        if self._phase in (_Phase.LAST_WORD, _Phase.DISCARDING):
            self._close_stream()
        elif self._phase is not _Phase.OVER and not self._write_failed:
            self._write_failed = True
            self._stream_deadline = now + FAILED_WRITE_SECONDS  # F-4.a

    def flushed(self, now: float) -> None:
        """All that `data_to_send` returned has been written, and it returns no more now."""
        self._now = now
        if self._phase is _Phase.FRAMES and not self._write_failed:
            self._end_cleanly_when_due()
        if self._phase is _Phase.LAST_WORD:
            if self._input_ended:
                self._act(ShutDownSending())
                self._close_stream()
                return
            self._phase = _Phase.DISCARDING
            self._stream_deadline = now + DISCARD_SECONDS  # F-3.b
            self._act(ShutDownSending())  # F-3.a

    def time_passed(self, now: float) -> None:
        self._now = now
        if _due(self._stream_deadline, now):
            self._stream_deadline = None
            if self._phase in (_Phase.LAST_WORD, _Phase.DISCARDING):
                self._close_stream()  # F-3.b, F-3.d
            else:
                self._end_with_input(unwritten=True)  # F-4.a
        if _due(self._opening_deadline, now):
            self._opening_deadline = None
            self._end_lost("the connection did not open in time", HandshakeTimeout(
                f"the connection was not open after {self.limits.handshake_seconds:g} s"
            ))  # O-10.a, O-10.c  # fmt: skip
        if _due(self._drain_deadline, now):
            self._drain_deadline = None
            self._end_lost(f"the other side did not finish within {self.limits.drain_seconds:g} s")  # C-5.a
        if _due(self._keepalive_deadline, now):
            self._keepalive_due()

    # The opening

    def _receive_opening(self) -> None:
        try:
            result = self._opening.receive(self._buffer)
        except NotOurProtocol:
            self._end_lost("the peer does not speak this protocol")  # O-3.a
            return
        except Refuse as refusal:
            self._refuse(refusal)
            return
        except OpeningFailed as failure:
            self._end_lost(str(failure), failure.error)  # O-9, H-11.a
            return
        if isinstance(result, LookUpKey):
            self._act(result)
        elif result is not None:
            self._established(result)

    def key_found(self, key: bytes | None, now: float) -> None:
        """The result of `LookUpKey`: the user's key, or None if there is none or the lookup failed (H-4)."""
        self._now = now
        if self._phase is not _Phase.OPENING:
            return  # a race: the time limit was over before
        assert isinstance(self._opening, ServerOpening)
        try:
            established = self._opening.key_found(key)
        except Refuse as refusal:
            self._refuse(refusal)
            return
        self._established(established)
        self._receive_records()

    def _established(self, result: Established) -> None:
        self._phase = _Phase.FRAMES
        self._outgoing += result.reply
        self._sending, self._receiving, self.user = result.sending, result.receiving, result.user
        self._opening.erase()  # H-8.a
        if not self._sends_settings_before_opening:
            self._send_settings()  # O-7.b, H-10.a, S-1.a

    def _send_settings(self) -> None:
        self._outbox.put_ahead(wire.SETTINGS, body=self.settings.encode())

    def _refuse(self, refusal: Refuse) -> None:
        self._act(Log(f"refused: {displayed(str(refusal))}"))  # H-4.j
        self._outgoing += refusal.refusal
        self._outbox.drop_all_but_settings()
        self._decide(Ending("lost", explanation=str(refusal)), ConnectionLost(str(refusal)))
        self._begin_last_word()  # O-6.b

    # Records and frames

    def _receive_records(self) -> None:
        try:
            while self._phase is _Phase.FRAMES:
                length = wire.record_length(self._buffer)
                if length is None:
                    return
                if self._receiving is not None and length < TAG_BYTES:
                    raise NotAuthentic("a sealed record shorter than its tag")  # R-1.b
                if length == 0:
                    raise Violation("R-1.a", "a record of length 0")
                content = wire.take_record(self._buffer)
                if content is None:
                    return
                if self._receiving is not None:
                    content = self._receiving.decrypt(content)  # R-2.c, R-3
                self._restart_keepalive()  # P-3.d
                for frame in wire.frames(content):
                    self._take_frame(frame)
                    if self._phase is not _Phase.FRAMES:
                        return
        except Violation as violation:
            self._violation(violation)
        except NotAuthentic as error:
            self._tampering(str(error))
        except CounterExhausted:
            self._end_lost("the opening counter is exhausted")  # R-4.a

    def _take_frame(self, frame: Frame) -> None:
        if self.peer_settings is None:
            if frame.kind != wire.SETTINGS:
                raise Violation("S-1.c", f"the first frame is {wire.KIND_NAMES[frame.kind]}, not SETTINGS")
            self._open(wire.read_settings(frame.body))
        elif frame.kind == wire.REQUEST:
            self._responder.take_request(frame)
        elif frame.kind == wire.RESPONSE:
            self._requester.take_response(frame)
        elif frame.kind == wire.ERROR:
            self._requester.take_error(frame)
        elif frame.kind == wire.CANCEL:
            self._responder.take_cancel(frame)
        elif frame.kind == wire.PING:
            self._outbox.put_ahead(wire.PONG, body=frame.body)  # P-1.a, P-1.c
        elif frame.kind == wire.PONG:
            self._take_pong(frame.body)
        elif frame.kind == wire.CLOSE:
            self._take_close(frame.body)
        else:
            raise Violation("S-1.b", "a second SETTINGS")

    def _open(self, settings: Settings) -> None:
        self.peer_settings = settings
        self._opening_deadline = None
        self._outbox.partial_bytes_max = settings.partial_bytes_max
        self._requester.peer_settings_came(settings)
        self._responder.peer_settings_came(settings)
        self._restart_keepalive()  # P-3.e
        self._act(Opened(self.user))  # S-1.f, H-10.b

    def admit(self) -> None:
        """The open handler lets the connection in (C-9)."""
        if self.ending is None:
            self._responder.admit()

    def turn_down(self, code: str, message: str, now: float) -> None:
        """The open handler turns the connection down (C-9.a)."""
        self._now = now
        if self.ending is not None:
            return  # a race: it ended before the decision
        self._turned_down = True  # C-9.c
        self.close(code, message, now)
        self._responder.turn_down()

    # Requests

    def request(self, token: int, value: Encodable) -> None:
        """Send a request; `RequestDone` with `token` answers it. Raises what makes it fail at once."""
        if self.ending is not None:
            raise self.ending.error()
        assert self.peer_settings is not None, "the connection is not open"  # S-1.d
        self._requester.request(token, value)

    def cancel(self, token: int) -> None:
        """The caller of `token` gives up. No `RequestDone` follows."""
        if self.ending is None:
            self._requester.cancel(token)
            self._send_close_when_due()

    def respond(self, id: int, value: Encodable) -> None:
        if self.ending is None:
            self._responder.respond(id, value)

    def fail(self, id: int, code: str | None, message: str, details: Sequence[Any] = ()) -> None:
        if self.ending is None:
            self._responder.fail(id, code, message, details)

    # PING, PONG and keepalive

    def ping(self, token: Any) -> None:
        """Send a PING; `PingDone` with `token` answers it."""
        if self.ending is not None:
            raise self.ending.error()
        assert self.peer_settings is not None, "the connection is not open"  # S-1.d
        self._send_ping(token)

    def _send_ping(self, token: Any) -> None:
        self._ping_count += 1
        body = self._ping_count.to_bytes(wire.PING_BYTES, "big")
        if token is not None:
            self._pings.append((body, token))
        self._outbox.put_ahead(wire.PING, body=body)

    def _take_pong(self, body: bytes) -> None:
        for index, (sent, token) in enumerate(self._pings):
            if sent == body:
                del self._pings[index]
                self._act(PingDone(token))
                return
        # P-2.a: one that answers no PING is ignored

    def _restart_keepalive(self) -> None:
        if self.limits.keepalive_seconds is not None and self.peer_settings is not None:
            self._keepalive_ping_sent = False
            self._keepalive_deadline = self._now + self.limits.keepalive_seconds

    def _keepalive_due(self) -> None:
        assert self.limits.keepalive_seconds is not None
        if self._keepalive_ping_sent:
            self._keepalive_deadline = None
            self._end_lost("nothing came after a keepalive PING")  # P-3.c
            return
        timeout = self.limits.keepalive_timeout_seconds
        self._keepalive_ping_sent = True
        self._keepalive_deadline = self._now + (self.limits.keepalive_seconds if timeout is None else timeout)
        self._send_ping(None)  # P-3.b

    # Closing

    def close(self, code: str, message: str, now: float) -> None:
        """Close the connection: `Ended` follows. Raises `ValueError` for a code that an application must not give."""
        self._now = now
        wire.close_body(code, message)  # C-9.g
        if self.ending is not None or self._drain_deadline is not None:
            return
        assert self.peer_settings is not None, "the connection is not open"
        self._drain_deadline = now + self.limits.drain_seconds  # C-5.a
        if self._close_sent is None:
            self._close_to_send = (code, message)
            self._requester.close_asked()  # C-1.h
            self._send_close_when_due()

    def _send_close_when_due(self) -> None:
        """Requests that had a place go out before the CLOSE (C-1.g)."""
        if self._close_to_send is not None and self._requester.all_sent:
            self._send_close(*self._close_to_send)

    def _send_close(self, code: str, message: str) -> None:
        self._close_to_send = None  # C-1.c
        self._close_sent = (code, message)
        self._responder.is_late = True  # C-3.a
        self._outbox.put_ahead(wire.CLOSE, body=wire.close_body(code, message))

    def _take_close(self, body: bytes) -> None:
        try:
            code, message = wire.read_code_and_message(body)
        except MalformedValue as error:
            raise Violation("E-2.f", f"a malformed CLOSE: {error}") from None
        if code == wire.PROTOCOL_ERROR:  # C-1.e
            self._close_received = (code, message)
            ending = Ending("violation", code, message, "remote", message)
            self._decide(ending, ProtocolViolation("remote", message))  # C-7.b
            self._close_stream()  # C-7.a
            return
        if self._close_received is not None:
            raise Violation("C-1.d", "a second CLOSE")
        self._close_received = (code, message)
        self._responder.peer_has_closed = True  # C-1.f
        self._requester.close_received()  # C-2.a, C-2.d
        if self._close_sent is None:
            self._received_before_sent = True
            self._send_close(wire.NORMAL, "")  # C-2.b, C-2.c

    def _end_cleanly_when_due(self) -> None:
        if self._close_sent is None or self._close_received is None:
            return
        if not self._requester.is_idle or not self._responder.is_idle:
            return  # C-4.b
        self._end_cleanly()
        self._begin_last_word()  # C-4.a: the word has been written

    def _end_cleanly(self) -> None:
        code, message = self._reported_close()
        self._decide(Ending("clean", code, message), ConnectionClosing("the connection has closed"))  # C-4.c

    def _reported_close(self) -> tuple[str | None, str | None]:
        """C-4.d; what has been sent or received of both where the end was not clean."""
        first = self._close_received if self._received_before_sent else self._close_sent
        return first or self._close_received or (None, None)

    def abort(self, now: float) -> None:
        """Close the stream at once. What is under way fails as lost."""
        self._now = now
        if self.ending is None:
            self._decide(Ending("aborted", *self._reported_close()), ConnectionLost("this side aborted the connection"))
        self._close_stream()

    # Ends

    def _violation(self, violation: Violation) -> None:
        text = str(violation)
        self._act(Log(f"violation: {displayed(text)}"))
        self._outbox.drop_all_but_settings()  # F-2.a: nothing but SETTINGS goes before the CLOSE
        body = wire.coded_body(wire.PROTOCOL_ERROR, text, 1024)  # F-2.c
        self._outbox.put_ahead(wire.CLOSE, body=body)  # F-2.a
        ending = Ending("violation", wire.PROTOCOL_ERROR, text, "local", text)
        self._decide(ending, ProtocolViolation("local", text))  # C-7.c, F-2.e
        self._begin_last_word()  # F-2.d

    def _tampering(self, explanation: str) -> None:
        self._act(Log(f"tampering: {explanation}"))
        explanation = f"a sealed record does not authenticate: {explanation}"
        self._decide(Ending("tampered", *self._reported_close(), explanation=explanation), Tampered(explanation))
        self._close_stream()  # R-3.a

    def _end_lost(self, explanation: str, error: BokbokError | None = None) -> None:
        """Close the stream now and without a word."""
        if self.ending is None:
            ending = Ending("lost", *self._reported_close(), explanation=explanation)
            self._decide(ending, error or ConnectionLost(explanation))
        self._close_stream()

    def _end_with_input(self, unwritten: bool) -> None:
        """The end of input, or of the wait after a failed write, while the connection was not over (C-6)."""
        if self._phase is _Phase.OPENING:
            self._end_lost(self._opening.ended_because())  # O-9.e
            return
        is_idle = self._requester.is_idle and self._responder.is_idle
        only_close_left = self._outbox.holds_nothing_but_close and (
            not unwritten or self._outbox.last_record_was_close_only
        )
        if self._close_received is not None and is_idle and only_close_left:
            self._end_cleanly()  # C-6.d
            self._close_stream()
        else:
            self._end_lost("the stream ended before the connection was closed")  # C-6.a, C-6.b, C-6.c

    def _decide(self, ending: Ending, error: BokbokError) -> None:
        """The outcome is known, and reported at once (F-3.f)."""
        assert self.ending is None
        self.ending = ending
        self._opening_deadline = self._drain_deadline = self._keepalive_deadline = self._stream_deadline = None
        failure = ending.error()
        self._requester.end(failure)  # C-6.c, F-2.e
        self._responder.end()
        pings, self._pings = self._pings, []
        for _, token in pings:
            self._act(PingDone(token, failure))  # P-2.b
        self._opening.erase()  # H-8.a
        self._buffer.clear()
        self._act(Ended(ending, self.peer_settings is not None, self._turned_down, error))

    def _begin_last_word(self) -> None:
        if self._write_failed:
            self._close_stream()
            return
        self._phase = _Phase.LAST_WORD
        self._stream_deadline = self._now + WORD_SECONDS  # F-3.d

    def _close_stream(self) -> None:
        if self._phase is _Phase.OVER:
            return
        self._phase = _Phase.OVER
        self._opening_deadline = self._drain_deadline = self._keepalive_deadline = self._stream_deadline = None
        self._outgoing.clear()
        self._outbox.drop_all_but_settings()
        for cipher in (self._sending, self._receiving):
            if cipher is not None:
                cipher.erase()  # H-8.b
        self._act(CloseStream())

    def _act(self, action: Action) -> None:
        self._actions.append(action)


def _due(deadline: float | None, now: float) -> bool:
    return deadline is not None and now >= deadline
