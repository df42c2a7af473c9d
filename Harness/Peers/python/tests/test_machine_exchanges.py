"""Requests and answers, fragments, cancelling, errors, backpressure (sections 5 and 6)."""

import hashlib
import unittest
from collections import Counter

from bokbok.actions import CancelHandler, Handle, Log, Opened, PingDone, RequestDone
from bokbok.errors import MalformedValue, RemoteClosing, RemoteError, TooLarge
from bokbok.limits import Limits
from bokbok.values import decode, encode
from bokbok.wire import CANCEL, CLOSE, ERROR, PING, PONG, RESPONSE, Settings, read_coded

from .bench import MORE, Bench, cancel, close, configurations, error, frame, ping, pong, request, response, settings


def coded(answer) -> list:
    assert answer.kind == ERROR, answer
    code, message, details = read_coded(answer.body)
    return [code, message, *details]


def joined(frames: list) -> dict[int, bytes]:
    messages: dict[int, bytes] = {}
    for answer in frames:
        messages[answer.id] = messages.get(answer.id, b"") + answer.body
    return messages


class Answering(unittest.TestCase):
    def test_requests_at_every_split(self):
        for role, security in configurations():
            for piece_bytes in (0, 1, 2, 3, 7):
                with self.subTest(role=role, security=security, piece_bytes=piece_bytes):
                    bench = Bench(role, security, piece_bytes=piece_bytes).open()
                    message = encode(["echo", "12345"])
                    pieces = [request(9, message[index : index + 1], MORE) for index in range(len(message))]
                    bench.send(request(4294967295, ["a"]), *pieces[:5])
                    bench.send(*pieces[5:], request(9, b""))  # X-4.b, X-4.f
                    calls = bench.taken(Handle)
                    self.assertEqual([call.id for call in calls], [4294967295, 9])
                    self.assertEqual(calls[1].value, [b"echo", b"12345"])
                    bench.machine.respond(9, calls[1].value)  # X-9.b
                    (answer,) = bench.received()
                    self.assertEqual((answer.kind, answer.id, answer.flags), (RESPONSE, 9, 0))
                    bench.send(request(9, ["again"]))  # X-1.c
                    self.assertEqual(len(bench.taken(Handle)), 1)

    def test_what_follows_settings_in_the_same_record_is_taken(self):
        bench = Bench()
        bench.handshake()
        bench.send(settings(), request(1, ["a"]))  # S-1.e
        self.assertTrue(bench.taken(Opened) and bench.taken(Handle))

    def test_settings_of_extensions_are_ignored(self):
        bench = Bench()
        bench.handshake()
        bench.send(settings(["x.y"], ["x.y", ["z"], "2"], ["Z", "01"], ["", ""], ["max-requests", 1]))
        self.assertEqual(bench.machine.peer_settings.requests_max, 1)  # S-3.a
        bench.send(frame(8))
        self.assertEqual(bench.reason, "violation")  # S-4.a

    def test_default_settings_of_the_other_side(self):
        for pairs, expected in {
            (): (16777216, 128, 67108864),
            (("max-message", 2000000000),): (2000000000, 128, 4294967295),  # S-2.e
            (("max-message", 1024), ("max-partial", 1024), ("max-requests", 4294967295)): (1024, 4294967295, 1024),
        }.items():
            peer = Bench().open(*(list(pair) for pair in pairs)).machine.peer_settings
            self.assertEqual((peer.message_bytes_max, peer.requests_max, peer.partial_bytes_max), expected)

    def test_ids_of_both_sides_are_separate(self):
        bench = Bench().open()
        bench.machine.request(1, ["ours"])
        (ours,) = bench.received()
        bench.send(request(ours.id, ["theirs"]))  # X-1.b
        (call,) = bench.taken(Handle)
        bench.machine.respond(call.id, ["to theirs"])
        bench.send(response(ours.id, ["to ours"]))
        self.assertEqual(bench.taken(RequestDone)[0].value, [b"to ours"])
        self.assertEqual(bench.received()[0].body, encode(["to theirs"]))

    def test_malformed_requests(self):
        for body in (b"", b"(", b"x", b"()x", b"03:abc", b"(" * 65 + b")" * 65, b"[1:x]1:y", b" ()", b"4:abc", b")"):
            with self.subTest(body):
                bench = Bench().open()
                bench.send(request(1, body))
                self.assertFalse(bench.taken(Handle))  # E-2.b
                (answer,) = bench.received()
                self.assertEqual(coded(answer)[0], "malformed")  # E-2.a
                self.assertIsNone(bench.ended)  # E-2.c

    def test_errors_of_handlers(self):
        cases = [
            (("app.code-1", "no", ("x", ["y"])), ["app.code-1", "no", b"x", [b"y"]]),  # E-1.f
            (("unknown", "é\0", ()), ["unknown", "é\0"]),
            ((None, "TypeError: x", ()), ["handler-failed", "TypeError: x"]),  # E-1.b
            (("Bad Code", "why", ("x",)), ["handler-failed", "why", b"x"]),  # E-1.c
            (("a" * 65, "why", ()), ["handler-failed", "why"]),
            (("", "why", ()), ["handler-failed", "why"]),
        ]
        for code in ("handler-failed", "malformed", "cancelled", "closing", "too-large", "overloaded"):
            cases.append(((code, "why", ("x",)), ["handler-failed", "why", b"x"]))  # E-1.d
        for (code, message, details), expected in cases:
            bench = Bench().open()
            bench.send(request(1, ["x"]))
            bench.machine.fail(1, code, message, details)
            self.assertEqual(coded(bench.received()[0]), expected)

    def test_hidden_errors(self):
        bench = Bench(limits=Limits(hide_errors=True)).open()
        bench.send(request(1, ["x"]) + request(2, ["x"]))
        bench.machine.fail(1, None, "secret", ["detail"])
        bench.machine.fail(2, "app", "shown", ["detail"])
        hidden, shown = bench.received()
        self.assertEqual(coded(hidden), ["handler-failed", "the handler failed"])  # E-1.h
        self.assertEqual(coded(shown), ["app", "shown", b"detail"])
        self.assertIn("secret", bench.taken(Log)[0].text)

    def test_responses_that_cannot_be_sent(self):
        deep: list = []
        for _ in range(64):
            deep = [deep]
        bench = Bench().open(["max-message", 1024])
        bench.send(*(request(id, ["x"]) for id in range(1, 6)))
        bench.machine.respond(1, deep)  # E-4.b
        bench.machine.respond(2, [b""] * 1_048_576)  # E-4.b
        bench.machine.respond(3, bytes(1024))  # X-5.c
        bench.machine.fail(4, "app", "text", [deep])  # E-4.c
        bench.machine.respond(5, object())
        answers = {answer.id: coded(answer) for answer in bench.received()}
        self.assertEqual([answers[id][0] for id in (1, 2, 5)], ["handler-failed"] * 3)
        self.assertEqual(answers[3][0], "too-large")
        self.assertEqual(answers[4], ["handler-failed", "text"])
        self.assertIsNone(bench.ended)

    def test_errors_fit_one_frame(self):
        for security, bytes_max in (("plain", 65527), ("sealed", 65511)):
            bench = Bench("server", security).open()

            def answer(message: str, details: list) -> list:
                bench.send(request(1, ["x"]))
                bench.machine.fail(1, "app", message, details)
                (sent,) = bench.received()
                self.assertLessEqual(len(sent.body), bytes_max)
                self.size = len(sent.body)
                return coded(sent)

            fits = bytes_max - len("(3:app:)") - 5
            self.assertEqual(answer("x" * fits, []), ["app", "x" * fits])
            self.assertEqual(answer("x" * (fits + 1), []), ["app", "x" * fits])  # E-3.a
            self.assertEqual(self.size, bytes_max)
            self.assertEqual(answer("é" * 40_000, [])[1], "é" * (fits // 2))
            detail = bytes(bytes_max - 3000)
            _, text, *details = answer("€" * 2000, [detail, b"y"])
            self.assertEqual(details, [detail, b"y"])
            self.assertTrue(bytes_max - 2 <= self.size <= bytes_max)
            full = bytes(bytes_max - len("(3:app0::)") - 5)
            self.assertEqual(answer("x" * 9, [full]), ["app", "", full])
            self.assertEqual(answer("x" * 2000, [full + b"z"]), ["app", "x" * 1024])  # E-3.b
            self.assertEqual(answer("é" * 600 + "x", [b"a", full, b"b"]), ["app", "é" * 512, b"a"])
            self.assertEqual(answer("€" * 342, [bytes(70_000)]), ["app", "€" * 341])

    def test_one_answer_for_each_request_and_its_place(self):
        bench = Bench(own=Settings(requests_max=2)).open()
        bench.send(request(1, ["x"]), request(2, ["x"]))
        bench.machine.respond(2, ["y"])
        self.assertEqual([answer.id for answer in bench.received()], [2])
        bench.send(request(3, ["x"]))  # X-6.c
        self.assertIsNone(bench.ended)

    def test_overload(self):
        bench = Bench(limits=Limits(held_requests_bytes_max=100)).open()
        bench.send(request(1, encode(bytes(90))))
        bench.send(request(2, encode(bytes(90))))
        self.assertEqual([call.id for call in bench.taken(Handle)], [1])
        self.assertEqual(coded(bench.received()[0])[0], "overloaded")  # X-11.a
        bench.machine.respond(1, "y")
        bench.send(request(3, encode(bytes(90))))
        self.assertEqual([call.id for call in bench.taken(Handle)], [3])


class Cancelling(unittest.TestCase):
    def test_a_running_handler(self):
        for outcome in ("respond", "fail"):
            bench = Bench().open()
            bench.send(request(1, ["hang"]))
            bench.send(cancel(1), cancel(1), cancel(77))  # X-7.d
            self.assertEqual([action.id for action in bench.taken(CancelHandler)], [1])  # X-7.b
            self.assertEqual(bench.received(), [])  # X-7.c
            if outcome == "respond":
                bench.machine.respond(1, ["done"])
            else:
                bench.machine.fail(1, "app", "stopped")
            self.assertEqual([coded(answer)[0] for answer in bench.received()], ["cancelled"])  # X-7.a
            bench.send(request(1, ["again"]))
            self.assertEqual(len(bench.taken(Handle)), 2)

    def test_an_answer_that_was_decided_stays(self):
        bench = Bench().open()
        bench.send(request(1, ["x"]))
        bench.machine.respond(1, ["y"])
        bench.send(cancel(1))
        self.assertEqual([answer.kind for answer in bench.received()], [RESPONSE])

    def test_a_request_that_is_not_whole(self):
        bench = Bench(own=Settings(requests_max=1)).open()
        bench.send(request(1, b"(", MORE), cancel(1), cancel(1))
        self.assertEqual([coded(answer)[0] for answer in bench.received()], ["cancelled"])  # X-7.g
        self.assertFalse(bench.taken(Handle))  # X-7.f
        bench.send(request(1, ["x"]))
        self.assertEqual(len(bench.taken(Handle)), 1)

    def test_own_requests(self):
        bench = Bench().open(["max-requests", 3])
        for token in (1, 2, 3, 4):
            bench.machine.request(token, ["x", bytes(100_000 if token == 2 else 1)])
        bench.machine.cancel(4)  # it waits for a place: nothing was sent
        bench.machine.cancel(3)  # it has a place, and nothing was sent
        first = bench.received(pieces=1)
        whole = next(answer.id for answer in first if not answer.more)
        part = next(answer.id for answer in first if answer.more)
        bench.machine.cancel(1)
        bench.machine.cancel(2)
        bench.machine.cancel(2)
        after = bench.received()
        self.assertEqual([(item.kind, item.id) for item in after], [(CANCEL, whole), (CANCEL, part)])  # X-7.h
        bench.machine.request(5, ["new"])
        bench.machine.request(6, ["waits"])
        (new,) = bench.received()  # X-7.i: one place is free, not three
        self.assertNotIn(new.id, (whole, part))
        bench.send(error(part, "cancelled", ""))  # X-7.e
        (waited,) = bench.received()
        bench.send(response(whole, ["late"]))
        bench.send(response(new.id, ["n"]), response(waited.id, ["w"]))
        self.assertEqual([action.token for action in bench.taken(RequestDone)], [5, 6])
        bench.machine.cancel(5)  # a race: it has been answered
        self.assertEqual(bench.received(), [])


class Asking(unittest.TestCase):
    def test_answers(self):
        for role, security in configurations():
            with self.subTest(role=role, security=security):
                bench = Bench(role, security).open()
                for token in range(1, 9):
                    bench.machine.request(token, ["q", token])
                ids = [sent.id for sent in bench.received()]
                self.assertEqual(len(set(ids)), 8)
                self.assertNotIn(0, ids)
                bench.send(
                    response(ids[7], ["8"]),  # X-9.a
                    error(ids[0], "app", "text", "d"),
                    error(ids[1], "closing", "later"),
                    response(ids[2], b"x"),  # E-2.d
                    frame(ERROR, b"x", ids[3]),  # E-2.e
                    frame(ERROR, encode(["App", ""]), ids[4]),
                    frame(ERROR, encode(["app", b"\xff"]), ids[5]),
                    response(ids[6], b"(1:a", MORE),
                    error(ids[6], "app", "after all"),  # X-3.e
                )
                done = {action.token: action.error or action.value for action in bench.taken(RequestDone)}
                self.assertEqual(done[8], [b"8"])
                self.assertEqual((done[1].code, done[1].message, done[1].details), ("app", "text", [b"d"]))  # E-1.i
                self.assertIsInstance(done[2], RemoteClosing)
                for token in (3, 4, 5, 6):
                    self.assertIsInstance(done[token], MalformedValue)
                self.assertIsInstance(done[7], RemoteError)
                self.assertIsNone(bench.ended)  # E-2.c

    def test_requests_that_cannot_be_sent(self):
        bench = Bench().open(["max-message", 1024])
        deep: list = []
        for _ in range(64):
            deep = [deep]
        with self.assertRaises(MalformedValue):
            bench.machine.request(1, deep)  # E-4.a
        with self.assertRaises(MalformedValue):
            bench.machine.request(1, [b""] * 1_048_576)
        with self.assertRaises(TooLarge):
            bench.machine.request(1, bytes(1020))  # X-5.b
        with self.assertRaises(TypeError):
            bench.machine.request(1, 1.5)
        self.assertEqual(bench.received(), [])
        bench.machine.request(1, bytes(1019))
        self.assertEqual(len(bench.received()), 1)

    def test_places(self):
        bench = Bench().open(["max-requests", 2])
        for token in range(1, 6):
            bench.machine.request(token, ["q", token])
        sent = bench.received()
        self.assertEqual(len(sent), 2)  # X-6.b
        bench.send(response(sent[0].id, b"(", MORE))
        self.assertEqual(bench.received(), [])  # X-6.d
        bench.send(response(sent[0].id, b")"))
        (third,) = bench.received()
        self.assertEqual(third.body, encode(["q", 3]))


class Sending(unittest.TestCase):
    def test_large_messages_take_turns_and_small_ones_pass(self):
        for role, security in configurations():
            with self.subTest(role=role, security=security):
                bench = Bench(role, security).open()
                big = [encode([bytes([index]) * 300_000]) for index in range(2)]
                for token in (0, 1):
                    bench.machine.request(token, decode(big[token]))
                sent = bench.received(pieces=1)
                self.assertGreater(len({item.id for item in sent}), 1)  # X-4.d
                bench.machine.request(2, ["small"])
                bench.send(ping(b"abcdefgh"))
                following = bench.received(pieces=1)
                self.assertEqual(following[0].kind, PONG)  # P-1.b
                self.assertIn(encode(["small"]), [item.body for item in following])
                messages = joined([*sent, *following[1:], *bench.received()])
                self.assertEqual(sorted(map(len, messages.values())), [9, len(big[0]), len(big[1])])
                self.assertTrue(set(big) <= set(messages.values()))  # X-4.a

    def test_max_partial_of_the_receiver(self):
        for is_answer in (False, True):
            bench = Bench().open(["max-message", 100_000], ["max-partial", 150_000])
            big = ["x", bytes(90_000)]
            if is_answer:
                bench.send(*(request(id, ["x"]) for id in (1, 2, 3, 4)))
                for id in (1, 2, 3):
                    bench.machine.respond(id, big)
                bench.machine.respond(4, ["small"])
            else:
                for token in (1, 2, 3):
                    bench.machine.request(token, big)
                bench.machine.request(4, ["small"])
            begun: Counter = Counter()
            order = []
            sent = bench.received(pieces=1)
            self.assertIn(encode(["small"]), [item.body for item in sent])  # X-10.c
            while sent:
                for item in sent:
                    if item.body == encode(["small"]):
                        continue
                    if item.id not in begun:
                        self.assertFalse(begun, "X-10.a")
                        order.append(item.id)
                    begun[item.id] += len(item.body)
                    if not item.more:
                        del begun[item.id]  # X-10.d
                sent = bench.received(pieces=1)
            self.assertEqual(order, sorted(order))  # X-10.b
            self.assertEqual(len(order), 3)

    def test_cancelling_makes_room(self):
        bench = Bench().open(["max-message", 100_000], ["max-partial", 100_000])
        for token in (1, 2):
            bench.machine.request(token, bytes(90_000))
        (first, *_) = bench.received(pieces=1)
        bench.machine.cancel(1)
        sent = bench.received()
        self.assertEqual((sent[0].kind, sent[0].id), (CANCEL, first.id))
        self.assertEqual({item.id for item in sent[1:]}, {first.id + 1})  # X-10.d

    def test_reading_stops_for_replies_of_the_protocol_layer_only(self):
        bench = Bench(limits=Limits(reply_backlog_bytes_max=1000)).open()
        bench.machine.request(1, bytes(1_000_000))
        bench.send(request(1, ["x"]), request(2, ["x"]))
        bench.machine.respond(1, bytes(1_000_000))
        bench.machine.fail(2, "app", "x" * 50_000)
        self.assertTrue(bench.machine.wants_to_read)  # P-4.a
        for _ in range(62):
            bench.send(ping())
        self.assertTrue(bench.machine.wants_to_read)
        bench.send(ping())
        self.assertFalse(bench.machine.wants_to_read)  # P-4.b
        bench.pump(pieces=1)
        self.assertTrue(bench.machine.wants_to_read)
        for id in range(10, 30):
            bench.send(request(id, b"bad"))
        self.assertFalse(bench.machine.wants_to_read)
        bench.pump()
        self.assertTrue(bench.machine.wants_to_read)
        self.assertEqual(bench.machine._outbox.reply_bytes, 0)

    def test_answers_that_nobody_reads_hold_requests_back(self):
        bench = Bench(limits=Limits(answer_backlog_bytes_max=100_000)).open()
        bench.send(*(request(id, ["x"]) for id in (1, 2, 3)))
        bench.machine.respond(1, bytes(5_000_000))  # the longest is not counted
        bench.machine.respond(2, bytes(90_000))
        bench.send(request(4, ["x"]))
        self.assertEqual(len(bench.taken(Handle)), 4)
        bench.machine.respond(3, bytes(20_000))
        bench.send(request(5, ["x"]), request(6, ["x"]), request(7, b"bad"))
        self.assertEqual(bench.taken(Handle), [])  # P-5.a
        bench.send(ping(), cancel(5), cancel(4), request(8, b"(", MORE))  # P-5.b
        answers = bench.received(pieces=1)
        self.assertEqual(answers[0].kind, PONG)
        self.assertEqual(len(bench.taken(CancelHandler)), 1)
        self.assertTrue(bench.machine.wants_to_read)
        answers += bench.received()
        self.assertEqual([call.id for call in bench.taken(Handle)], [6])
        self.assertIn(5, [answer.id for answer in answers])

    def test_the_default_limits(self):
        self.assertEqual((Limits().reply_backlog_bytes_max, Limits().answer_backlog_bytes_max), (262144, 1048576))

    def test_memory_of_unfinished_messages(self):
        bench = Bench(own=Settings(partial_bytes_max=2**31)).open()
        size = 0
        for _ in range(200):
            bench.send(request(1, bytes(5000), MORE))
            size += 5000
            held = bench.machine._responder._under_way[1].begun.__sizeof__()
            self.assertLessEqual(held, 2 * size + 65_536)  # R-5.b


class Pinging(unittest.TestCase):
    def test_pings_and_pongs(self):
        for role, security in configurations():
            bench = Bench(role, security).open()
            bench.send(ping(b"12345678"), ping(b"abcdefgh"), pong(b"nobody's"))  # P-2.a
            self.assertEqual([(item.kind, item.body) for item in bench.received()],
                             [(PONG, b"12345678"), (PONG, b"abcdefgh")])  # P-1.a  # fmt: skip
            bench.machine.ping("first")
            bench.machine.ping("second")
            sent = bench.received()
            bench.send(pong(sent[1].body))
            self.assertEqual([action.token for action in bench.taken(PingDone)], ["second"])
            bench.send(close())
            bench.send(ping())
            self.assertEqual([item.kind for item in bench.received()], [CLOSE, PONG])  # P-1.c

    def test_keepalive(self):
        for role, security in configurations():
            limits = Limits(keepalive_seconds=5, keepalive_timeout_seconds=2)
            bench = Bench(role, security, limits=limits).open()
            bench.turn_clock(4.9)
            self.assertEqual(bench.received(), [])
            bench.turn_clock(0.2)
            (sent,) = bench.received()
            self.assertEqual(sent.kind, PING)  # P-3.b
            bench.turn_clock(1.9)
            bench.send(ping())  # P-3.d: any record will do
            bench.received()
            bench.turn_clock(4.9)
            bench.feed(b"\0")  # P-3.d: no whole record
            self.assertEqual(bench.received(), [])
            bench.turn_clock(0.2)
            self.assertEqual([item.kind for item in bench.received()], [PING])
            bench.machine.ping("own")
            bench.turn_clock(2.1)
            self.assertEqual(bench.reason, "lost")  # P-3.c
            self.assertEqual(len(bench.taken(PingDone)), 1)  # P-2.b

    def test_keepalive_is_off_by_default_and_goes_on_while_closing(self):
        self.assertIsNone(Bench().open().machine.deadline)  # P-3.a
        bench = Bench(limits=Limits(keepalive_seconds=3)).open()
        bench.send(request(1, ["hang"]), close())
        bench.received()
        bench.turn_clock(3.1)
        self.assertEqual([item.kind for item in bench.received()], [PING])  # P-3.f
        bench.turn_clock(3.1)
        self.assertEqual(bench.reason, "lost")


class Volume(unittest.TestCase):
    def test_many_exchanges_at_once(self):
        for security in ("plain", "sealed"):
            bench = Bench("server", security, own=Settings(requests_max=100)).open()
            for _ in range(5):
                bench.send(*(request(id, ["n", id]) for id in range(1, 101)))
                for call in bench.taken(Handle):
                    bench.machine.respond(call.id, hashlib.sha256(encode(call.value)).digest() * 40)
                answers = joined(bench.received())
                self.assertEqual(len(answers), 100)
                digest = hashlib.sha256(encode(["n", 7])).digest()
                self.assertEqual(decode(answers[7]), digest * 40)


if __name__ == "__main__":
    unittest.main()
