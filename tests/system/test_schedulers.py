"""The examples for Airflow and Prefect, run by the real libraries, which `make schedulers` installs."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "deploy" / "schedulers"
RUNS = {
    "airflow": "from deploy.schedulers.airflow_dag import *; import deploy.schedulers.airflow_dag as it\n"
    "from airflow.sdk import DAG\n"
    "dag = it.loan_retraining()\n"
    "run = dag.test()\n"
    "print('state', run.state)\n"
    "raise SystemExit(run.state != 'success')",
    "prefect": "from deploy.schedulers.prefect_flow import loan_retraining\nloan_retraining()",
}
LOANCTL = """#!/bin/sh
echo "$@" >> "$CALLS"
[ -z "$FAILS" ] || exit 1
echo "PROMOTED: better than the champion by cost per applicant"
"""


@pytest.fixture
def run(tmp_path, request):
    """Runs an example with a `loanctl` that notes how it is called: status, output, calls."""
    scheduler = request.param
    python = ROOT / "build" / scheduler / "bin" / "python"
    if not python.exists():
        pytest.skip(f"needs {scheduler} in an environment of its own: `make schedulers`")
    program, calls = tmp_path / "loanctl", tmp_path / "calls"
    program.write_text(LOANCTL, encoding="utf-8")
    program.chmod(0o755)
    calls.touch()

    def by(fails: str = ""):
        environment = {
            "PATH": f"{tmp_path}:{python.parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "CALLS": str(calls),
            "FAILS": fails,
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
            "DO_NOT_TRACK": "1",
        }
        if scheduler == "airflow":
            subprocess.run([python.with_name("airflow"), "db", "migrate"], env=environment, check=True, timeout=600)
        ran = subprocess.run(
            [python, "-c", RUNS[scheduler]],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr, calls.read_text(encoding="utf-8").splitlines()

    return by


@pytest.mark.chaos
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("run", sorted(RUNS), indirect=True)
def test_a_run_asks_and_waits_under_one_key(run):
    status, output, calls = run()

    assert status == 0, output
    asked, waited = calls
    assert asked.startswith("retrain --why weekly, by ")
    assert waited.startswith(asked + " --wait ")
    assert "PROMOTED: better" in output
