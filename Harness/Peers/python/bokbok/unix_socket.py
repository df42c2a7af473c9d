"""UNIX sockets of servers: their mode, their lock, and dead files in their place (A-1)."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import sys

from .errors import AddressError

_PATH_BYTES_MAX = 107 if sys.platform.startswith("linux") else 103


def check_path(path: str) -> None:
    size = len(os.fsencode(path))
    if size > _PATH_BYTES_MAX:
        text = f"the socket path {path!r} has {size} bytes, and the system takes {_PATH_BYTES_MAX}"
        raise AddressError(text)  # A-1.j


class UNIXListener:
    """A listening UNIX socket with its lock. Raises `AddressError` if the place is taken."""

    def __init__(self, path: str, mode: int = 0o600, backlog: int = 1024) -> None:
        check_path(path)
        self.path = os.path.abspath(path)  # the program may change its directory
        self._lock = _lock(path)  # A-1.h
        try:
            _remove_if_dead(path)
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self.socket.bind(path)
                os.chmod(path, mode)  # A-1.c; before it listens: A-1.d
                self._identity = _identity(path)
                self.socket.setblocking(False)
                self.socket.listen(backlog)
            except BaseException:
                self.socket.close()
                raise
        except OSError as error:
            os.close(self._lock)
            if isinstance(error, AddressError):
                raise
            raise AddressError(f"cannot serve on {path!r}: {error.strerror or error}") from error
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Stop listening, and remove the socket file if it is still this one (A-1.g)."""
        self.socket.close()
        try:
            if _identity(self.path) == self._identity:
                os.unlink(self.path)
        except OSError:
            pass  # it has been removed already
        os.close(self._lock)


def _identity(path: str) -> tuple[int, int]:
    status = os.lstat(path)
    return status.st_dev, status.st_ino


def _lock(path: str) -> int:
    name = path + ".lock"
    try:
        lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AddressError(f"cannot open the lock {name!r}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise AddressError(f"another server holds the lock {name!r}") from None  # A-1.i
    return lock


def _remove_if_dead(path: str) -> None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise AddressError(f"{path!r} is in the way, and it is not a socket")  # A-1.f
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.setblocking(False)
        outcome = probe.connect_ex(path)
    finally:
        probe.close()
    if outcome == errno.ENOENT:
        return
    if outcome != errno.ECONNREFUSED:
        answer = os.strerror(outcome) if outcome else "it answers"
        raise AddressError(f"something listens on {path!r} ({answer})")  # A-1.f
    os.unlink(path)  # A-1.e
