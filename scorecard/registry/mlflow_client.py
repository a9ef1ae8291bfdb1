"""Calls to MLflow: with short time-outs, without its output, and without repeating its error messages.

Its messages can contain an applicant's row, and its own time-outs are minutes. All calls block.
"""

import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from schemas.errors import OutageError, SetupError
from schemas.urls import mask_credentials

SQLITE: Final = "sqlite:///"

QUIET: Final = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""MLflow's own defaults would wait minutes for an unavailable server, draw bars and send usage data to its makers."""

ITS_OWN_BUSINESS: Final = ".*noload.*loader strategy.*"
"""MLflow warns of how it uses SQLAlchemy."""

NOT_THERE: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""MLflow's words for a model without versions and for an alias that points nowhere."""

REFUSED: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED", "FEATURE_DISABLED"})
"""A wrong password, a missing right (HTTP 401, 403)."""
NOT_MLFLOW: Final = frozenset({"ENDPOINT_NOT_FOUND", "BAD_REQUEST"})
"""HTTP 404 and 400 without MLflow's own words: another server answers there."""

Answer = TypeVar("Answer")


class ModelRegistryAwayError(OutageError):
    """MLflow does not answer, or not as it should."""

    dependency = "mlflow"


class ModelRegistryRefusedError(SetupError):
    """MLflow answers, and refuses this process; or the answer is not from MLflow."""


def ask(tracking_uri: str, question: Callable[[Any], Answer]) -> Answer | None:
    """The answer of MLflow's client; None for what does not exist.

    Raises:
        ModelRegistryAwayError: it does not answer; its own message is not repeated.
        ModelRegistryRefusedError: it refuses this process, or is not MLflow; a person must act.
    """
    if problem := problem_of_file(tracking_uri):
        raise ModelRegistryAwayError(problem)
    quieten()
    import mlflow
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return question(mlflow.MlflowClient(tracking_uri))
    except mlflow.exceptions.MlflowException as cause:
        if cause.error_code in NOT_THERE:
            return None
        raise fault_of(tracking_uri, cause.error_code) from None
    except (OSError, ValueError, RuntimeError, SQLAlchemyError) as cause:
        raise ModelRegistryAwayError(type(cause).__name__) from None


def fault_of(tracking_uri: str, code: str) -> OutageError | SetupError:
    """The error for one of MLflow's words, by who must act."""
    place = mask_credentials(tracking_uri)
    if code in REFUSED:
        credentials = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        return ModelRegistryRefusedError(f"MLflow at {place} refuses us ({code}): see {credentials}")
    if code in NOT_MLFLOW:
        return ModelRegistryRefusedError(f"what answers at {place} is not MLflow ({code}): see LOAN_MLFLOW_URI")
    return ModelRegistryAwayError(code)


def problem_of_file(tracking_uri: str) -> str:
    """Why a file cannot be MLflow's, in words; empty where it can. MLflow itself would try for a minute."""
    if not tracking_uri.startswith(SQLITE):
        return ""
    path = Path(tracking_uri.removeprefix(SQLITE))
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    folder = there.parent if there == path.absolute() else there
    if there == path.absolute() and not there.is_file():
        return f"{path} is no file"
    if not folder.is_dir():
        return f"{path}: {folder} is no folder"
    # SQLite writes a journal beside the file, so both must be writable.
    shut = next((one for one in (there, folder) if not os.access(one, os.R_OK | os.W_OK)), None)
    return f"{path}: {shut} cannot be written" if shut else ""


def quieten() -> None:
    """Sets short time-outs and no output for MLflow; variables of the environment take precedence."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", message=ITS_OWN_BUSINESS)
    for library in ("mlflow", "alembic"):
        logging.getLogger(library).setLevel(logging.ERROR)
