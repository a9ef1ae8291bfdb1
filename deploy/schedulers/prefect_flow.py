"""A flow for Prefect 3: ask the trainer for a challenger, and wait for its answer.

`loanctl` is on the PATH, in an environment of its own: Prefect's libraries and ours need not agree. The key is the
run's id, so that a task that is tried again asks for nothing twice. Served each Monday by
`loan_retraining.serve(cron="0 2 * * 1")`.
"""

import subprocess

from prefect import flow, runtime, task

WAIT_S = "14400"


@task(retries=2, retry_delay_seconds=60)
def ask(*options: str) -> str:
    """What `loanctl` says; fails with its exit status."""
    key = f"prefect {runtime.flow_run.get_id()}"
    command = ["loanctl", "retrain", "--why", "weekly, by Prefect", "--key", key, *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@flow(name="loan retraining", log_prints=True)
def loan_retraining() -> str:
    """Done when the command is answered; a challenger that is not promoted is an answer, too."""
    ask()
    answer = ask("--wait", WAIT_S)
    print(answer)
    return answer


if __name__ == "__main__":
    loan_retraining()
