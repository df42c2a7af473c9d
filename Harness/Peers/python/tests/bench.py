"""A machine on the bench: its peer is played byte by byte, its clock is turned by hand."""

from __future__ import annotations

import itertools
from typing import Any, Callable, Iterator, TypeVar

from bokbok.actions import Action, Ended, Opened
from bokbok.limits import Limits
from bokbok.machine import Machine
from bokbok.noise import PROTOCOL_NAME, CipherState, Handshake
from bokbok.opening import ClientOpening, ServerOpening
from bokbok.values import encode
from bokbok.wire import (
    CANCEL,
    CLOSE,
    ERROR,
    MORE,
    PING,
    PONG,
    REQUEST,
    RESPONSE,
    SETTINGS,
    Frame,
    Settings,
    encode_frame,
    frames,
    preamble,
    record,
    take_record,
)

KEY = bytes(range(32))
USER = "alice"
STRANGER_KEY = b"s" * 32

ROLES = ("client", "server")
SECURITY = ("plain", "sealed")

ActionType = TypeVar("ActionType")


def frame(kind: int, body: bytes = b"", id: int = 0, flags: int = 0) -> bytes:
    return encode_frame(kind, id, body, flags)


def settings(*pairs: Any) -> bytes:
    return frame(SETTINGS, encode(list(pairs)))


def request(id: int, value: Any, flags: int = 0) -> bytes:
    return frame(REQUEST, value if isinstance(value, bytes) else encode(value), id, flags)


def response(id: int, value: Any, flags: int = 0) -> bytes:
    return frame(RESPONSE, value if isinstance(value, bytes) else encode(value), id, flags)


def error(id: int, *items: Any) -> bytes:
    return frame(ERROR, encode(list(items)), id)


def cancel(id: int) -> bytes:
    return frame(CANCEL, id=id)


def close(code: str = "normal", message: str = "") -> bytes:
    return frame(CLOSE, encode([code, message]))


def ping(body: bytes = b"12345678") -> bytes:
    return frame(PING, body)


def pong(body: bytes = b"12345678") -> bytes:
    return frame(PONG, body)


class Bench:
    """`machine` plays `role`; the methods are what the other side does, and what can be seen of the machine."""

    def __init__(
        self,
        role: str = "server",
        security: str = "plain",
        *,
        own: Settings = Settings(),
        limits: Limits = Limits(),
        asks_to_open: bool = False,
        is_busy: Callable[[], bool] = lambda: False,
        piece_bytes: int = 0,
    ) -> None:
        self.role = role
        self.is_sealed = security == "sealed"
        self.now = 1000.0
        self.actions: list[Action] = []
        self.piece_bytes = piece_bytes
        self.unread = bytearray()
        self.sending: CipherState | None = None
        self.receiving: CipherState | None = None
        opening: ClientOpening | ServerOpening
        if role == "client":
            opening = ClientOpening(USER.encode(), KEY) if self.is_sealed else ClientOpening()
        else:
            opening = ServerOpening(STRANGER_KEY if self.is_sealed else None, is_busy=is_busy)
        self.machine = Machine(opening, own, limits, asks_to_open=asks_to_open)
        self.machine.begin(self.now)

    # The other side's bytes

    def feed(self, data: bytes) -> None:
        size = self.piece_bytes or max(len(data), 1)
        for start in range(0, len(data), size):
            if self.machine.is_over:
                return
            self.machine.receive(data[start : start + size], self.now)
            self.collect()

    def seal(self, content: bytes) -> bytes:
        return self.sending.encrypt(content) if self.sending else content

    def send(self, *encoded: bytes) -> None:
        """One record with these frames."""
        self.feed(record(self.seal(b"".join(encoded))))

    def end_input(self, unwritten: bool = False) -> None:
        self.machine.end_of_input(self.now, unwritten=unwritten)
        self.collect()

    def turn_clock(self, seconds: float) -> None:
        self.now += seconds
        deadline = self.machine.deadline
        if deadline is not None and deadline <= self.now:
            self.machine.time_passed(self.now)
        self.collect()

    # What the machine does

    def collect(self) -> None:
        self.actions += self.machine.take_actions()

    def pump(self, pieces: int | None = None) -> None:
        """Write what the machine has to say, all of it or a number of pieces."""
        for _ in itertools.count() if pieces is None else range(pieces):
            data = self.machine.data_to_send()
            self.collect()
            if data is None:
                self.machine.flushed(self.now)
                self.collect()
                return
            self.unread += data

    def received(self, pieces: int | None = None) -> list[Frame]:
        """The frames that the machine has sent since the last call."""
        self.pump(pieces)
        found: list[Frame] = []
        while (content := take_record(self.unread)) is not None:
            found += frames(self.receiving.decrypt(content) if self.receiving else content)
        return found

    def taken(self, kind: type[ActionType]) -> list[ActionType]:
        """The actions of one kind, which are forgotten with that."""
        self.collect()
        found = [action for action in self.actions if isinstance(action, kind)]
        self.actions = [action for action in self.actions if not isinstance(action, kind)]
        return found

    @property
    def ended(self) -> Ended | None:
        self.collect()
        return next((action for action in self.actions if isinstance(action, Ended)), None)

    @property
    def reason(self) -> str | None:
        return self.ended.ending.reason if self.ended else None

    # The opening

    def open(self, *pairs: Any) -> Bench:
        """Do what the other side does until both are open; `pairs` are its settings."""
        self.handshake()
        self.send(settings(*pairs))
        assert self.taken(Opened), self.actions
        assert [frame.kind for frame in self.received()] == [SETTINGS]
        return self

    def handshake(self) -> None:
        """Do what the other side does until its SETTINGS."""
        if self.role == "server":
            if not self.is_sealed:
                self.feed(preamble(0))
                self.pump()
            else:
                handshake = self.client_hello()
                self.machine.key_found(KEY, self.now)
                self.pump()
                assert bytes(self.unread[:8]) == preamble(1), self.unread
                del self.unread[:8]
                message_2 = take_record(self.unread)
                assert message_2 is not None and len(message_2) == 48
                handshake.read(message_2)
                self.sending, self.receiving = handshake.split()
                return
            assert bytes(self.unread[:8]) == preamble(0), self.unread
            del self.unread[:8]
            return
        self.pump()
        assert bytes(self.unread[:8]) == preamble(1 if self.is_sealed else 0)
        del self.unread[:8]
        if not self.is_sealed:
            self.feed(preamble(0))
            return
        user, message_1 = take_record(self.unread), take_record(self.unread)
        assert user == USER.encode() and message_1 is not None and len(message_1) == 80
        handshake = Handshake(
            PROTOCOL_NAME, initiator=False, prologue=preamble(1) + user, pre_shared_keys=[bytearray(KEY)]
        )
        handshake.pre_shared_keys.append(bytearray(handshake.read(message_1)))
        self.feed(preamble(1) + record(handshake.write(b"")))
        self.receiving, self.sending = handshake.split()

    def client_hello(self, key: bytes = KEY, user: bytes = USER.encode()) -> Handshake:
        handshake = client_handshake(key, user)
        self.feed(preamble(1) + record(user) + record(handshake.write(SESSION_KEY)))
        return handshake


SESSION_KEY = b"k" * 32


def client_handshake(key: bytes = KEY, user: bytes = USER.encode()) -> Handshake:
    return Handshake(
        PROTOCOL_NAME,
        initiator=True,
        prologue=preamble(1) + user,
        pre_shared_keys=[bytearray(key), bytearray(SESSION_KEY)],
    )


def configurations() -> Iterator[tuple[str, str]]:
    return itertools.product(ROLES, SECURITY)


__all__ = [name for name in dir() if not name.startswith("_")] + ["MORE", "PONG"]
