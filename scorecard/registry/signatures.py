"""Signatures of bundles: Ed25519 (RFC 8032) over the bytes of the manifest, by keys in PEM files.

The signature is a file of 64 bytes beside the manifest, not a tag of the registry: it goes wherever the bundle goes (a
copy, a cache, another registry), and who can alter tags cannot part it from what it vouches for. It is no part of the
digest, so that signing leaves the digest as it is. The manifest holds a digest of every other file, so that one
signature covers all. `openssl pkeyutl -verify -rawin` knows the format.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.errors import SetupError
from scorecard.bundle import MANIFEST, SignatureError

SIGNATURE: Final = "MANIFEST.sig"
SIGNATURE_BYTES: Final = 64
OWNER_ONLY: Final = 0o600
FOR_ALL: Final = 0o644
PEM_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class KeyFileError(SetupError):
    """A file or folder of keys is of no use; says which, why and what to do."""

    def __init__(self, place: Path, problem: str) -> None:
        super().__init__(f"{place} {problem}")


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Public keys, one of which must have signed a bundle."""

    place: Path
    keys: Mapping[str, Ed25519PublicKey]
    """By the name of the file, and a number where a file holds several."""

    @classmethod
    def read(cls, place: Path) -> Self:
        """Keys of a PEM file, or of all `*.pem` files of a folder; a file may hold several.

        Raises:
            KeyFileError: there is none, or one is no Ed25519 public key.
        """
        files = sorted(place.glob("*.pem")) if place.is_dir() else [place]
        found = {name: key for file in files for name, key in _public_keys(file).items()}
        if not found:
            raise KeyFileError(place, "holds no public key: put the trainer's into it (*.pem)")
        return cls(place, found)

    def require(self, folder: Path, digest: str) -> None:
        """Refuse a bundle that no trusted key has signed.

        Raises:
            SignatureError: it is unsigned, altered, or signed by another key.
        """
        try:
            manifest, signature = (folder / MANIFEST).read_bytes(), (folder / SIGNATURE).read_bytes()
        except OSError:
            problem = f"is not signed, and only what a key in {self.place} has signed may decide: train it with"
            raise SignatureError(digest, f"{problem} LOAN_SIGNING_KEY") from None
        if hashlib.sha256(manifest).hexdigest() != digest:
            raise SignatureError(digest, f"has an altered {MANIFEST}: register it anew")
        if len(signature) != SIGNATURE_BYTES:
            problem = f"has a {SIGNATURE} of {len(signature)} bytes, a signature has {SIGNATURE_BYTES}"
            raise SignatureError(digest, f"{problem}: register it anew")
        if not any(_is_by(key, signature, manifest) for key in self.keys.values()):
            problem = f"is signed by none of the keys in {self.place} ({', '.join(self.keys)}): add the signer's"
            raise SignatureError(digest, f"{problem} public key there, or train with one of these")

    def covers(self, key: Ed25519PrivateKey) -> bool:
        """Whether what this key signs is taken."""
        return _raw(key.public_key()) in map(_raw, self.keys.values())


def signing_key(file: Path) -> Ed25519PrivateKey:
    """The private key of a PEM file (PKCS 8, without a password).

    Raises:
        KeyFileError: there is none, or of another type.
    """
    try:
        key = serialization.load_pem_private_key(_content(file), password=None)
    except TypeError:
        raise KeyFileError(file, "asks for a password: give the key without one, in a file of mode 0600") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(file, "holds no private key in PEM: `loanctl keys new` makes one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(file, "is a key of another type than Ed25519: `loanctl keys new` makes one")
    return key


def sign(folder: Path, key: Ed25519PrivateKey) -> None:
    """Put the signature beside the manifest; the same key and bundle give the same bytes."""
    (folder / SIGNATURE).write_bytes(key.sign((folder / MANIFEST).read_bytes()))


def new_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A fresh pair as files: private `NAME.key`, for its owner alone, and public `NAME.pem`.

    Raises:
        KeyFileError: one of the files exists, or the folder cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    places = folder / f"{name}.key", folder / f"{name}.pem"
    for place in places:
        if place.exists():
            raise KeyFileError(place, "exists: give another --name, or another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_new(places[0], private, OWNER_ONLY)
        _write_new(places[1], public, FOR_ALL)
    except OSError as cause:
        raise KeyFileError(folder, f"cannot be written ({type(cause).__name__})") from cause
    return places


def _write_new(place: Path, content: bytes, mode: int) -> None:
    # With its mode from the first moment: no other user can read it between two calls.
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def _public_keys(file: Path) -> Mapping[str, Ed25519PublicKey]:
    blocks = list(PEM_BLOCK.finditer(_content(file)))
    if not blocks:
        raise KeyFileError(file, "holds no key in PEM: give the trainer's public key, which `loanctl keys new` makes")
    names = [file.name] if len(blocks) == 1 else [f"{file.name}#{place}" for place in range(1, len(blocks) + 1)]
    return {name: _public_key(file, block) for name, block in zip(names, blocks, strict=True)}


def _public_key(file: Path, block: re.Match[bytes]) -> Ed25519PublicKey:
    if b"PRIVATE" in block[1]:
        raise KeyFileError(file, "holds a private key: those who check signatures need the public one alone")
    try:
        key = serialization.load_pem_public_key(block[0])
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(file, "holds no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(file, "is a key of another type than Ed25519")
    return key


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as cause:
        raise KeyFileError(file, f"cannot be read ({type(cause).__name__}): give the path of a key in PEM") from cause


def _is_by(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes_raw()
