"""What this implementation makes of the project's vectors, one function for each subject (`Vectors/FORMAT.md`).

Each takes the test and a vector, and fails the test where the vector says otherwise.
"""

from __future__ import annotations

import unittest
from typing import Any, Callable, Iterator

from bokbok import wire
from bokbok.errors import MalformedValue
from bokbok.keys import derive_key, passphrase_salt
from bokbok.noise import (
    PROTOCOL_NAME,
    TAG_BYTES,
    CipherState,
    CounterExhausted,
    Handshake,
    NotAuthentic,
    message_patterns,
)
from bokbok.notation import parse_value
from bokbok.opening import ServerOpening
from bokbok.values import decode, encode
from bokbok.wire import Violation

from .vector_sessions import check_session
from .vector_side import Side, fixed, octets, opening_of

Vector = dict[str, Any]


# Values, frames, settings, keys


def value_of(item: Any) -> Any:
    """Nested JSON as a value."""
    if not isinstance(item, list):
        return octets(item["hex"])
    return [value_of(inner) for inner in expanded(item)]


def expanded(items: list[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, dict) and "repeat" in item:
            for _ in range(item["count"]):
                yield item["repeat"]
        else:
            yield item


def check_value(test: unittest.TestCase, vector: Vector) -> None:
    message = octets(vector["bytes"])
    if vector["result"] == "invalid":
        with test.assertRaises(MalformedValue):
            decode(message)
        return
    value = value_of(vector["value"])
    # Plain comparisons: the difference of two lists of a million values takes a test for ever.
    test.assertTrue(decode(message) == value, "decoded to another value")
    test.assertTrue(encode(value) == message, "encoded to other bytes")
    notations = vector.get("otherNotations", []) + ([vector["notation"]] if "notation" in vector else [])
    for notation in notations:
        test.assertEqual(parse_value(notation), value, notation)


def check_frames(test: unittest.TestCase, vector: Vector) -> None:
    record = octets(vector["record"])
    expected = [
        (
            frame["kind"],
            frame.get("more", False),
            frame.get("id", 0),
            octets(frame["body"]),
        )
        for frame in expanded(vector["frames"])
    ]
    found = []
    clause = None
    try:
        for frame in wire.frames(record):
            found.append((wire.KIND_NAMES[frame.kind], frame.more, frame.id, frame.body))
    except Violation as violation:
        clause = violation.clause
    if vector["result"] == "valid":
        test.assertIsNone(clause)
        test.assertEqual(found, expected)
        encoded = b"".join(
            wire.encode_frame(wire.KIND_NAMES.index(kind), id, body, wire.MORE if more else 0)
            for kind, more, id, body in expected
        )
        test.assertEqual(encoded, record)
        return
    if clause is None:
        # Not the codec but what joins the fragments finds it; without the request, a RESPONSE breaks X-3 before.
        test.assertEqual(vector["error"]["clause"], "X-4.e")
        side = Side({}, "server", "plain")
        side.start()
        settings = wire.encode_frame(wire.SETTINGS, 0, b"()")
        side.receive(wire.preamble(wire.MODE_PLAIN) + wire.record(settings) + wire.record(record))
        test.assertEqual(side.outcome, "violation")
        return
    test.assertEqual(found, expected)
    test.assertEqual(clause, vector["error"]["clause"])


def check_settings(test: unittest.TestCase, vector: Vector) -> None:
    body = octets(vector["body"])
    if vector["result"] == "invalid":
        with test.assertRaises(Violation) as raised:
            wire.read_settings(body)
        # A number that is too large is called out of range (S-3.e) or no number (S-3.d).
        test.assertEqual(raised.exception.clause.split(".")[0], vector["error"]["clause"].split(".")[0])
        return
    settings = wire.read_settings(body)
    found = {
        "max-message": settings.message_bytes_max,
        "max-requests": settings.requests_max,
        "max-partial": settings.partial_bytes_max,
    }
    test.assertEqual(found, vector["settings"])
    test.assertEqual(wire.read_settings(settings.encode()), settings)


def check_key(test: unittest.TestCase, vector: Vector) -> None:
    user = vector.get("user", "")
    test.assertEqual(vector["passphrase"].encode("utf-8").hex(), vector["passphraseBytes"])
    test.assertEqual(user.encode("utf-8").hex(), vector.get("userBytes", ""))
    test.assertEqual(passphrase_salt(user).hex(), vector["salt"])
    test.assertEqual(derive_key(vector["passphrase"], user).hex(), vector["key"])


# Records


def check_records(test: unittest.TestCase, vector: Vector) -> None:
    buffer = bytearray(octets(vector["stream"]))
    contents = [octets(content) for content in vector["contents"]]
    cipher = None
    if vector["mode"] == "sealed":
        cipher = CipherState(octets(vector["key"]))
        cipher.counter = int(vector["counter"])
    found, outcome = _take_records(buffer, cipher)
    test.assertEqual(found, contents)
    if vector["result"] == "invalid":
        test.assertEqual(outcome, vector["error"]["outcome"])
        return
    test.assertIsNone(outcome)
    test.assertEqual(len(buffer), vector["rest"])
    if cipher is not None:
        cipher.counter = int(vector["counter"])
        contents = [cipher.encrypt(content) for content in contents]
    sent = b"".join(map(wire.record, contents))
    test.assertEqual(sent + bytes(buffer), octets(vector["stream"]))


def _take_records(buffer: bytearray, cipher: CipherState | None) -> tuple[list[bytes], str | None]:
    """What the machine does with records: it has no function for this that stands alone."""
    found: list[bytes] = []
    while (length := wire.record_length(buffer)) is not None:
        if cipher is not None and length < TAG_BYTES:
            return found, "tampered"
        if length == 0:
            return found, "violation"
        content = wire.take_record(buffer)
        if content is None:
            break
        try:
            found.append(content if cipher is None else cipher.decrypt(content))
        except NotAuthentic:
            return found, "tampered"
        except CounterExhausted:
            return found, "lost"
    return found, None


# Openings


def check_refusal(test: unittest.TestCase, vector: Vector) -> None:
    plan = {"busy": vector.get("busy", False)}
    if vector["mode"] == "sealed":
        secret = bytes(range(32)).hex()
        plan |= {"user": "616c696365", "userKey": secret, "sessionKey": secret, "ephemeral": secret}
        plan |= {"users": [], "decoyKey": secret}
    side = Side(plan, vector["role"], vector["mode"])
    side.start()
    sent = len(side.sent)
    side.receive(octets(vector["received"]))
    if vector.get("ends"):
        side.receive_end()
    answer = bytes(side.sent[sent:])
    if vector["role"] == "server":
        check_refusal_sent(test, answer, octets(vector["sends"]))
    else:
        test.assertEqual(answer, b"")
    if vector["result"] == "valid":
        test.assertEqual(side.outcome, "refused")
        error = side.ended.error
        test.assertEqual({"code": error.code, "message": error.message}, vector["refusal"])
    elif vector["role"] == "client":
        test.assertEqual(side.outcome, vector["error"]["outcome"])
    else:
        test.assertIsNotNone(side.ended)
        test.assertFalse(side.ended.was_open)


def check_refusal_sent(test: unittest.TestCase, found: bytes, expected: bytes) -> None:
    """Two refusals with the same code, or nothing at all."""
    test.assertEqual(found[:8], expected[:8])
    if expected:
        codes = [wire.read_code_and_message(wire.take_record(bytearray(data[8:])))[0] for data in (found, expected)]
        test.assertEqual(codes[0], codes[1])


def check_noise(test: unittest.TestCase, vector: Vector) -> None:
    """A Noise transcript: handshake messages and then transport messages, in alternation."""
    sides = [
        Handshake(
            vector["protocol_name"],
            initiator=name == "init",
            prologue=octets(vector[f"{name}_prologue"]),
            pre_shared_keys=[bytearray(octets(key)) for key in vector[f"{name}_psks"]],
            entropy=fixed(vector[f"{name}_ephemeral"]),
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


def check_handshake(test: unittest.TestCase, vector: Vector) -> None:
    if vector["result"] == "valid":
        _check_complete_handshake(test, vector)
        return
    plan = {name: vector[name] for name in ("user", "userKey", "sessionKey", "users", "decoyKey") if name in vector}
    plan["ephemeral"] = vector[f"{vector['role']}Ephemeral"]
    side = Side(plan, vector["role"], "sealed")
    side.start()
    sent = len(side.sent)
    side.receive(octets(vector["received"]))
    answer = bytes(side.sent[sent:])
    test.assertIsNotNone(side.ended)
    test.assertFalse(side.ended.was_open)
    if vector["role"] == "client":
        test.assertEqual(answer, b"")
        test.assertEqual(side.outcome, "authentication")
        return
    check_refusal_sent(test, answer, octets(vector["sends"]))


def _check_complete_handshake(test: unittest.TestCase, vector: Vector) -> None:
    """Message by message with the handshake alone, and then the streams with both openings."""
    key, session_key = octets(vector["userKey"]), octets(vector["sessionKey"])
    client, server = (
        Handshake(
            PROTOCOL_NAME,
            initiator=initiator,
            prologue=octets(vector["prologue"]),
            pre_shared_keys=[bytearray(key)],
            entropy=fixed(vector[ephemeral]),
        )
        for initiator, ephemeral in ((True, "clientEphemeral"), (False, "serverEphemeral"))
    )
    message_1 = client.write(session_key)
    test.assertEqual(message_1.hex(), vector["message1"])
    test.assertEqual(message_1[:32].hex(), vector["clientPublicKey"])
    test.assertEqual(server.read(message_1), session_key)
    for side in (client, server):
        side.pre_shared_keys.append(bytearray(session_key))
    message_2 = server.write(b"")
    test.assertEqual(message_2.hex(), vector["message2"])
    test.assertEqual(message_2[:32].hex(), vector["serverPublicKey"])
    client.read(message_2)
    for side in (client, server):
        test.assertEqual(side.state.hash.hex(), vector["handshakeHash"])
        for cipher, name, records in zip(
            side.split(), ("clientToServerKey", "serverToClientKey"), ("clientRecords", "serverRecords")
        ):
            test.assertEqual(bytes(cipher._key).hex(), vector[name])
            for item in vector[records]:
                test.assertEqual(wire.record(cipher.encrypt(octets(item["frames"]))).hex(), item["record"])

    plan = {name: vector[name] for name in ("user", "userKey", "sessionKey")} | {"ephemeral": vector["clientEphemeral"]}
    opening = opening_of(plan, "client", "sealed")
    test.assertEqual(opening.begin().hex(), vector["clientSends"])
    plan = {"users": [], "decoyKey": bytes(32).hex(), "ephemeral": vector["serverEphemeral"]}
    opening = opening_of(plan, "server", "sealed")
    assert isinstance(opening, ServerOpening)
    buffer = bytearray(octets(vector["clientSends"]))
    test.assertEqual(opening.receive(buffer).user.encode("utf-8").hex(), vector["user"])
    test.assertEqual(opening.key_found(key).reply.hex(), vector["serverSends"])
    test.assertEqual(buffer, b"")


CHECKS: dict[str, Callable[[unittest.TestCase, Vector], None]] = {
    "values": check_value,
    "frames": check_frames,
    "records": check_records,
    "settings": check_settings,
    "refusals": check_refusal,
    "noise": check_noise,
    "handshakes": check_handshake,
    "keys": check_key,
    "sessions": check_session,
}
