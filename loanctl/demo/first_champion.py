"""The demo's first champion: applicants are made up, and `loanctl train` learns from them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loanctl.commands.simulation.population import BEST_AUC_ROWS
from loanctl.simulation import loan_tables, synthetic_population
from schemas.errors import SetupError


class UntrainedError(SetupError):
    """`loanctl train` made no first champion; it has said why."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the first champion could not be trained (exit status {status})")


def train(rows: int, seed: int, base: Path, settings: Mapping[str, str]) -> tuple[str, str]:
    """Make up applicants, train and promote; what there is to say of it.

    Args:
        settings: `LOAN_...` variables beside those of our environment.

    Raises:
        UntrainedError: there is no champion.
    """
    loan_tables.write_table(synthetic_population.applicants(rows, seed), base)
    summary = _summary(base, settings)
    low, high = summary["auc_interval"]
    auc = f"AUC {summary['auc']:.3f} ({low:.3f} to {high:.3f}) on rows held out"
    return (
        f"version {summary['version']}, {summary['family']}, after {summary['seconds']:.0f} s: {auc};",
        f"best achievable AUC: {synthetic_population.best_auc(BEST_AUC_ROWS, seed):.3f}",
    )


def _summary(base: Path, settings: Mapping[str, str]) -> Mapping[str, Any]:
    """What `loanctl train --json` says."""
    command = (str(Path(sys.executable).with_name("loanctl")), "train", "--data", str(base), "--json")
    environment = {**os.environ, **settings}
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - ours
    if ran.returncode:
        raise UntrainedError(ran.returncode)
    summary: Mapping[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return summary
