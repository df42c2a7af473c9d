"""The opening of a connection, on both sides: preambles, refusals and the sealed handshake (sections 2 and 3)."""

from __future__ import annotations

import os
from typing import Callable, NamedTuple, Protocol

from .actions import LookUpKey
from .errors import AuthenticationFailed, BokbokError, MalformedValue, NotBokbok, Refused
from .noise import KEY_BYTES, PROTOCOL_NAME, TAG_BYTES, CipherState, Handshake, NotAuthentic, erase
from .wire import (
    MAGIC,
    MODE_PLAIN,
    MODE_REFUSED,
    MODE_SEALED,
    PREAMBLE_BYTES,
    VERSION,
    coded_body,
    preamble,
    read_code_and_message,
    record,
    record_length,
    take_record,
)

USER_BYTES_MAX = 255
MESSAGE_1_BYTES = KEY_BYTES + KEY_BYTES + TAG_BYTES
MESSAGE_2_BYTES = KEY_BYTES + TAG_BYTES

UNSUPPORTED_VERSION = "unsupported-version"
MODE_MISMATCH = "mode-mismatch"
BUSY = "busy"
AUTHENTICATION_FAILED = "authentication-failed"

_REFUSAL_TEXTS = {
    UNSUPPORTED_VERSION: f"this server speaks version {VERSION}",
    MODE_MISMATCH: "this server takes the other mode only",
    BUSY: "this server has as many connections as it takes",
    AUTHENTICATION_FAILED: "the user is not known or the key does not match",
}


class KeyLog(Protocol):
    """Is told the secrets of each sealed connection. For tests and recordings only."""

    def __call__(self, role: str, ephemeral_secret: bytes, session_key: bytes) -> None: ...


class Established(NamedTuple):
    """The opening is over: SETTINGS come next. The ciphers are None on a plain connection."""

    reply: bytes
    sending: CipherState | None
    receiving: CipherState | None
    user: str | None


class OpeningFailed(Exception):
    """A client's opening failed: close the stream, and tell the caller `error`."""

    def __init__(self, error: BokbokError) -> None:
        super().__init__(str(error))
        self.error = error


class NotOurProtocol(Exception):
    """A server's opening failed: close the stream without a word (O-3)."""


class Refuse(Exception):
    """A server's opening failed: send `refusal` as the last word (O-6). `reason` is for the local log (H-4.j)."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        body = coded_body(code, _REFUSAL_TEXTS[code], 1024)
        self.refusal = preamble(MODE_REFUSED) + record(body)  # O-6.a, O-4.b


class ClientOpening:
    """The client's side. `user` and `key` are None for a plain connection.

    `entropy` is the operating system's random source but in tests and vectors (H-7).
    """

    role = "client"

    def __init__(
        self,
        user: bytes | None = None,
        key: bytes | None = None,
        *,
        entropy: Callable[[int], bytes] = os.urandom,
        key_log: KeyLog | None = None,
    ) -> None:
        self._user = user
        self._mode = MODE_PLAIN if user is None else MODE_SEALED  # O-1.b
        self._key_log = key_log
        self._session_key = bytearray()
        self._handshake: Handshake | None = None
        self._preamble_came = False
        self._refusal_came = False
        if user is not None:
            assert key is not None
            self._session_key = bytearray(entropy(KEY_BYTES))  # H-7.a, H-7.b
            self._handshake = Handshake(
                PROTOCOL_NAME,
                initiator=True,
                prologue=preamble(self._mode) + user,  # H-1.a
                pre_shared_keys=[bytearray(key), self._session_key],  # H-2.c
                entropy=entropy,
            )

    @property
    def is_sealed(self) -> bool:
        return self._mode == MODE_SEALED

    def begin(self) -> bytes:
        """What the client sends without waiting; on a plain connection its SETTINGS follow at once (O-8)."""
        if self._handshake is None:
            return preamble(self._mode)  # O-1.a
        assert self._user is not None
        message_1 = self._handshake.write(bytes(self._session_key))
        return preamble(self._mode) + record(self._user) + record(message_1)  # O-1.a, H-2.a, H-2.b

    def receive(self, buffer: bytearray) -> Established | None:
        """Take what it can from `buffer`. Return None for more. Raises `OpeningFailed`."""
        if not self._preamble_came and not self._refusal_came:
            if not MAGIC.startswith(buffer[: len(MAGIC)]):
                raise OpeningFailed(NotBokbok("the peer does not speak this protocol"))  # O-9.a
            if len(buffer) < PREAMBLE_BYTES:
                return None
            version, mode = buffer[6], buffer[7]
            del buffer[:PREAMBLE_BYTES]
            if mode == MODE_REFUSED:  # O-9.h: whatever the version is
                self._refusal_came = True
            elif version != VERSION:
                raise OpeningFailed(NotBokbok(f"the peer speaks version {version} of this protocol"))  # O-9.b
            elif mode != self._mode:
                raise OpeningFailed(NotBokbok(f"the peer answered with the mode 0x{mode:02x}"))  # O-9.c, O-9.f
            else:
                self._preamble_came = True
        if self._refusal_came:
            self._receive_refusal(buffer)
            return None
        if self._handshake is None:
            return Established(b"", None, None, None)
        return self._receive_message_2(self._handshake, buffer)

    def _receive_refusal(self, buffer: bytearray) -> None:
        content = take_record(buffer)
        if content is None:
            return
        try:
            code, message = read_code_and_message(content)
        except MalformedValue as error:
            raise OpeningFailed(NotBokbok(f"the peer sent a malformed refusal: {error}")) from None  # O-9.d
        raise OpeningFailed(Refused(code, message))  # O-9.h

    def _receive_message_2(self, handshake: Handshake, buffer: bytearray) -> Established | None:
        length = record_length(buffer)
        if length is None:
            return None
        failed = AuthenticationFailed("the server did not prove that it holds the user's key")
        if length != MESSAGE_2_BYTES:
            raise OpeningFailed(failed)  # H-11.c
        message_2 = take_record(buffer)
        if message_2 is None:
            return None
        try:
            handshake.read(message_2)
        except NotAuthentic:
            raise OpeningFailed(failed) from None  # H-11.b, H-6.b
        if self._key_log:
            self._key_log("client", bytes(handshake.ephemeral_secret), bytes(self._session_key))
        sending, receiving = handshake.split()  # H-9.a
        return Established(b"", sending, receiving, self._user.decode("utf-8") if self._user else None)

    def ended_because(self) -> str:
        return "the stream ended before the connection was open"  # O-9.e

    def erase(self) -> None:
        """H-8.a."""
        erase(self._session_key)
        if self._handshake:
            self._handshake.erase()


class ServerOpening:
    """The server's side. `stranger_key` is None for a plain server, else the random key for users it does not know."""

    role = "server"

    def __init__(
        self,
        stranger_key: bytes | None = None,
        *,
        is_busy: Callable[[], bool] = lambda: False,
        entropy: Callable[[int], bytes] = os.urandom,
        key_log: KeyLog | None = None,
    ) -> None:
        self._stranger_key = stranger_key
        self._mode = MODE_PLAIN if stranger_key is None else MODE_SEALED
        self._is_busy = is_busy
        self._entropy = entropy
        self._key_log = key_log
        self._client_preamble = b""
        self._user: bytes | None = None
        self._message_1: bytes | None = None
        self._handshake: Handshake | None = None

    @property
    def is_sealed(self) -> bool:
        return self._mode == MODE_SEALED

    @property
    def awaits_key(self) -> bool:
        return self._message_1 is not None

    def receive(self, buffer: bytearray) -> Established | LookUpKey | None:
        """Take what it can from `buffer`. Return None for more. Raises `NotOurProtocol` and `Refuse`."""
        if not self._client_preamble:
            if not MAGIC.startswith(buffer[: len(MAGIC)]):
                raise NotOurProtocol  # O-3.a
            if len(buffer) < PREAMBLE_BYTES:
                return None  # O-2.a
            self._client_preamble = bytes(buffer[:PREAMBLE_BYTES])
            del buffer[:PREAMBLE_BYTES]
            self._check_preamble()
            if not self.is_sealed:
                return Established(preamble(MODE_PLAIN), None, None, None)  # O-7.a
        if self._user is None and not self._receive_user(buffer):
            return None
        if self._message_1 is None and self._receive_message_1(buffer):
            assert self._user is not None
            return LookUpKey(self._user.decode("utf-8"))  # H-4.e: only now
        return None

    def _check_preamble(self) -> None:  # O-6.d: in this order
        version, mode = self._client_preamble[6], self._client_preamble[7]
        if version != VERSION:
            raise Refuse(UNSUPPORTED_VERSION, f"version {version}")  # O-4.a
        if mode != self._mode:
            raise Refuse(MODE_MISMATCH, f"mode 0x{mode:02x}")  # O-5
        if self._is_busy():
            raise Refuse(BUSY, "too many open connections")  # O-6.c

    def _receive_user(self, buffer: bytearray) -> bool:
        length = record_length(buffer)
        if length is None:
            return False
        if not 1 <= length <= USER_BYTES_MAX:
            raise Refuse(AUTHENTICATION_FAILED, f"a user name of {length} bytes")  # H-5.a
        user = take_record(buffer)
        if user is None:
            return False
        try:
            user.decode("utf-8")
        except UnicodeDecodeError:
            raise Refuse(AUTHENTICATION_FAILED, "a user name that is not UTF-8") from None  # H-5.b, H-12.b
        self._user = user
        return True

    def _receive_message_1(self, buffer: bytearray) -> bool:
        length = record_length(buffer)
        if length is None:
            return False
        if length != MESSAGE_1_BYTES:
            raise Refuse(AUTHENTICATION_FAILED, f"a message 1 of {length} bytes")  # H-5.c
        self._message_1 = take_record(buffer)
        return self._message_1 is not None

    def key_found(self, key: bytes | None) -> Established:
        """The lookup's result, None if it failed or knows no such user. Raises `Refuse`."""
        assert self._user is not None and self._message_1 is not None and self._stranger_key is not None
        is_known = key is not None and len(key) == KEY_BYTES  # H-4.h
        handshake = self._handshake = Handshake(
            PROTOCOL_NAME,
            initiator=False,
            prologue=self._client_preamble + self._user,  # H-1.a
            pre_shared_keys=[bytearray(key if is_known and key is not None else self._stranger_key)],  # H-4.f
            entropy=self._entropy,
        )
        try:
            session_key = handshake.read(self._message_1)
            handshake.pre_shared_keys.append(bytearray(session_key))  # H-3.b
            message_2 = handshake.write(b"")
        except NotAuthentic as error:
            reason = f"user {self._user.decode()!r}: {error}" if is_known else f"unknown user {self._user.decode()!r}"
            raise Refuse(AUTHENTICATION_FAILED, reason) from None  # H-4.a, H-4.b, H-6.a
        if self._key_log:
            self._key_log("server", bytes(handshake.ephemeral_secret), session_key)
        receiving, sending = handshake.split()  # H-9.a
        reply = preamble(MODE_SEALED) + record(message_2)  # H-3.a
        return Established(reply, sending, receiving, self._user.decode("utf-8"))

    def ended_because(self) -> str:
        return "the stream ended before the connection was open"

    def erase(self) -> None:
        """H-8.a."""
        if self._handshake:
            self._handshake.erase()
