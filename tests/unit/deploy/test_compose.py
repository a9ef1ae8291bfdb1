"""The compose file names only what there is: our processes, our folders, services that are defined."""

import importlib.util
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
DEFAULT_COMMAND = ["python", "-m", "streams"]
"""Of the project's image."""


def test_every_service_of_ours_starts_a_process_that_there_is():
    assert str(DEFAULT_COMMAND).replace("'", '"') in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    modules = {"worker": "streams", "drift": "drift", "trainer": "training", "ledger": "ledger", "gateway": "gateway"}
    for name, module in modules.items():
        assert SERVICES[name].get("command", DEFAULT_COMMAND) == ["python", "-m", module]
        assert importlib.util.find_spec(f"{module}.__main__") is not None


def test_every_service_waits_only_for_services_that_there_are():
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= SERVICES.keys()


def test_every_folder_of_ours_that_is_mounted_is_there():
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", []) if mount.startswith("./")]

    assert mounts
    for mount in mounts:
        assert (ROOT / mount.split(":")[0]).exists()
