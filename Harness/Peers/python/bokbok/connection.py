"""An open connection, as a program sees it."""

from __future__ import annotations

import asyncio
import inspect
import logging
from functools import partial
from types import TracebackType
from typing import Any, Awaitable, Callable, Coroutine, Union

from .actions import (
    Action,
    CancelHandler,
    Ended,
    Handle,
    Log,
    LookUpKey,
    Opened,
    PingDone,
    RequestDone,
)
from .driver import Driver
from .errors import ApplicationError, BokbokError, Ending, RemoteError, TurnDown
from .machine import Machine
from .streams import Stream
from .values import Encodable, Value
from .wire import NORMAL, SHUTDOWN, Settings

logger = logging.getLogger("bokbok")

#: Answers a request: takes the connection and the request's value, returns the answer's. May be a coroutine function.
Handler = Callable[["Connection", Value], Union[Encodable, Awaitable[Encodable]]]
#: Is told of each connection that opens at a server, and may raise `TurnDown`. May be a coroutine function.
OpenHandler = Callable[["Connection"], Union[None, Awaitable[None]]]
#: Is told how each connection ended. May be a coroutine function.
CloseHandler = Callable[["Connection", Ending], Union[None, Awaitable[None]]]
#: Finds a user's key; None if there is no such user. May be a coroutine function.
KeyLookup = Callable[[str], Union[bytes, None, Awaitable[Union[bytes, None]]]]


def no_handler(connection: Connection, payload: Value) -> Encodable:
    """Answers every request with an error: for programs that only ask."""
    raise ApplicationError("unknown-request", "this side takes no requests")


class Connection:
    """A connection to a peer. Programs get one from `connect`, from their handlers, and from a server's open handler.

    All methods belong to the event loop that the connection was made on; none may be called from another thread.
    """

    def __init__(
        self,
        machine: Machine,
        stream: Stream,
        *,
        handler: Handler = no_handler,
        on_open: OpenHandler | None = None,
        on_close: CloseHandler | None = None,
        look_up_key: KeyLookup | None = None,
        on_change: Callable[[Connection, Action], None] = lambda connection, action: None,
        description: str = "",
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._machine = machine
        self._driver = Driver(machine, stream, self._perform)
        self._handler = handler
        self._on_open = on_open
        self._on_close = on_close
        self._look_up_key = look_up_key
        self._on_change = on_change
        self._description = description
        self._tokens = 0
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._running: dict[int, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._deciding: asyncio.Task[Any] | None = None  # the key lookup, then the open handler
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[Ending] = self._loop.create_future()

    # What a program asks

    @property
    def user(self) -> str | None:
        """The authenticated user, in both roles; None on a plain connection."""
        return self._machine.user

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, and its end not decided. It may be closing."""
        return self._machine.is_open

    @property
    def ending(self) -> Ending | None:
        """How the connection ended, None as long as it has not."""
        return self._machine.ending

    @property
    def settings(self) -> Settings:
        """What this side takes."""
        return self._machine.settings

    @property
    def peer_settings(self) -> Settings:
        """What the other side takes."""
        assert self._machine.peer_settings is not None, "the connection has not opened"
        return self._machine.peer_settings

    def __repr__(self) -> str:
        state = self.ending or ("open" if self.is_open else "opening")
        return f"<Connection {self._description} {state}>"

    # What a program does

    async def request(self, payload: Encodable) -> Value:
        """Send a request and return the answer.

        Waits for a place if the other side's `max-requests` are under way. Cancelling the task cancels the request at
        the other side too, so `asyncio.timeout` works as a time limit.

        Raises `RemoteError` if the answer is an error (`RemoteClosing` if the other side is closing and did not process
        it), `MalformedValue` for a value that cannot be sent or an answer that is none, `TooLarge`,
        `ConnectionClosing` if nothing was sent because of a close, and `ConnectionLost`, `ProtocolViolation` or
        `Tampered` if the connection ended meanwhile.
        """
        token, reply = self._new_reply()
        try:
            self._machine.request(token, payload)
            self._driver.wake()
            value: Value = await reply
            return value
        except asyncio.CancelledError:
            self._machine.cancel(token)
            self._driver.wake()
            raise
        finally:
            del self._replies[token]

    async def ping(self) -> float:
        """Send a PING and return the seconds until its PONG. Raises what `request` raises if the connection ends."""
        token, reply = self._new_reply()
        began = self._driver.now
        try:
            self._machine.ping(token)
            self._driver.wake()
            await reply
            return self._driver.now - began
        finally:
            del self._replies[token]

    async def close(self, code: str = NORMAL, message: str = "") -> Ending:
        """Close the connection and return how it ended, as soon as that is decided.

        Requests that have begun are answered first, for the drain time limit at most. The stream itself may take a
        second more to end, see `wait_closed`. Raises `ValueError` for a code that does not have the form of a code.
        Cancelling stops the waiting, not the closing.
        """
        self._ask_to_close(code, message)
        return await self.wait_ended()

    def abort(self) -> None:
        """End the connection at once and without a word. What is under way fails as `ConnectionLost`."""
        self._machine.abort(self._driver.now)
        self._driver.step()

    async def wait_ended(self) -> Ending:
        """Return how the connection ended, when that is decided."""
        return await asyncio.shield(self._ended)

    async def wait_closed(self) -> None:
        """Return when the stream is closed, the command of an `exec:` address has ended, and no handler runs."""
        await self.wait_stream_closed()
        while others := {*self._tasks, *self._running.values()} - {asyncio.current_task()}:
            await asyncio.wait(others)

    async def wait_stream_closed(self) -> None:
        """Return when the stream is closed."""
        await asyncio.shield(self._driver.closed)

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            self.abort()
        elif self._machine.peer_settings is None:
            self.abort()
        else:
            await self.close()
        await self.wait_closed()

    # Used by connect and by servers

    def _begin(self) -> None:
        self._driver.begin()

    async def _wait_opened(self) -> None:
        await asyncio.shield(self._opened)

    def _ask_to_close(self, code: str, message: str = "") -> None:
        self._machine.close(code, message, self._driver.now)
        self._driver.wake()

    def _follow(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run something that belongs to this connection, until `wait_closed` returns at the latest."""
        self._spawn(coroutine)

    def _new_reply(self) -> tuple[int, asyncio.Future[Any]]:
        self._tokens += 1
        reply = self._replies[self._tokens] = self._loop.create_future()
        return self._tokens, reply

    # The machine's actions

    def _perform(self, action: Action) -> None:
        if isinstance(action, Handle):
            self._handle(action.id, action.value)
        elif isinstance(action, (RequestDone, PingDone)):
            self._reply(action)
        elif isinstance(action, CancelHandler):
            if action.id in self._running:
                self._loop.call_soon(self._running[action.id].cancel)  # X-7.b; soon: a handler that has begun sees it
        elif isinstance(action, LookUpKey):
            self._deciding = self._spawn(self._find_key(action.user))
        elif isinstance(action, Opened):
            self._on_change(self, action)
            if not self._opened.done():
                self._opened.set_result(None)
            if self._on_open is not None:
                self._deciding = self._spawn(self._ask_to_open(self._on_open))
        elif isinstance(action, Ended):
            self._end(action)
        elif isinstance(action, Log):
            logger.info("%s: %s", self._description, action.text)

    def _reply(self, action: RequestDone | PingDone) -> None:
        reply = self._replies.get(action.token)
        if reply is None or reply.done():
            return
        if action.error is not None:
            reply.set_exception(action.error)
        else:
            reply.set_result(action.value if isinstance(action, RequestDone) else None)

    def _end(self, action: Ended) -> None:
        logger.info("%s: %s", self._description, action.ending)
        for task in self._running.values():
            task.cancel()
        if self._deciding is not None:
            self._deciding.cancel()  # C-9.f, H-4.i
        if not self._opened.done():
            self._opened.set_exception(action.error)
            self._opened.exception()  # not everyone waits for it
        self._on_change(self, action)
        if self._on_close is not None and action.was_open and not action.turned_down:  # S-1.g, C-9.c
            self._tell(self._on_close, action.ending)  # C-8.a
        self._ended.set_result(action.ending)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[Any]:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Handlers

    def _handle(self, id: int, value: Value) -> None:
        try:
            result = self._handler(self, value)
        except (Exception, asyncio.CancelledError) as error:  # the latter from a future that it looked at
            self._fail(id, error)
            return
        if inspect.isawaitable(result):
            task = self._running[id] = asyncio.ensure_future(result)
            task.add_done_callback(partial(self._handler_ended, id))
        else:
            self._machine.respond(id, result)
            self._driver.wake()

    def _handler_ended(self, id: int, task: asyncio.Task[Any]) -> None:
        self._running.pop(id, None)
        if task.cancelled():
            self._machine.fail(id, None, "the handler was cancelled")
        elif (error := task.exception()) is not None:
            self._fail(id, error)
        else:
            self._machine.respond(id, task.result())
        self._driver.wake()

    def _fail(self, id: int, error: BaseException) -> None:
        if isinstance(error, (ApplicationError, RemoteError)):
            self._machine.fail(id, error.code, error.message, error.details)  # E-1.f
        elif isinstance(error, BokbokError):
            self._machine.fail(id, None, f"a request of the handler failed: {error}")  # E-1.e
        else:
            logger.error("%s: a handler failed", self._description, exc_info=error)
            self._machine.fail(id, None, _described(error))  # E-1.b, E-1.g
        self._driver.wake()

    async def _ask_to_open(self, on_open: OpenHandler) -> None:
        try:
            result = on_open(self)
            if inspect.isawaitable(result):
                await result
        except TurnDown as decision:
            self._machine.turn_down(decision.code, decision.message, self._driver.now)  # C-9.a
        except (Exception, asyncio.CancelledError) as error:
            if self.is_open:
                logger.error("%s: the open handler failed", self._description, exc_info=error)
            self._machine.turn_down(SHUTDOWN, "", self._driver.now)  # C-9.e
        else:
            self._machine.admit()  # C-9.d
        self._driver.wake()

    def _tell(self, on_close: CloseHandler, ending: Ending) -> None:
        async def finish(result: Awaitable[None]) -> None:
            try:
                await result
            except Exception as error:
                logger.error("%s: the close handler failed", self._description, exc_info=error)

        try:
            result = on_close(self, ending)
        except (Exception, asyncio.CancelledError) as error:
            logger.error("%s: the close handler failed", self._description, exc_info=error)
        else:
            if inspect.isawaitable(result):
                self._spawn(finish(result))

    async def _find_key(self, user: str) -> None:
        key: bytes | None = None
        try:
            assert self._look_up_key is not None
            result = self._look_up_key(user)
            found = await result if inspect.isawaitable(result) else result
            key = bytes(found) if found is not None else None
        except (Exception, asyncio.CancelledError) as error:
            if self.ending is None:
                logger.error("%s: the key lookup failed", self._description, exc_info=error)  # H-4.g
        self._machine.key_found(key, self._driver.now)
        self._driver.wake()


def _described(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # of its own __str__
        return type(error).__name__
