"""A DAG for Airflow 3: ask the trainer for a challenger each Monday, and wait for its answer.

`loanctl` is on the PATH of the task, in an environment of its own: Airflow's libraries and ours need not agree. The key
is the run's id, so that a task that is tried again asks for nothing twice.
"""

from datetime import datetime, timedelta

from airflow.sdk import dag, task

ASK = "loanctl retrain --why 'weekly, by Airflow' --key 'airflow {{ dag_run.run_id }}'"


@dag(
    dag_id="loan_retraining",
    schedule="0 2 * * 1",
    start_date=datetime(2026, 1, 5),  # noqa: DTZ001 - Airflow reads it as UTC
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
)
def loan_retraining() -> None:
    """Two tasks: the first is done when the command is on its topic, the second when it is answered."""

    @task.bash
    def ask() -> str:
        return ASK

    @task.bash
    def wait_for_answer() -> str:
        return f"{ASK} --wait 14400"

    ask() >> wait_for_answer()


loan_retraining()
