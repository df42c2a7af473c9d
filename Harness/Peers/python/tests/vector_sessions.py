"""Replaying the vectors of whole sessions: each side that keeps to the protocol is played by this implementation.

It may do otherwise than the transcript where the specification leaves it a choice; `Vectors/FORMAT.md` lists what is
compared and what is not.
"""

from __future__ import annotations

import unittest
from typing import Any

from bokbok import wire
from bokbok.errors import MalformedValue
from bokbok.noise import PROTOCOL_NAME, CipherState, Handshake
from bokbok.values import encode

from .vector_side import Side, fixed, octets

SIDES = ("client", "server")


class FrameReader:
    """What one side sent, frame by frame, its messages joined and what is a matter of taste left out."""

    def __init__(self, role: str, cipher: CipherState | None, app_messages: set[str]) -> None:
        self._role = role
        self._cipher = cipher
        self._app_messages = app_messages
        self._buffer = bytearray()
        self._opened = False
        self._parts: dict[tuple[int, int], bytes] = {}

    def take(self, data: bytes) -> list[tuple[Any, ...]]:
        self._buffer += data
        found: list[tuple[Any, ...]] = []
        if not self._opened and len(self._buffer) >= 8:
            self._opened = True
            found.append(("preamble", bytes(self._buffer[:8])))
            del self._buffer[:8]
            if self._cipher is not None:
                for _ in range(2 if self._role == "client" else 1):
                    found.append(("handshake", wire.take_record(self._buffer)))
        while (content := wire.take_record(self._buffer)) is not None:
            if self._cipher is not None:
                content = self._cipher.decrypt(content)
            for frame in wire.frames(content):
                body = self._parts.pop((frame.kind, frame.id), b"") + frame.body
                if frame.more:
                    self._parts[(frame.kind, frame.id)] = body
                else:
                    found.append(self._normal(frame.kind, frame.id, body))
        return found

    def _normal(self, kind: int, id: int, body: bytes) -> tuple[Any, ...]:
        name = wire.KIND_NAMES[kind]
        if kind == wire.SETTINGS:
            return (name, wire.read_settings(body))
        if kind == wire.PING:
            return (name,)
        if kind in (wire.ERROR, wire.CLOSE):
            code, message, details = wire.read_coded(body)
            # Words of the protocol layer are each implementation's own.
            words = message if message in self._app_messages else None
            return (name, id, code, words, encode(details))
        return (name, id, body)


def check_session(test: unittest.TestCase, vector: dict[str, Any]) -> None:
    for role in vector["conforming"]:
        _Replay(test, vector, role).run()


class _Replay:
    def __init__(self, test: unittest.TestCase, vector: dict[str, Any], role: str) -> None:
        self._test = test
        self._vector = vector
        self._role = role
        words = {
            step["does"].get(name)
            for step in vector["steps"]
            for name in ("message", "failure")
            if "does" in step
        }
        words |= {
            wire.read_coded(octets(frame["body"]))[1]
            for step in vector["steps"]
            if step.get("side") != role
            for part in step.get("sends", [])
            for frame in part.get("frames", [])
            if frame["kind"] in ("ERROR", "CLOSE") and _is_coded(octets(frame["body"]))
        }
        self._words = {word for word in words if word is not None} | {""}

    def run(self) -> None:
        vector, role = self._vector, self._role
        side = Side(vector[role], role, vector["mode"])
        own, expected = (FrameReader(role, self._cipher(), self._words) for _ in range(2))
        side.start()
        sent = 0
        arriving = bytearray()
        wanted_frames: list[Any] = []
        wanted_reports: list[Any] = []
        wanted_ends: list[str] = []

        def compare(place: str) -> None:
            nonlocal sent
            frames = own.take(bytes(side.sent[sent:]))
            sent = len(side.sent)
            where = f"{role}, before {place}"
            self._test.assertCountEqual(frames, self._without_optional(wanted_frames, frames), where)
            self._compare_reports(side, wanted_reports, where)
            self._test.assertEqual(side.ends, wanted_ends, where)
            wanted_frames.clear()
            wanted_reports.clear()

        for index, step in enumerate(vector["steps"]):
            place = f"step {index}"
            if step.get("side", role) != role:
                for part in step.get("sends", []):
                    arriving += octets(part["bytes"])
            elif "sends" in step:
                wanted_frames += expected.take(b"".join(octets(part["bytes"]) for part in step["sends"]))
            elif "reports" in step:
                wanted_reports.append(step["reports"])
            elif "ends" in step:
                wanted_ends.append(step["ends"])
            else:
                compare(place)
                self._input(side, step, arriving)
        compare("the end")
        if "error" not in vector and side.outcome is not None:
            self._test.assertIn(side.outcome, ("clean", "turnedDown"))

    def _input(self, side: Side, step: dict[str, Any], arriving: bytearray) -> None:
        if "waits" in step:
            side.wait(step["waits"])
        elif "receivesEnd" in step:
            side.receive_end()
        elif "receives" in step:
            data = bytes(arriving[: step["receives"]])
            self._test.assertEqual(len(data), step["receives"])
            del arriving[: step["receives"]]
            side.receive(data)
        else:
            self._test.assertEqual(side.do(step["does"]), step["does"].get("fails"))

    def _without_optional(self, wanted: list[Any], found: list[Any]) -> list[Any]:
        """F-2: what was due before the CLOSE of a violation may go out or not; only SETTINGS has to."""
        if not any(frame[0] == "CLOSE" and frame[2] == wire.PROTOCOL_ERROR for frame in wanted):
            return wanted
        needed = ("preamble", "handshake", "SETTINGS")
        return [
            frame
            for frame in wanted
            if frame in found or frame[0] in needed or frame[0] == "CLOSE" and frame[2] == wire.PROTOCOL_ERROR
        ]

    def _compare_reports(self, side: Side, wanted: list[Any], where: str) -> None:
        # This implementation does not tell that a CLOSE came.
        expected = [_normal_report(report) for report in wanted if report["event"] != "closeReceived"]
        found = [_normal_report(report) for report in side.reports]
        if side.ended is not None:
            # What was under way fails with the end, which transcripts do not list.
            kind = side.ended.ending.error().kind
            found = [
                report
                for report in found
                if report in expected or report["event"] != "failed" or report["kind"] != kind
            ]
        self._test.assertEqual(found, expected, where)
        side.reports.clear()

    def _cipher(self) -> CipherState | None:
        """The cipher of what this side sends, from the secrets of both."""
        if self._vector["mode"] == "plain":
            return None
        client, server = (self._vector[role] for role in SIDES)
        prologue = wire.preamble(wire.MODE_SEALED) + octets(client["user"])
        key, session_key = octets(client["userKey"]), octets(client["sessionKey"])
        initiator, responder = (
            Handshake(
                PROTOCOL_NAME,
                initiator=plan is client,
                prologue=prologue,
                pre_shared_keys=[bytearray(key), bytearray(session_key)],
                entropy=fixed(plan["ephemeral"]),
            )
            for plan in (client, server)
        )
        responder.read(initiator.write(session_key))
        initiator.read(responder.write(b""))
        return initiator.split()[SIDES.index(self._role)]


def _is_coded(body: bytes) -> bool:
    try:
        wire.read_coded(body)
    except MalformedValue:
        return False
    return True


def _normal_report(report: dict[str, Any]) -> dict[str, Any]:
    normal = {name: value for name, value in report.items() if name != "reads"}
    if "bytes" in normal and not isinstance(normal["bytes"], bytes):
        normal["bytes"] = octets(normal["bytes"])
    if "details" in normal:
        normal["details"] = [detail if isinstance(detail, bytes) else octets(detail) for detail in normal["details"]]
    if report["event"] == "failed" and report.get("code") in wire.RESERVED_CODES - {wire.HANDLER_FAILED}:
        del normal["message"]
    return normal
