"""One side of a vector's connection, played by this implementation's machine with the vector's secrets and clock."""

from __future__ import annotations

from typing import Any, Callable

from bokbok import actions
from bokbok.errors import BokbokError, ConnectionClosing, MalformedValue, RemoteError, TooLarge
from bokbok.limits import Limits
from bokbok.machine import Machine
from bokbok.opening import ClientOpening, ServerOpening
from bokbok.values import decode, encode
from bokbok.wire import Settings


def octets(item: Any) -> bytes:
    """Bytes as vectors hold them: hexadecimal, or a list of parts, of which some are repeated."""
    if isinstance(item, str):
        assert item == item.lower(), "hexadecimal digits are in lower case"
        return bytes.fromhex(item)
    if isinstance(item, dict):
        return bytes.fromhex(item["repeat"]) * item["count"]
    return b"".join(map(octets, item))


def fixed(*secrets: str) -> Callable[[int], bytes]:
    """Entropy that gives these secrets, one after the other."""
    rest = list(map(octets, secrets))
    return lambda size: rest.pop(0)


def opening_of(plan: dict[str, Any], role: str, mode: str) -> ClientOpening | ServerOpening:
    if role == "client":
        if mode == "plain":
            return ClientOpening()
        entropy = fixed(plan["sessionKey"], plan["ephemeral"])
        return ClientOpening(octets(plan["user"]), octets(plan["userKey"]), entropy=entropy)
    is_busy = plan.get("busy", False)
    if mode == "plain":
        return ServerOpening(is_busy=lambda: is_busy)
    return ServerOpening(octets(plan["decoyKey"]), is_busy=lambda: is_busy, entropy=fixed(plan["ephemeral"]))


class Side:
    """One side of a session, played by the connection machine with fixed secrets and a clock of its own."""

    def __init__(self, plan: dict[str, Any], role: str, mode: str) -> None:
        limits = {
            name: plan.get("limits", {}).get(key, default)
            for name, key, default in (
                ("handshake_seconds", "handshakeMs", 10_000),
                ("drain_seconds", "drainMs", 5000),
                ("keepalive_seconds", "keepaliveMs", None),
                ("keepalive_timeout_seconds", "keepaliveTimeoutMs", None),
            )
        }
        self._users = {octets(user["user"]): octets(user["key"]) for user in plan.get("users", [])}
        self._machine = Machine(
            opening_of(plan, role, mode),
            Settings.from_names(plan.get("settings", {})),
            Limits(**{name: None if value is None else value / 1000 for name, value in limits.items()}),
            asks_to_open=plan.get("openHandler", False),
        )
        self._now = 0
        self._ids: dict[int, int] = {}
        #: All that was sent.
        self.sent = bytearray()
        #: What the application was told since `take_reports`.
        self.reports: list[dict[str, Any]] = []
        #: "sending" and "stream", once they are ended.
        self.ends: list[str] = []
        self.ended: actions.Ended | None = None

    @property
    def outcome(self) -> str | None:
        """How it ended, in the word of the vectors."""
        if self.ended is None:
            return None
        if self.ended.turned_down:
            return "turnedDown"
        return self.ended.ending.reason if self.ended.was_open else self.ended.error.kind

    @property
    def seconds(self) -> float:
        return self._now / 1000

    # Inputs

    def start(self) -> None:
        self._machine.begin(0.0)
        self._run()

    def receive(self, data: bytes) -> None:
        self._machine.receive(data, self.seconds)
        self._run()

    def receive_end(self) -> None:
        self._machine.end_of_input(self.seconds, unwritten=False)
        self._run()

    def wait(self, milliseconds: int) -> None:
        self._now += milliseconds
        deadline = self._machine.deadline
        if deadline is not None and deadline <= self.seconds:
            self._machine.time_passed(self.seconds)
        self._run()

    def do(self, call: dict[str, Any]) -> str | None:
        """Carry out a call of the application; return how it failed at once, if it did."""
        try:
            getattr(self, "_do_" + call["call"])(call)
        except (ConnectionClosing, MalformedValue, TooLarge) as error:
            return error.kind
        finally:
            self._run()
        return None

    def _do_request(self, call: dict[str, Any]) -> None:
        # The token is the id that the transcript has; of one that fails there is none.
        self._machine.request(call.get("id", 0), _value(call))

    def _do_cancel(self, call: dict[str, Any]) -> None:
        self._machine.cancel(call["id"])

    def _do_respond(self, call: dict[str, Any]) -> None:
        if "failure" in call:
            self._machine.fail(call["id"], None, call["failure"])
        elif "code" in call:
            details = [decode(octets(detail)) for detail in call["details"]]
            self._machine.fail(call["id"], call["code"], call["message"], details)
        else:
            self._machine.respond(call["id"], _value(call))

    def _do_ping(self, call: dict[str, Any]) -> None:
        token = int(call["token"], 16)
        self._machine._ping_count = token - 1  # so that the PONG of the transcript answers it
        self._machine.ping(call["token"])

    def _do_close(self, call: dict[str, Any]) -> None:
        self._machine.close(call["code"], call["message"], self.seconds)

    def _do_abort(self, call: dict[str, Any]) -> None:
        self._machine.abort(self.seconds)

    def _do_letIn(self, call: dict[str, Any]) -> None:
        self._machine.admit()

    def _do_turnDown(self, call: dict[str, Any]) -> None:
        self._machine.turn_down(call["code"], call["message"], self.seconds)

    # Outputs

    def _run(self) -> None:
        while True:
            taken = self._machine.take_actions()
            for action in taken:
                self._take(action)
            wrote = False
            while (data := self._machine.data_to_send()) is not None:
                self.sent += data
                wrote = True
            self._machine.flushed(self.seconds)
            ended = self._machine.take_actions()
            for action in ended:
                self._take(action)
            if not taken and not wrote and not ended:
                return

    def _take(self, action: actions.Action) -> None:
        if isinstance(action, actions.LookUpKey):
            user = action.user.encode("utf-8")
            self.reports.append({"event": "lookUpKey", "user": user.hex()})
            self._machine.key_found(self._users.get(user), self.seconds)
        elif isinstance(action, actions.Opened):
            user_hex = None if action.user is None else action.user.encode("utf-8").hex()
            self.reports.append({"event": "opened", "user": user_hex})
        elif isinstance(action, actions.Handle):
            self.reports.append({"event": "request", "id": action.id, "bytes": encode(action.value)})
        elif isinstance(action, actions.CancelHandler):
            self.reports.append({"event": "cancelled", "id": action.id})
        elif isinstance(action, actions.RequestDone):
            self.reports.append(_done(action))
        elif isinstance(action, actions.PingDone):
            if action.error is None:
                self.reports.append({"event": "ponged", "token": action.token})
        elif isinstance(action, actions.Ended):
            self.ended = action
            self.reports.append({"event": "ended"} | self._ending())
        elif isinstance(action, actions.ShutDownSending):
            self.ends.append("sending")
        elif isinstance(action, actions.CloseStream):
            self.ends.append("stream")

    def _ending(self) -> dict[str, Any]:
        assert self.ended is not None
        outcome, ending = self.outcome, self.ended.ending
        if outcome == "clean":
            return {"outcome": outcome, "code": ending.code, "message": ending.message}
        if outcome == "turnedDown":
            return {"outcome": outcome, "code": ending.code}
        if ending.reason == "violation":
            return {"outcome": "violation", "side": ending.side}
        return {"outcome": outcome}


def _value(call: dict[str, Any]) -> Any:
    if "bytes" in call:
        return decode(octets(call["bytes"]))
    value: list[Any] = []
    for _ in range(call["depth"] - 1):
        value = [value]
    return value


def _done(action: actions.RequestDone) -> dict[str, Any]:
    error: BokbokError | None = action.error
    if error is None:
        return {"event": "answered", "id": action.token, "bytes": encode(action.value)}
    report = {"event": "failed", "id": action.token, "kind": error.kind}
    if isinstance(error, RemoteError):
        report |= {"kind": "remote", "code": error.code, "message": error.message}
        report["details"] = [encode(detail) for detail in error.details]
    return report
