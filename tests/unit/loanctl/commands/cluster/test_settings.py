"""Every setting is told, and what the deployment files set exists."""

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from loanctl.commands.cluster.settings import PLACES, env_example

ROOT = Path(__file__).parents[5]


def names_of(text: str) -> set[str]:
    return {line.lstrip("#").partition("=")[0] for line in text.splitlines() if line.startswith("#LOAN_")}


def test_the_example_tells_every_setting_with_its_default() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example()


def test_no_setting_is_without_a_meaning_where_its_name_is_not_enough() -> None:
    assert "LOAN_BOOTSTRAP_SERVERS" in names_of(env_example())
    assert (
        "# A packaged product's name, or the path of an application schema.\n#LOAN_PRODUCT=credit_risk" in env_example()
    )


def test_compose_sets_only_what_exists() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    told = {name for service in services.values() for name in service.get("environment", {}) if "LOAN_" in name}

    assert told <= names_of(env_example()) | {"LOAN_WEB_PORT"}, "the port of whichever process a container runs"


def test_compose_takes_kafka_and_the_registry_in_the_stacks_own_versions() -> None:
    from loanctl.stack.artifacts import KAFKA_VERSION, REGISTRY_VERSION

    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]

    assert services["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert services["registry"]["image"] == f"apicurio/apicurio-registry:{REGISTRY_VERSION}"


def test_prometheus_scrapes_the_ports_that_compose_gives() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    targets = {target for job in scraped for static in job["static_configs"] for target in static["targets"]}

    processes = ("worker", "drift", "trainer", "ledger", "gateway")
    assert targets == {f"{name}:{services[name]['environment']['LOAN_WEB_PORT']}" for name in processes}


def test_the_example_with_every_mark_taken_away_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line[1:] for line in env_example().splitlines() if line.startswith("#LOAN_")]
    names = Counter(line.partition("=")[0] for line in lines)
    # One that stands more than once has a default for each process.
    given = dict(line.partition("=")[::2] for line in lines if names[line.partition("=")[0]] == 1)
    for _, place in PLACES:
        module, _, name = place.partition(":")
        settings_class = getattr(import_module(module), name)
        before = settings_class(_env_file=None).model_dump()
        with monkeypatch.context() as environment:
            for variable, value in given.items():
                environment.setenv(variable, value)

            assert settings_class(_env_file=None).model_dump() == before, name
