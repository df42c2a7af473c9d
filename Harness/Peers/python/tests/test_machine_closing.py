"""CLOSE, clean ends, lost connections, the open handler's decision (section 6, C-1 to C-9; F-3, F-4)."""

import unittest

from bokbok.actions import CloseStream, Ended, Handle, PingDone, RequestDone, ShutDownSending
from bokbok.errors import ConnectionClosing, ConnectionLost
from bokbok.limits import Limits
from bokbok.values import encode
from bokbok.wire import CLOSE, ERROR, REQUEST, RESPONSE, read_coded, record

from .bench import MORE, Bench, cancel, close, configurations, error, ping, request, response


def codes(frames: list) -> list:
    return [read_coded(item.body)[0] if item.kind in (ERROR, CLOSE) else item.kind for item in frames]


class Closing(unittest.TestCase):
    def assert_clean(self, bench: Bench, code: str, message: str) -> None:
        bench.pump()
        self.assertEqual(bench.reason, "clean")  # C-4.c
        ending = bench.ended.ending
        self.assertEqual((ending.code, ending.message), (code, message))  # C-4.d
        self.assertEqual(len(bench.taken(ShutDownSending)), 1)  # C-4.a
        self.assertFalse(bench.taken(CloseStream))
        bench.end_input()
        self.assertTrue(bench.taken(CloseStream))
        self.assertEqual(len(bench.taken(Ended)), 1)

    def test_the_other_side_closes(self):
        for role, security in configurations():
            bench = Bench(role, security).open()
            bench.send(close("bye", "now"))
            (sent,) = bench.received()
            self.assertEqual(read_coded(sent.body), ("normal", "", []))  # C-2.b
            self.assert_clean(bench, "bye", "now")

    def test_this_side_closes(self):
        for role, security in configurations():
            bench = Bench(role, security).open()
            bench.machine.close("done.1", "thanks", bench.now)
            bench.machine.close("other", "", bench.now)
            (sent,) = bench.received()  # C-1.c
            self.assertEqual(read_coded(sent.body), ("done.1", "thanks", []))
            self.assertIsNone(bench.ended)
            with self.assertRaises(ConnectionClosing):
                bench.machine.request(1, ["x"])  # C-1.f
            bench.send(close())
            self.assert_clean(bench, "done.1", "thanks")
            with self.assertRaises(ConnectionClosing):
                bench.machine.request(1, ["x"])

    def test_both_close_at_once(self):
        bench = Bench().open()
        bench.machine.close("ours", "", bench.now)
        bench.pump(pieces=1)
        bench.send(close("theirs"))
        self.assert_clean(bench, "ours", "")

    def test_codes_that_an_application_must_not_give(self):
        bench = Bench().open()
        for code in ("protocol-error", "Upper", "", "a" * 65, "a b", "é"):
            with self.assertRaises(ValueError):
                bench.machine.close(code, "", bench.now)  # C-9.g
        self.assertEqual(bench.received(), [])

    def test_what_is_under_way_finishes_first(self):
        for role, security in configurations():
            with self.subTest(role=role, security=security):
                bench = Bench(role, security).open()
                bench.send(request(1, ["x"]), request(2, b"(", MORE))
                bench.machine.request(7, ["ours"])
                (ours,) = bench.received()
                bench.send(close("bye"))
                self.assertEqual(codes(bench.received()), ["normal"])
                self.assertIsNone(bench.ended)  # C-4.b
                bench.send(request(2, b")"))
                self.assertEqual([(item.id, *codes([item])) for item in bench.received()], [(2, "closing")])  # C-3.a
                self.assertEqual([call.id for call in bench.taken(Handle)], [1])  # C-3.b
                bench.machine.respond(1, ["y"])  # C-3.c
                self.assertEqual(codes(bench.received()), [RESPONSE])
                self.assertIsNone(bench.ended)  # C-4.b
                bench.send(response(ours.id, ["a"]))
                self.assertEqual(bench.taken(RequestDone)[0].value, [b"a"])
                self.assert_clean(bench, "bye", "")

    def test_requests_that_come_too_late(self):
        for body in (encode(["x"]), b"malformed", b""):
            bench = Bench().open()
            bench.machine.close("normal", "", bench.now)
            bench.pump()
            bench.unread.clear()
            bench.send(request(1, body))  # crossed: the other side had not received the CLOSE
            self.assertEqual(codes(bench.received()), ["closing"])  # C-3.a
            self.assertFalse(bench.taken(Handle))
            bench.send(request(2, b"(", MORE), cancel(2))
            self.assertEqual(codes(bench.received()), ["cancelled"])

    def test_own_requests_when_this_side_closes(self):
        bench = Bench().open(["max-requests", 2])
        for token in (1, 2, 3):
            bench.machine.request(token, bytes(100_000))
        bench.machine.close("normal", "", bench.now)
        (failed,) = bench.taken(RequestDone)
        self.assertEqual(failed.token, 3)
        self.assertIsInstance(failed.error, ConnectionClosing)  # C-1.h
        sent = bench.received()
        self.assertEqual([item.kind for item in sent if not item.more], [REQUEST, REQUEST, CLOSE])  # C-1.g
        ids = [item.id for item in sent if not item.more and item.kind == REQUEST]
        bench.send(close(), *(response(id, ["y"]) for id in ids))
        self.assertEqual(len(bench.taken(RequestDone)), 2)
        self.assert_clean(bench, "normal", "")

    def test_cancelling_what_a_close_waits_for(self):
        bench = Bench().open()
        bench.machine.request(1, bytes(1_000_000))
        (first, *_) = bench.received(pieces=1)
        bench.machine.close("normal", "", bench.now)
        bench.machine.cancel(1)
        self.assertEqual([item.kind for item in bench.received()], [4, CLOSE])
        bench.send(close(), error(first.id, "cancelled", ""))
        self.assert_clean(bench, "normal", "")

    def test_own_requests_when_the_other_side_closes(self):
        bench = Bench().open(["max-requests", 3])
        bench.machine.request(1, bytes(200_000))
        (part, *_) = bench.received(pieces=1)
        for token in (2, 3, 4):
            bench.machine.request(token, ["x"])
        bench.send(close())
        failed = bench.taken(RequestDone)
        self.assertEqual(sorted(action.token for action in failed), [2, 3, 4])  # C-2.d
        self.assertTrue(all(isinstance(action.error, ConnectionClosing) for action in failed))
        with self.assertRaises(ConnectionClosing):
            bench.machine.request(5, ["x"])  # C-2.a
        sent = bench.received()
        self.assertEqual(sent[0].kind, CLOSE)  # C-2.c
        self.assertEqual({item.id for item in sent[1:]}, {part.id})  # C-2.e
        self.assertFalse(sent[-1].more)
        bench.send(error(part.id, "closing", ""))
        self.assert_clean(bench, "normal", "")

    def test_a_close_that_had_to_wait_gives_way_to_the_answer(self):
        bench = Bench().open()
        bench.machine.request(1, bytes(200_000))
        bench.received(pieces=1)
        bench.machine.close("mine", "", bench.now)
        bench.send(close("theirs"))
        sent = bench.received()
        self.assertEqual([read_coded(item.body)[0] for item in sent if item.kind == CLOSE], ["normal"])

    def test_the_drain_limit(self):
        for role, security in configurations():
            bench = Bench(role, security, limits=Limits(drain_seconds=2)).open()
            bench.send(request(1, ["x"]))
            bench.machine.request(7, ["x"])
            bench.machine.ping("p")
            bench.turn_clock(1)
            bench.machine.close("normal", "", bench.now)
            bench.pump()
            bench.send(close())
            bench.turn_clock(1.9)
            self.assertIsNone(bench.ended)
            bench.turn_clock(0.2)
            self.assertEqual(bench.reason, "lost")  # C-5.b
            self.assertIsInstance(bench.taken(RequestDone)[0].error, ConnectionLost)
            self.assertEqual(len(bench.taken(PingDone)), 1)
            self.assertTrue(bench.taken(CloseStream))  # C-5.a
        self.assertEqual(Limits().drain_seconds, 5)

    def test_only_the_side_that_asked_has_a_drain_limit(self):
        bench = Bench().open()
        bench.send(request(1, ["x"]), close())
        bench.pump()
        self.assertIsNone(bench.machine.deadline)  # C-5.c
        bench.machine.close("normal", "", bench.now)
        self.assertEqual(bench.machine.deadline, bench.now + 5)
        bench.turn_clock(6)
        self.assertEqual(bench.reason, "lost")

    def test_the_answer_is_written_before_the_end(self):
        bench = Bench().open()
        bench.send(request(1, ["x"]), close())
        bench.machine.respond(1, bytes(300_000))
        self.assertIsNotNone(bench.machine.data_to_send())
        self.assertIsNone(bench.ended)
        bench.pump()
        self.assertEqual(bench.reason, "clean")


class Losing(unittest.TestCase):
    def test_the_end_of_input_without_close(self):
        for role, security in configurations():
            for name, before in {
                "idle": lambda bench: None,
                "under way": lambda bench: bench.send(request(1, ["x"])),
                "half a record": lambda bench: bench.feed(record(ping())[:-1]),
                "own close": lambda bench: (bench.machine.close("normal", "", bench.now), bench.pump()),
                "close, under way": lambda bench: bench.send(request(1, ["x"]), close()),
            }.items():
                with self.subTest(name, role=role, security=security):
                    bench = Bench(role, security).open()
                    bench.machine.request(7, ["x"])
                    bench.pump()
                    before(bench)
                    bench.end_input()
                    self.assertEqual(bench.reason, "lost")  # C-6.a, C-6.e
                    self.assertIsInstance(bench.taken(RequestDone)[0].error, ConnectionLost)  # C-6.c
                    self.assertTrue(bench.taken(CloseStream))  # C-6.b
                    with self.assertRaises(ConnectionLost):
                        bench.machine.request(8, ["x"])

    def test_the_end_of_input_after_close(self):
        bench = Bench().open()
        bench.send(close("bye", "x"))
        bench.end_input()
        self.assertEqual((bench.reason, bench.ended.ending.code), ("clean", "bye"))  # C-6.d
        bench = Bench().open()
        bench.send(close())
        self.assertIsNotNone(bench.machine.data_to_send())
        bench.end_input(unwritten=True)
        self.assertEqual(bench.reason, "clean")
        bench = Bench().open()
        bench.send(request(1, ["x"]))
        bench.machine.respond(1, ["y"])
        bench.send(close())
        self.assertIsNotNone(bench.machine.data_to_send())
        bench.end_input(unwritten=True)
        self.assertEqual(bench.reason, "lost")  # an answer was left to send

    def test_reading_goes_on_after_a_failed_write(self):
        for then, expected in {
            "answer": "lost",
            "violation": "violation",
            "nothing": "lost",
            "end": "lost",
        }.items():
            with self.subTest(then):
                bench = Bench().open()
                bench.machine.request(1, ["x"])
                (sent,) = bench.received()
                bench.machine.write_failed(bench.now)
                self.assertTrue(bench.machine.wants_to_read)
                self.assertIsNone(bench.ended)
                if then == "answer":
                    bench.send(response(sent.id, ["y"]))
                    self.assertEqual(bench.taken(RequestDone)[0].value, [b"y"])  # F-4.a
                elif then == "violation":
                    bench.send(close("protocol-error", "x"))
                elif then == "end":
                    bench.end_input()
                bench.turn_clock(1.01)
                self.assertEqual(bench.reason, expected)

    def test_a_close_that_cannot_be_written(self):
        for ends in (False, True):
            bench = Bench().open()
            bench.send(close("bye"))
            self.assertIsNotNone(bench.machine.data_to_send())
            bench.machine.write_failed(bench.now)
            self.assertIsNone(bench.ended)
            if ends:
                bench.end_input(unwritten=True)
            else:
                bench.turn_clock(1.01)
            self.assertEqual((bench.reason, bench.ended.ending.code), ("clean", "bye"))  # C-6.d

    def test_a_refusal_is_found_after_a_failed_write(self):
        bench = Bench("client", "plain")
        bench.machine.write_failed(bench.now)
        bench.feed(b"BOKBOK\1\xff" + record(encode(["busy", "x"])))
        self.assertEqual(bench.ended.error.code, "busy")

    def test_abort(self):
        bench = Bench().open()
        bench.machine.request(1, ["x"])
        bench.machine.abort(bench.now)
        self.assertEqual(bench.reason, "aborted")
        self.assertIsInstance(bench.taken(RequestDone)[0].error, ConnectionLost)
        self.assertTrue(bench.taken(CloseStream))
        bench.machine.abort(bench.now)
        self.assertFalse(bench.taken(CloseStream))


class Deciding(unittest.TestCase):
    def test_requests_wait_for_the_open_handler(self):
        bench = Bench(asks_to_open=True).open()
        bench.send(request(1, ["a"]), request(2, ["b"]), cancel(1), ping())
        self.assertEqual(bench.taken(Handle), [])  # C-9.d
        self.assertEqual(len(bench.received()), 2)
        bench.machine.admit()
        self.assertEqual([call.id for call in bench.taken(Handle)], [2])

    def test_turning_down(self):
        bench = Bench(asks_to_open=True).open()
        bench.send(request(1, ["a"]), request(2, b"(", MORE))
        bench.machine.turn_down("full", "no room", bench.now)
        sent = bench.received()
        self.assertEqual(sorted(codes(sent)), ["closing", "full"])  # C-9.a, C-9.b
        bench.send(close(), request(2, b")"))
        self.assertEqual(codes(bench.received()), ["closing"])
        self.assertEqual(bench.reason, "clean")
        self.assertTrue(bench.ended.turned_down)  # C-9.c
        self.assertEqual(bench.taken(Handle), [])

    def test_a_decision_after_the_end(self):
        bench = Bench(asks_to_open=True).open()
        bench.end_input()
        bench.machine.turn_down("full", "", bench.now)
        bench.machine.admit()
        self.assertFalse(bench.ended.turned_down)  # C-8.a


if __name__ == "__main__":
    unittest.main()
