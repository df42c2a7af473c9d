"""Every violation, in both roles, plain and sealed: CLOSE protocol-error, then the end of the stream (F-1, F-2)."""

import unittest

from bokbok.actions import CloseStream, Handle, Opened, RequestDone, ShutDownSending
from bokbok.errors import ProtocolViolation
from bokbok.values import encode
from bokbok.wire import CLOSE, ERROR, PING, PONG, RESPONSE, SETTINGS, Settings, read_coded

from .bench import (
    MORE,
    Bench,
    cancel,
    close,
    configurations,
    error,
    frame,
    ping,
    record,
    request,
    response,
    settings,
)

SMALL = Settings(message_bytes_max=1024, requests_max=2, partial_bytes_max=2048)

# clause: the frames of one record, of which the last breaks it
OPEN_VIOLATIONS = {
    "F-1.d rest": ping() + bytes(7),
    "F-1.e body": frame(PING, bytes(8))[:-1],
    "F-1.e header only": bytes((1, 0, 255, 255, 0, 0, 0, 1)),
    "F-1.f next kind": frame(8),
    "F-1.f last kind": frame(255),
    "F-1.g flag 2": frame(PING, bytes(8), 0, 2),
    "F-1.g flag 128": request(1, ["echo"], 128),
    "F-1.h ping": frame(PING, bytes(8), 0, MORE),
    "F-1.h error": frame(ERROR, encode(["x", "y"]), 1, MORE),
    "F-1.h cancel": frame(4, b"", 1, MORE),
    "F-1.h close": frame(CLOSE, encode(["normal", ""]), 0, MORE),
    "F-1.i request": request(0, ["echo"]),
    "F-1.i response": response(0, ["echo"]),
    "F-1.i error": error(0, "x", "y"),
    "F-1.i cancel": cancel(0),
    "F-1.j ping": frame(PING, bytes(8), 1),
    "F-1.j pong": frame(PONG, bytes(8), 1),
    "F-1.j close": frame(CLOSE, encode(["normal", ""]), 1),
    "F-1.k short ping": frame(PING, bytes(7)),
    "F-1.k long ping": frame(PING, bytes(9)),
    "F-1.k short pong": frame(PONG, bytes(7)),
    "F-1.k empty pong": frame(PONG),
    "F-1.l": frame(4, b"x", 1),
    "S-1.b": settings(),
    "X-3.a": request(1, ["hang"]) + request(1, ["hang"]),
    "X-3.a more": request(1, ["hang"]) + request(1, b"(", MORE),
    "X-3.b": request(1, ["hang"]) + cancel(1) + request(1, ["hang"]),
    "X-3.b partial": request(1, b"(", MORE) + cancel(1) + request(1, b")"),
    "X-3.c response": response(9, ["echo"]),
    "X-3.c error": error(9, "x", "y"),
    "X-4.e first": request(1, b"", MORE),
    "X-4.e later": request(1, b"(", MORE) + request(1, b"", MORE),
    "X-5.a": request(1, encode(bytes(1024))),
    "X-5.a fragments": request(1, bytes(1024), MORE) + request(1, b"x"),
    "X-6.a": request(1, ["hang"]) + request(2, ["hang"]) + request(3, ["hang"]),
    "X-6.a partial": request(1, b"(", MORE) + request(2, b"(", MORE) + request(3, b"(", MORE),
    "C-1.d": close() + close(),
    "C-1.f": close() + request(1, ["echo"]),
    "E-2.f not a value": frame(CLOSE, b"x"),
    "E-2.f empty": frame(CLOSE),
    "E-2.f one": frame(CLOSE, encode(["normal"])),
    "E-2.f details": frame(CLOSE, encode(["normal", "", "x"])),
    "E-2.f code": frame(CLOSE, encode(["Normal", ""])),
    "E-2.f empty code": frame(CLOSE, encode(["", ""])),
    "E-2.f long code": frame(CLOSE, encode(["a" * 65, ""])),
    "E-2.f message": frame(CLOSE, encode(["normal", b"\xff"])),
    "E-2.f list": frame(CLOSE, encode(["normal", []])),
}  # fmt: skip

FIRST_FRAMES = {
    "S-1.c ping": ping(),
    "S-1.c request": request(1, ["echo"]),
    "S-1.c close": close(),
    "S-1.c that could be SETTINGS": request(1, []),
    "S-3.b empty": frame(SETTINGS),
    "S-3.b no value": frame(SETTINGS, b"("),
    "S-3.b rest": frame(SETTINGS, b"()x"),
    "S-3.b atom": frame(SETTINGS, encode("x")),
    "S-3.b element": settings("x"),
    "S-3.b empty list": settings([]),
    "S-3.b list first": settings([["max-message"], "1024"]),
    "S-3.c": settings(["max-requests", 5], ["max-requests", 5]),
    "S-3.d none": settings(["max-message"]),
    "S-3.d two": settings(["max-message", 2048, 2048]),
    "S-3.d list": settings(["max-message", [2048]]),
    "S-3.d letters": settings(["max-message", "2048x"]),
    "S-3.d zero": settings(["max-message", "02048"]),
    "S-3.d sign": settings(["max-message", "+2048"]),
    "S-3.d empty": settings(["max-requests", ""]),
    "S-3.d size": settings(["max-requests", "4294967296"]),
    "S-3.e message": settings(["max-message", 1023]),
    "S-3.e requests": settings(["max-requests", 0]),
    "S-3.e partial": settings(["max-partial", 16777215]),
    "S-3.e order": settings(["max-partial", 2048], ["max-message", 4096]),
    "S-3.e zero": settings(["max-partial", 0]),
}


class Violations(unittest.TestCase):
    def assert_violation(self, bench: Bench, clause: str, *, skip: int = 0) -> None:
        sent = bench.received()
        self.assertEqual(sent[-1].kind, CLOSE, sent)  # F-2.a: the last frame
        code, message, _ = read_coded(sent[-1].body)
        self.assertEqual(code, "protocol-error")
        self.assertTrue(message.startswith(clause.split()[0]), message)  # F-2.c
        self.assertEqual(bench.reason, "violation")
        self.assertEqual(bench.ended.ending.side, "local")
        self.assertTrue(bench.taken(ShutDownSending))  # F-3.a
        bench.feed(record(bytes(16)))
        self.assertFalse(bench.taken(CloseStream))  # F-3.b
        bench.end_input()
        self.assertTrue(bench.taken(CloseStream))

    def test_of_open_connections(self):
        for role, security in configurations():
            for clause, content in OPEN_VIOLATIONS.items():
                for piece_bytes in (0, 1):
                    with self.subTest(clause, role=role, security=security, piece_bytes=piece_bytes):
                        bench = Bench(role, security, own=SMALL, piece_bytes=piece_bytes).open()
                        bench.send(content)
                        self.assert_violation(bench, clause)
                        self.assertTrue(bench.ended.was_open)

    def test_of_first_frames_after_own_settings(self):
        for role, security in configurations():
            for clause, content in FIRST_FRAMES.items():
                with self.subTest(clause, role=role, security=security):
                    bench = Bench(role, security)
                    bench.handshake()
                    bench.send(content)
                    self.assertFalse(bench.taken(Opened))
                    self.assertFalse(bench.ended.was_open)  # S-1.g
                    self.assertIsInstance(bench.ended.error, ProtocolViolation)
                    sent = bench.received()
                    self.assertEqual([frame.kind for frame in sent], [SETTINGS, CLOSE])  # F-2.b

    def test_own_settings_precede_the_close_where_both_go_together(self):
        bench = Bench("server")
        bench.feed(b"BOKBOK\1\0" + record(ping()))
        bench.pump()
        del bench.unread[:8]
        self.assertEqual([frame.kind for frame in bench.received()], [SETTINGS, CLOSE])

    def test_empty_records(self):
        for role, security in configurations():
            with self.subTest(role=role, security=security):
                bench = Bench(role, security).open()
                if security == "plain":
                    bench.feed(b"\0\0")
                    self.assert_violation(bench, "R-1.a")
                else:
                    bench.send(b"")
                    self.assert_violation(bench, "F-1.c")

    def test_of_the_sum_of_unfinished_messages(self):
        for role, security in configurations():
            with self.subTest(role=role, security=security):
                own = Settings(message_bytes_max=1024, requests_max=9, partial_bytes_max=1100)
                bench = Bench(role, security, own=own).open()
                bench.send(request(1, encode(bytes(1000))[:700], MORE), request(2, encode(bytes(1000))[:400], MORE))
                bench.send(ping())
                self.assertEqual([frame.kind for frame in bench.received()], [PONG])
                bench.send(request(3, b"(" + b")"))  # X-10.f
                bench.send(request(3, b"(", MORE))
                self.assert_violation(bench, "X-3.a")
                bench = Bench(role, security, own=own).open()
                bench.send(request(1, bytes(700), MORE), request(2, bytes(400), MORE), request(3, b"(", MORE))
                self.assert_violation(bench, "X-10.e")

    def test_of_unfinished_answers(self):
        bench = Bench(own=Settings(message_bytes_max=1024, requests_max=9, partial_bytes_max=1100)).open()
        bench.machine.request(1, ["x"])
        bench.machine.request(2, ["x"])
        ids = [frame.id for frame in bench.received()]
        bench.send(response(ids[0], bytes(1000), MORE))
        bench.send(error(ids[0], "x", ""))  # makes room: X-3.e
        bench.send(response(ids[1], bytes(1000), MORE))
        self.assertIsNone(bench.ended)
        bench.send(request(9, bytes(101), MORE))
        self.assert_violation(bench, "X-10.e")

    def test_answers_to_requests_that_were_not_sent_whole(self):
        for role, security in configurations():
            with self.subTest(role=role, security=security):
                bench = Bench(role, security).open()
                bench.machine.request(1, [bytes(200_000)])
                (first, *_) = bench.received(pieces=1)
                self.assertTrue(first.more)
                bench.send(response(first.id, ["echo"]))
                bench.unread.clear()
                if not security == "sealed":
                    bench.pump()
                self.assertEqual(bench.reason, "violation")
                self.assertIn("X-3.d", bench.ended.ending.explanation)
                (done,) = bench.taken(RequestDone)
                self.assertIsInstance(done.error, ProtocolViolation)  # F-2.e

    def test_nothing_after_a_violation_counts(self):
        for role, security in configurations():
            with self.subTest(role=role, security=security):
                bench = Bench(role, security).open()
                bench.send(request(1, ["echo", "a"]), frame(9), request(2, ["echo", "b"]))
                bench.send(request(3, ["echo", "c"]))
                self.assertLessEqual([action.id for action in bench.taken(Handle)], [1])
                bench.machine.respond(1, ["late"])
                sent = bench.received()
                self.assertEqual(sent[-1].kind, CLOSE)
                self.assertNotIn(RESPONSE, [frame.kind for frame in sent])

    def test_a_violation_after_the_other_sides_close(self):
        bench = Bench().open()
        bench.send(request(1, ["hang"]))
        bench.send(close("bye", "now"))
        self.assertEqual([frame.kind for frame in bench.received()], [CLOSE])
        bench.send(frame(PING))
        self.assert_violation(bench, "F-1.k")

    def test_a_word_that_cannot_be_written_is_given_up(self):
        bench = Bench().open()
        bench.send(frame(9))
        bench.turn_clock(0.99)
        self.assertFalse(bench.taken(CloseStream))
        bench.turn_clock(0.02)
        self.assertTrue(bench.taken(CloseStream))  # F-3.d

    def test_discarding_ends_after_a_second(self):
        bench = Bench().open()
        bench.send(frame(9))
        bench.turn_clock(0.6)  # while the word is written
        bench.pump()
        bench.turn_clock(0.99)
        bench.feed(b"x" * 100_000)
        self.assertFalse(bench.taken(CloseStream))
        bench.turn_clock(0.02)
        self.assertTrue(bench.taken(CloseStream))  # F-3.b

    def test_the_other_side_found_a_violation(self):
        for role, security in configurations():
            for before in (b"", close()):
                with self.subTest(role=role, security=security, before=before):
                    bench = Bench(role, security).open()
                    bench.machine.request(7, ["x"])
                    bench.received()
                    bench.send(before + close("protocol-error", "F-1"))  # C-1.e
                    self.assertEqual((bench.reason, bench.ended.ending.side), ("violation", "remote"))  # C-7.b
                    self.assertTrue(bench.taken(CloseStream))  # C-7.a
                    self.assertEqual(bench.received(), [])
                    self.assertEqual(bench.taken(RequestDone)[0].error.side, "remote")


if __name__ == "__main__":
    unittest.main()
