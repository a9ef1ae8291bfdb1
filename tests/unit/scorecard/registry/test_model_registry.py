"""The registry on a real MLflow file: aliases, tags, a cache by digest, and MLflow away."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from schemas.contract.contract import load
from scorecard import bundle
from scorecard.bundle import BundleError
from scorecard.registry import signatures
from scorecard.registry.download import BUNDLE
from scorecard.registry.mlflow_client import ModelRegistryAwayError, ModelRegistryRefusedError
from scorecard.registry.model_registry import (
    CHALLENGER,
    CHAMPION,
    MissingBundleError,
    ModelRegistry,
    NoVersionError,
)
from scorecard.registry.registered_version import RegisteredVersion
from scorecard.registry.sqlite_reader import SqliteReader
from streams.runtime.lifecycle import Lifecycle
from streams.worker.model_slots import ModelSlot
from tests.builders import scorecard_parts
from tests.doubles.http_server import Handler, web_server
from tests.unit.training.builders import made_up_rows
from training.tracking import mlflow_run
from training.tracking.model_signature import model_signature

CONTRACT = load("credit_risk")


def _away(*_: object) -> None:
    raise ModelRegistryAwayError


class Shop:
    """An MLflow in a file, and versions made in it."""

    def __init__(self, folder: Path, store: Path) -> None:
        self.folder = folder
        self.uri = f"sqlite:///{shutil.copy(store, folder / 'mlflow.db')}"
        self.registry = ModelRegistry(self.uri, "test", folder / "cache")
        self.made = 0

    def version(self, key: Path | None = None, **tags: str) -> RegisteredVersion:
        self.made += 1
        place = self.folder / str(self.made) / BUNDLE
        values = made_up_rows(40, seed=self.made).values
        parts = scorecard_parts()
        digest = bundle.write(parts, CONTRACT, values, place)
        if key is not None:
            signatures.sign(place, signatures.signing_key(key))
        with mlflow_run.run(self.uri, "test", "test", {}) as run:
            signature = model_signature(CONTRACT, parts.features.names, parts.policy)
            logged = run.model(place, CONTRACT, signature, mlflow_run.example_of(CONTRACT, values[:2]))
        told = {"digest": digest, "family": "xgboost", **tags}
        return self.registry.register(logged.source, run.run_id, told, logged.model_id)


@pytest.fixture
def shop(tmp_path: Path, empty_store: Path) -> Shop:
    return Shop(tmp_path, empty_store)


def test_without_versions_there_is_no_champion(shop: Shop) -> None:
    assert shop.registry.champion() is None
    assert shop.registry.history() == []


def test_a_version_has_its_digest_and_tags_from_the_first_moment(shop: Shop) -> None:
    made = shop.version(command_id="c-1")

    assert made.tags["command_id"] == "c-1"
    assert len(made.digest) == 64
    assert shop.registry.with_tag("command_id", "c-1") == made


def test_the_champion_is_whom_the_alias_points_at(shop: Shop) -> None:
    first, second = shop.version(), shop.version()
    shop.registry.point(CHAMPION, first.version)
    shop.registry.point(CHALLENGER, second.version)
    shop.registry.point(CHAMPION, second.version, {"promoted_why": "better"})

    champion = shop.registry.champion()

    assert champion is not None
    assert (champion.version, champion.tags["promoted_why"]) == (second.version, "better")
    shop.registry.drop(CHALLENGER)
    assert shop.registry.champion(CHALLENGER) is None


def test_a_bundle_is_fetched_once_and_kept_by_its_digest(shop: Shop) -> None:
    made = shop.version()

    place = shop.registry.fetch(made)

    assert place == shop.folder / "cache" / made.digest
    assert bundle.read(place, load("credit_risk"), made.digest).digest == made.digest
    shutil.rmtree(shop.folder / "mlflow-artifacts")
    assert shop.registry.fetch(made.version) == place


def test_while_mlflow_is_away_the_cache_knows_who_decided_here_last(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shop.version()
    shop.registry.point(CHAMPION, made.version)
    seen = shop.registry.champion()
    assert seen is not None
    place = shop.registry.fetch(made.version)
    assert shop.registry.cached_champion() is None
    shop.registry.remember(seen)
    monkeypatch.setattr(SqliteReader, "_ask", _away)

    with pytest.raises(ModelRegistryAwayError):
        shop.registry.champion()
    assert shop.registry.cached_champion() == seen
    assert shop.registry.fetch(made.version) == place


def test_another_registry_with_the_same_version_is_not_mistaken_for_it(shop: Shop, empty_store: Path) -> None:
    made = shop.version()
    shop.registry.fetch(made)
    (shop.folder / "other").mkdir()
    elsewhere = shutil.copy(empty_store, shop.folder / "other" / "mlflow.db")
    other = ModelRegistry(f"sqlite:///{elsewhere}", "test", shop.folder / "cache")

    with pytest.raises(NoVersionError, match=f"test has no version {made.version}"):
        other.fetch(made.version)


def test_an_altered_bundle_is_refused_and_leaves_nothing_in_the_cache(shop: Shop) -> None:
    made = shop.version()
    for path in (shop.folder / "mlflow-artifacts").rglob("forest.npz"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(BundleError):
        shop.registry.fetch(made)
    assert not [path for path in (shop.folder / "cache").iterdir() if path.name in (made.digest, ".fetch")]


@pytest.mark.slow
def test_where_signatures_are_asked_for_an_unsigned_successor_is_refused_and_the_champion_stays(shop: Shop) -> None:
    private, public = signatures.new_pair(shop.folder / "keys", "trainer")
    trusted = signatures.TrustedKeys.read(public)
    strict = ModelRegistry(shop.uri, "test", shop.folder / "strict", require_signature=trusted.require)
    signed, unsigned = shop.version(private), shop.version()
    told: list[str] = []
    seat = ModelSlot("champion", strict, CONTRACT, Lifecycle(), on_change=lambda event, _: told.append(event))

    for version in (signed, unsigned):
        shop.registry.point(CHAMPION, version.version)
        seat.look()

    assert seat.holder is not None
    assert seat.holder.version == signed.version
    assert told == ["installed", "signature"]
    assert "is not signed" in seat.facts()["refused"]["why"]
    assert shop.registry.fetch(unsigned).exists(), "who asks for no signature loads it as before"


def test_after_a_restart_a_cached_champion_without_signature_decides_no_more(shop: Shop) -> None:
    _, public = signatures.new_pair(shop.folder / "keys", "trainer")
    trusted = signatures.TrustedKeys.read(public)
    made = shop.version()
    shop.registry.fetch(made)
    shop.registry.remember(made)
    strict = ModelRegistry(shop.uri, "test", shop.folder / "cache", require_signature=trusted.require)

    assert shop.registry.cached_champion() == made
    assert strict.cached_champion() is None


def test_a_bundle_with_another_digest_than_registered_is_refused(shop: Shop) -> None:
    made = shop.version(digest="0" * 64)

    with pytest.raises(BundleError, match="not the 000000000000 that was registered"):
        shop.registry.fetch(made)


def test_pointing_at_a_version_that_is_not_there_is_refused(shop: Shop) -> None:
    shop.version()

    with pytest.raises(NoVersionError):
        shop.registry.point(CHAMPION, "99")


def test_a_server_that_is_away_is_told_as_an_outage_and_soon(tmp_path: Path) -> None:
    with pytest.raises(ModelRegistryAwayError):
        ModelRegistry("http://127.0.0.1:9", "test", tmp_path).champion()


def a_folder(path: Path) -> None:
    path.mkdir()


def rubbish(path: Path) -> None:
    path.write_bytes(b"this was a database once " * 100)


def below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_bytes(b"")


@pytest.mark.parametrize(
    ("befallen", "told"),
    [(a_folder, "mlflow.db is no file"), (below_a_file, "store is no folder"), (rubbish, "DatabaseError")],
)
def test_a_store_that_was_lost_is_told_at_once(tmp_path: Path, befallen: Callable[[Path], None], told: str) -> None:
    path = tmp_path / "store" / "mlflow.db"
    path.parent.mkdir()
    befallen(path)

    with pytest.raises(ModelRegistryAwayError, match=told):
        ModelRegistry(f"sqlite:///{path}", "test", tmp_path / "cache").champion()


def test_a_store_that_may_not_be_written_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere

    with pytest.raises(ModelRegistryAwayError, match=f"{tmp_path} cannot be written"):
        ModelRegistry(f"sqlite:///{tmp_path}/mlflow.db", "test", tmp_path / "cache").champion()


@pytest.fixture
def start_server() -> Iterator[Callable[[int, str], str]]:
    """Starts a server that answers every request so, and gives its URL, credentials in it."""
    with ExitStack() as stack:

        def start(status: int, body: str) -> str:
            class StatusHandler(Handler):
                def respond(self) -> None:
                    self.reply(status, body.encode())

            return stack.enter_context(web_server(StatusHandler)).replace("//", "//me:hush@")

        yield start


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, "Unauthorized", r"MLflow at http://\*\*\*@127.0.0.1:\d+ refuses us \(UNAUTHENTICATED\)"),
        (403, "Permission denied", r"refuses us \(PERMISSION_DENIED\): see MLFLOW_TRACKING_USERNAME"),
        (403, '{"error_code": "PERMISSION_DENIED", "message": "no"}', r"refuses us \(PERMISSION_DENIED\)"),
        (404, "<html>nginx</html>", r"is not MLflow \(ENDPOINT_NOT_FOUND\): see LOAN_MLFLOW_URI"),
    ],
)
def test_who_refuses_us_is_not_away(
    status: int, body: str, told: str, start_server: Callable[[int, str], str], tmp_path: Path
) -> None:
    with pytest.raises(ModelRegistryRefusedError, match=told) as refusal:
        ModelRegistry(start_server(status, body), "test", tmp_path).champion()

    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_fails_is_away(status: int, start_server: Callable[[int, str], str], tmp_path: Path) -> None:
    with pytest.raises(ModelRegistryAwayError):
        ModelRegistry(start_server(status, "<html>bad gateway</html>"), "test", tmp_path).champion()


def test_what_mlflow_says_is_not_there_is_neither(start_server: Callable[[int, str], str], tmp_path: Path) -> None:
    said = '{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such model"}'

    assert ModelRegistry(start_server(404, said), "test", tmp_path).champion() is None


def test_a_bundle_that_was_moved_away_is_told_with_its_version_and_place(shop: Shop) -> None:
    made = shop.version()
    (shop.folder / "mlflow-artifacts").rename(shop.folder / "moved")

    with pytest.raises(
        MissingBundleError, match=rf"test version {made.version}: its bundle is not at .*mlflow-artifacts"
    ):
        shop.registry.fetch(made)
