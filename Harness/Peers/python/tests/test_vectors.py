"""The project's vectors, of which this implementation confirms every one."""

import json
import os
import pathlib
import sys
import unittest

from bokbok.keys import derive_key, passphrase_salt
from bokbok.noise import Handshake, NotAuthentic, message_patterns

from .vector_checks import CHECKS
from bokbok.opening import ClientOpening, ServerOpening
from bokbok.wire import SETTINGS, encode_frame

VECTORS = pathlib.Path(__file__).resolve().parents[4] / "Vectors"


class Vectors(unittest.TestCase):
    def test_every_vector(self):
        counts: dict[str, int] = {}
        for path in sorted(VECTORS.glob("*.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            check = CHECKS[content["subject"]]
            for vector in content["vectors"]:
                with self.subTest(vector["id"]):
                    check(self, vector)
                    counts[content["subject"]] = counts.get(content["subject"], 0) + 1
        print(f"vectors confirmed: {counts}", file=sys.stderr)
        for subject in CHECKS:
            self.assertGreaterEqual(counts.get(subject, 0), 3 if subject == "noise" else 5, subject)

    def test_schemas(self):
        try:
            import jsonschema
        except ImportError:
            if os.environ.get("BOKBOK_REQUIRE"):
                raise
            self.skipTest("the package jsonschema is not installed")
        for path in sorted(VECTORS.glob("*.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            schema = json.loads((VECTORS / "schemas" / f"{content['subject']}.schema.json").read_text(encoding="utf-8"))
            jsonschema.Draft202012Validator.check_schema(schema)
            with self.subTest(path.name):
                jsonschema.Draft202012Validator(schema).validate(content)


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


class Example(unittest.TestCase):
    """The sealed connection of the specification's reading guide."""

    def test_the_handshake(self):
        secrets = [bytes(range(start, start + 32)) for start in (0x00, 0x20, 0x40, 0x60)]
        user_key, session_key, client_secret, server_secret = secrets
        entropy = [session_key, client_secret]
        client = ClientOpening(b"alice", user_key, entropy=lambda size: entropy.pop(0))
        server = ServerOpening(bytes(32), entropy=lambda size: server_secret)
        hello = bytearray(client.begin())
        self.assertEqual(
            hello.hex(),
            "424f4b424f4b01010005616c696365005079a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51a"
            "c239f4f6a690d5414845ba0cc17e6d9d35131b01e698b27b9b77c955dbb73b088e40012397d3253a922d0d65f928f7ac",
        )
        self.assertEqual(server.receive(hello).user, "alice")
        accepted = server.key_found(user_key)
        self.assertEqual(
            accepted.reply.hex(),
            "424f4b424f4b01010030675dd574ed7789310b3d2e7681f3790b466c773b1521fecf36577958371ea52f"
            "5b2926c3855da542417c0fedfdcc9ab6",
        )
        opened = client.receive(bytearray(accepted.reply))
        for ends, key in (
            ((opened.sending, accepted.receiving), "8f19bc62ffd1c4a546ff94f53018b6d1cb59aa68d1dbe26424938e55e75cfe7d"),
            ((opened.receiving, accepted.sending), "91eecc3132deedefec3c92dd7faccfb8da476f0316de69a33911b53402fde109"),
        ):
            self.assertEqual([end._key.hex() for end in ends], [key, key])  # H-9.a
        settings = encode_frame(SETTINGS, 0, b"()")
        self.assertEqual(
            accepted.sending.encrypt(settings).hex(), "eb2a11e6bf80dbc22493735999f12a252c6398098103ba44cbf4"
        )


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
