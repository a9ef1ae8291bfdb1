"""The wheel has every file of the packages: what a checkout can do, an installation can."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
UV = ROOT / ".cache" / "tools" / "bin" / "uv"
PACKAGES = ("schemas", "scorecard", "streams", "drift", "training", "ledger", "gateway", "loan_client", "loanctl")
NOT_PACKED = {"loan_client/pyproject.toml"}
"""It makes the client a distribution of its own."""


@pytest.mark.slow
def test_every_file_of_the_packages_is_in_the_wheel(tmp_path: Path) -> None:
    if not UV.exists() or not (ROOT / ".git").exists():
        pytest.skip("needs a checkout, and uv where `make setup` puts it")
    # setuptools packs what an earlier build left there, files that are gone since included.
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path], cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if not name.partition("/")[0].endswith(".dist-info")}
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert set(listed.stdout.splitlines()) - NOT_PACKED == packed
