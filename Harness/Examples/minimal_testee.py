"""A minimal testee: a plain server that answers (echo …). Put the calls of your implementation where bokbok is used."""

import asyncio
import itertools
import json
import sys

import bokbok

HELLO = {
    "contract": 1, "name": "minimal", "version": "0.1",
    "roles": ["server"], "transports": ["tcp", "unix"], "security": ["plain"], "features": [],
}
servers: dict[str, bokbok.Server] = {}
connections: dict[str, bokbok.Connection] = {}
names: dict[bokbok.Connection, str] = {}
numbers = itertools.count(1)


def send(message: dict) -> None:
    print(json.dumps(message), flush=True)


def handle(connection: bokbok.Connection, payload: bokbok.Value) -> bokbok.Value:
    """The conformance service, as far as it goes."""
    send({"event": "request", "connection": names[connection], "payload": bokbok.encode(payload).hex()})
    if isinstance(payload, list) and payload[:1] == [b"echo"]:
        return payload
    raise bokbok.ApplicationError("unknown-request", "only echo so far")


def on_open(server: str):
    def opened(connection: bokbok.Connection) -> None:
        name = names[connection] = f"c{next(numbers)}"
        connections[name] = connection
        send({"event": "opened", "server": server, "connection": name, "user": connection.user})
    return opened


def on_close(connection: bokbok.Connection, ending: bokbok.Ending) -> None:
    name = names.pop(connection)
    del connections[name]  # a full testee remembers the last ones: a request on them gets the kind of their end
    event = {"event": "closed", "connection": name, "reason": ending.reason}
    send(event if ending.code is None else event | {"code": ending.code, "message": ending.message})


async def carry_out(command: dict) -> dict:
    match command["command"]:
        case "hello":
            return HELLO
        case "listen":
            name = f"s{len(servers) + 1}"
            servers[name] = await bokbok.serve(
                command["address"], handle, on_open=on_open(name), on_close=on_close)
            return {"server": name, "address": str(servers[name].address)}
        case "request":
            payload = bokbok.decode(bytes.fromhex(command["payload"]))
            answer = await connections[command["connection"]].request(payload)
            return {"response": bokbok.encode(answer).hex()}
        case "close":
            await connections[command["connection"]].close()
            return {}
        case "stop":
            await servers[command["server"]].stop(graceful=command.get("graceful", True))
            return {}
        case "quit":
            return {}
    raise NotImplementedError(command["command"])


async def answer(command: dict) -> None:
    try:
        send({"seq": command["seq"], "ok": await carry_out(command)})
    except NotImplementedError as error:
        send({"seq": command["seq"], "error": {"kind": "unsupported", "message": str(error)}})
    except Exception as error:
        send({"seq": command["seq"], "error": {"kind": "other", "message": repr(error)}})


async def main() -> None:
    tasks = set()
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        tasks.add(asyncio.create_task(answer(command)))  # commands overlap
        if command["command"] == "quit":
            break
    await asyncio.sleep(0)
    for server in servers.values():
        await server.stop(graceful=False)


asyncio.run(main())
