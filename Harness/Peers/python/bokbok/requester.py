"""This side's own requests: places, ids, cancelling, answers (X-1, X-3, X-5 to X-7, C-1, C-2)."""

from __future__ import annotations

from typing import Callable

from . import values
from .actions import Action, RequestDone
from .assembly import Assembly
from .errors import BokbokError, ConnectionClosing, MalformedValue, RemoteClosing, RemoteError, TooLarge
from .outbox import Message, Outbox
from .values import Encodable
from .wire import CANCEL, CLOSING, ID_MAX, REQUEST, Frame, Settings, Violation, read_coded


class _Request:
    """A request that has a place."""

    __slots__ = ("token", "message", "begun", "whole", "cancelled", "answer")

    def __init__(self, token: int, message: Message) -> None:
        self.token: int | None = token  # None once the caller has been told
        self.message: Message | None = message  # None once it is whole
        self.begun = False
        self.whole = False
        self.cancelled = False
        self.answer = bytearray()


class Requester:
    def __init__(self, assembly: Assembly, outbox: Outbox, act: Callable[[Action], None]) -> None:
        self._assembly = assembly
        self._outbox = outbox
        self._act = act
        self._peer = Settings()
        self._waiting: dict[int, bytes] = {}  # token: message, in the order of asking
        self._under_way: dict[int, _Request] = {}
        self._ids: dict[int, int] = {}  # token: id
        self._last_id = 0
        self._unsent = 0  # requests that have a place and are neither whole nor cancelled
        self._closing = False

    @property
    def is_idle(self) -> bool:
        return not self._under_way

    @property
    def all_sent(self) -> bool:
        """Whether each request that had a place has gone out whole, or was cancelled (C-1.g)."""
        return self._unsent == 0

    def peer_settings_came(self, settings: Settings) -> None:
        self._peer = settings

    # From this side's application

    def request(self, token: int, value: Encodable) -> None:
        """Send a request, or let it wait for a place. Raises what makes it fail at once."""
        message = values.encode(value)  # E-4.a: raises MalformedValue
        if self._closing:
            raise ConnectionClosing("the connection is closing and takes no new requests")  # C-1.f, C-2.a
        if len(message) > self._peer.message_bytes_max:
            raise TooLarge(
                f"the request has {len(message)} bytes, and the other side takes {self._peer.message_bytes_max}"
            )  # X-5.b
        self._waiting[token] = message
        self._fill_places()

    def cancel(self, token: int) -> None:
        """The caller of `token` has been told that it is cancelled; tell the other side if it knows of it (X-7)."""
        if self._waiting.pop(token, None) is not None:
            return
        id = self._ids.pop(token, None)
        if id is None:
            return  # a race: it has just been answered
        request = self._under_way[id]
        request.token = None
        if not request.begun:
            self._give_up(id, request)
            self._fill_places()
            return
        if request.message is not None:
            self._unsent -= 1
            self._outbox.drop(request.message)  # X-7.h
        request.cancelled = True  # X-7.i: the id and the place stay taken until the answer arrives
        self._outbox.put_ahead(CANCEL, id)

    def close_asked(self) -> None:
        """This side closes: what waits for a place fails (C-1.h)."""
        self._closing = True
        self._fail_waiting(ConnectionClosing("the connection was closed while the request waited for a place"))

    def close_received(self) -> None:
        """The other side closes: of what nothing has been sent fails (C-2.d). Requests sent in part go on (C-2.e)."""
        self._closing = True
        error = ConnectionClosing("the other side closed before anything of the request was sent")
        self._fail_waiting(error)
        for id, request in list(self._under_way.items()):
            if not request.begun:
                self._give_up(id, request)
                self._finish(request, error=error)

    def end(self, error: BokbokError) -> None:
        """The connection has ended: what was under way fails (C-6.c)."""
        self._closing = True
        self._fail_waiting(error)
        for request in self._under_way.values():
            self._finish(request, error=error)
        self._under_way.clear()

    # From the connection

    def frame_taken(self, message: Message, last: bool) -> None:
        request = self._under_way[message.id]
        request.begun = True
        if last:
            request.whole = True
            request.message = None
            self._unsent -= 1

    def take_response(self, frame: Frame) -> None:
        request = self._expect_answer(frame, "RESPONSE")
        message = self._assembly.add(request.answer, frame)
        if message is None:
            return
        self._free_place(frame.id)
        if request.token is None:
            return
        try:
            value = values.decode(message)
        except MalformedValue as error:
            self._finish(request, error=MalformedValue(f"the response is not a value: {error}"))  # E-2.d
            return
        token, request.token = request.token, None
        self._ids.pop(token, None)
        self._act(RequestDone(token, value=value))

    def take_error(self, frame: Frame) -> None:
        request = self._expect_answer(frame, "ERROR")
        self._assembly.forget(request.answer)  # X-3.e
        self._free_place(frame.id)
        error: BokbokError
        try:
            code, message, details = read_coded(frame.body)
        except MalformedValue as problem:
            error = MalformedValue(f"the ERROR is malformed: {problem}")  # E-2.e
        else:
            error = (RemoteClosing if code == CLOSING else RemoteError)(code, message, details)  # E-1.i
        self._finish(request, error=error)

    def _expect_answer(self, frame: Frame, name: str) -> _Request:
        request = self._under_way.get(frame.id)
        if request is None:
            raise Violation("X-3.c", f"{name} for the exchange {frame.id}, which is not under way")
        if not request.whole and not request.cancelled:
            raise Violation("X-3.d", f"{name} for the request {frame.id}, which has not been sent whole")
        return request

    # Places

    def _fill_places(self) -> None:
        while self._waiting and len(self._under_way) < self._peer.requests_max:  # X-6.b
            token = next(iter(self._waiting))
            message = Message(REQUEST, self._free_id(), self._waiting.pop(token))
            self._ids[token] = message.id
            self._under_way[message.id] = _Request(token, message)
            self._unsent += 1
            self._outbox.put(message, is_answer=False)

    def _free_id(self) -> int:
        id = self._last_id
        while True:
            id = id + 1 if id < ID_MAX else 1
            if id not in self._under_way:  # X-1.a, X-7.i
                self._last_id = id
                return id

    def _free_place(self, id: int) -> None:
        del self._under_way[id]  # X-6.d
        self._fill_places()

    def _give_up(self, id: int, request: _Request) -> None:
        """Take back a request of which nothing has been sent."""
        assert request.message is not None
        self._outbox.drop(request.message)
        del self._under_way[id]
        self._unsent -= 1

    def _fail_waiting(self, error: BokbokError) -> None:
        waiting, self._waiting = self._waiting, {}
        for token in waiting:
            self._act(RequestDone(token, error=error))

    def _finish(self, request: _Request, *, error: BokbokError) -> None:
        token, request.token = request.token, None
        if token is not None:
            self._ids.pop(token, None)
            self._act(RequestDone(token, error=error))
