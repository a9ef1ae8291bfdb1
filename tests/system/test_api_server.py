"""The Kubernetes manifests on a real API server, with the operators' own definitions: `make kubernetes` builds them."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from loanctl.stack.ports import free_ports
from loanctl.stack.process_guard import ProcessGuard
from tests.system.processes import Processes
from tests.system.wait import wait_for
from tests.unit.deploy.manifests import KUBERNETES, OVERLAYS, ROOT, WORKLOADS, resources

pytestmark = [pytest.mark.system, pytest.mark.chaos]
PROGRAMS = ROOT / ".cache" / "kubernetes"
BEARER = uuid.uuid4().hex
Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A kubectl before an API server that knows the operators' kinds, and nobody who acts on what it is told."""
    if not (PROGRAMS / "definitions" / "strimzi-KafkaUser.yaml").exists():
        pytest.skip("needs a kube-apiserver: `make kubernetes`")
    folder = tmp_path_factory.mktemp("kubernetes")
    store, peers, port = free_ports(3)
    with ProcessGuard() as guard:
        started = Processes(folder, dict(os.environ), guard)
        started.start_program(str(PROGRAMS / "etcd"), *_etcd(folder, store, peers), name="etcd")
        started.start_program(str(PROGRAMS / "kube-apiserver"), *_api_server(folder, store, port), name="api-server")

        def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
            server = (f"--server=https://127.0.0.1:{port}", f"--token={BEARER}", "--insecure-skip-tls-verify")
            command = [str(PROGRAMS / "kubectl"), *server, *arguments]
            return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

        try:
            wait_for(lambda: run("get", "--raw", "/readyz").stdout == "ok", 120)
            assert run("create", "-f", str(PROGRAMS / "definitions")).returncode == 0
            # A kind that has no condition yet ends `kubectl wait` at once.
            established = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
            wait_for(lambda: run(*established).returncode == 0, 60, "the operators' kinds")
            yield run
        finally:
            started.end()


def _etcd(folder: Path, store: int, peers: int) -> tuple[str, ...]:
    clients, others = f"http://127.0.0.1:{store}", f"http://127.0.0.1:{peers}"
    return (
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={others}",
        f"--initial-advertise-peer-urls={others}",
        f"--initial-cluster=default={others}",
    )


def _api_server(folder: Path, store: int, port: int) -> tuple[str, ...]:
    key, tokens = folder / "account.key", folder / "tokens.csv"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    tokens.write_text(f"{BEARER},admin,admin,system:masters\n", encoding="utf-8")
    return (
        f"--etcd-servers=http://127.0.0.1:{store}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=RBAC",
        f"--token-auth-file={tokens}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_taken_whole_and_strictly(kubectl: Kubectl, overlay: str) -> None:
    applied = kubectl("apply", "--validate=strict", "-k", str(KUBERNETES / "overlays" / overlay))

    assert applied.returncode == 0, applied.stderr
    # Every manifest, and the settings that Kustomize makes.
    assert len(applied.stdout.splitlines()) == len(resources(overlay)) + 1
    # As docs/kubernetes.md has it: a job is changed by nobody, so the next overlay's needs its place.
    assert kubectl("-n", "loan-decisions", "delete", "job", "loan-init").returncode == 0


def pod_of(workload: dict[str, Any], security: Mapping[str, object]) -> dict[str, Any]:
    """The pod that the workload's controller would create, with more in its security context."""
    name, template = workload["metadata"]["name"], workload["spec"]["template"]
    claims = [each["metadata"]["name"] for each in workload["spec"].get("volumeClaimTemplates", [])]
    volumes = [{"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}-0"}} for claim in claims]
    own = {
        "volumes": [*template["spec"].get("volumes", []), *volumes],
        "securityContext": {**template["spec"].get("securityContext", {}), **security},
    }
    metadata = {**template["metadata"], "name": f"{name}-0", "namespace": "loan-decisions"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**template["spec"], **own}}


def test_every_pod_is_admitted_to_its_namespace_and_one_that_runs_as_root_is_not(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    assert kubectl("apply", "-f", str(KUBERNETES / "base" / "namespace.yaml")).returncode == 0
    workloads = [each for each in resources("strimzi") if each["kind"] in WORKLOADS]

    def create(name: str, **security: object) -> "subprocess.CompletedProcess[str]":
        [workload] = [each for each in workloads if each["metadata"]["name"] == name]
        path = tmp_path / "pod.yaml"
        path.write_text(yaml.safe_dump(pod_of(workload, security)), encoding="utf-8")
        return kubectl("create", "--validate=strict", "--dry-run=server", "-f", str(path))

    names = [each["metadata"]["name"] for each in workloads]
    assert len(names) > 5
    assert {name: create(name).stderr for name in names} == dict.fromkeys(names, "")
    assert "runAsNonRoot" in create(names[0], runAsNonRoot=False).stderr


def test_argo_cd_takes_the_application(kubectl: Kubectl) -> None:
    assert kubectl("create", "namespace", "argocd").returncode == 0

    applied = kubectl("apply", "--validate=strict", "-f", str(KUBERNETES / "argocd" / "application.yaml"))

    assert applied.returncode == 0, applied.stderr


def test_a_misspelt_field_of_an_operator_is_refused(kubectl: Kubectl, tmp_path: Path) -> None:
    [topic] = [each for each in resources("strimzi") if each["metadata"]["name"] == "loan.decisions.v1"]
    path = tmp_path / "topic.yaml"
    path.write_text(yaml.safe_dump({**topic, "spec": {**topic["spec"], "partition": 1}}), encoding="utf-8")

    refused = kubectl("create", "--validate=strict", "--dry-run=server", "-n", "default", "-f", str(path))

    assert refused.returncode != 0
    assert "partition" in refused.stderr
