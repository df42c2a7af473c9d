"""Byte streams over descriptors: sockets, pipes, standard input and output. They never block.

The package has its own, and does not use asyncio's transports, since those close at the first failed write (F-4) and
cannot take one socket that is both standard input and output (A-2.c).
"""

from __future__ import annotations

import os
import socket
import stat
from typing import Protocol

from .errors import AddressError


class End(Protocol):
    """One direction of a stream, or both."""

    def fileno(self) -> int: ...
    def read(self, bytes_max: int) -> bytes | None: ...
    def write(self, data: memoryview) -> int: ...
    def shut_down_sending(self) -> None: ...
    def close(self) -> None: ...


class SocketEnd:
    """A socket. MSG_DONTWAIT leaves the flags of the description alone, which another process may share."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self, bytes_max: int) -> bytes | None:
        try:
            return self._socket.recv(bytes_max, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return None

    def write(self, data: memoryview) -> int:
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return 0

    def shut_down_sending(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side has gone

    def close(self) -> None:
        self._socket.close()


class PipeEnd:
    """One end of a pipe, or another descriptor that can be waited for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._was_blocking = os.get_blocking(descriptor)
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        return self._descriptor

    def read(self, bytes_max: int) -> bytes | None:
        try:
            return os.read(self._descriptor, bytes_max)
        except (BlockingIOError, InterruptedError):
            return None

    def write(self, data: memoryview) -> int:
        try:
            return os.write(self._descriptor, data)
        except (BlockingIOError, InterruptedError):
            return 0

    def shut_down_sending(self) -> None:
        self.close()  # F-3.e

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        if self._was_blocking:
            try:
                os.set_blocking(descriptor, True)  # another process may share the description
            except OSError:
                pass
        os.close(descriptor)


class Stream:
    """What is read from, and what is written to: one socket, or two descriptors."""

    def __init__(self, source: End, sink: End | None = None) -> None:
        self._source = source
        self._sink = sink or source
        self.source_descriptor = source.fileno()
        self.sink_descriptor = self._sink.fileno()

    def read(self, bytes_max: int) -> bytes | None:
        """Return what has come, b"" at the end of input, None if nothing has come. Raises `OSError`."""
        return self._source.read(bytes_max)

    def write(self, data: memoryview) -> int:
        """Return how many bytes were taken, which may be 0. Raises `OSError`."""
        return self._sink.write(data)

    def shut_down_sending(self) -> None:
        self._sink.shut_down_sending()  # F-3.a

    def close(self) -> None:
        self._sink.close()
        if self._source is not self._sink:
            self._source.close()


def end_for(descriptor: int) -> End:
    """Take over `descriptor`."""
    if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return SocketEnd(socket.socket(fileno=descriptor))
    return PipeEnd(descriptor)


def socket_stream(sock: socket.socket) -> Stream:
    return Stream(SocketEnd(sock))


def take_standard_io() -> Stream:
    """Take standard input and output over for the protocol.

    Descriptor 0 then reads nothing and descriptor 1 is standard error, so that what the program prints cannot get
    between the records (A-2.d).
    """
    try:
        source, sink = os.fstat(0), os.fstat(1)
    except OSError as error:
        raise AddressError(f"standard input or output is closed: {error.strerror}") from error
    is_one_socket = stat.S_ISSOCK(source.st_mode) and (source.st_dev, source.st_ino) == (sink.st_dev, sink.st_ino)
    reading = os.dup(0)
    writing = -1 if is_one_socket else os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:
        os.dup2(nothing, 1)  # standard error is closed
    os.close(nothing)
    if is_one_socket:
        return Stream(end_for(reading))  # A-2.c
    return Stream(end_for(reading), end_for(writing))  # A-2.b
