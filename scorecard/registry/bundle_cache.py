"""Bundles cached on this machine by digest, so that a champion is available while the registry is not.

A version's bundle never changes, so no entry becomes stale. Every write is one rename: a reader in
another process never sees half a bundle.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from scorecard import bundle
from scorecard.registry.registered_version import RegisteredVersion


def take_all(_folder: Path, _digest: str) -> None:
    """No bundle need be signed."""


class BundleCache:
    """A folder that the processes of a machine share."""

    def __init__(self, folder: Path, of: str, require_signature: Callable[[Path, str], None] = take_all) -> None:
        """Makes nothing yet.

        Args:
            folder: contains bundles by digest.
            of: which registry, its address: two registries may both have a version 1.
            require_signature: of a folder and the digest that its manifest must have; raises `SignatureError`.
        """
        self._require_signature = require_signature
        self._folder = folder
        self._notes = folder / f"registry-{hashlib.sha256(of.encode()).hexdigest()[:12]}"

    def find(self, digest: str) -> Path | None:
        """Path of the bundle of this digest, if it is here, complete, and signed if required.

        One that is proven altered makes room for another fetch. One that cannot be read now, or is of another
        version's format, stays: it may be good, and the registry may be away. So does one that lacks a signature: other
        processes may ask for none, and what the registry has may be signed.
        """
        if not digest:
            return None
        place = self._folder / digest
        try:
            whole = bundle.digest_of(place) == digest
        except bundle.AlteredBundleError:
            whole = False
        except bundle.BundleError:
            return None
        if not whole:
            with suppress(OSError):  # another process was faster, or the disk is read-only
                self._remove(place)
        return place if whole and self._is_signed(place, digest) else None

    def keep(self, folder: Path, digest: str) -> Path:
        """Moves a bundle in, over one that is not whole, and returns its place.

        Args:
            folder: on the file system of the cache, see `room`.

        Raises:
            BundleError: it is another or damaged.
            SignatureError: it is not signed by a key that is trusted.
        """
        found = bundle.digest_of(folder)
        if found != digest:
            problem = f"the bundle has digest {found[:12]}, not the {digest[:12]} that was registered"
            raise bundle.BundleError(problem)
        self._require_signature(folder, digest)
        place = self._folder / digest
        try:
            folder.rename(place)
        except OSError:
            if not self.find(digest):  # else another process was faster
                with suppress(FileNotFoundError):
                    self._remove(place)
                folder.rename(place)
        return place

    @contextmanager
    def room(self) -> Iterator[Path]:
        """A folder beside the bundles to fetch into; gone afterwards."""
        self._folder.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=".fetch-", dir=self._folder))
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)

    def remember(self, registered: RegisteredVersion, as_word: str) -> None:
        """Stores the registry's answer under a key: an alias, or the version itself."""
        path = self._note(registered.name, as_word)
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(f".{os.getpid()}")
        written.write_text(json.dumps(asdict(registered)), encoding="utf-8")
        written.replace(path)

    def recall(self, name: str, as_word: str) -> RegisteredVersion | None:
        """The answer stored under the key; None if there is none that can be read."""
        try:
            return RegisteredVersion(**json.loads(self._note(name, as_word).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _is_signed(self, place: Path, digest: str) -> bool:
        try:
            self._require_signature(place, digest)
        except bundle.SignatureError:
            return False
        return True

    def _remove(self, place: Path) -> None:
        with self.room() as room:
            # A reader of another process finds all of a bundle in its place, or nothing.
            place.rename(room / place.name)

    def _note(self, name: str, as_word: str) -> Path:
        return self._notes / name / f"{as_word}.json"
