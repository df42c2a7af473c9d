"""The cryptographic functions, which are those of the package `cryptography`.

It is loaded when the first sealed connection or passphrase needs it: a program whose connections are plain starts
sooner, and runs where it is not installed.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

_NEEDED = "sealed connections and derive_key() need the package cryptography: python3 -m pip install 'cryptography>=45'"


class Primitives(NamedTuple):
    """What this package uses of `cryptography`."""

    InvalidTag: type[InvalidTag]
    x25519_private_key: Callable[[bytes], X25519PrivateKey]
    x25519_public_key: Callable[[bytes], X25519PublicKey]
    ChaCha20Poly1305: type[ChaCha20Poly1305]
    Argon2id: type[Argon2id]


@functools.cache
def load() -> Primitives:
    """Load the functions, the first time. Raises `ImportError`, which says what to install."""
    try:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
    except ImportError as error:
        raise ImportError(f"{_NEEDED} ({error})", name=error.name) from error
    return Primitives(
        InvalidTag, X25519PrivateKey.from_private_bytes, X25519PublicKey.from_public_bytes, ChaCha20Poly1305, Argon2id
    )
