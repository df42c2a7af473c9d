"""Serving connections (sections 2 and 9)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from types import TracebackType
from typing import Any, Generator, Mapping, Union

from .actions import Action, Ended, Opened
from .addresses import Address, CommandAddress, StandardIOAddress, TCPAddress, UNIXAddress, parse_address
from .connection import CloseHandler, Connection, Handler, KeyLookup, OpenHandler, logger
from .errors import AddressError
from .keys import KEY_BYTES, check_user
from .limits import Limits
from .machine import Machine
from .opening import KeyLog, ServerOpening
from .primitives import load
from .streams import Stream, socket_stream, take_standard_io
from .unix_socket import UNIXListener
from .wire import SHUTDOWN, Settings

_ACCEPTS_PER_TURN_MAX = 64
_ACCEPT_PAUSE_SECONDS = 0.2
_BACKLOG = 1024
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

#: The users of a sealed server: their keys, or a function that finds a user's key.
Users = Union[Mapping[str, bytes], KeyLookup]


def serve(
    address: str | Address,
    handler: Handler,
    *,
    users: Users | None = None,
    on_open: OpenHandler | None = None,
    on_close: CloseHandler | None = None,
    settings: Settings = Settings(),
    limits: Limits = Limits(),
    mode: int = 0o600,
    key_log: KeyLog | None = None,
) -> Serving:
    """Serve connections at `address`, and answer their requests with `handler`.

    Use it as `server = await serve(…)`, or as `async with serve(…) as server:`, which stops it in an orderly way at
    the end. With `users` (names and 32-byte keys, or a function that finds a user's key) the server takes sealed
    connections, without it plain ones. A key of another length makes its user unknown (H-4).

    `on_open` is told of each connection that opens, before its first request is handled, and may raise `TurnDown`.
    `on_close` is told how each connection ended. `mode` is that of a UNIX socket. `key_log` gives secrets away, and is
    for tests and recordings.

    Raises `AddressError` if the address cannot be read or served, such as one that is in use.
    """
    return Serving(
        dict(
            address=address, handler=handler, users=users, on_open=on_open, on_close=on_close, settings=settings,
            limits=limits, mode=mode, key_log=key_log,
        )
    )  # fmt: skip


class Serving:
    """What `serve` returns: awaitable, and an asynchronous context manager."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._server: Server | None = None

    def __await__(self) -> Generator[Any, None, Server]:
        return self._start().__await__()

    async def _start(self) -> Server:
        server = Server(**self._arguments)
        await server._start()
        return server

    async def __aenter__(self) -> Server:
        self._server = await self
        return self._server

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        await self._server.stop(graceful=not isinstance(error, asyncio.CancelledError))


class Server:
    """A running server. Programs get one from `serve`."""

    def __init__(
        self,
        *,
        address: str | Address,
        handler: Handler,
        users: Users | None,
        on_open: OpenHandler | None,
        on_close: CloseHandler | None,
        settings: Settings,
        limits: Limits,
        mode: int,
        key_log: KeyLog | None,
    ) -> None:
        #: Where it serves; of a TCP server with the port that it got.
        self.address: Address = parse_address(address) if isinstance(address, str) else address
        self._handler = handler
        self._look_up_key = None if users is None else _lookup(users)
        self._on_open = on_open
        self._on_close = on_close
        self._settings = settings
        self._limits = limits
        self._mode = mode
        self._key_log = key_log
        if users is not None:
            load()  # not while the first client waits
        self._stranger_key = None if users is None else os.urandom(KEY_BYTES)  # H-4.f
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        self._unix_listener: UNIXListener | None = None
        self._accepting = False
        self._accept_timer: asyncio.TimerHandle | None = None
        self._open: dict[Connection, None] = {}
        self._unsettled: dict[Connection, None] = {}  # O-12: not open or ending, the oldest first
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._stop_begun = False
        self._standard_io_task: asyncio.Task[None] | None = None

    @property
    def connections(self) -> list[Connection]:
        """The connections that are open."""
        return list(self._open)

    async def stop(self, *, graceful: bool = True) -> None:
        """Stop serving, and return when all streams are closed.

        An orderly stop sends CLOSE `shutdown` on the open connections and lets what has begun finish, for the drain
        time limit at most (C-1.b, C-5); the other aborts them. Streams that are not open yet are closed.
        """
        self._stop_begun = True
        self._stop_listening()
        remaining = [*self._open, *self._unsettled]
        for connection in remaining:
            if connection.ending is not None and graceful:
                continue
            if connection.is_open and graceful:
                connection._ask_to_close(SHUTDOWN)  # C-1.b
            else:
                connection.abort()
        for connection in remaining:
            await connection.wait_closed()
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def wait_stopped(self) -> None:
        """Return when the server has stopped: by `stop`, or on `stdio:` when its one connection has ended."""
        await asyncio.shield(self._stopped)

    async def serve_forever(self) -> None:
        """Serve until this task is cancelled, then stop in an orderly way."""
        try:
            await self.wait_stopped()
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop(graceful=not isinstance(error, asyncio.CancelledError))

    # Listening

    async def _start(self) -> None:
        address = self.address
        if isinstance(address, CommandAddress):
            raise AddressError(f"{address} is an address for clients; a server uses tcp:, unix: or stdio:")
        if isinstance(address, StandardIOAddress):
            self._take(take_standard_io(), "stdio:")  # A-2.a
            return
        if isinstance(address, UNIXAddress):
            self._unix_listener = UNIXListener(address.path, self._mode, _BACKLOG)
            self._listener = self._unix_listener.socket
        else:
            self._listener = await _listen_tcp(address)
            self.address = TCPAddress(address.host, self._listener.getsockname()[1])  # A-1.b
        self._resume_accepting()

    def _stop_listening(self) -> None:
        if self._accept_timer is not None:
            self._accept_timer.cancel()
        if self._listener is None:
            return
        self._pause_accepting()
        if self._unix_listener is not None:
            self._unix_listener.close()
        self._listener.close()
        self._listener = None

    def _resume_accepting(self) -> None:
        self._accept_timer = None
        if self._listener is not None and not self._accepting:
            self._accepting = True
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _pause_accepting(self) -> None:
        if self._accepting and self._listener is not None:
            self._accepting = False
            self._loop.remove_reader(self._listener.fileno())

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN_MAX):
            if self._listener is None:
                return
            try:
                sock, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _NO_DESCRIPTORS:
                    logger.warning("accepting pauses: %s", error)
                    self._pause_accepting()  # O-12.c
                    self._accept_timer = self._loop.call_later(_ACCEPT_PAUSE_SECONDS, self._resume_accepting)
                    return
                continue  # a stream that ended before it was accepted
            if sock.family != socket.AF_UNIX:
                with contextlib.suppress(OSError):  # of a stream that has ended already
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._take(socket_stream(sock), str(peer) if peer else str(self.address))

    # Connections

    def _take(self, stream: Stream, description: str) -> None:
        opening = ServerOpening(self._stranger_key, is_busy=self._is_busy, key_log=self._key_log)
        machine = Machine(opening, self._settings, self._limits, asks_to_open=self._on_open is not None)
        connection = Connection(
            machine,
            stream,
            handler=self._handler,
            on_open=self._on_open,
            on_close=self._on_close,
            look_up_key=self._look_up_key,
            on_change=self._connection_changed,
            description=description,
        )
        self._add_unsettled(connection)
        connection._driver.closed.add_done_callback(lambda _: self._connection_closed(connection))
        connection._begin()

    def _is_busy(self) -> bool:
        return len(self._open) >= self._limits.connections_max  # O-6.c

    def _connection_changed(self, connection: Connection, action: Action) -> None:
        if isinstance(action, Opened):
            self._unsettled.pop(connection, None)
            self._open[connection] = None  # H-10.c: counts only now
        elif isinstance(action, Ended):
            was_open = self._open.pop(connection, 0) is None
            if was_open and not connection._machine.is_over:
                self._add_unsettled(connection)  # F-3 goes on

    def _add_unsettled(self, connection: Connection) -> None:
        if len(self._unsettled) >= self._limits.opening_max:
            oldest = next(iter(self._unsettled))
            del self._unsettled[oldest]
            oldest.abort()  # O-12.b
        self._unsettled[connection] = None

    def _connection_closed(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        self._unsettled.pop(connection, None)
        if isinstance(self.address, StandardIOAddress) and not self._stop_begun:
            self._standard_io_task = self._loop.create_task(self._standard_io_ended(connection))

    async def _standard_io_ended(self, connection: Connection) -> None:
        await connection.wait_closed()
        if not self._stopped.done():
            self._stopped.set_result(None)


def _lookup(users: Users) -> KeyLookup:
    if callable(users):
        return users
    for name in users:
        check_user(name)
    table = {name.encode("utf-8"): bytes(key) for name, key in users.items()}
    return lambda user: table.get(user.encode("utf-8"))  # H-12.a: bytes are compared


async def _listen_tcp(address: TCPAddress) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    try:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise AddressError(f"cannot serve on {address}: {error}") from error
    for family, kind, protocol, _, target in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setblocking(False)
            sock.bind(target)
            sock.listen(_BACKLOG)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise AddressError(f"cannot serve on {address}: {failure}") from failure
