"""The testee of the conformance kit: this package, driven by JSON lines (version 1 of the contract).

    python3 -m bokbok.testee [--key-log FILE]
    python3 -m bokbok.testee --stdio [--users-file PATH] [--settings JSON] [--limits JSON] [--key-log FILE]

The first takes commands on standard input. The second serves one connection on standard input and output, and takes
commands on the descriptor that the environment variable BOKBOK_CONTROL_FD names, if there is one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import re
import signal
import sys
from collections import deque
from typing import Any, Awaitable, Callable

from . import __version__
from .client import connect
from .connection import Connection
from .control import ControlChannel
from .errors import BokbokError, Ending, MalformedValue, ProtocolViolation, Refused, RemoteError
from .keys import derive_key
from .limits import Limits
from .server import Server, serve
from .service import ConformanceService
from .values import Encodable, Value, decode, encode
from .wire import Settings

CONTROL_VARIABLE = "BOKBOK_CONTROL_FD"

HELLO = {
    "contract": 1,
    "name": "bokbok-python",
    "version": __version__,
    "roles": ["client", "server"],
    "transports": ["tcp", "unix", "stdio"],
    "security": ["plain", "sealed"],
    "features": ["derive-key", "value-codec", "keepalive", "exec", "control-fd", "key-log"],
}

#: How many connections that have ended are remembered: a request on one gets the kind of its end.
_ENDED_PEERS_MAX = 64
_DEEPEST_JSON = 10_000
_UNBOUNDED = 2**62


class Unsupported(Exception):
    """The testee does not know the command."""


class _Peer:
    """A connection and its events. They wait until the connection itself has been announced."""

    def __init__(self, id: str, connection: Connection) -> None:
        self.id = id
        self.connection = connection
        self.is_announced = False
        self.events: list[dict[str, Any]] = []


class Testee:
    def __init__(self, send: Callable[[dict[str, Any]], None], key_log: str | None = None) -> None:
        self._send = send
        self._key_log_file = key_log
        self._servers: dict[str, Server] = {}
        self._peers: dict[str, _Peer] = {}
        self._ids: dict[Connection, str] = {}
        self._ended: deque[_Peer] = deque()  # the oldest first
        self._count = 0
        self._requests: dict[int, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._service = ConformanceService(self._observe)
        self.over = asyncio.Event()

    # Commands

    def take_line(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            seq, name = message["seq"], message["command"]
        except (ValueError, KeyError, TypeError) as error:
            self._send({"seq": None, "error": {"kind": "other", "message": f"not a command: {error!r}"}})
            return
        except RecursionError:
            found = re.search(rb'"seq"\s*:\s*(\d+)', line)
            error_reply = {"kind": "malformed", "message": "the value nests too deep"}
            self._send({"seq": int(found.group(1)) if found else None, "error": error_reply})
            return
        task = asyncio.get_running_loop().create_task(self._run(seq, name, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if name == "request":
            self._requests[seq] = task

    async def _run(self, seq: int, name: str, message: dict[str, Any]) -> None:
        announce: list[_Peer] = []
        try:
            command = getattr(self, f"_command_{name}", None)
            if command is None:
                raise Unsupported(f"the command {name!r} is not known")
            result = await command(message, announce)
            reply = {"seq": seq, "ok": result}
        except asyncio.CancelledError:
            reply = {"seq": seq, "error": {"kind": "cancelled", "message": "this side cancelled the request"}}
        except Exception as error:
            reply = {"seq": seq, "error": _error(error)}
        self._requests.pop(seq, None)
        self._send(reply)
        for peer in announce:
            self._announce(peer)
        if name == "quit":
            self.over.set()

    async def _command_hello(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        return HELLO

    async def _command_listen(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        id, server = await self.listen(message["address"], message)
        return {"server": id, "address": str(server.address)}

    async def listen(self, address: str, options: dict[str, Any]) -> tuple[str, Server]:
        id = self._new_id("server")

        def opened(connection: Connection) -> None:
            peer = self._peer(connection)
            self._send({"event": "opened", "server": id, "connection": peer.id, "user": connection.user})
            self._announce(peer)

        users = options.get("users")
        server = self._servers[id] = await serve(
            address,
            self._service,
            users=None if users is None else {name: bytes.fromhex(key) for name, key in users.items()},
            on_open=opened,
            on_close=self._closed,
            settings=_settings(options),
            limits=_limits(options),
            key_log=self._key_log if self._key_log_file else None,
        )
        return id, server

    async def _command_connect(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        key = message.get("key")
        connection = await connect(
            message["address"],
            user=message.get("user"),
            key=None if key is None else bytes.fromhex(key),
            handler=self._service,
            on_close=self._closed,
            settings=_settings(message),
            limits=_limits(message),
            allow_exec=True,
            key_log=self._key_log if self._key_log_file else None,
        )
        peer = self._peer(connection)
        announce.append(peer)
        return {"connection": peer.id}

    async def _command_request(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        payload = decode(bytes.fromhex(message["payload"]), depth_max=_UNBOUNDED, values_max=_UNBOUNDED)
        return {"response": encode(await self._connection(message).request(payload)).hex()}

    async def _command_cancel(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        task = self._requests.get(message["request"])
        if task is not None:
            task.cancel()
        return {}

    async def _command_ping(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        await self._connection(message).ping()
        return {}

    async def _command_close(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        given = {name: message[name] for name in ("code", "message") if message.get(name) is not None}
        await self._connection(message).close(**given)
        return {}

    async def _command_abort(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        self._connection(message).abort()
        return {}

    async def _command_stop(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        server = self._servers.get(message["server"])
        if server is None:
            raise ValueError(f"there is no server {message['server']!r}")
        await server.stop(graceful=message.get("graceful", True))
        return {}

    async def _command_deriveKey(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        key = await asyncio.to_thread(derive_key, message["passphrase"], message.get("user") or "")
        return {"key": key.hex()}

    async def _command_decodeValue(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        return {"value": _to_json(decode(bytes.fromhex(message["bytes"])))}

    async def _command_encodeValue(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        return {"bytes": encode(_from_json(message["value"])).hex()}

    async def _command_quit(self, message: dict[str, Any], announce: list[_Peer]) -> dict[str, Any]:
        return {}

    async def drop_all(self) -> None:
        """Drop connections, remove sockets, end commands. No event tells of it."""
        self._send = lambda message: None
        for peer in self._peers.values():
            peer.connection.abort()
        for server in self._servers.values():
            await server.stop(graceful=False)
        for peer in list(self._peers.values()):
            await peer.connection.wait_closed()

    # Events

    def _observe(self, event: str, connection: Connection, payload: Value) -> None:
        self._tell(connection, {"event": event, "payload": encode(payload).hex()})

    def _closed(self, connection: Connection, ending: Ending) -> None:
        event = {"event": "closed", "reason": ending.reason}
        if ending.code is not None:
            event["code"] = ending.code
            event["message"] = ending.message or ""
        self._tell(connection, event)
        self._ended.append(self._peer(connection))
        if len(self._ended) > _ENDED_PEERS_MAX:
            oldest = self._ended.popleft()
            del self._peers[oldest.id], self._ids[oldest.connection]

    def _tell(self, connection: Connection, event: dict[str, Any]) -> None:
        peer = self._peer(connection)
        event["connection"] = peer.id
        if peer.is_announced:
            self._send(event)
        else:
            peer.events.append(event)

    def _announce(self, peer: _Peer) -> None:
        peer.is_announced = True
        for event in peer.events:
            self._send(event)
        peer.events.clear()

    def _peer(self, connection: Connection) -> _Peer:
        id = self._ids.get(connection)
        if id is None:
            id = self._ids[connection] = self._new_id("connection")
            self._peers[id] = _Peer(id, connection)
        return self._peers[id]

    def _connection(self, message: dict[str, Any]) -> Connection:
        peer = self._peers.get(message["connection"])
        if peer is None:
            raise ValueError(f"there is no connection {message['connection']!r}")
        return peer.connection

    def _new_id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count}"

    def _key_log(self, role: str, ephemeral_secret: bytes, session_key: bytes) -> None:
        assert self._key_log_file is not None
        line = {"role": role, "ephemeral": ephemeral_secret.hex(), "sessionKey": session_key.hex()}
        with open(self._key_log_file, "a", encoding="ascii") as file:
            file.write(json.dumps(line) + "\n")


def _error(error: Exception) -> dict[str, Any]:
    result: dict[str, Any] = {"kind": "other", "message": str(error) or type(error).__name__}
    if isinstance(error, Unsupported):
        result["kind"] = "unsupported"
    elif isinstance(error, BokbokError):
        result["kind"], result["message"] = error.kind, error.message
    elif isinstance(error, RecursionError):
        result["kind"] = "malformed"
    if isinstance(error, (Refused, RemoteError)):
        result["code"] = error.code
    if isinstance(error, RemoteError):
        result["details"] = [encode(detail).hex() for detail in error.details]
    if isinstance(error, ProtocolViolation):
        result["side"] = error.side
    return result


def _settings(options: dict[str, Any]) -> Settings:
    return Settings.from_names(options.get("settings") or {})


def _limits(options: dict[str, Any]) -> Limits:
    given = options.get("limits") or {}
    names = {
        "handshakeMs": "handshake_seconds",
        "drainMs": "drain_seconds",
        "keepaliveMs": "keepalive_seconds",
        "keepaliveTimeoutMs": "keepalive_timeout_seconds",
        "endMs": "end_seconds",
        "killMs": "kill_seconds",
    }
    limits: dict[str, Any] = {names[name]: value / 1000 for name, value in given.items() if name in names}
    if limits.get("keepalive_seconds") == 0:
        del limits["keepalive_seconds"]
    if "maxConnections" in given:
        limits["connections_max"] = given["maxConnections"]
    if "maxOpening" in given:
        limits["opening_max"] = given["maxOpening"]
    return Limits(**limits)


def _to_json(value: Value) -> Any:
    return {"hex": value.hex()} if isinstance(value, bytes) else [_to_json(item) for item in value]


def _from_json(value: Any) -> Encodable:
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    if isinstance(value, dict) and isinstance(value.get("hex"), str):
        return bytes.fromhex(value["hex"])
    raise MalformedValue('a value is an array of values or {"hex": "…"}')


async def _run(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    control: ControlChannel | None = None
    descriptor = os.environ.pop(CONTROL_VARIABLE, None)  # not passed on
    if arguments.stdio:
        if descriptor is not None:
            os.set_inheritable(int(descriptor), False)
            control = ControlChannel(int(descriptor), int(descriptor))
    else:
        control = ControlChannel(0, 1)
    testee = Testee(control.send if control else lambda message: None, arguments.key_log)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, testee.over.set)
    if arguments.stdio:
        options = {"settings": json.loads(arguments.settings), "limits": json.loads(arguments.limits)}
        if arguments.users_file:
            with open(arguments.users_file, encoding="utf-8") as file:
                options["users"] = json.load(file)
        _, server = await testee.listen("stdio:", options)
        if control is None:
            await _first(server.wait_stopped(), testee.over.wait())
            return
    assert control is not None
    control.start(loop, testee.take_line, testee.over.set)
    await testee.over.wait()
    control.finish()
    await testee.drop_all()


async def _first(*waits: Awaitable[Any]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(prog="testee.py", description="The conformance kit's testee for bokbok-python.")
    parser.add_argument("--stdio", action="store_true", help="serve one connection on standard input and output")
    parser.add_argument("--users-file", metavar="PATH", help="with --stdio: JSON of user names and keys in hex")
    parser.add_argument("--settings", metavar="JSON", default="{}", help="with --stdio: as in the command listen")
    parser.add_argument("--limits", metavar="JSON", default="{}", help="with --stdio: as in the command listen")
    parser.add_argument("--key-log", metavar="FILE", help="append the secrets of sealed connections (tests only)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    sys.setrecursionlimit(_DEEPEST_JSON)
    asyncio.run(_run(arguments))
    # The kit starts hundreds of these processes: what Python would tidy up now takes as long as a whole case.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main()
