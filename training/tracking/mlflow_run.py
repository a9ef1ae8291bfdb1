"""A training in MLflow: one run with its trials inside, figures, plots, tags and the model.

A shell around MLflow's client; nothing here decides anything. Runs of an interrupted training
are marked as killed, and no version is made of them.
"""

import json
import math
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from schemas.contract.contract import Contract, Kind
from schemas.errors import SetupError, StoppedError
from scorecard.registry.download import BUNDLE
from scorecard.registry.mlflow_client import SQLITE, ask, quieten
from training.search.trial import Trial
from training.tracking import served_code

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

SERVED: Final = Path(__file__).with_name("pyfunc.py")
ARTIFACTS: Final = "mlflow-artifacts"
"""Beside a SQLite file: without a server MLflow would put artifacts into the working directory."""
LONGEST_DIGEST: Final = 36
MOST_TEXT: Final = 5_000
"""MLflow cuts tags and parameters, or refuses them, beyond some thousand characters."""


class TrackingError(SetupError):
    """MLflow rejects the data of a training."""


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model as MLflow keeps it, not yet a version."""

    source: str
    model_id: str


class TrackedRun:
    def __init__(self, uri: str, experiment_id: str, run_id: str) -> None:
        self._uri = uri
        self._experiment_id = experiment_id
        self.run_id = run_id

    def params(self, params: Mapping[str, Any]) -> None:
        """Facts of the training that do not change."""
        self._batch(self.run_id, params=params)

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Figures; what is not finite is left out."""
        self._batch(self.run_id, metrics=metrics)

    def tags(self, tags: Mapping[str, str]) -> None:
        self._batch(self.run_id, tags=tags)

    def dataset(self, name: str, digest: str, source: str, rows: int) -> None:
        """The rows that a training was given, as MLflow shows inputs: which they were, and none of them.

        Args:
            name: of the product.
            digest: of the rows; MLflow keeps 36 characters.
            source: without credentials.
        """
        from mlflow.entities import Dataset, DatasetInput

        told = Dataset(
            name=name,
            digest=digest[:LONGEST_DIGEST],
            source_type="table",
            source=json.dumps({"source": source}),
            profile=json.dumps({"num_rows": rows}),
        )
        _sure(ask(self._uri, lambda client: (client.log_inputs(self.run_id, [DatasetInput(told)]), True)))

    def trial(self, trial: Trial) -> None:
        """One trial of the search, as a run inside this one."""
        name = f"trial {trial.number} {trial.choice.family}"
        tags = {"mlflow.parentRunId": self.run_id, "mlflow.runName": name}
        run_id = _sure(ask(self._uri, lambda client: client.create_run(self._experiment_id, tags=tags).info.run_id))
        figures = {"auc": trial.auc, "auc_sd": trial.auc_sd, "log_loss": trial.log_loss, "cost": trial.cost}
        params = {"family": trial.choice.family, **trial.choice.parameters}
        self._batch(run_id, params=params, metrics={**figures, "seconds": trial.seconds})
        ask(self._uri, lambda client: client.set_terminated(run_id, "FINISHED"))

    def files(self, paths: Sequence[Path], folder: str) -> None:
        ask(self._uri, lambda client: [client.log_artifact(self.run_id, str(path), folder) for path in paths])

    def text(self, text: str, name: str) -> None:
        ask(self._uri, lambda client: client.log_text(self.run_id, text, name))

    def model(
        self, bundle: Path, contract: Contract, signature: "ModelSignature", example: pd.DataFrame
    ) -> LoggedModel:
        """The bundle as a model that MLflow can serve.

        Args:
            bundle: the folder, called `scorecard.registry.download.BUNDLE`: MLflow keeps its name.
            contract: travels with it.
            signature: of `training.tracking.model_signature`.
            example: made-up applicants, by the contract's names.
        """
        import mlflow

        with tempfile.TemporaryDirectory() as room:
            schema = Path(room) / "contract.avsc"
            schema.write_text(json.dumps(contract.schema), encoding="utf-8")
            code = served_code.copy_packages(Path(room))

            def log(_client: Any) -> Any:
                mlflow.set_tracking_uri(self._uri)
                with warnings.catch_warnings(), mlflow.start_run(run_id=self.run_id):
                    warnings.simplefilter("ignore")  # it wants type hints that it then cannot read
                    return mlflow.pyfunc.log_model(
                        name="scorecard",
                        python_model=str(SERVED),
                        artifacts={BUNDLE: str(bundle), "contract": str(schema)},
                        signature=signature,
                        input_example=example,
                        code_paths=list(code),
                        pip_requirements=served_code.requirements(),
                    )

            logged = _sure(ask(self._uri, log))
        return LoggedModel(source=logged.model_uri, model_id=logged.model_id)

    def _batch(
        self,
        run_id: str,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        now = time.time_ns() // 1_000_000
        _sure(
            ask(
                self._uri,
                lambda client: (
                    client.log_batch(
                        run_id,
                        metrics=[Metric(k, float(v), now, 0) for k, v in (metrics or {}).items() if math.isfinite(v)],
                        params=[Param(k, str(v)[:MOST_TEXT]) for k, v in (params or {}).items()],
                        tags=[RunTag(k, str(v)[:MOST_TEXT]) for k, v in (tags or {}).items()],
                    ),
                    True,
                ),
            )
        )


@contextmanager
def run(uri: str, experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[TrackedRun]:
    """A run that ends as its work does: finished, failed, or killed if it was interrupted.

    Raises:
        ModelRegistryAwayError: MLflow does not answer.
    """
    quieten()
    experiment_id = _experiment(uri, experiment)
    every = {**tags, "mlflow.runName": name}
    run_id = _sure(ask(uri, lambda client: client.create_run(experiment_id, tags=every).info.run_id))
    status = "KILLED"
    try:
        yield TrackedRun(uri, experiment_id, run_id)
        status = "FINISHED"
    except StoppedError:
        raise
    except Exception:
        status = "FAILED"
        raise
    finally:
        ask(uri, lambda client: client.set_terminated(run_id, status))


def example_of(contract: Contract, values: Any) -> pd.DataFrame:
    """Applicants of a matrix by the contract's names, numbers as floats: MLflow's input example."""
    table: dict[str, Any] = {}
    for place, field in enumerate(contract.observed):
        column = values[:, place]
        if field.kind is Kind.CATEGORY:
            table[field.name] = [field.levels[int(code)] if code >= 0 else None for code in column]
        else:
            table[field.name] = column
    return pd.DataFrame(table)


def _experiment(uri: str, name: str) -> str:
    found = ask(uri, lambda client: client.get_experiment_by_name(name))
    if found is not None:
        return str(found.experiment_id)
    beside = None
    if uri.startswith(SQLITE):
        beside = (Path(uri.removeprefix(SQLITE)).absolute().parent / ARTIFACTS).as_uri()
    return str(_sure(ask(uri, lambda client: client.create_experiment(name, artifact_location=beside))))


def _sure(answer: Any) -> Any:
    if answer is None:
        problem = "MLflow does not take what the training tells it"
        raise TrackingError(problem)
    return answer
