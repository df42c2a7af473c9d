"""The opening, refusals, the sealed handshake and its time limit (sections 2 and 3)."""

import os
import unittest

from bokbok.actions import CloseStream, Log, LookUpKey, Opened, ShutDownSending
from bokbok.errors import AuthenticationFailed, ConnectionLost, HandshakeTimeout, NotBokbok, Refused, Tampered
from bokbok.limits import Limits
from bokbok.machine import Machine
from bokbok.opening import ClientOpening
from bokbok.values import encode
from bokbok.wire import SETTINGS, Settings, read_code_and_message, preamble, record, take_record

from .bench import KEY, USER, Bench, client_handshake, close, configurations, ping, request, settings

# Public keys that make every shared secret zero (RFC 7748, section 6.1 speaks of them).
SMALL_ORDER_KEYS = [
    bytes(32),
    (1).to_bytes(32, "little"),
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
]


def refusal(code: str, message: str = "no", *more: object, version: int = 1) -> bytes:
    return b"BOKBOK" + bytes((version, 0xFF)) + record(encode([code, message, *more]))


class ServerOpenings(unittest.TestCase):
    def refused(self, bench: Bench) -> str:
        bench.pump()
        self.assertEqual(bytes(bench.unread[:8]), b"BOKBOK\x01\xff")  # O-4.b, O-6.a
        del bench.unread[:8]
        content = take_record(bench.unread)
        self.assertEqual(bench.unread, b"")
        self.assertTrue(bench.taken(ShutDownSending))  # O-6.b
        self.assertFalse(bench.ended.was_open)
        self.assertFalse(bench.taken(Opened))
        code, message = read_code_and_message(content)
        return f"{code} {message}"

    def test_silence_until_the_whole_preamble(self):
        for security in ("plain", "sealed"):
            bench = Bench("server", security)
            for octet in b"BOKBOK\1":
                bench.feed(bytes((octet,)))
                bench.pump()
                self.assertEqual(bench.unread, b"")  # O-2.a

    def test_other_protocols_are_closed_without_a_word(self):
        for first in (b"GET / HTTP/1.1\r\n\r\n", b"BOKBOX\1\0", b"X"):
            bench = Bench("server")
            bench.feed(first)
            bench.pump()
            self.assertEqual(bench.unread, b"")
            self.assertTrue(bench.taken(CloseStream))  # O-3.a

    def test_refusals_and_their_order(self):
        for security, own_mode, other_mode in (("plain", 0, 1), ("sealed", 1, 0)):
            for is_busy in (False, True):
                cases = {
                    (2, own_mode): "unsupported-version",
                    (0, other_mode): "unsupported-version",
                    (255, 0x77): "unsupported-version",
                    (1, other_mode): "mode-mismatch",
                    (1, 2): "mode-mismatch",
                    (1, 0xFF): "mode-mismatch",
                }
                if is_busy:
                    cases[(1, own_mode)] = "busy"
                for (version, mode), code in cases.items():
                    with self.subTest(security=security, version=version, mode=mode, is_busy=is_busy):
                        bench = Bench("server", security, is_busy=lambda: is_busy)
                        bench.feed(b"BOKBOK" + bytes((version, mode)) + b"rest")
                        self.assertEqual(self.refused(bench).split()[0], code)

    def test_failed_authentications_look_the_same(self):
        good = client_handshake().write(b"k" * 32)
        zero = []
        for public in SMALL_ORDER_KEYS:
            handshake = client_handshake()
            handshake._messages[0].remove("e")
            handshake._mix("psk")
            handshake._messages[0].remove("psk")
            handshake._mix_public(public)
            zero.append(record(USER.encode()) + record(public + handshake.write(b"k" * 32)))

        def hello_of(user: bytes) -> bytes:
            name = len(user).to_bytes(2, "big") + user
            return name + record(client_handshake(user=user).write(b"k" * 32))

        cases: dict[str, tuple[bytes, bytes | None]] = {
            "H-4.a": (record(b"nobody") + record(good), None),
            "H-4.b wrong key": (record(USER.encode()) + record(client_handshake(bytes(32)).write(b"k" * 32)), KEY),
            "H-4.b prologue": (record(b"bob") + record(good), KEY),
            "H-4.h short": (record(USER.encode()) + record(good), KEY[:31]),
            "H-4.h long": (record(USER.encode()) + record(good), KEY + b"x"),
            "H-5.a empty": (hello_of(b""), KEY),
            "H-5.a long": (hello_of(b"x" * 256), KEY),
            "H-5.b": (hello_of(b"\xff"), KEY),
            "H-12.b surrogate": (hello_of(b"\xed\xa0\x80"), KEY),
            "H-12.b overlong": (hello_of(b"\xc0\xaf"), KEY),
            "H-12.b range": (hello_of(b"\xf4\x90\x80\x80"), KEY),
            "H-5.c short": (record(USER.encode()) + record(good[:-1]), KEY),
            "H-5.c long": (record(USER.encode()) + record(good + b"x"), KEY),
            "H-5.c empty": (record(USER.encode()) + b"\0\0", KEY),
        }
        for index, message in enumerate(zero):
            cases[f"H-6.a {index}"] = (message, KEY)
        texts = set()
        for name, (hello, key) in cases.items():
            with self.subTest(name):
                bench = Bench("server", "sealed")
                bench.feed(preamble(1) + hello)
                if bench.taken(LookUpKey):
                    bench.machine.key_found(key, bench.now)
                    bench.collect()
                texts.add(self.refused(bench))
                (log,) = bench.taken(Log)  # H-4.j
                self.assertEqual("all zero" in log.text, name.startswith("H-6"), log.text)
        self.assertEqual(len(texts), 1)  # H-5.d, H-4.c
        self.assertEqual(texts.pop().split()[0], "authentication-failed")

    def test_the_lookup_comes_after_message_1(self):
        bench = Bench("server", "sealed")
        message_1 = client_handshake().write(b"k" * 32)
        bench.feed(preamble(1) + record(USER.encode()) + record(message_1)[:-1])
        self.assertFalse(bench.taken(LookUpKey))  # H-4.e
        bench.pump()
        self.assertEqual(bench.unread, b"")  # H-3.c, H-4.d
        bench.feed(message_1[-1:])
        self.assertEqual([action.user for action in bench.taken(LookUpKey)], [USER])
        self.assertFalse(bench.machine.wants_to_read)  # O-10.e

    def test_a_replayed_hello_never_opens(self):
        bench = Bench("server", "sealed")
        bench.client_hello()
        bench.machine.key_found(KEY, bench.now)
        bench.pump()
        self.assertTrue(bench.unread)
        self.assertFalse(bench.taken(Opened))  # H-10.b
        bench.feed(record(bytes(40)))
        self.assertEqual(bench.reason, "tampered")
        self.assertTrue(bench.taken(CloseStream))
        self.assertEqual(bench.received(), [] if not bench.unread.clear() else [])

    def test_the_time_limit(self):
        for security in ("plain", "sealed"):
            beginnings = [b"", b"BOKBO", preamble(1 if security == "sealed" else 0)]
            if security == "sealed":
                beginnings.append(preamble(1) + record(b"alice") + record(client_handshake().write(b"k" * 32)))
            for sent in beginnings:
                with self.subTest(security=security, sent=sent):
                    bench = Bench("server", security, limits=Limits(handshake_seconds=3))
                    for octet in sent:
                        bench.turn_clock(0.02)
                        bench.feed(bytes((octet,)))  # O-10.b
                    bench.pump()
                    bench.unread.clear()
                    bench.turn_clock(1000.0 + 2.9 - bench.now)
                    self.assertIsNone(bench.ended)
                    bench.turn_clock(0.2)
                    bench.pump()
                    self.assertEqual(bench.unread, b"")  # O-10.a
                    self.assertTrue(bench.taken(CloseStream))
                    bench.machine.key_found(KEY, bench.now)  # H-4.i: a lookup that ends after all
                    self.assertEqual(bench.machine.data_to_send(), None)

    def test_the_default_time_limit(self):
        bench = Bench("server")
        self.assertEqual(bench.machine.deadline, bench.now + 10)  # O-10.d

    def test_no_more_is_kept_than_one_record(self):
        bench = Bench("server", "sealed")
        bench.handshake()
        kept = 0
        bench.feed(b"\xff\xff")
        while bench.machine.read_bytes_max and kept < 65_000:
            bench.feed(bytes(min(bench.machine.read_bytes_max, 1000)))
            kept = len(bench.machine._buffer)
        self.assertLessEqual(kept + bench.machine.read_bytes_max, 65_537)  # O-10.e


class ClientOpenings(unittest.TestCase):
    def test_what_is_sent_without_waiting(self):
        bench = Bench("client", "plain")
        bench.pump()
        self.assertEqual(bytes(bench.unread[:8]), b"BOKBOK\1\0")
        del bench.unread[:8]
        self.assertEqual([frame.kind for frame in bench.received()], [SETTINGS])  # O-8.a
        bench = Bench("client", "sealed")
        bench.pump()
        self.assertEqual(len(bench.unread), 8 + 2 + 5 + 2 + 80)  # H-2.a, H-2.b

    def failure(self, security: str, data: bytes, *, end: bool = False) -> object:
        bench = Bench("client", security)
        bench.pump()
        bench.unread.clear()
        bench.feed(data)
        if end:
            bench.end_input()
        bench.pump()
        self.assertEqual(bench.unread, b"")  # H-11.a
        self.assertTrue(bench.taken(CloseStream))
        self.assertFalse(bench.taken(Opened))
        return bench.ended.error

    def test_what_is_not_this_protocol(self):
        cases = {
            "O-9.a": b"SSH-2.0-",
            "O-9.a first byte": b"C",
            "O-9.b": b"BOKBOK\2\0",
            "O-9.b 0": b"BOKBOK\0\1",
            "O-9.c": b"BOKBOK\1\x02",
            "O-9.d empty": b"BOKBOK\1\xff\0\0",
            "O-9.d no value": b"BOKBOK\1\xff" + record(b"x"),
            "O-9.d one": b"BOKBOK\1\xff" + record(encode(["busy"])),
            "O-9.d details": refusal("busy", "no", "x"),
            "O-9.d code": refusal("BUSY"),
            "O-9.d message": b"BOKBOK\1\xff" + record(encode(["busy", b"\xff"])),
        }
        for security in ("plain", "sealed"):
            for name, data in cases.items():
                with self.subTest(name, security=security):
                    self.assertIsInstance(self.failure(security, data), NotBokbok)
        self.assertIsInstance(self.failure("plain", b"BOKBOK\1\1"), NotBokbok)
        self.assertIsInstance(self.failure("sealed", b"BOKBOK\1\0" + record(settings())), NotBokbok)  # O-9.f

    def test_refusals(self):
        for security in ("plain", "sealed"):
            for version in (1, 2, 0, 255):
                for code in ("busy", "unsupported-version", "x.y-1"):
                    error = self.failure(security, refusal(code, "so", version=version) + b"rest")
                    self.assertIsInstance(error, Refused)  # O-9.h
                    self.assertEqual((error.code, error.message), (code, "so"))

    def test_lost_before_open(self):
        for security in ("plain", "sealed"):
            for data in (b"", b"BOKBOK\1", refusal("busy")[:-1], preamble(1 if security == "sealed" else 0)):
                error = self.failure(security, data, end=True)
                self.assertIsInstance(error, ConnectionLost, data)  # O-9.e
        self.assertIsInstance(self.failure("sealed", preamble(1) + record(bytes(48))[:-1], end=True), ConnectionLost)

    def test_message_2_that_does_not_authenticate(self):
        for content in (os.urandom(48), os.urandom(47), os.urandom(49), *(key + bytes(16) for key in SMALL_ORDER_KEYS)):
            self.assertIsInstance(self.failure("sealed", preamble(1) + record(content)), AuthenticationFailed)
        self.assertIsInstance(self.failure("sealed", preamble(1) + b"\0\0"), AuthenticationFailed)  # H-11.c

    def test_the_time_limit(self):
        for security in ("plain", "sealed"):
            bench = Bench("client", security, limits=Limits(handshake_seconds=2))
            bench.turn_clock(1.9)
            self.assertIsNone(bench.ended)
            bench.turn_clock(0.2)
            self.assertIsInstance(bench.ended.error, HandshakeTimeout)  # O-10.c

    def test_the_first_sealed_record_is_changed(self):
        bench = Bench("client", "sealed")
        bench.handshake()
        bench.feed(record(bytes(20)))
        self.assertIsInstance(bench.ended.error, Tampered)  # R-3.d

    def test_secrets_differ_and_are_erased(self):
        hellos = []
        for _ in range(2):
            opening = ClientOpening(USER.encode(), KEY)
            machine = Machine(opening, Settings(), Limits())
            machine.begin(0)
            hellos.append(machine.data_to_send())
            machine.abort(0)
            self.assertEqual(bytes(opening._session_key), bytes(32))  # H-8.a
            self.assertEqual(bytes(opening._handshake.ephemeral_secret), bytes(32))
            self.assertTrue(all(not any(key) for key in opening._handshake.pre_shared_keys))
        self.assertNotEqual(hellos[0][-80:-48], hellos[1][-80:-48])  # H-7.b
        for role in ("client", "server"):
            handshake = Bench(role, "sealed").open().machine._opening._handshake
            self.assertFalse(any(handshake.ephemeral_secret) or any(map(any, handshake.pre_shared_keys)))  # H-8.a
            self.assertFalse(any(handshake.state.chaining_key) or any(handshake.state.cipher._key))
        bench = Bench("client", "sealed").open()
        ciphers = bench.machine._sending, bench.machine._receiving
        self.assertTrue(all(any(cipher._key) for cipher in ciphers))
        bench.machine.abort(0)
        self.assertFalse(any(any(cipher._key) for cipher in ciphers))  # H-8.b


class Records(unittest.TestCase):
    def test_tampering_ends_without_a_word(self):
        for role in ("client", "server"):
            cases = {
                "changed": lambda bench: bench.feed(flip(record(bench.seal(ping())))),
                "tag": lambda bench: bench.feed(flip(record(bench.seal(ping())), -1)),
                "replayed": lambda bench: [bench.feed(sealed) for sealed in [record(bench.seal(ping()))] * 2],
                "dropped": lambda bench: [bench.seal(ping()), bench.send(ping())],
                "swapped": lambda bench: [
                    bench.feed(sealed) for sealed in reversed([record(bench.seal(ping())) for _ in range(2)])
                ],
                "R-1.b 15": lambda bench: bench.feed(record(bytes(15))),
                "R-1.b 0": lambda bench: bench.feed(b"\0\0"),
                "plain": lambda bench: bench.feed(record(close())),
            }
            for name, act in cases.items():
                with self.subTest(name, role=role):
                    bench = Bench(role, "sealed").open()
                    bench.machine.request(1, ["x"])
                    bench.pump()
                    bench.unread.clear()
                    act(bench)
                    self.assertEqual(bench.reason, "tampered")  # R-3.d
                    self.assertTrue(bench.taken(CloseStream))
                    self.assertIsNone(bench.machine.data_to_send())  # R-3.a

    def test_the_largest_record(self):
        for role, security in configurations():
            bench = Bench(role, security).open()
            room = 65535 - (16 if security == "sealed" else 0)
            many = ping() * (room // 16 - 1)
            bench.send(many + request(1, encode(bytes(room - len(many) - 8))[: room - len(many) - 8]))  # R-1.c, R-2.b
            self.assertIsNone(bench.ended)
            self.assertEqual(len(bench.received()) - 1, room // 16 - 1)

    def test_counters_do_not_wrap(self):
        bench = Bench("server", "sealed").open()
        bench.machine._sending.counter = bench.receiving.counter = 2**64 - 2
        bench.send(ping())
        self.assertEqual(len(bench.received()), 1)
        bench.send(ping())
        self.assertEqual(bench.received(), [])
        self.assertEqual(bench.reason, "lost")  # R-4.a
        bench = Bench("server", "sealed").open()
        bench.machine._receiving.counter = 2**64 - 1
        bench.feed(record(bytes(40)))
        self.assertEqual(bench.reason, "lost")


def flip(data: bytes, index: int = 2) -> bytes:
    changed = bytearray(data)
    changed[index] ^= 1
    return bytes(changed)


if __name__ == "__main__":
    unittest.main()
