"""Raw peers over real sockets and pipes: what the bytes, the end of the stream and the clock look like from outside."""

import asyncio
import os
import resource
import socket
import sys
import tempfile
import unittest
from typing import Any

import bokbok
from bokbok.service import ConformanceService
from bokbok.values import encode
from bokbok.wire import CLOSE, PONG, RESPONSE, SETTINGS, Frame, frames, preamble, read_coded, record, take_record

from .bench import close, frame, ping, request, settings
from .test_live import KEY, PROJECT, LiveTestCase

SERVICE = ConformanceService()


class RawPeer:
    """The other end of a stream, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *data: bytes) -> None:
        self.writer.write(b"".join(data))

    def send_frames(self, *encoded: bytes) -> None:
        self.send(record(b"".join(encoded)))

    async def rest(self) -> bytes:
        """All until the end of the stream; a reset would raise."""
        return await asyncio.wait_for(self.reader.read(), 10)

    async def record(self) -> list[Frame]:
        length = int.from_bytes(await self.reader.readexactly(2), "big")
        return list(frames(await self.reader.readexactly(length)))

    async def open(self, *pairs: Any) -> None:
        self.send(preamble(0), record(settings(*pairs)))
        assert await self.reader.readexactly(8) == preamble(0)
        assert [item.kind for item in await self.record()] == [SETTINGS]

    def close(self) -> None:
        self.writer.close()


async def dial(server: bokbok.Server) -> RawPeer:
    address = server.address
    if isinstance(address, bokbok.TCPAddress):
        return RawPeer(*await asyncio.open_connection(address.host, address.port))
    return RawPeer(*await asyncio.open_unix_connection(address.path))


def all_frames(data: bytes) -> list[Frame]:
    buffer, found = bytearray(data), []
    while (content := take_record(buffer)) is not None:
        found += frames(content)
    assert not buffer
    return found


class AtServers(LiveTestCase):
    async def test_the_last_word_arrives_and_then_the_end(self):
        with tempfile.TemporaryDirectory() as folder:
            for address in ("tcp:127.0.0.1:0", f"unix:{folder}/s"):
                async with bokbok.serve(address, SERVICE) as server:
                    for flood in (b"", bytes(3_000_000)):
                        peer = await dial(server)
                        await peer.open()
                        peer.send_frames(request(1, ["hang"]), frame(9))
                        peer.send(flood)  # unread bytes would make a reset of a close
                        sent = all_frames(await peer.rest())  # F-3.a
                        self.assertEqual(read_coded(sent[-1].body)[0], "protocol-error")
                        peer.close()
                        peer = await dial(server)
                        peer.send(b"BOKBOK\2\0", flood)
                        self.assertTrue((await peer.rest()).startswith(b"BOKBOK\1\xff"))
                        peer.close()
                    async with bokbok.connect(str(server.address)) as connection:
                        await connection.request(["echo"])  # it has survived

    async def test_strangers_get_no_word(self):
        limits = bokbok.Limits(handshake_seconds=0.2)
        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE, limits=limits) as server:
            for sent in (b"GET / HTTP/1.1\r\n\r\n", b"", b"BOKBOK"):
                peer = await dial(server)
                peer.send(sent)
                try:
                    self.assertEqual(await peer.rest(), b"")  # O-3.a, O-10.a
                except ConnectionResetError:
                    pass
                peer.close()

    async def test_a_busy_server(self):
        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE, limits=bokbok.Limits(connections_max=1)) as server:
            first = await bokbok.connect(str(server.address))
            with self.assertRaises(bokbok.Refused) as caught:
                await bokbok.connect(str(server.address))
            self.assertEqual(caught.exception.code, "busy")  # O-6.c
            await first.close()
            async with bokbok.connect(str(server.address)) as second:
                await second.request(["echo"])

    async def test_streams_that_are_not_open_are_bounded(self):
        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE, limits=bokbok.Limits(opening_max=3)) as server:
            async with bokbok.connect(str(server.address)) as connection:
                ending = await dial(server)
                await ending.open()
                ending.send_frames(frame(9))
                await ending.rest()  # in F-3 now: it counts, and is the oldest
                peers = [await dial(server) for _ in range(3)]
                for peer in peers[1:]:
                    peer.send(b"BOKB")
                self.assertEqual(await ending.rest(), b"")
                more = await dial(server)
                more.send(b"BOKB")
                self.assertEqual(await peers[0].rest(), b"")  # O-12.b: the oldest, without a word
                await connection.request(["echo"])  # O-12.a
                peers[2].send(b"OK\1\0", record(settings()))
                self.assertEqual(await peers[2].reader.readexactly(8), preamble(0))
                for peer in (ending, more, *peers):
                    peer.close()

    async def test_running_out_of_descriptors(self):
        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE) as server:
            connection = await bokbok.connect(str(server.address))
            first = socket.create_connection((server.address.host, server.address.port))
            await connection.ping()
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            highest = max(int(name) for name in os.listdir("/proc/self/fd"))
            sockets = [socket.socket() for _ in range(3)]
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 4, limits[1]))
            held = []
            try:
                with self.assertRaises(OSError):
                    while True:
                        held.append(os.dup(0))
                for sock in sockets:
                    sock.connect((server.address.host, server.address.port))
                    sock.sendall(preamble(0) + record(settings()))
                await connection.request(["sleep", 20])  # O-12.c: it lives, and does not spin
            finally:
                for descriptor in held:
                    os.close(descriptor)
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            loop = asyncio.get_running_loop()
            for sock in sockets:
                sock.setblocking(False)
                self.assertTrue(await loop.sock_recv(sock, 8))  # O-12.c: it goes on
                sock.close()
            first.close()
            await connection.close()

    async def test_a_peer_that_never_reads_stops_reading_of_pings_only(self):
        limits = bokbok.Limits(reply_backlog_bytes_max=10_000)
        folder = self.enterContext(tempfile.TemporaryDirectory())
        async with bokbok.serve(f"unix:{folder}/s", SERVICE, limits=limits) as server:  # whose buffers are small
            peer = await dial(server)
            await peer.open()
            pings = ping() * 4000
            sent = 0
            with self.assertRaises(TimeoutError):  # P-4.b
                while sent < 1_000_000_000:
                    peer.send_frames(pings)
                    sent += 4000
                    await asyncio.wait_for(peer.writer.drain(), 0.5)
            self.assertLess(server.connections[0]._machine._outbox.reply_bytes, 10_000 + 300_000)
            received = 0
            while received < sent:
                items = await peer.record()
                self.assertTrue(all(item.kind == PONG for item in items))
                received += len(items)
            self.assertEqual(received, sent)  # P-1.a, P-4.b: it goes on
            peer.close()

    async def test_a_peer_that_reads_late_gets_all_answers(self):
        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE) as server:
            peer = await dial(server)
            await peer.open()
            for id in range(1, 101):
                peer.send_frames(request(id, ["blob", 500_000]))
            peer.send_frames(ping())
            answers, seen_pong = {}, False
            while len(answers) < 100:
                for item in await peer.record():
                    seen_pong |= item.kind == PONG
                    if item.kind == RESPONSE and not item.more:
                        answers[item.id] = True
            self.assertTrue(seen_pong)
            peer.close()

    async def test_a_half_closed_stream_is_over(self):
        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE) as server:
            peer = await dial(server)
            await peer.open()
            peer.send_frames(request(1, ["hang"]))
            connection = server.connections[0]
            peer.writer.write_eof()
            self.assertEqual(await peer.rest(), b"")  # C-6.b
            self.assertEqual((await connection.wait_ended()).reason, "lost")
            peer.close()

    async def test_discarding_takes_a_second_at_most(self):
        async with bokbok.serve("tcp:127.0.0.1:0", SERVICE) as server:
            peer = await dial(server)
            await peer.open()
            loop = asyncio.get_running_loop()
            connection = server.connections[0]
            peer.send_frames(close())
            began = loop.time()
            self.assertEqual([item.kind for item in all_frames(await peer.rest())], [CLOSE])
            self.assertEqual((await connection.wait_ended()).reason, "clean")
            self.assertLess(loop.time() - began, 0.9)  # F-3.f
            await connection.wait_closed()
            self.assertGreater(loop.time() - began, 0.9)  # F-3.b
            peer.close()


class AtClients(LiveTestCase):
    async def against(self, *data: bytes, **arguments: Any) -> BaseException | None:
        """What `connect` raises when the server sends `data` and then ends the stream."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(8)
            writer.write(b"".join(data))
            writer.write_eof()
            self.received = await reader.read()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        try:
            connection = await bokbok.connect(f"tcp:{host}:{port}", **arguments)
            connection.abort()
            return None
        except bokbok.BokbokError as error:
            return error
        finally:
            server.close()

    async def test_what_servers_can_answer(self):
        sealed = {"user": "ann", "key": KEY}
        refusal = b"BOKBOK\1\xff" + record(encode(["busy", "full"]))
        for data, arguments, kind in (
            (b"HTTP/1.1 400\r\n\r\n", {}, bokbok.NotBokbok),
            (preamble(1), {}, bokbok.NotBokbok),
            (preamble(0) + record(settings()), sealed, bokbok.NotBokbok),
            (refusal, {}, bokbok.Refused),
            (refusal, sealed, bokbok.Refused),
            (b"", {}, bokbok.ConnectionLost),
            (preamble(1) + record(bytes(48)), sealed, bokbok.AuthenticationFailed),
            (preamble(0) + record(ping()), {}, bokbok.ProtocolViolation),
        ):
            self.assertIsInstance(await self.against(data, **arguments), kind)

    async def test_a_silent_server(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
            with self.assertRaises(bokbok.HandshakeTimeout):
                await bokbok.connect(address, limits=bokbok.Limits(handshake_seconds=0.1))
            attempt = asyncio.create_task(bokbok.connect(address).__aenter__())
            await asyncio.sleep(0.01)
            attempt.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await attempt


class Commands(LiveTestCase):
    async def run_command(self, script: str, **limits: float) -> tuple[float, list[str]]:
        """Connect to a command that does not speak, and return how long it took to end it, and what it wrote."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")
            address = bokbok.CommandAddress((sys.executable, "-c", script, path))
            began = asyncio.get_running_loop().time()
            connecting = asyncio.create_task(
                self.connect_and_follow(address, bokbok.Limits(handshake_seconds=5, **limits))
            )
            await connecting
            with open(path) as log:
                return asyncio.get_running_loop().time() - began, log.read().split()

    async def connect_and_follow(self, address: bokbok.Address, limits: bokbok.Limits) -> None:
        with self.assertRaises(bokbok.BokbokError):
            await bokbok.connect(address, allow_exec=True, limits=limits)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        ends = [task for task in others if "_end_command" in repr(task.get_coro())]
        self.assertEqual(len(ends), 1)
        await ends[0]

    async def test_a_command_that_ends_with_its_input(self):
        script = """
import os, sys
descriptors = [n for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + n)]
os.write(1, b'XXXXXXXX')
while os.read(0, 999): pass
open(sys.argv[1], 'w').write(' '.join(descriptors))
"""
        _, descriptors = await self.run_command(script, end_seconds=20, kill_seconds=20)
        self.assertEqual(descriptors, ["0", "1", "2"])  # A-3.a, A-3.d

    async def test_a_command_that_has_to_be_told(self):
        for ignore, expected in (("SIG_DFL", ["started"]), ("SIG_IGN", ["started"])):
            script = f"""
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.{ignore})
open(sys.argv[1], 'w').write('started')
os.write(1, b'XXXXXXXX')
time.sleep(100)
"""
            seconds, log = await self.run_command(script, end_seconds=0.2, kill_seconds=0.3)
            self.assertEqual(log, expected)
            self.assertGreater(seconds, 0.5 if ignore == "SIG_IGN" else 0.2)  # A-3.b
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)  # A-3.c


class StandardIO(LiveTestCase):
    SCRIPT = """
import asyncio, bokbok
def handle(connection, payload):
    print("a print that must not corrupt the stream", flush=True)
    return payload
async def main():
    server = await bokbok.serve("stdio:", handle)
    await server.wait_stopped()
asyncio.run(main())
"""

    async def talk(self, stdin: Any, stdout: Any, peer_in: socket.socket | int, peer_out: socket.socket | int) -> None:
        environment = {**os.environ, "PYTHONPATH": PROJECT}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", self.SCRIPT, stdin=stdin, stdout=stdout, stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )  # fmt: skip
        for end in {stdin, stdout}:
            end.close() if isinstance(end, socket.socket) else os.close(end)

        def write(data: bytes) -> None:
            os.write(peer_out if isinstance(peer_out, int) else peer_out.fileno(), data)

        def read() -> bytes:
            return os.read(peer_in if isinstance(peer_in, int) else peer_in.fileno(), 65536)

        def converse() -> bytes:
            write(preamble(0) + record(settings()) + record(request(1, ["hello"])))
            received = b""
            while b"(5:hello)" not in received:
                received += read()
            write(record(close()))
            while data := read():
                received += data
            return received

        received = await asyncio.to_thread(converse)
        for end in {peer_in, peer_out}:
            end.close() if isinstance(end, socket.socket) else os.close(end)
        self.assertEqual(received[:8], preamble(0))
        kinds = [item.kind for item in all_frames(received[8:])]
        self.assertEqual(kinds, [SETTINGS, RESPONSE, CLOSE])  # A-2.d
        self.assertEqual(await process.wait(), 0)  # A-2.a

    async def test_two_pipes(self):
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        await self.talk(theirs_in, theirs_out, ours_in, ours_out)  # A-2.b

    async def test_one_socket(self):
        ours, theirs = socket.socketpair()
        await self.talk(theirs, theirs, ours, ours)  # A-2.c

    async def test_two_sockets(self):
        (ours_out, theirs_in), (ours_in, theirs_out) = socket.socketpair(), socket.socketpair()
        await self.talk(theirs_in, theirs_out, ours_in, ours_out)  # A-2.b


if __name__ == "__main__":
    unittest.main()
