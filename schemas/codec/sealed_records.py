"""Applications encrypted under a key of their own: deleting the key erases them, wherever their bytes are.

Pure: keys come in as an argument (`streams.runtime.key_database` asks a database for them). A sealed value is

    "S", the schema id as four bytes, the length of the application's id as two, the id,
    a nonce of 12 bytes, and the framed application encrypted by AES-256-GCM; all that comes before the nonce is
    authenticated with it.

Nonces are random: with a key for each application only a few values are ever sealed under one.
"""

import os
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.codec.wire_format import SEALED, SealedError, UndecodableError, unframe
from schemas.errors import RecordError

SEALED_BYTE: Final = SEALED.to_bytes()
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
HEAD: Final = struct.Struct(">BIH")

ApplicationKeys = Callable[[Collection[str]], Mapping[str, bytes]]
"""Keys by application id; those that were erased, or never were, are left out. May raise `OutageError`."""


def without_keys(_: Collection[str]) -> Mapping[str, bytes]:
    """Of a process that was given none."""
    return {}


def seal(framed: bytes, key: bytes, application_id: str) -> bytes:
    """A framed application, encrypted.

    Raises:
        NotFramedError: it is not framed.
    """
    schema_id, _ = unframe(framed)
    name, nonce = application_id.encode(), os.urandom(NONCE_BYTES)
    head = HEAD.pack(SEALED, schema_id, len(name)) + name
    return head + nonce + AESGCM(key).encrypt(nonce, framed, head)


def is_sealed(value: bytes | None) -> bool:
    return value is not None and value[:1] == SEALED_BYTE


def sealed_places(values: Sequence[bytes | None]) -> list[int]:
    # Most batches have none, and one look at all first bytes says so: a call for each would cost four times as much.
    if SEALED_BYTE not in {value[:1] for value in values if value}:
        return []
    return [place for place, value in enumerate(values) if is_sealed(value)]


def open_values(values: Sequence[bytes | None], keys: ApplicationKeys) -> Sequence[bytes | RecordError | None]:
    """Values with the sealed ones decrypted, or the reason why not; the same sequence where none is sealed."""
    places = sealed_places(values)
    if not places:
        return values
    names = {place: _name(values[place] or b"") for place in places}
    known = keys({name for name in names.values() if name})
    found: list[bytes | RecordError | None] = list(values)
    for place in places:
        found[place] = _open_value(values[place] or b"", names[place], known)
    return found


def _name(value: bytes) -> str:
    """The application's id; empty where the bytes are no sealed value."""
    if len(value) < HEAD.size:
        return ""
    length = HEAD.unpack_from(value)[2]
    try:
        return value[HEAD.size : HEAD.size + length].decode()
    except UnicodeDecodeError:
        return ""


def _open_value(value: bytes, name: str, keys: Mapping[str, bytes]) -> bytes | RecordError:
    if not name:
        return UndecodableError()
    if name not in keys:
        return SealedError()
    head_end = HEAD.size + len(name.encode())
    nonce_end = head_end + NONCE_BYTES
    try:
        return AESGCM(keys[name]).decrypt(value[head_end:nonce_end], value[nonce_end:], value[:head_end])
    except (InvalidTag, ValueError):
        return UndecodableError()
