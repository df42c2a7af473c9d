"""The project's vectors, each file by its subject. Says which subjects were checked and which were not."""

import json
import pathlib
import sys
import unittest
from typing import Any, Callable

from bokbok.keys import derive_key, passphrase_salt
from bokbok.noise import Handshake, NotAuthentic, message_patterns

VECTORS = pathlib.Path(__file__).resolve().parents[4] / "Vectors"


def check_noise(test: unittest.TestCase, vector: dict[str, Any]) -> None:
    """A Noise transcript: handshake messages and then transport messages, in alternation."""
    octets = bytes.fromhex
    sides = [
        Handshake(
            vector["protocol_name"],
            initiator=name == "init",
            prologue=octets(vector[f"{name}_prologue"]),
            pre_shared_keys=[bytearray(octets(key)) for key in vector[f"{name}_psks"]],
            entropy=lambda size, name=name: octets(vector[f"{name}_ephemeral"]),
        )
        for name in ("init", "resp")
    ]
    handshake_messages = len(message_patterns(vector["protocol_name"]))
    ciphers: list[Any] = []
    for index, message in enumerate(vector["messages"]):
        payload, expected = octets(message["payload"]), octets(message["ciphertext"])
        writer, reader = sides[index % 2], sides[1 - index % 2]
        if index < handshake_messages:
            test.assertEqual(writer.write(payload), expected)
            test.assertEqual(reader.read(expected), payload)
            if writer.finished:
                test.assertEqual(writer.state.hash, reader.state.hash)
                if "handshake_hash" in vector:
                    test.assertEqual(writer.state.hash.hex(), vector["handshake_hash"])
                ciphers = [side.split() for side in sides]
        else:
            direction = index % 2
            test.assertEqual(ciphers[direction][direction].encrypt(payload), expected)
            test.assertEqual(ciphers[1 - direction][direction].decrypt(expected), payload)


CHECKS: dict[str, Callable[[unittest.TestCase, dict[str, Any]], None]] = {"noise": check_noise}


class Vectors(unittest.TestCase):
    def test_all_files(self):
        checked, unchecked = {}, []
        for path in sorted(VECTORS.glob("*.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            if "vectors" not in content:
                continue  # a schema
            check = CHECKS.get(content["subject"])
            if check is None:
                unchecked.append(content["subject"])
                continue
            for vector in content["vectors"]:
                with self.subTest(vector["id"]):
                    check(self, vector)
            checked[content["subject"]] = len(content["vectors"])
        print(f"vectors checked: {checked}; subjects without a check: {unchecked or 'none'}", file=sys.stderr)
        self.assertIn("noise", checked)


class Noise(unittest.TestCase):
    def test_patterns(self):
        self.assertEqual(
            message_patterns("Noise_NNpsk0+psk2_25519_ChaChaPoly_SHA256"), [["psk", "e"], ["e", "ee", "psk"]]
        )
        self.assertEqual(message_patterns("Noise_NN_25519_ChaChaPoly_SHA256"), [["e"], ["e", "ee"]])
        for name in ("Noise_XX_25519_ChaChaPoly_SHA256", "Noise_NN_448_ChaChaPoly_SHA256"):
            with self.assertRaises(ValueError):
                message_patterns(name)

    def test_a_message_that_is_too_short(self):
        name = "Noise_NNpsk0_25519_ChaChaPoly_SHA256"
        side = Handshake(name, initiator=False, prologue=b"", pre_shared_keys=[bytearray(32)])
        with self.assertRaises(NotAuthentic):
            side.read(bytes(31))


class Passphrases(unittest.TestCase):
    """The example of the specification's section 8."""

    def test_derivation(self):
        passphrase = "orbit velvet canyon ladder mosaic thicket plural"
        for user, salt, key in (
            ("alice", "a16d0e05f3953e9f301b6294ac8d1782",
             "671baa3437178ecd3f8c8a045df2460c4615e37855807d8fae966da1195be805"),
            ("", "fcb8bcff69515721f6a5296b376c10d3",
             "a79efaf5278041c62775241b5f96452403fa457ee44203e18da83d024d7d9b8c"),
        ):  # fmt: skip
            self.assertEqual(passphrase_salt(user).hex(), salt)  # K-1.b
            self.assertEqual(derive_key(passphrase, user).hex(), key)  # K-1.a


if __name__ == "__main__":
    unittest.main()
