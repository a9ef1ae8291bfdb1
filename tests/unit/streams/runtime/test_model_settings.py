"""Whoever loads scorecards asks for the signatures that the operator wants."""

import ast
from pathlib import Path

import pytest

from drift.agent.agent import Agent
from drift.metrics import DriftMetrics
from drift.settings import DriftSettings
from gateway.settings import GatewaySettings
from scorecard import bundle
from scorecard.bundle import SignatureError
from scorecard.registry.signatures import SIGNATURE, KeyFileError, TrustedKeys, new_pair
from streams.runtime.model_settings import ModelSettings
from streams.worker.settings import ScoringSettings
from tests.builders import CONTRACT, scorecard_parts, some_values
from tests.unit.test_purity import ALL, tree_of
from training.settings import TrainingSettings, UntrustedSignerError

LOADERS = (ScoringSettings, DriftSettings, GatewaySettings, TrainingSettings)
MAKERS = {"ModelRegistry", "BundleCache"}
PLACES = {"streams/runtime/model_settings.py", "scorecard/registry/model_registry.py"}


def test_registries_and_caches_are_made_where_the_signature_is_asked_for_and_nowhere_else() -> None:
    """One made by hand would take unsigned bundles."""
    named = [path for path, source in ALL.items() if any(maker in source for maker in MAKERS)]
    made = {
        path
        for path in named
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MAKERS
    }

    assert made == PLACES


@pytest.mark.parametrize("settings_class", LOADERS)
def test_every_process_that_loads_scorecards_reads_the_trusted_keys(
    settings_class: type[ModelSettings], tmp_path: Path
) -> None:
    _, public = new_pair(tmp_path / "keys", "trainer")
    folder = tmp_path / "bundle"
    digest = bundle.write(scorecard_parts(), CONTRACT, some_values(), folder)
    own = {"_env_file": None, "cache_dir": tmp_path / "cache"}
    strict, lax = settings_class(**own, trusted_keys=public), settings_class(**own)

    with pytest.raises(SignatureError), strict.bundle_cache().room():
        strict.bundle_cache().keep(folder, digest)
    with lax.bundle_cache().room():
        assert lax.bundle_cache().keep(folder, digest).exists()
    assert strict.bundle_cache().find(digest) is None
    strict.model_registry()


@pytest.mark.parametrize("settings_class", LOADERS)
def test_trusted_keys_that_cannot_be_read_are_refused_before_any_bundle_is(
    settings_class: type[ModelSettings], tmp_path: Path
) -> None:
    with pytest.raises(KeyFileError, match="holds no public key"):
        settings_class(_env_file=None, trusted_keys=tmp_path).model_registry()


def test_the_drift_agent_refuses_such_keys_at_its_start(tmp_path: Path) -> None:
    settings = DriftSettings(_env_file=None, trusted_keys=tmp_path)

    with pytest.raises(KeyFileError):
        Agent(settings, DriftMetrics(settings.topics()))


def test_a_trainer_signs_what_it_makes(tmp_path: Path) -> None:
    private, public = new_pair(tmp_path / "keys", "trainer")
    folder = tmp_path / "bundle"
    digest = bundle.write(scorecard_parts(), CONTRACT, some_values(), folder)

    TrainingSettings(_env_file=None).plan().sign(folder)
    assert not (folder / SIGNATURE).exists()
    TrainingSettings(_env_file=None, signing_key=private, trusted_keys=public).plan().sign(folder)
    TrustedKeys.read(public).require(folder, digest)


def test_a_trainer_whose_scorecards_would_be_refused_is_refused_itself(tmp_path: Path) -> None:
    private, _ = new_pair(tmp_path / "keys", "trainer")
    _, public = new_pair(tmp_path / "others", "trainer")

    with pytest.raises(UntrustedSignerError, match=r"LOAN_SIGNING_KEY is not: .* give the trainer a key"):
        TrainingSettings(_env_file=None, trusted_keys=public).plan()
    with pytest.raises(UntrustedSignerError, match=r"the public key of .*trainer.key is not in .*: .* add it there"):
        TrainingSettings(_env_file=None, trusted_keys=public, signing_key=private).plan()
    with pytest.raises(KeyFileError, match="cannot be read"):
        TrainingSettings(_env_file=None, signing_key=tmp_path / "nowhere").plan()
