"""The compose file names only what there is: our processes, our folders, services that are defined."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from gateway.api.alert_webhook import MOST_ALERTS

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


def configuration(**variables: str) -> subprocess.CompletedProcess[str]:
    script = [str(ROOT / "deploy" / "alertmanager" / "configuration")]
    return subprocess.run(script, env={"PATH": os.environ["PATH"], **variables}, capture_output=True, text=True)


def test_alertmanager_tells_the_gateway_and_whoever_is_set(tmp_path):
    secret = tmp_path / "secret"
    secret.touch()
    everybody = {
        "ALERTS_GATEWAY_KEY_FILE": str(secret),
        "ALERTS_SLACK_URL_FILE": str(secret),
        "ALERTS_PAGERDUTY_KEY_FILE": str(secret),
        "ALERTS_EMAIL_TO": "a@example.com",
        "ALERTS_EMAIL_FROM": "b@example.com",
        "ALERTS_SMTP_HOST": "mail:25",
        "ALERTS_SMTP_USER": "u",
        "ALERTS_SMTP_PASSWORD_FILE": str(secret),
    }

    alone, all_told = (yaml.safe_load(configuration(**given).stdout) for given in ({}, everybody))
    receivers = {each["name"]: each for each in all_told["receivers"]}

    assert [each for each in alone["receivers"] if len(each) > 1] == [alone["receivers"][0]]
    assert alone["receivers"][0]["webhook_configs"][0]["url"] == "http://gateway:8104/alerts"
    assert receivers["gateway"]["webhook_configs"][0]["max_alerts"] == MOST_ALERTS
    assert receivers["page"]["pagerduty_configs"][0]["routing_key_file"] == str(secret)
    assert set(receivers["team"]) == {"name", "slack_configs", "email_configs"}
    # Compose passes all of them on.
    assert everybody.keys() <= SERVICES["alertmanager"]["environment"].keys()


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"ALERTS_SLACK_URL_FILE": "/nonexistent"}, "ALERTS_SLACK_URL_FILE names a file that cannot be read"),
        ({"ALERTS_EMAIL_TO": "a@example.com"}, "ALERTS_EMAIL_TO needs ALERTS_SMTP_HOST and ALERTS_EMAIL_FROM"),
    ],
)
def test_alertmanager_does_not_start_half_set_up(given, refusal):
    told = configuration(**given)

    assert (told.returncode, told.stdout) == (2, "")
    assert refusal in told.stderr


def test_alertmanager_accepts_its_configuration(tmp_path):
    if shutil.which("amtool") is None:
        pytest.skip("needs amtool, of Debian's package prometheus-alertmanager")
    path = tmp_path / "alertmanager.yml"
    path.write_text(configuration().stdout, encoding="utf-8")

    assert subprocess.run(["amtool", "check-config", str(path)], capture_output=True, check=False).returncode == 0
