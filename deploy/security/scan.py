"""Secrets in the files, known vulnerabilities of the dependencies, and a list of them: `make scan`.

Three tools of the field, each at one version, run apart from the project's own environment. Their exit statuses are not
enough: pip-audit ends with 0 where it could look up nothing. Bandit's rules run with the lint (ruff's `S`).

Exit status: 0 nothing found, 1 a finding, 2 a tool that failed. What could not be looked up is said, and is no finding.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = ROOT / "build"
BASELINE: Final = ROOT / "deploy" / "security" / "secrets-baseline.json"
"""What looks like a secret and is none: hashes, and passwords that tests make up."""
SBOM: Final = BUILD / "sbom.json"
UV: Final = str(ROOT / ".cache" / "tools" / "bin" / "uv")
DETECT_SECRETS: Final = "detect-secrets==1.5.0"
PIP_AUDIT: Final = "pip-audit==2.10.1"
CYCLONEDX: Final = "cyclonedx-bom==7.5.0"


@dataclass(frozen=True, slots=True)
class ScanResult:
    """One scan: its findings, and what a reader must know beside them."""

    findings: Sequence[str]
    note: str


def new_secrets(found: Mapping[str, Any], known: Mapping[str, Any]) -> ScanResult:
    """What detect-secrets finds now and the baseline does not hold.

    Args:
        found: its report of the files as they are.
        known: the baseline, a report of the same form. Secrets are compared by file and hash, so that a line may move.
    """
    accepted = {(path, secret["hashed_secret"]) for path, secrets in known["results"].items() for secret in secrets}
    findings = [
        f"{path}:{secret['line_number']}: {secret['type']}"
        for path, secrets in found["results"].items()
        for secret in secrets
        if (path, secret["hashed_secret"]) not in accepted
    ]
    return ScanResult(findings, f"{len(accepted)} known look-alikes")


def vulnerabilities(report: Mapping[str, Any]) -> ScanResult:
    """What pip-audit reports, and how many dependencies it could look up."""
    dependencies = report["dependencies"]
    audited = [each for each in dependencies if "skip_reason" not in each]
    findings = [
        f"{each['name']} {each['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no version'}"
        for each in audited
        for fault in each["vulns"]
    ]
    if not audited:
        return ScanResult(findings, f"CANNOT RUN: none of {len(dependencies)} dependencies could be looked up")
    return ScanResult(findings, f"{len(audited)} of {len(dependencies)} dependencies looked up")


def missing_components(sbom: Mapping[str, Any], locked: Sequence[str]) -> ScanResult:
    """Dependencies of the lock file that the bill of materials does not name at their version.

    Args:
        sbom: a CycloneDX document.
        locked: requirements pinned by `==`; those whose marker excludes this machine do not count.
    """
    listed = {(canonicalize_name(each["name"]), each.get("version")) for each in sbom["components"]}
    needed = [each for each in map(Requirement, locked) if each.marker is None or each.marker.evaluate()]
    missing = [
        str(each)
        for each in needed
        if (canonicalize_name(each.name), str(each.specifier).removeprefix("==")) not in listed
    ]
    return ScanResult([f"{each} is missing" for each in missing], f"{len(listed)} components, {len(needed)} locked")


def main() -> int:
    """Run all three and print a line for each, and each finding."""
    BUILD.mkdir(exist_ok=True)
    try:
        results = {"secrets": _secrets(), "vulnerabilities": _vulnerabilities(), "bill of materials": _sbom()}
    except (subprocess.CalledProcessError, json.JSONDecodeError) as fault:
        print(f"a scan failed: {fault}", file=sys.stderr)
        return 2
    for name, result in results.items():
        print(f"{name}: {len(result.findings)} findings, {result.note}")
        for finding in result.findings:
            print(f"  {finding}")
    return int(any(result.findings for result in results.values()))


def _secrets() -> ScanResult:
    command = ["detect-secrets", "scan", "--exclude-files", r"^uv\.lock$|\.npz$|\.svg$|secrets-baseline"]
    return new_secrets(json.loads(_tool(DETECT_SECRETS, *command)), json.loads(BASELINE.read_text(encoding="utf-8")))


def _vulnerabilities() -> ScanResult:
    requirements = BUILD / "requirements.txt"
    requirements.write_text(_locked(), encoding="utf-8")
    told = _tool(PIP_AUDIT, "pip-audit", "--disable-pip", "-r", str(requirements), "-f", "json", accepted=(0, 1))
    return vulnerabilities(json.loads(told))


def _sbom() -> ScanResult:
    interpreter = str(ROOT / ".venv" / "bin" / "python")
    document = _tool(CYCLONEDX, "cyclonedx-py", "environment", interpreter, "--output-format", "JSON")
    SBOM.write_text(document, encoding="utf-8")
    locked = _locked("--no-hashes", "--no-annotate", "--no-header").splitlines()
    return missing_components(json.loads(document), locked)


def _locked(*options: str) -> str:
    return _run([UV, "export", "--quiet", "--frozen", "--no-dev", "--no-emit-project", *options])


def _tool(package: str, *command: str, accepted: Sequence[int] = (0,)) -> str:
    return _run([UV, "tool", "run", "--quiet", "--from", package, *command], accepted)


def _run(command: Sequence[str], accepted: Sequence[int] = (0,)) -> str:
    ended = subprocess.run(  # noqa: S603 - commands of this file
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if ended.returncode not in accepted:
        print(ended.stderr, file=sys.stderr)
        ended.check_returncode()
    return ended.stdout


if __name__ == "__main__":
    sys.exit(main())
