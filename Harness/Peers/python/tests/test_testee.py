"""The testee contract of the conformance kit, as a kit sees it."""

import asyncio
import json
import os
import shlex
import socket
import sys
import tempfile
import unittest
from typing import Any

from bokbok.values import decode, encode

from .test_live import KEY, PROJECT, LiveTestCase


class Driver:
    """Starts a testee and talks to it."""

    def __init__(self, process: asyncio.subprocess.Process, reader: Any, writer: Any) -> None:
        self.process = process
        self.reader = reader
        self.writer = writer
        self.seq = 0
        self.events: list[dict[str, Any]] = []
        self.replies: dict[int, dict[str, Any]] = {}
        self.order: list[str] = []

    @classmethod
    async def start(cls, *arguments: str) -> "Driver":
        process = await asyncio.create_subprocess_exec(
            sys.executable, "testee.py", *arguments, cwd=PROJECT, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=100_000_000,
        )  # fmt: skip
        return cls(process, process.stdout, process.stdin)

    def send(self, command: str, **fields: Any) -> int:
        self.seq += 1
        self.writer.write(json.dumps({"seq": self.seq, "command": command, **fields}).encode() + b"\n")
        return self.seq

    async def read(self) -> None:
        line = await asyncio.wait_for(self.reader.readline(), 20)
        assert line, "the testee has ended"
        message = json.loads(line)
        if "event" in message:
            self.events.append(message)
            self.order.append(message["event"])
        else:
            self.replies[message["seq"]] = message
            self.order.append(f"reply {message['seq']}")

    async def reply(self, seq: int) -> Any:
        while seq not in self.replies:
            await self.read()
        return self.replies.pop(seq)

    async def ok(self, command: str, **fields: Any) -> Any:
        reply = await self.reply(self.send(command, **fields))
        assert "ok" in reply, reply
        return reply["ok"]

    async def error(self, command: str, **fields: Any) -> Any:
        return (await self.reply(self.send(command, **fields)))["error"]

    async def event(self, name: str) -> dict[str, Any]:
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            await self.read()

    async def ask(self, connection: str, *payload: Any) -> Any:
        reply = await self.ok("request", connection=connection, payload=encode(payload).hex())
        return decode(bytes.fromhex(reply["response"]))


class Contract(LiveTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    async def test_the_whole_of_it(self):
        key_log = os.path.join(self.folder, "keys")
        testee = await Driver.start("--key-log", key_log)
        hello = await testee.ok("hello")
        self.assertEqual((hello["contract"], hello["name"]), (1, "bokbok-python"))
        self.assertEqual((await testee.error("no-such-command"))["kind"], "unsupported")
        address = f"unix:{self.folder}/s"
        listening = await testee.ok(
            "listen",
            address=address,
            users={"ann": KEY.hex(), "short": "00"},
            settings={"max-requests": 3, "max-message": 4096},
            limits={"handshakeMs": 5000, "maxConnections": 1, "keepaliveMs": 0},
        )
        server = listening["server"]
        connecting = testee.send("connect", address=listening["address"], user="ann", key=KEY.hex())
        connection = (await testee.reply(connecting))["ok"]["connection"]
        opened = await testee.event("opened")
        self.assertEqual((opened["server"], opened["user"]), (server, "ann"))
        incoming = opened["connection"]

        self.assertEqual(await testee.ask(connection, "echo", "x"), [b"echo", b"x"])
        called = await testee.event("request")
        self.assertEqual((called["connection"], called["payload"]), (incoming, encode(["echo", "x"]).hex()))
        self.assertEqual(await testee.ask(incoming, "whoami"), [b"ann"])
        await testee.ok("ping", connection=incoming)
        error = await testee.error("request", connection=connection, payload=encode(["fail", "a", "b", "c"]).hex())
        self.assertEqual(error, {"kind": "remote", "code": "a", "message": "b", "details": ["313a63"]})
        for payload, kind in (
            (b"bad", "malformed"),
            (b"(" * 65 + b")" * 65, "malformed"),
            (b"4096:" + bytes(4096), "tooLarge"),
        ):
            error = await testee.error("request", connection=connection, payload=payload.hex())
            self.assertEqual(error["kind"], kind)

        hanging = testee.send("request", connection=connection, payload=encode(["hang"]).hex())
        while (await testee.event("request"))["payload"] != encode(["hang"]).hex():
            pass
        await testee.ok("cancel", request=hanging)
        self.assertEqual((await testee.reply(hanging))["error"]["kind"], "cancelled")
        seen = await testee.event("cancelled")
        self.assertEqual((seen["connection"], seen["payload"]), (incoming, encode(["hang"]).hex()))
        await testee.ok("cancel", request=hanging)

        self.assertEqual((await testee.error("connect", address=address, user="ann", key=KEY.hex()))["code"], "busy")
        testee.order.clear()
        closing = testee.send("close", connection=connection, code="done", message="bye")
        await testee.reply(closing)
        self.assertLess(testee.order.index("closed"), testee.order.index(f"reply {closing}"))
        for side in (incoming, connection):
            expected = {"event": "closed", "connection": side, "reason": "clean", "code": "done", "message": "bye"}
            while expected not in testee.events:
                await testee.read()
        error = await testee.error("request", connection=connection, payload="303a")
        self.assertEqual(error["kind"], "closing")
        refused = {await self.refusal(testee, address, *who) for who in (("short", "00" * 32), ("no", "00" * 32))}
        self.assertEqual(len(refused), 1)
        await testee.ok("stop", server=server)
        self.assertFalse(os.path.exists(f"{self.folder}/s"))
        self.assertEqual((await testee.error("connect", address=address))["kind"], "other")

        with open(key_log) as lines:
            logged = [json.loads(line) for line in lines]
        self.assertEqual({entry["role"] for entry in logged}, {"client", "server"})
        self.assertEqual(len(logged), 2)
        self.assertEqual(len({entry["sessionKey"] for entry in logged}), 1)
        self.assertEqual(len({entry["ephemeral"] for entry in logged}), 2)
        await testee.ok("quit")
        self.assertEqual(await testee.process.wait(), 0)

    async def refusal(self, testee: Driver, address: str, user: str, key: str) -> tuple[str, str, str]:
        error = await testee.error("connect", address=address, user=user, key=key)
        return error["kind"], error["code"], error["message"]

    async def test_keys_and_values(self):
        testee = await Driver.start()
        derived = testee.send("deriveKey", passphrase="orbit velvet canyon ladder mosaic thicket plural", user="alice")
        self.assertEqual(
            await testee.ok("decodeValue", bytes=b"(1:a(0:)())".hex()),
            {"value": [{"hex": "61"}, [{"hex": ""}], []]},
        )
        self.assertEqual(
            await testee.ok("encodeValue", value=[{"hex": "61"}, [{"hex": ""}], []]), {"bytes": b"(1:a(0:)())".hex()}
        )
        self.assertEqual((await testee.error("decodeValue", bytes="28"))["kind"], "malformed")
        for depth in (65, 5000):
            deep: Any = []
            line = '{"seq": 90, "command": "encodeValue", "value": %s}\n' % ("[" * depth + "]" * depth)
            testee.writer.write(line.encode())
            self.assertEqual((await testee.reply(90))["error"]["kind"], "malformed", deep)
        testee.writer.write(b"nonsense\n")
        self.assertEqual((await testee.reply(None))["error"]["kind"], "other")
        self.assertEqual(
            (await testee.reply(derived))["ok"]["key"],
            "671baa3437178ecd3f8c8a045df2460c4615e37855807d8fae966da1195be805",
        )
        testee.writer.close()
        self.assertEqual(await testee.process.wait(), 0)  # it ends with its input

    async def test_standard_io_with_a_control_descriptor(self):
        users = os.path.join(self.folder, "users")
        with open(users, "w") as file:
            json.dump({"ann": KEY.hex()}, file)
        ours, theirs = socket.socketpair()
        stream, peer = socket.socketpair()
        os.set_inheritable(theirs.fileno(), True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "testee.py", "--stdio", "--users-file", users, "--settings", '{"max-requests": 5}',
            "--limits", '{"drainMs": 50}', cwd=PROJECT, stdin=peer, stdout=peer, stderr=asyncio.subprocess.DEVNULL,
            pass_fds=[theirs.fileno()], env={**os.environ, "BOKBOK_CONTROL_FD": str(theirs.fileno())},
        )  # fmt: skip
        theirs.close()
        peer.close()
        control = Driver(process, *await asyncio.open_connection(sock=ours))
        await control.ok("hello")
        listener = socket.create_server(f"{self.folder}/relay", family=socket.AF_UNIX)
        client = await Driver.start()
        connecting = client.send("connect", address=f"unix:{self.folder}/relay", user="ann", key=KEY.hex())
        relayed, _ = await asyncio.to_thread(listener.accept)
        pumps = [asyncio.create_task(self.pump(*ends)) for ends in ((relayed, stream), (stream, relayed))]
        connection = (await client.reply(connecting))["ok"]["connection"]
        opened = await control.event("opened")
        self.assertEqual(await client.ask(connection, "whoami"), [b"ann"])
        self.assertEqual(await control.ask(opened["connection"], "nest", 2), [[[b"nested"]]])
        hanging = client.send("request", connection=connection, payload=encode(["hang"]).hex())
        while (await control.event("request"))["payload"] != encode(["hang"]).hex():
            pass
        await control.ok("close", connection=opened["connection"])  # the drain limit ends it
        self.assertEqual((await control.event("closed"))["reason"], "lost")
        self.assertEqual((await client.reply(hanging))["error"]["kind"], "lost")
        control.writer.close()
        self.assertEqual(await process.wait(), 0)
        client.writer.close()
        await client.process.wait()
        for task in pumps:
            task.cancel()
        for sock in (relayed, stream, listener):
            sock.close()

    async def pump(self, source: socket.socket, sink: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        source.setblocking(False)
        sink.setblocking(False)
        while data := await loop.sock_recv(source, 65536):
            await loop.sock_sendall(sink, data)
        sink.shutdown(socket.SHUT_WR)

    async def test_connecting_to_a_command(self):
        testee = await Driver.start()
        words = shlex.join([sys.executable, os.path.join(PROJECT, "testee.py"), "--stdio"])
        script = shlex.quote(f'test -z "$BOKBOK_CONTROL_FD" && exec {words} 2>/dev/null')
        connection = (await testee.ok("connect", address=f"exec:sh -c {script}"))["connection"]
        self.assertEqual(await testee.ask(connection, "callback", 3), [[b"echo", b"%d" % i] for i in (1, 2, 3)])
        await testee.ok("abort", connection=connection)
        self.assertEqual((await testee.event("closed"))["reason"], "aborted")
        self.assertEqual((await testee.error("request", connection=connection, payload="303a"))["kind"], "lost")
        await testee.ok("quit")
        self.assertEqual(await testee.process.wait(), 0)


if __name__ == "__main__":
    unittest.main()
