"""The errors that a program sees, and how a connection ended.

Every error of the package is a `BokbokError`. The attribute `kind` names the outcome in one word, the same words that
the conformance contract uses, so that a program can branch on it without a chain of `except` clauses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

from .display import displayed

if TYPE_CHECKING:
    from .values import Value


class BokbokError(Exception):
    """Base of all errors of this package."""

    kind = "other"

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        #: What happened. Text that came from the other side is here as it was received; `str()` escapes and cuts it.
        self.message = message

    def __str__(self) -> str:
        return displayed(self.message)  # E-5.a


class AddressError(BokbokError, ValueError):
    """An address that cannot be read, or that cannot be served or connected to as it is."""


class Unreachable(BokbokError):
    """No stream could be made: nothing listens there, the name is unknown, the command cannot be started."""


class Refused(BokbokError):
    """The server sent a refusal (O-6). Refusals are not authenticated, so this proves nothing (O-11)."""

    kind = "refused"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __str__(self) -> str:
        return f"the server refused the connection: {displayed(self.code)}: {displayed(self.message)}"


class AuthenticationFailed(BokbokError):
    """Message 2 did not authenticate: the server could not prove that it holds the user's key (H-11)."""

    kind = "authentication"


class NotBokbok(BokbokError):
    """The peer's first bytes are not those of this protocol, version 1, in the mode that was asked for (O-9)."""

    kind = "notBokbok"


class HandshakeTimeout(BokbokError, TimeoutError):
    """The connection was not open within the handshake time limit (O-10)."""

    kind = "timeout"


class ConnectionLost(BokbokError, ConnectionError):
    """The stream ended, or was given up, before a clean end (C-5, C-6, P-3)."""

    kind = "lost"


class Tampered(BokbokError, ConnectionError):
    """A sealed record did not authenticate (R-3)."""

    kind = "tampered"


class ProtocolViolation(BokbokError, ConnectionError):
    """The connection ended because of a violation (F-2). `side` is "local" if it was found here, else "remote"."""

    kind = "violation"

    def __init__(self, side: str, message: str) -> None:
        super().__init__(message)
        self.side = side


class ConnectionClosing(BokbokError):
    """The request was not processed because the connection is closing or has closed; it is safe to send elsewhere."""

    kind = "closing"


class MalformedValue(BokbokError, ValueError):
    """Bytes that ought to be a value are not one, or a value that cannot be sent (E-2, E-4, section 7)."""

    kind = "malformed"


class TooLarge(BokbokError):
    """A request longer than the other side's `max-message` (X-5). Nothing of it was sent."""

    kind = "tooLarge"


class RemoteError(BokbokError):
    """The answer to a request was an ERROR. `code`, `message` and `details` are as the other side sent them."""

    kind = "remote"

    def __init__(self, code: str, message: str, details: Sequence[Value] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.details: list[Value] = list(details)

    def __str__(self) -> str:
        return f"{displayed(self.code)}: {displayed(self.message)}"


class RemoteClosing(RemoteError, ConnectionClosing):
    """The answer to a request was ERROR `closing`: the other side did not process it."""

    kind = "closing"


class ApplicationError(Exception):
    """What a handler raises to answer a request with an ERROR of its own.

    `code` is 1 to 64 characters of `a-z 0-9 . -`. A reserved or malformed code goes out as `handler-failed` (E-1).
    """

    def __init__(self, code: str, message: str = "", *details: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = list(details)


class TurnDown(Exception):
    """What a server's open handler raises to turn a connection down (C-9): the peer gets CLOSE with this code."""

    def __init__(self, code: str, message: str = "") -> None:
        from .wire import close_body

        close_body(code, message)  # C-9.g: refuses a code that an application must not give
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Ending:
    """How a connection ended.

    `reason` is "clean", "lost", "violation", "tampered" or "aborted" (this side's `abort`). `code` and `message` are
    those of the CLOSE that C-4 reports, or of the CLOSE that told of a violation; None where no CLOSE passed.
    `side` is "local" or "remote" for a violation. `explanation` says in words what happened.
    """

    reason: str
    code: str | None = None
    message: str | None = None
    side: str | None = None
    explanation: str = ""

    def error(self) -> BokbokError:
        """What a request gets that was under way at this end, or comes after it."""
        if self.reason == "clean":
            return ConnectionClosing("the connection has closed")
        if self.reason == "violation":
            return ProtocolViolation(self.side or "local", self.explanation)
        if self.reason == "tampered":
            return Tampered(self.explanation)
        return ConnectionLost(self.explanation or "this side aborted the connection")

    def __str__(self) -> str:
        parts = [self.reason]
        if self.side:
            parts.append(f"({self.side})")
        if self.code is not None:
            parts.append(f"code {displayed(self.code)}")
        if self.explanation:
            parts.append(displayed(self.explanation))
        return " ".join(parts)
