"""API keys: 256 random bits each, of which the gateway's file stores the SHA-256 alone.

A key is as long as its digest, so a fast hash is sufficient: nothing shorter than the key itself can be guessed.
"""

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.access.roles import CallerRole, Principal
from schemas.errors import SetupError

KEY_BYTES: Final = 32
DIGEST_HEX: Final = 64
COLUMNS: Final = 3


class ApiKeyFileError(SetupError):
    """The file of API keys is absent or malformed; names the line."""


def read_keys(path: Path) -> Mapping[str, Principal]:
    """Callers by the digest of their key.

    Raises:
        ApiKeyFileError: the file cannot be read, or a line is not `name roles digest`.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as cause:
        problem = f"{path}: API keys cannot be read: {type(cause).__name__}"
        raise ApiKeyFileError(problem) from cause
    keys: dict[str, Principal] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            digest, principal = _read_line(line, f"{path}:{number}")
            keys[digest] = principal
    return keys


def key_digest(key: str) -> str:
    """The file's entry of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def new_key() -> str:
    return secrets.token_urlsafe(KEY_BYTES)


def key_line(name: str, roles: frozenset[CallerRole], key: str) -> str:
    return f"{name} {','.join(sorted(roles))} {key_digest(key)}\n"


def _read_line(line: str, where: str) -> tuple[str, Principal]:
    parts = line.split()
    if len(parts) != COLUMNS:
        problem = f"{where}: expected `name roles sha256`, found {len(parts)} words"
        raise ApiKeyFileError(problem)
    name, roles, digest = parts
    unknown = set(roles.split(",")) - set(CallerRole)
    if unknown:
        problem = f"{where}: there are the roles {', '.join(CallerRole)}"
        raise ApiKeyFileError(problem)
    if len(digest) != DIGEST_HEX or set(digest) - set("0123456789abcdef"):
        problem = f"{where}: the key's SHA-256 is not {DIGEST_HEX} hexadecimal digits"
        raise ApiKeyFileError(problem)
    return digest, Principal(name, frozenset(map(CallerRole, roles.split(","))))
