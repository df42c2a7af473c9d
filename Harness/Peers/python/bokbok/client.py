"""Connecting to a server (sections 2, 3 and 9)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from types import TracebackType
from typing import Any, Generator

from .addresses import Address, CommandAddress, StandardIOAddress, TCPAddress, UNIXAddress, parse_address
from .connection import CloseHandler, Connection, Handler, logger, no_handler
from .errors import AddressError, HandshakeTimeout, Unreachable
from .keys import check_key, check_user
from .limits import Limits
from .machine import Machine
from .opening import ClientOpening, KeyLog
from .primitives import load
from .streams import Stream, end_for, socket_stream
from .unix_socket import check_path
from .wire import Settings


def connect(
    address: str | Address,
    *,
    user: str | None = None,
    key: bytes | None = None,
    handler: Handler = no_handler,
    on_close: CloseHandler | None = None,
    settings: Settings = Settings(),
    limits: Limits = Limits(),
    allow_exec: bool = False,
    key_log: KeyLog | None = None,
) -> Connecting:
    """Connect to the server at `address`.

    Use it as `connection = await connect(…)`, or as `async with connect(…) as connection:`, which closes at the end.

    With `user` and `key` (32 bytes) the connection is sealed, without them plain. `handler` answers the server's
    requests; `on_close` is told how the connection ended. `exec:` addresses run commands, and are taken only with
    `allow_exec=True` (A-4). `key_log` gives secrets away, and is for tests and recordings.

    Raises `AddressError` and `ValueError` for bad arguments, `Unreachable` if no stream could be made, `Refused`,
    `AuthenticationFailed`, `NotBokbok`, `HandshakeTimeout`, `ConnectionLost`, `ProtocolViolation` or `Tampered` if the
    connection did not open.
    """
    return Connecting(
        dict(
            address=address, user=user, key=key, handler=handler, on_close=on_close, settings=settings, limits=limits,
            allow_exec=allow_exec, key_log=key_log,
        )
    )  # fmt: skip


class Connecting:
    """What `connect` returns: awaitable, and an asynchronous context manager."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._connection: Connection | None = None

    def __await__(self) -> Generator[Any, None, Connection]:
        return _connect(**self._arguments).__await__()

    async def __aenter__(self) -> Connection:
        self._connection = await self
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._connection is not None
        await self._connection.__aexit__(kind, error, traceback)


async def _connect(
    *,
    address: str | Address,
    user: str | None,
    key: bytes | None,
    handler: Handler,
    on_close: CloseHandler | None,
    settings: Settings,
    limits: Limits,
    allow_exec: bool,
    key_log: KeyLog | None,
) -> Connection:
    parsed = parse_address(address) if isinstance(address, str) else address
    if (user is None) != (key is None):
        raise ValueError("a sealed connection takes both user and key, a plain one neither")
    name = None if user is None else check_user(user)
    secret = None if key is None else check_key(key)
    if secret is not None:
        load()  # before there is a stream that would wait for it
    try:
        async with asyncio.timeout(limits.handshake_seconds):
            stream, process = await _make_stream(parsed, allow_exec)
    except TimeoutError:
        raise HandshakeTimeout(f"no stream to {parsed} after {limits.handshake_seconds:g} s") from None
    except OSError as error:
        raise Unreachable(f"{parsed}: {error}") from error
    machine = Machine(ClientOpening(name, secret, key_log=key_log), settings, limits)
    connection = Connection(machine, stream, handler=handler, on_close=on_close, description=str(parsed))
    if process is not None:
        connection._follow(_end_command(process, connection, limits))
    connection._begin()
    try:
        await connection._wait_opened()
    except asyncio.CancelledError:
        connection.abort()
        raise
    return connection


async def _make_stream(address: Address, allow_exec: bool) -> tuple[Stream, asyncio.subprocess.Process | None]:
    if isinstance(address, TCPAddress):
        return await _connect_tcp(address), None
    if isinstance(address, UNIXAddress):
        check_path(address.path)
        return await _connect_socket(socket.AF_UNIX, address.path), None
    if isinstance(address, StandardIOAddress):
        raise AddressError("stdio: is an address for servers; a client uses exec:COMMAND, tcp: or unix:")
    if not allow_exec:
        raise AddressError(f"{address} runs a command; pass allow_exec=True to allow that")  # A-4.a
    return await _start_command(address)


async def _connect_tcp(address: TCPAddress) -> Stream:
    loop = asyncio.get_running_loop()
    if address.port == 0:
        raise AddressError(f"{address}: a client cannot connect to port 0")
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for family, _, _, _, target in found:
        try:
            return await _connect_socket(family, target)
        except OSError as error:
            failure = error
    raise failure or OSError("the name has no address")


async def _connect_socket(family: int, target: Any) -> Stream:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_UNIX:
            await _connect_unix(sock, target)
        else:
            await asyncio.get_running_loop().sock_connect(sock, target)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return socket_stream(sock)


async def _connect_unix(sock: socket.socket, path: str) -> None:
    while True:
        try:
            return sock.connect(path)
        except BlockingIOError:
            await asyncio.sleep(0.01)  # the backlog is full, and nothing tells when it no longer is


async def _start_command(address: CommandAddress) -> tuple[Stream, asyncio.subprocess.Process]:
    command_input, sink = os.pipe()
    source, command_output = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *address.words, stdin=command_input, stdout=command_output, close_fds=True
        )  # A-3.d, A-3.e
    except BaseException:
        os.close(sink)
        os.close(source)
        raise
    finally:
        os.close(command_input)
        os.close(command_output)
    return Stream(end_for(source), end_for(sink)), process


async def _end_command(process: asyncio.subprocess.Process, connection: Connection, limits: Limits) -> None:
    """End the command when the stream is closed, which was the end of its input (A-3.a), and reap it (A-3.c)."""
    await connection.wait_stream_closed()
    for seconds, end in ((limits.end_seconds, process.terminate), (limits.kill_seconds, process.kill)):
        try:
            await asyncio.wait_for(process.wait(), seconds)
            return
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()  # the program ends, and does not wait
            raise
        except TimeoutError:
            logger.info("%s has not ended after %g s", connection, seconds)
            with contextlib.suppress(ProcessLookupError):
                end()  # A-3.b
    await process.wait()
