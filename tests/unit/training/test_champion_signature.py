"""A champion whose signature cannot be checked is not one that is absent: nothing is compared, and a person decides."""

from pathlib import Path
from typing import Any, cast

from scorecard import bundle
from scorecard.registry.bundle_cache import BundleCache
from scorecard.registry.registered_version import RegisteredVersion
from scorecard.registry.signatures import TrustedKeys, new_pair, sign, signing_key
from tests.builders import CONTRACT, scorecard_parts, some_values
from training.promotion.champion_comparison import Incomparable
from training.promotion.current_champion import read_champion


class Shelf:
    """A registry with one bundle, that of the champion."""

    def __init__(self, folder: Path, public: Path) -> None:
        self.cache = BundleCache(folder / "cache", of="test", require_signature=TrustedKeys.read(public).require)
        self.place = folder / "bundle"
        digest = bundle.write(scorecard_parts(), CONTRACT, some_values(), self.place)
        self.version = RegisteredVersion("test", "3", digest, "xgboost", "")

    def fetch(self, version: RegisteredVersion) -> Path:
        with self.cache.room():
            return self.cache.keep(self.place, version.digest)


def test_a_champion_without_a_trusted_signature_is_not_compared_with(tmp_path: Path) -> None:
    _, public = new_pair(tmp_path / "keys", "trainer")
    shelf = Shelf(tmp_path, public)
    stranger, _ = new_pair(tmp_path / "strangers", "stranger")

    unsigned = read_champion(cast(Any, shelf), shelf.version, CONTRACT)
    sign(shelf.place, signing_key(stranger))
    foreign = read_champion(cast(Any, shelf), shelf.version, CONTRACT)

    assert isinstance(unsigned, Incomparable)
    assert isinstance(foreign, Incomparable)
    assert unsigned.why.startswith("version 3 cannot be read: bundle")
    assert "is not signed" in unsigned.why
    assert "is signed by none of the keys" in foreign.why
