"""The conformance service: the requests that every implementation under test answers."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from functools import partial
from typing import Any, Awaitable, Callable, Coroutine, Union

from .connection import Connection
from .errors import ApplicationError
from .values import VALUES_MAX, Encodable, Value, number

_CALLBACKS_AT_ONCE_MAX = 4096

Answer = Union[Encodable, Awaitable[Encodable]]
Work = partial[Coroutine[Any, Any, Encodable]]
#: Told of ("request" or "cancelled", connection, payload).
Observer = Callable[[str, Connection, Value], None]


class ConformanceService:
    """A handler for connections in both roles."""

    def __init__(self, observe: Observer = lambda event, connection, payload: None) -> None:
        self._observe = observe

    def __call__(self, connection: Connection, payload: Value) -> Answer:
        self._observe("request", connection, payload)
        answer = self._answer(connection, payload)
        if isinstance(answer, partial):
            return self._watched(connection, payload, answer)
        return answer

    async def _watched(self, connection: Connection, payload: Value, work: Work) -> Encodable:
        try:
            return await work()
        except asyncio.CancelledError:
            if connection.is_open:
                self._observe("cancelled", connection, payload)
                if isinstance(payload, list) and payload[0] == b"stubborn":
                    await asyncio.sleep(_number(payload[1]) / 1000)
            raise

    def _answer(self, connection: Connection, payload: Value) -> Encodable | Work:
        """The answer, or how to get it."""
        if not isinstance(payload, list) or not payload or not isinstance(payload[0], bytes):
            raise _unknown()
        name, *arguments = payload
        if name == b"echo":
            return payload
        if name == b"fail" and len(arguments) >= 2:
            code, message, *details = arguments
            raise ApplicationError(_text(code), _text(message), *details)
        if len(arguments) == 0:
            if name == b"crash":
                raise RuntimeError("the service was asked to crash")
            if name == b"whoami":
                return [connection.user] if connection.user is not None else []
            if name == b"hang":
                return partial(_hang)
        if len(arguments) == 1:
            argument = arguments[0]
            if name == b"digest" and isinstance(argument, bytes):
                return hashlib.sha256(argument).digest()
            if name == b"blob":
                return _blob(_number(argument), connection.peer_settings.message_bytes_max)
            if name == b"many":
                return [b""] * min(_number(argument), VALUES_MAX)  # so many are too many for a message
            if name == b"sleep":
                return partial(_sleep, _number(argument))
            if name == b"stubborn":
                _number(argument)
                return partial(_hang)
            if name == b"callback":
                return partial(_callback, connection, _number(argument))
            if name == b"nest":
                return partial(_nest, connection, _number(argument))
        raise _unknown()


def _unknown() -> ApplicationError:
    return ApplicationError("unknown-request", "the conformance service has no such request")


def _number(argument: Value) -> int:
    result = number(argument)
    if result is None:
        raise _unknown()
    return result


def _text(argument: Value) -> str:
    if not isinstance(argument, bytes):
        raise _unknown()
    return argument.decode("utf-8", "replace")


def _blob(size: int, bytes_max: int) -> bytes:
    size = min(size, bytes_max + 1)  # a longer one is as much too large as this
    period = bytes(range(251))
    return (period * (size // 251 + 1))[:size]


async def _sleep(milliseconds: int) -> Encodable:
    await asyncio.sleep(milliseconds / 1000)
    return [b"slept", milliseconds]


async def _hang() -> Encodable:
    await asyncio.Event().wait()
    raise AssertionError("the event is never set")


async def _callback(connection: Connection, count: int) -> Encodable:
    answers: list[Any] = []
    asked: deque[asyncio.Task[Value]] = deque()
    try:
        for index in range(1, count + 1):
            asked.append(asyncio.create_task(connection.request([b"echo", index])))
            if len(asked) >= _CALLBACKS_AT_ONCE_MAX:
                answers.append(await asked.popleft())
        while asked:
            answers.append(await asked.popleft())
    finally:
        for task in asked:
            task.cancel()
    return answers


async def _nest(connection: Connection, depth: int) -> Encodable:
    if depth == 0:
        return [b"nested"]
    return [await connection.request([b"nest", depth - 1])]
