"""OpenTofu, and Terraform where it is installed, take the Kafka module and plan each topic and right: `make terraform`.

The provider is a stand-in that knows the arguments of the real one; nothing is applied.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.access import rights
from schemas.contract import contract as contracts
from schemas.topics import topics_of

pytestmark = [pytest.mark.system, pytest.mark.chaos]
ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".cache" / "terraform"
MODULE = ROOT / "deploy" / "terraform" / "kafka"
INSTALLED = shutil.which("terraform")
OVERRIDES = f"""provider_installation {{
  dev_overrides {{
    "registry.opentofu.org/mongey/kafka" = "{BUILT / "providers"}"
    "registry.terraform.io/mongey/kafka" = "{BUILT / "providers"}"
  }}
}}
"""
VARIABLES = {"TF_VAR_bootstrap_servers": '["kafka:9096"]', "TF_VAR_admin_user": "admin", "TF_VAR_admin_password": "x"}
KINDS = ("kafka_topic", "kafka_acl")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=[str(BUILT / "tofu"), *([INSTALLED] if INSTALLED else [])], ids=lambda path: Path(path).name)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs one of the programs on a copy of the module."""
    if not Path(request.param).exists():
        pytest.skip("needs OpenTofu: `make terraform`")
    shutil.copytree(MODULE, tmp_path / "module")
    (tmp_path / "configuration").write_text(OVERRIDES, encoding="utf-8")
    own = {"TF_CLI_CONFIG_FILE": str(tmp_path / "configuration"), "CHECKPOINT_DISABLE": "1", **VARIABLES}

    def by(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [request.param, f"-chdir={tmp_path / 'module'}", *arguments],
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return by


def test_every_topic_and_right_is_planned_and_nothing_else(run: Run) -> None:
    topics = topics_of(contracts.load("credit_risk"))

    planned = run("plan", "-json", "-input=false")

    assert planned.returncode == 0, planned.stdout
    changes = [line["change"] for line in map(json.loads, planned.stdout.splitlines()) if "change" in line]
    assert {change["action"] for change in changes} == {"create"}
    made = {kind: [each for each in changes if each["resource"]["resource_type"] == kind] for kind in KINDS}
    assert {each["resource"]["resource_key"] for each in made["kafka_topic"]} == {topic.name for topic in topics.all()}
    assert len(made["kafka_acl"]) == len(rights(topics))
    assert len(changes) == sum(map(len, made.values()))


def test_a_misspelt_argument_is_refused(run: Run, tmp_path: Path) -> None:
    main = tmp_path / "module" / "main.tf"
    main.write_text(main.read_text(encoding="utf-8").replace("acl_host ", "acl_hosts "), encoding="utf-8")

    validated = json.loads(run("validate", "-json").stdout)

    assert not validated["valid"]
    assert "acl_hosts" in json.dumps(validated["diagnostics"])
