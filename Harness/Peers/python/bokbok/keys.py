"""Users' keys: random ones, and ones derived from passphrases (section 8).

Derive a key once, when you configure a client or a server, and keep the key: the functions of this package take keys,
never passphrases (K-3).
"""

from __future__ import annotations

import hashlib
import os

from .primitives import load

KEY_BYTES = 32
_ITERATIONS = 3
_MEMORY_KIBIBYTES = 65_536
_LANES = 1


def random_key() -> bytes:
    """A new key from the operating system's random source: the best kind of key."""
    return os.urandom(KEY_BYTES)


def derive_key(passphrase: str, user: str = "") -> bytes:
    """Derive a key from `passphrase` (K-1.a). Takes about a quarter of a second and 64 MiB, on purpose.

    Give the user's name, so that each user's key is their own; without it, everyone with the same passphrase has the
    same key. Whoever sees one connection being opened can test guesses off line: a passphrase must be random with at
    least 80 bits, which 7 words of a list of 7776 have (K-2).
    """
    return load().Argon2id(
        salt=passphrase_salt(user),
        length=KEY_BYTES,
        iterations=_ITERATIONS,
        lanes=_LANES,
        memory_cost=_MEMORY_KIBIBYTES,
    ).derive(passphrase.encode("utf-8"))  # K-1.c


def passphrase_salt(user: str) -> bytes:
    """K-1.b."""
    return hashlib.sha256(b"bokbok-passphrase-v1\0" + user.encode("utf-8")).digest()[:16]


def check_key(key: bytes) -> bytes:
    """Return `key` if it can be a key. Raises `ValueError`, without showing it."""
    if not isinstance(key, (bytes, bytearray)) or len(key) != KEY_BYTES:
        size = f"{len(key)} bytes" if isinstance(key, (bytes, bytearray)) else type(key).__name__
        raise ValueError(f"a key has {KEY_BYTES} bytes; got {size}. Make one with random_key() or derive_key().")
    return bytes(key)


def check_user(user: str) -> bytes:
    """Return the bytes of `user` if it can be a user name (H-2.a). Raises `ValueError`."""
    try:
        octets = user.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a user name holds characters that UTF-8 does not have") from None
    if not 1 <= len(octets) <= 255:
        raise ValueError(f"a user name has 1 to 255 bytes of UTF-8; got {len(octets)}")
    return octets
