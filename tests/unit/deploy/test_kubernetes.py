"""The manifests are Kubernetes', name only what there is, and run nothing as root; the overlays build."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import kubernetes_validate
import pytest
import yaml

from loanctl.cli import COMMANDS
from loanctl.commands.cluster.topics import TopicSettings
from schemas.access import KafkaPrincipal
from schemas.contract import contract as contracts
from schemas.topics import scoring_group, topics_of
from streams.runtime.setting_names import PREFIX, misspelt
from tests.unit.deploy.custom_resources import schema_of
from tests.unit.deploy.manifests import (
    KUBERNETES,
    OVERLAYS,
    ROOT,
    WORKLOADS,
    container,
    declarations,
    documents,
    files_of,
    kustomization,
    pod,
    resource_of,
    resources,
    workloads,
)

VERSIONS = ("1.31", kubernetes_validate.latest_version())
"""The oldest and the newest Kubernetes whose schemas the manifests are held to."""
MANIFESTS = {(each["kind"], each["metadata"]["name"]): each for name in OVERLAYS for each in resources(name)}
APPLICATION = KUBERNETES / "argocd" / "application.yaml"
PROCESSES = [each for each in workloads() if each["kind"] != "Job"]
ENVIRONMENT = re.compile(rf"\b{PREFIX}[A-Z0-9_]+")
SETTINGS = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)
MODULES = {
    "worker": "streams.worker.settings:ScoringSettings:scoring_port",
    "drift-agent": "drift.settings:DriftSettings:drift_port",
    "trainer": "training.settings:TrainingSettings:trainer_port",
    "ledger": "ledger.settings:LedgerSettings:ledger_port",
    "gateway": "gateway.settings:GatewaySettings:gateway_port",
}
"""Where the port of each process is set."""


def title(resource: dict[str, Any]) -> str:
    return f"{resource['kind']}/{resource['metadata']['name']}"


def pod_labels(workload: dict[str, Any]) -> dict[str, str]:
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def check(resource: dict[str, Any]) -> None:
    schema = schema_of(resource["apiVersion"], resource["kind"])
    if schema is not None:
        jsonschema.validate(resource, schema)
        return
    for version in VERSIONS:
        kubernetes_validate.validate(resource, version, strict=True)


def test_generated_files_say_what_the_tables_say() -> None:
    files = declarations().files()

    assert len(files) == 9
    stale = [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run make declarations"


@pytest.mark.parametrize("resource", [*MANIFESTS.values(), *documents(APPLICATION)], ids=title)
def test_every_manifest_is_as_its_schema_has_it(resource: dict[str, Any]) -> None:
    check(resource)


def test_a_misspelt_field_is_found() -> None:
    worker = resource_of("StatefulSet", "loan-worker")
    topic = resource_of("KafkaTopic", "loan.decisions.v1")

    with pytest.raises(kubernetes_validate.ValidationError):
        check({**worker, "spec": {**worker["spec"], "replica": 1}})
    with pytest.raises(jsonschema.ValidationError):
        check({**topic, "spec": {**topic["spec"], "partition": 1}})


def test_every_file_is_there_and_in_use() -> None:
    used = {path for overlay in OVERLAYS for path in files_of(KUBERNETES / "overlays" / overlay)} | {APPLICATION}

    assert [path for path in used if not path.is_file()] == []
    assert {path for path in KUBERNETES.rglob("*") if path.is_file()} == used
    [application] = documents(APPLICATION)
    assert (ROOT / application["spec"]["source"]["path"] / "kustomization.yaml").exists()


def test_every_setting_that_is_named_exists() -> None:
    texts = [path.read_text(encoding="utf-8") for path in KUBERNETES.rglob("*") if path.is_file()]
    names = {name for text in texts for name in ENVIRONMENT.findall(text)}

    assert len(names) > 10
    assert misspelt(names) == []


@pytest.mark.parametrize("workload", workloads(), ids=title)
def test_a_pod_has_no_rights_and_writes_only_to_its_volumes(workload: dict[str, Any]) -> None:
    process, spec = container(workload), pod(workload)
    writable = {mount["mountPath"] for mount in process["volumeMounts"] if not mount.get("readOnly")}
    cache = {each["name"]: each.get("value") for each in process["env"]}.get("LOAN_CACHE_DIR", "/var/lib/loan")

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert process["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"/tmp", cache} <= writable  # noqa: S108 (a path in the container)
    assert process["workingDir"] in writable
    assert process["resources"]["requests"].keys() == process["resources"]["limits"].keys() == {"cpu", "memory"}


def test_the_images_are_ours_their_user_and_cache_are_those_of_the_pods() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    images = re.findall(r"^(?:WORKER_)?IMAGE \?= (.*)$", makefile, re.MULTILINE)
    whole, worker = images

    assert {title(each): container(each)["image"] for each in workloads()} == {
        title(each): worker if each["metadata"]["name"] == "loan-worker" else whole for each in workloads()
    }
    assert {pod(each)["securityContext"]["runAsUser"] for each in workloads()} == {
        int(number) for number in re.findall(r"--uid (\d+)", dockerfile)
    }
    assert "LOAN_CACHE_DIR=/var/lib/loan " in dockerfile
    for overlay in OVERLAYS:
        renamed = kustomization(KUBERNETES / "overlays" / overlay)["images"]
        assert [each["name"] for each in renamed] == [image.split(":")[0] for image in images]


@pytest.mark.parametrize("workload", PROCESSES, ids=title)
def test_a_process_is_one_of_ours_and_is_asked_at_its_own_port(workload: dict[str, Any]) -> None:
    process = container(workload)
    component = workload["metadata"]["labels"]["app.kubernetes.io/component"]
    module, name, field = MODULES[component].split(":")
    port = getattr(importlib.import_module(module), name).model_fields[field].default
    variables = {each["name"]: each.get("value") for each in process["env"]}

    assert process["command"] == ["python", "-m", module.split(".")[0]]
    assert importlib.util.find_spec(f"{module.split('.')[0]}.__main__") is not None
    assert process["ports"] == [{"name": "web", "containerPort": port}]
    assert variables["LOAN_WEB_PORT"] == str(port)
    for probe, path in (("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/ready")):
        assert process[probe]["httpGet"] == {"path": path, "port": "web"}


def test_every_command_of_the_job_is_one_of_loanctls() -> None:
    patch = kustomization(KUBERNETES / "overlays" / "strimzi")["patches"][0]["patch"]
    given = [container(resource_of("Job", "loan-init"))["command"][-1], " ".join(yaml.safe_load(patch)[0]["value"])]
    groups = {line.name for line in COMMANDS}

    said = [each.split() for text in given for each in text.split(" && ")]
    assert said == [["loanctl", "topics", "apply"], *[["loanctl", "schemas", "register"]] * 2]
    assert {words[1] for words in said} <= groups


def test_who_has_transactions_or_a_seat_is_named_after_its_pod() -> None:
    names = {
        variable["name"]: (each["kind"], each["metadata"]["name"])
        for each in PROCESSES
        for variable in container(each)["env"]
        if variable.get("valueFrom", {}).get("fieldRef") == {"fieldPath": "metadata.name"}
    }

    assert names == {
        "LOAN_INSTANCE_ID": ("StatefulSet", "loan-worker"),
        "LOAN_DRIFT_INSTANCE_ID": ("StatefulSet", "loan-drift-agent"),
        "LOAN_TRAINER_INSTANCE_ID": ("StatefulSet", "loan-trainer"),
        "LOAN_LEDGER_INSTANCE_ID": ("StatefulSet", "loan-ledger"),
    }


def test_workers_are_scaled_by_their_groups_lag_and_never_beyond_the_partitions() -> None:
    topics = topics_of(contracts.load("credit_risk"))
    scaled = resource_of("ScaledObject", "loan-worker")["spec"]
    [trigger] = scaled["triggers"]
    topic = resource_of("KafkaTopic", topics.applications.name)

    assert trigger["metadata"]["consumerGroup"] == scoring_group(topics)
    assert trigger["metadata"]["topic"] == topics.applications.name
    assert trigger["metadata"]["allowIdleConsumers"] == "false"
    partitions = TopicSettings.model_fields["partitions"].default
    assert (
        scaled["maxReplicaCount"]
        == topic["spec"]["partitions"]
        == partitions
        == int(settings("base")["LOAN_PARTITIONS"])
    )
    assert trigger["metadata"]["bootstrapServersFromEnv"] in settings("base")


def settings(folder: str) -> dict[str, str]:
    return dict(SETTINGS.findall((KUBERNETES / folder / "settings.env").read_text(encoding="utf-8")))


def test_every_user_is_a_principal_and_every_principal_that_is_a_process_has_its_secret() -> None:
    component = kustomization(KUBERNETES / "components" / "sasl")
    users = {
        patch["target"]["name"]: {
            each["value"]["valueFrom"]["secretKeyRef"]["name"] for each in yaml.safe_load(patch["patch"])[1:]
        }
        | {yaml.safe_load(patch["patch"])[0]["value"]["value"]}
        for patch in component["patches"][1:]
    }

    assert users == {each["metadata"]["name"]: {each["metadata"]["name"]} for each in PROCESSES}
    assert {name.removeprefix("loan-") for name in users} <= {principal.value for principal in KafkaPrincipal}


@pytest.mark.parametrize("folder", ["base", *(f"overlays/{name}" for name in OVERLAYS)])
def test_every_address_in_the_settings_may_be_reached(folder: str) -> None:
    rules = resource_of("NetworkPolicy", "loan-dependencies")["spec"]["egress"]
    ranges = [range(port["port"], port.get("endPort", port["port"]) + 1) for rule in rules for port in rule["ports"]]
    found = settings(folder)
    urls = [urlsplit(value) for name, value in found.items() if name.endswith(("_URL", "_URI"))]
    ports = {url.port or {"https": 443, "http": 80}[url.scheme] for url in urls}
    ports |= {int(each.rpartition(":")[2]) for each in found["LOAN_BOOTSTRAP_SERVERS"].split(",")}

    assert [port for port in ports if not any(port in each for each in ranges)] == []


def test_the_monitor_gives_every_process_the_job_that_the_alerts_know() -> None:
    rules = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8")
    [known] = set(re.findall(r'job=~"([^"]+)"', rules))
    monitor = resource_of("ServiceMonitor", "loan-decisions")["spec"]
    [endpoint] = monitor["endpoints"]
    [service] = [
        each
        for (kind, _name), each in MANIFESTS.items()
        if kind == "Service" and monitor["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
    ]
    renamed = {each["regex"]: each["replacement"] for each in endpoint["relabelings"] if "regex" in each}
    jobs = [each["metadata"]["labels"]["app.kubernetes.io/component"] for each in PROCESSES]

    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert all(service["spec"]["selector"].items() <= labels.items() for labels in map(pod_labels, PROCESSES))
    assert {renamed.get(job, job) for job in jobs} == set(known.split("|"))


def test_every_secret_has_its_line_in_the_page() -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    texts = [path.read_text(encoding="utf-8") for path in KUBERNETES.rglob("*.yaml")]
    secrets = {value for text in texts for value in secret_names(list(yaml.safe_load_all(text)))}

    assert len(secrets) > 3
    assert sorted(name for name in secrets if f"`{name}`" not in page) == []


def secret_names(node: Any) -> Iterator[str]:
    """Names of secrets, of patches within texts too."""
    if isinstance(node, str) and node.lstrip().startswith("- op:"):
        yield from secret_names(yaml.safe_load(node))
    elif isinstance(node, list):
        for each in node:
            yield from secret_names(each)
    elif isinstance(node, dict):
        yield from (node[key]["name"] for key in ("secretKeyRef",) if key in node)
        yield from (each["name"] for each in node.get("secretTargetRef", []))
        yield from (node["secretName"] for _ in [0] if "secretName" in node)
        for each in node.values():
            yield from secret_names(each)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed: nothing builds the overlays")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_builds_and_all_that_it_builds_is_valid(overlay: str) -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(KUBERNETES / "overlays" / overlay)], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    deployed = list(yaml.safe_load_all(built.stdout))

    assert len(deployed) == len(resources(overlay)) + 1  # the settings
    for resource in deployed:
        check(resource)
    running = [each for each in deployed if each["kind"] in WORKLOADS]
    [config] = [each for each in deployed if each["kind"] == "ConfigMap"]
    for workload in running:
        process = container(workload)
        assert process["envFrom"] == [{"configMapRef": {"name": config["metadata"]["name"]}}]
        assert process["image"].startswith("registry.example.com/")
        assert config["data"]["LOAN_KAFKA_SSL_CA_LOCATION"].startswith(
            tuple(mount["mountPath"] for mount in process["volumeMounts"] if mount["name"] == "kafka-ca")
        )
    assert config["data"].keys() >= settings("base").keys() | settings(f"overlays/{overlay}").keys()
    [worker] = [each for each in running if each["metadata"]["name"] == "loan-worker"]
    assert "replicas" not in worker["spec"]  # KEDA's to set
