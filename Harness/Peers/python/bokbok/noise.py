"""The Noise Protocol Framework, revision 34, as far as patterns of NN with pre-shared keys need it (section 3).

The pattern is data: `Handshake` takes any protocol name of the form `Noise_NN[psk…]_25519_ChaChaPoly_SHA256`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING, Callable

from .primitives import load

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

PROTOCOL_NAME = "Noise_NNpsk0+psk2_25519_ChaChaPoly_SHA256"

KEY_BYTES = 32
TAG_BYTES = 16
COUNTER_MAX = 2**64 - 2

_BASE_PATTERNS = {"NN": (("e",), ("e", "ee"))}


class NotAuthentic(Exception):
    """A message does not authenticate, or a Diffie-Hellman result is all zero."""


class CounterExhausted(Exception):
    """The counter of a cipher state would exceed 2^64 - 2."""


class CipherState:
    """One direction's key and counter. The counter advances only after success."""

    def __init__(self, key: bytes | bytearray) -> None:
        self._key = bytearray(key)
        self._cipher: ChaCha20Poly1305 | None = load().ChaCha20Poly1305(self._key)
        self.counter = 0

    def encrypt(self, plaintext: bytes, associated_data: bytes = b"") -> bytes:
        assert self._cipher is not None, "this cipher state has been erased"
        sealed = self._cipher.encrypt(self._nonce(), plaintext, associated_data)
        self.counter += 1  # R-2.d
        return sealed

    def decrypt(self, sealed: bytes, associated_data: bytes = b"") -> bytes:
        assert self._cipher is not None, "this cipher state has been erased"
        try:
            plaintext = self._cipher.decrypt(self._nonce(), sealed, associated_data)
        except load().InvalidTag:
            raise NotAuthentic("the tag does not match") from None
        self.counter += 1  # R-2.d
        return plaintext

    def _nonce(self) -> bytes:
        if self.counter > COUNTER_MAX:
            raise CounterExhausted  # R-4.a
        return bytes(4) + self.counter.to_bytes(8, "little")  # R-2.d

    def erase(self) -> None:
        erase(self._key)
        self._cipher = None


class SymmetricState:
    """The chaining key, the hash and the handshake's cipher (Noise, section 5.2)."""

    def __init__(self, protocol_name: bytes) -> None:
        padded = protocol_name.ljust(32, b"\0")
        self.hash = padded if len(padded) == 32 else hashlib.sha256(protocol_name).digest()
        self.chaining_key = bytearray(self.hash)
        self.cipher: CipherState | None = None

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, material: bytes | bytearray) -> None:
        chaining_key, key = self._derive(material, 2)
        self._replace(chaining_key, key)

    def mix_key_and_hash(self, material: bytes | bytearray) -> None:
        chaining_key, mixed, key = self._derive(material, 3)
        self.mix_hash(mixed)
        self._replace(chaining_key, key)

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        sealed = self.cipher.encrypt(plaintext, self.hash) if self.cipher else plaintext
        self.mix_hash(sealed)
        return sealed

    def decrypt_and_hash(self, sealed: bytes) -> bytes:
        plaintext = self.cipher.decrypt(sealed, self.hash) if self.cipher else sealed
        self.mix_hash(sealed)
        return plaintext

    def split(self) -> tuple[CipherState, CipherState]:
        first, second = self._derive(b"", 2)
        return CipherState(first), CipherState(second)

    def _derive(self, material: bytes | bytearray, outputs: int) -> list[bytes]:
        temporary = hmac.digest(bytes(self.chaining_key), bytes(material), "sha256")
        results: list[bytes] = []
        previous = b""
        for index in range(1, outputs + 1):
            previous = hmac.digest(temporary, previous + bytes((index,)), "sha256")
            results.append(previous)
        return results

    def _replace(self, chaining_key: bytes, key: bytes) -> None:
        erase(self.chaining_key)
        self.chaining_key = bytearray(chaining_key)
        if self.cipher:
            self.cipher.erase()
        self.cipher = CipherState(key)

    def erase(self) -> None:
        erase(self.chaining_key)
        if self.cipher:
            self.cipher.erase()


class Handshake:
    """One side of one handshake: `write` and `read` its messages in turn, then `split`.

    `pre_shared_keys` are taken in the order of their tokens; one that only a payload brings may be appended while the
    handshake runs. `entropy` makes the ephemeral secret: it is the operating system's random source but in tests and
    vectors (H-7).
    """

    def __init__(
        self,
        protocol_name: str,
        *,
        initiator: bool,
        prologue: bytes,
        pre_shared_keys: list[bytearray],
        entropy: Callable[[int], bytes] = os.urandom,  # H-7.a
    ) -> None:
        self._messages = message_patterns(protocol_name)
        self._uses_pre_shared_keys = any("psk" in tokens for tokens in self._messages)
        self._writes_next = initiator
        self.pre_shared_keys = pre_shared_keys
        self._key_index = 0
        self._entropy = entropy
        self.ephemeral_secret = bytearray()
        self._remote_public = b""
        self.state = SymmetricState(protocol_name.encode("ascii"))
        self.state.mix_hash(prologue)

    @property
    def finished(self) -> bool:
        return not self._messages

    def write(self, payload: bytes) -> bytes:
        assert self._writes_next, "it is the other side's turn"
        message = b""
        for token in self._messages.pop(0):
            if token == "e":
                self.ephemeral_secret = bytearray(self._entropy(KEY_BYTES))  # H-7.b
                secret = load().x25519_private_key(bytes(self.ephemeral_secret))
                public = secret.public_key().public_bytes_raw()
                message += public
                self._mix_public(public)
            else:
                self._mix(token)
        self._writes_next = False
        return message + self.state.encrypt_and_hash(payload)

    def read(self, message: bytes) -> bytes:
        """Return the payload of `message`. Raises `NotAuthentic`."""
        assert not self._writes_next, "it is this side's turn"
        for token in self._messages.pop(0):
            if token == "e":
                self._remote_public, message = message[:KEY_BYTES], message[KEY_BYTES:]
                if len(self._remote_public) < KEY_BYTES:
                    raise NotAuthentic("the message is too short")
                self._mix_public(self._remote_public)
            else:
                self._mix(token)
        self._writes_next = True
        return self.state.decrypt_and_hash(message)

    def split(self) -> tuple[CipherState, CipherState]:
        """The cipher states: initiator to responder, responder to initiator (H-9)."""
        assert self.finished
        return self.state.split()

    def erase(self) -> None:
        """Overwrite what is secret, as far as Python allows (H-8)."""
        erase(self.ephemeral_secret)
        for key in self.pre_shared_keys:
            erase(key)
        self.state.erase()

    def _mix_public(self, public: bytes) -> None:
        self.state.mix_hash(public)
        if self._uses_pre_shared_keys:
            self.state.mix_key(public)  # Noise, section 9.2

    def _mix(self, token: str) -> None:
        if token == "psk":
            self.state.mix_key_and_hash(self.pre_shared_keys[self._key_index])
            self._key_index += 1
        else:
            shared = _diffie_hellman(self.ephemeral_secret, self._remote_public)
            if shared == bytes(KEY_BYTES):
                raise NotAuthentic("the Diffie-Hellman result is all zero")  # H-6
            self.state.mix_key(shared)


def _diffie_hellman(secret: bytearray, public: bytes) -> bytes:
    primitives = load()
    private_key = primitives.x25519_private_key(bytes(secret))
    try:
        return private_key.exchange(primitives.x25519_public_key(public))
    except ValueError:  # the library's way to say that the result is all zero
        return bytes(KEY_BYTES)


def message_patterns(protocol_name: str) -> list[list[str]]:
    """The tokens of each message of `protocol_name`, such as `[["psk", "e"], ["e", "ee", "psk"]]`."""
    noise, pattern, *functions = protocol_name.split("_")
    if noise != "Noise" or functions != ["25519", "ChaChaPoly", "SHA256"]:
        raise ValueError(f"{protocol_name!r} is not a Noise protocol of 25519, ChaChaPoly and SHA256")
    name, _, modifiers = pattern.partition("psk")
    if name not in _BASE_PATTERNS:
        raise ValueError(f"{protocol_name!r} has the pattern {name!r}; known: {', '.join(_BASE_PATTERNS)}")
    messages = [list(tokens) for tokens in _BASE_PATTERNS[name]]
    for place in modifiers.split("+psk") if modifiers else []:
        if place == "0":
            messages[0].insert(0, "psk")
        else:
            messages[int(place) - 1].append("psk")
    return messages


def erase(secret: bytearray) -> None:
    """Overwrite `secret` with zeros."""
    for index in range(len(secret)):
        secret[index] = 0
