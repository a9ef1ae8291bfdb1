"""The Kubernetes manifests, read from their files as Kustomize finds them."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("strimzi", "given-cluster")
WORKLOADS = ("StatefulSet", "Deployment", "Job")


def declarations() -> Any:
    spec = importlib.util.spec_from_file_location("declarations", ROOT / "deploy" / "declarations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def documents(path: Path) -> list[dict[str, Any]]:
    # The C loader: the same documents in a tenth of the time.
    return list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def kustomization(folder: Path) -> dict[str, Any]:
    [document] = documents(folder / "kustomization.yaml")
    return document


def files_of(folder: Path) -> Iterator[Path]:
    """Every file that a kustomization takes, its own and those of the folders it names."""
    found = kustomization(folder)
    yield folder / "kustomization.yaml"
    for name in [*found.get("resources", []), *found.get("components", [])]:
        path = (folder / name).resolve()
        yield from files_of(path) if path.is_dir() else [path]
    for generator in found.get("configMapGenerator", []):
        yield from (folder / name for name in generator.get("envs", []))


def resources(overlay: str) -> list[dict[str, Any]]:
    """What an overlay deploys, before its patches."""
    paths = [path for path in files_of(KUBERNETES / "overlays" / overlay) if path.suffix == ".yaml"]
    return [each for path in paths if path.name != "kustomization.yaml" for each in documents(path)]


def workloads() -> list[dict[str, Any]]:
    return [each for each in resources("given-cluster") if each["kind"] in WORKLOADS]


def resource_of(kind: str, name: str, overlay: str = "strimzi") -> dict[str, Any]:
    [found] = [each for each in resources(overlay) if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = workload["spec"]["template"]["spec"]
    return spec


def container(workload: dict[str, Any]) -> dict[str, Any]:
    [only] = pod(workload)["containers"]
    return dict(only)
