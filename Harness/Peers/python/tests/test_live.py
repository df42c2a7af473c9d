"""Clients and servers over real streams: TCP, UNIX sockets, and the standard input and output of a command."""

import asyncio
import contextlib
import hashlib
import os
import shlex
import sys
import tempfile
import unittest
from typing import Any, AsyncIterator

import bokbok
from bokbok.service import ConformanceService

KEY = bytes(range(32))
USERS = {"ännchen": KEY, "bob": bytes(32)}
SERVICE = ConformanceService()
PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TRANSPORTS = ("tcp", "unix", "exec")


def command(*arguments: str) -> str:
    words = [sys.executable, os.path.join(PROJECT, "testee.py"), "--stdio", *arguments]
    return str(bokbok.CommandAddress(("sh", "-c", "exec " + shlex.join(words) + " 2>/dev/null")))


@contextlib.asynccontextmanager
async def pair(transport: str, is_sealed: bool, **more: Any) -> AsyncIterator[tuple[bokbok.Connection, Any]]:
    """An open connection, and the server's end of it (None where a command has it)."""
    credentials = {"user": "ännchen", "key": KEY} if is_sealed else {}
    with tempfile.TemporaryDirectory() as folder:
        if transport == "exec":
            arguments = []
            if is_sealed:
                path = os.path.join(folder, "users")
                with open(path, "w") as file:
                    file.write('{"ännchen": "%s"}' % KEY.hex())
                arguments = ["--users-file", path]
            async with bokbok.connect(
                command(*arguments), handler=SERVICE, allow_exec=True, **credentials, **more
            ) as connection:
                yield connection, None
            return
        address = "tcp:127.0.0.1:0" if transport == "tcp" else f"unix:{folder}/s"
        opened: asyncio.Queue[bokbok.Connection] = asyncio.Queue()
        users = USERS if is_sealed else None
        async with bokbok.serve(address, SERVICE, users=users, on_open=opened.put_nowait) as server:
            async with bokbok.connect(str(server.address), handler=SERVICE, **credentials, **more) as connection:
                yield connection, await opened.get()


class LiveTestCase(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        asyncio.get_running_loop().set_debug(False)  # which is slow


class Service(LiveTestCase):
    async def check(self, asker: bokbok.Connection, user: str | None, is_first: bool) -> None:
        request = asker.request
        self.assertEqual(await request(["echo", "a", ["b"], ""]), [b"echo", b"a", [b"b"], b""])
        self.assertEqual(await request(["whoami"]), [user.encode()] if user else [])
        self.assertEqual(await request(["digest", "abc"]), hashlib.sha256(b"abc").digest())
        self.assertEqual(await request(["blob", 100_000]), bytes(i % 251 for i in range(100_000)))
        self.assertEqual(await request(["sleep", 1]), [b"slept", b"1"])
        self.assertEqual(await request(["many", 3]), [b"", b"", b""])
        self.assertEqual(await request(["nest", 4]), [[[[[b"nested"]]]]])
        self.assertEqual(await request(["callback", 3]), [[b"echo", b"%d" % i] for i in (1, 2, 3)])
        large = {("many", 1_048_576): "handler-failed", ("blob", 16_777_216): "too-large"} if is_first else {}
        for payload, code in {
            **large,
            ("fail", "app", "m"): "app",
            ("fail", "closing", "m"): "handler-failed",
            ("fail", "No", "m"): "handler-failed",
            ("crash",): "handler-failed",
            ("nest", 64): "handler-failed",
            ("sleep", "01"): "unknown-request",
            ("sleep",): "unknown-request",
            ("hang", "x"): "unknown-request",
            ("digest", ()): "unknown-request",
            (("echo",),): "unknown-request",
            (): "unknown-request",
        }.items():
            with self.subTest(payload), self.assertRaises(bokbok.RemoteError) as caught:
                await request(payload)
            self.assertEqual(caught.exception.code, code)
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0.02):
                await request(["hang"])
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0.02):
                await request(["stubborn", 1])
        self.assertGreaterEqual(await asker.ping(), 0)

    async def test_everywhere_and_both_ways(self):
        for transport in TRANSPORTS:
            for is_sealed in (False, True):
                with self.subTest(transport, is_sealed=is_sealed):
                    async with pair(transport, is_sealed) as (client, server):
                        user = "ännchen" if is_sealed else None
                        await self.check(client, user, transport == "tcp")
                        if server is not None:
                            self.assertEqual(server.user, user)
                            await self.check(server, user, False)
                    self.assertEqual(client.ending.reason, "clean")
                    if server is not None:
                        self.assertEqual((await server.wait_ended()).reason, "clean")

    async def test_large_messages_both_ways_at_once(self):
        for transport in TRANSPORTS:
            async with pair(transport, True) as (client, server):
                data = os.urandom(2_000_000)
                jobs = [client.request(["echo", data]) for _ in range(4)]
                if server is not None:
                    jobs += [server.request(["echo", data]) for _ in range(4)]
                small = [client.request(["callback", 50]) for _ in range(4)]
                for answer in await asyncio.gather(*jobs):
                    self.assertEqual(answer, [b"echo", data])
                await asyncio.gather(*small)

    async def test_a_large_answer_and_then_close(self):
        for transport in TRANSPORTS:
            async with pair(transport, False) as (client, server):
                asked = asyncio.create_task(client.request(["blob", 5_000_000]))
                await asyncio.sleep(0)
                if server is not None:
                    await server.ping()
                    await server.close("bye", "so long")
                else:
                    await client.ping()
                    await client.close()
                self.assertEqual(len(await asked), 5_000_000)  # C-4.b
                ending = await client.wait_ended()
                self.assertEqual((ending.reason, ending.code), ("clean", "bye" if server is not None else "normal"))

    async def test_more_requests_than_places(self):
        own = bokbok.Settings(requests_max=2)
        async with pair("unix", False, settings=own) as (client, server):
            answers = await asyncio.gather(*(server.request(["echo", index]) for index in range(100)))
            self.assertEqual([answer[1] for answer in answers], [b"%d" % index for index in range(100)])
            self.assertEqual(await client.request(["callback", 300]), [[b"echo", b"%d" % i] for i in range(1, 301)])

    async def test_the_end_fails_what_is_under_way(self):
        for abort in ("client", "server"):
            async with pair("tcp", True) as (client, server):
                asked = [asyncio.create_task(side.request(["hang"])) for side in (client, server)]
                await client.ping()
                (client if abort == "client" else server).abort()
                for task in asked:
                    with self.assertRaises(bokbok.ConnectionLost):
                        await task
                reasons = {(await side.wait_ended()).reason for side in (client, server)}
                self.assertEqual(reasons, {"aborted", "lost"})
                with self.assertRaises(bokbok.ConnectionLost):
                    await client.request(["echo"])
                await server.wait_closed()  # the handlers have ended too


class Handlers(LiveTestCase):
    async def test_the_open_handler_decides(self):
        endings: list[bokbok.Ending] = []

        async def decide(connection: bokbok.Connection) -> None:
            await asyncio.sleep(0.01)
            if connection.user == "bob":
                raise bokbok.TurnDown("not-today", "come back tomorrow")
            if connection.user == "eve":
                raise RuntimeError

        users = {"ann": KEY, "bob": KEY, "eve": KEY}
        async with bokbok.serve(
            "tcp:127.0.0.1:0", SERVICE, users=users, on_open=decide, on_close=lambda _, ending: endings.append(ending)
        ) as server:
            for user, code in (("ann", None), ("bob", "not-today"), ("eve", "shutdown")):
                async with bokbok.connect(str(server.address), user=user, key=KEY) as connection:
                    if code is None:
                        await connection.request(["echo"])  # C-9.d
                        continue
                    with self.assertRaises(bokbok.ConnectionClosing):
                        await connection.request(["echo"])  # C-9.b
                    self.assertEqual((await connection.wait_ended()).code, code)  # C-9.a, C-9.e
        self.assertEqual([ending.reason for ending in endings], ["clean"])  # C-8.a, C-9.c
        with self.assertRaises(ValueError):
            bokbok.TurnDown("protocol-error")  # C-9.g

    async def test_an_open_handler_is_cancelled_by_the_end(self):
        cancelled, closed = asyncio.Event(), asyncio.Event()

        async def decide(connection: bokbok.Connection) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE, on_open=decide, on_close=lambda *_: closed.set()) as server:
            connection = await bokbok.connect(str(server.address))
            connection.abort()
            await cancelled.wait()  # C-9.f
            await closed.wait()

    async def test_handlers_of_every_sort(self):
        def handle(connection: bokbok.Connection, payload: bokbok.Value) -> Any:
            if payload == b"later":
                return asyncio.sleep(0, "later")
            if payload == b"future":
                future = asyncio.get_running_loop().create_future()
                future.set_result("future")
                return future
            if payload == b"none":
                return None
            if payload == b"nested":
                return connection.request("x")
            return ["now", 1]

        def refuse(connection: bokbok.Connection, payload: bokbok.Value) -> Any:
            raise bokbok.ApplicationError("app", "é", "detail")

        async with bokbok.serve("tcp:127.0.0.1:0", handle) as server:
            async with bokbok.connect(str(server.address), handler=refuse) as connection:
                self.assertEqual(await connection.request("now"), [b"now", b"1"])
                self.assertEqual(await connection.request("later"), b"later")
                self.assertEqual(await connection.request("future"), b"future")
                with self.assertRaisesRegex(bokbok.RemoteError, "handler-failed"):
                    await connection.request("none")
                with self.assertRaises(bokbok.RemoteError) as caught:
                    await connection.request("nested")  # the error of the nested request is passed on
                error = caught.exception
                self.assertEqual((error.code, error.message, error.details), ("app", "é", [b"detail"]))

    async def test_key_lookups(self):
        async def find(user: str) -> bytes | None:
            if user == "fails":
                raise OSError("no database")
            if user == "hangs":
                await asyncio.Event().wait()
            return {"ann": KEY, "short": KEY[:31]}.get(user)

        limits = bokbok.Limits(handshake_seconds=0.3)
        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE, users=find, limits=limits) as server:
            address = str(server.address)
            async with bokbok.connect(address, user="ann", key=KEY):
                pass
            messages = set()
            for user, key in (("fails", KEY), ("short", KEY), ("nobody", KEY), ("ann", bytes(32))):
                with self.assertRaises(bokbok.Refused) as caught:
                    await bokbok.connect(address, user=user, key=key)  # H-4.g
                messages.add((caught.exception.code, caught.exception.message))
            self.assertEqual(len(messages), 1)
            with self.assertRaises(bokbok.ConnectionLost):
                await bokbok.connect(address, user="hangs", key=KEY)  # H-4.i

    async def test_arguments_that_cannot_be_right(self):
        for arguments, kind in (
            ({"address": "nowhere"}, bokbok.AddressError),
            ({"address": "stdio:"}, bokbok.AddressError),
            ({"address": "exec:true"}, bokbok.AddressError),  # A-4.a
            ({"address": "tcp:127.0.0.1:0"}, bokbok.AddressError),
            ({"address": "tcp:127.0.0.1:1"}, bokbok.Unreachable),
            ({"address": "exec:/does/not/exist", "allow_exec": True}, bokbok.Unreachable),
            ({"address": "unix:/" + "x" * 200}, bokbok.AddressError),
            ({"address": "tcp:127.0.0.1:1", "user": "ann"}, ValueError),
            ({"address": "tcp:127.0.0.1:1", "user": "", "key": KEY}, ValueError),
            ({"address": "tcp:127.0.0.1:1", "user": "x" * 256, "key": KEY}, ValueError),
            ({"address": "tcp:127.0.0.1:1", "user": "ann", "key": KEY[1:]}, ValueError),
        ):
            with self.subTest(arguments), self.assertRaises(kind):
                await bokbok.connect(**arguments)
        for bad in ("exec:cat", "tcp:127.0.0.1:99999", "unix:/" + "x" * 200):
            with self.assertRaises(bokbok.AddressError):
                await bokbok.serve(bad, SERVICE)
        for settings in ({"max-message": 1023}, {"max-requests": 0}, {"max-partial": 1024}, {"dotless": 1}):
            with self.assertRaises(ValueError):
                bokbok.Settings.from_names(settings)


class Stopping(LiveTestCase):
    async def test_in_an_orderly_way(self):
        server = await bokbok.serve("tcp:127.0.0.1:0", SERVICE)
        busy = await bokbok.connect(str(server.address))
        asked = asyncio.create_task(busy.request(["sleep", 50]))
        await busy.ping()
        opening = await asyncio.open_connection("127.0.0.1", server.address.port)
        await server.stop()
        self.assertEqual(await asked, [b"slept", b"50"])
        ending = await busy.wait_ended()
        self.assertEqual((ending.reason, ending.code), ("clean", "shutdown"))  # C-1.b
        self.assertEqual(await opening[0].read(), b"")
        opening[1].close()
        with self.assertRaises(bokbok.Unreachable):
            await bokbok.connect(str(server.address))

    async def test_at_once(self):
        server = await bokbok.serve("tcp:127.0.0.1:0", SERVICE)
        connection = await bokbok.connect(str(server.address))
        asked = asyncio.create_task(connection.request(["hang"]))
        await connection.ping()
        await server.stop(graceful=False)
        with self.assertRaises(bokbok.ConnectionLost):
            await asked

    async def test_the_drain_limit(self):
        server = await bokbok.serve("tcp:127.0.0.1:0", SERVICE, limits=bokbok.Limits(drain_seconds=0.05))
        connection = await bokbok.connect(str(server.address))
        asked = asyncio.create_task(connection.request(["hang"]))
        await connection.ping()
        await server.stop()
        with self.assertRaises(bokbok.ConnectionLost):
            await asked

    async def test_idle_connections_with_keepalive_stay(self):
        limits = bokbok.Limits(keepalive_seconds=0.02)
        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE) as server:
            async with bokbok.connect(str(server.address), limits=limits) as connection:
                await connection.request(["sleep", 150])
                self.assertTrue(connection.is_open)


if __name__ == "__main__":
    unittest.main()
