import json
import shutil
from pathlib import Path

import pytest

from scorecard.bundle import MANIFEST, write
from scorecard.registry.bundle_cache import BundleCache
from tests.builders import CONTRACT, scorecard_parts, some_values


def test_a_bundle_that_was_kept_is_found_by_its_digest(tmp_path):
    cache, digest = a_cache(tmp_path)

    assert cache.find(digest) == tmp_path / "cache" / digest
    assert cache.find("0" * 64) is None
    assert cache.find("") is None


def test_a_bundle_damaged_on_disk_is_not_found_and_makes_room_for_another_fetch(tmp_path):
    cache, digest = a_cache(tmp_path)
    (tmp_path / "cache" / digest / "forest.npz").write_bytes(b"torn")

    assert cache.find(digest) is None
    assert not (tmp_path / "cache" / digest).exists()


def test_a_bundle_of_another_digest_than_its_folder_is_not_found(tmp_path):
    cache, digest = a_cache(tmp_path)
    shutil.move(tmp_path / "cache" / digest, tmp_path / "cache" / ("0" * 64))

    assert (tmp_path / "cache" / ("0" * 64) / MANIFEST).exists()
    assert cache.find("0" * 64) is None


def test_a_bundle_that_cannot_be_read_now_is_not_found_and_stays(tmp_path, monkeypatch):
    cache, digest = a_cache(tmp_path)

    def unreadable(_: Path) -> bytes:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", unreadable)
        found = cache.find(digest)

    assert found is None
    assert cache.find(digest) == tmp_path / "cache" / digest


def test_a_bundle_of_another_format_is_not_found_and_stays(tmp_path):
    cache, digest = a_cache(tmp_path)
    manifest = tmp_path / "cache" / digest / MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_bytes()), "format": 2}))

    assert cache.find(digest) is None
    assert manifest.exists()


@pytest.mark.parametrize("name", ["forest.npz", MANIFEST])
def test_a_bundle_that_lacks_a_file_is_replaced_by_one_that_was_fetched(tmp_path, name):
    cache, digest = a_cache(tmp_path)
    (tmp_path / "cache" / digest / name).unlink()

    assert cache.find(digest) is None
    a_cache(tmp_path)

    assert cache.find(digest) == tmp_path / "cache" / digest
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [digest]


def a_cache(tmp_path) -> tuple[BundleCache, str]:
    cache = BundleCache(tmp_path / "cache", of="here")
    with cache.room() as room:
        digest = write(scorecard_parts(), CONTRACT, some_values(), room / "bundle")
        cache.keep(room / "bundle", digest)
    return cache, digest
