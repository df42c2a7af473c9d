"""Addresses (section 9) and UNIX sockets' places (A-1)."""

import fcntl
import os
import socket
import stat
import tempfile
import unittest

from bokbok.addresses import CommandAddress, StandardIOAddress, TCPAddress, UNIXAddress, parse_address, split_words
from bokbok.errors import AddressError
from bokbok.unix_socket import UNIXListener


class Parsing(unittest.TestCase):
    def test_forms(self):
        for text, expected in {
            "tcp:localhost:7000": TCPAddress("localhost", 7000),
            "localhost:0": TCPAddress("localhost", 0),
            "tcp:[::1]:65535": TCPAddress("::1", 65535),
            "[fe80::1%eth0]:1": TCPAddress("fe80::1%eth0", 1),
            "unix:/run/x.sock": UNIXAddress("/run/x.sock"),
            "unix:x": UNIXAddress("x"),
            "./x": UNIXAddress("./x"),
            "http://x": UNIXAddress("http://x"),
            "stdio:": StandardIOAddress(),
            "exec:cat -u": CommandAddress(("cat", "-u")),
        }.items():
            self.assertEqual(parse_address(text), expected, text)
            self.assertEqual(parse_address(str(expected)), expected)

    def test_wrong_texts(self):
        for text in (
            "", "x", "tcp:", "tcp:x", "tcp::1", "x:", "x:65536", "x:-1", "x:+1", "x: 1", "x:1x", "x:٣", "::1:80",
            "[::1]80", "[::1]:", "[::1", "[x]:1", "unix:", "stdio:x", "exec:", "exec: ", "exec:'a", "unix:a\0b",
        ):  # fmt: skip
            with self.subTest(text):
                with self.assertRaises(AddressError):
                    parse_address(text)

    def test_words(self):
        for text, words in {
            "a  b\tc\nd": ["a", "b", "c", "d"],
            "'a b' \"c d\" e\\ f": ["a b", "c d", "e f"],
            "'' \"\"": ["", ""],
            "a'b'\"c\"d": ["abcd"],
            r'"\$ \` \" \\ \x"': [r'$ ` " \ \x'],
            r"'\n'": [r"\n"],
            "a\\\nb": ["ab"],
            '"a\\\nb"': ["ab"],
            "$HOME * ~ # ; | & `x` $(x)": ["$HOME", "*", "~", "#", ";", "|", "&", "`x`", "$(x)"],
        }.items():
            self.assertEqual(split_words(text), words, text)  # A-3.e
        for text in ("'a", '"a', "a\\", '"a\\"'):
            with self.assertRaises(AddressError):
                split_words(text)


class UNIXSockets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "s")

    def test_mode_and_removal(self):
        for mode in (0o600, 0o666):
            listener = UNIXListener(self.path, mode)
            self.assertEqual(stat.S_IMODE(os.lstat(self.path).st_mode), mode)  # A-1.c
            self.assertEqual(stat.S_IMODE(os.lstat(self.path + ".lock").st_mode), 0o600)
            listener.close()
            self.assertFalse(os.path.exists(self.path))  # A-1.g
            self.assertTrue(os.path.exists(self.path + ".lock"))  # A-1.h

    def test_a_dead_socket_is_replaced(self):
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(self.path)
        dead.close()
        UNIXListener(self.path).close()  # A-1.e

    def test_what_is_never_removed(self):
        with socket.socket(socket.AF_UNIX) as living:
            living.bind(self.path)
            living.listen(0)
            for _ in range(3):  # also when its backlog is full
                with self.assertRaisesRegex(AddressError, "something listens"):
                    UNIXListener(self.path)  # A-1.f
        os.unlink(self.path)
        with open(self.path, "w"):
            pass
        with self.assertRaisesRegex(AddressError, "not a socket"):
            UNIXListener(self.path)
        self.assertTrue(os.path.exists(self.path))

    def test_a_lock_that_is_held(self):
        with open(self.path + ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.assertRaisesRegex(AddressError, "lock"):
                UNIXListener(self.path)  # A-1.i
        first = UNIXListener(self.path)
        with self.assertRaisesRegex(AddressError, "lock"):
            UNIXListener(self.path)
        first.close()
        UNIXListener(self.path).close()

    def test_a_socket_that_took_its_place_stays(self):
        listener = UNIXListener(self.path)
        os.unlink(self.path)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            listener.close()
            self.assertTrue(os.path.exists(self.path))  # A-1.g

    def test_long_paths(self):
        with self.assertRaisesRegex(AddressError, "bytes"):
            UNIXListener("/tmp/" + "x" * 103)  # A-1.j
        with self.assertRaises(AddressError):
            UNIXListener(os.path.join(self.path, "missing", "s"))


if __name__ == "__main__":
    unittest.main()
