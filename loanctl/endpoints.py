"""Where a command finds Kafka, the registry and MLflow: as settings say, else the local stack that runs here.

The answer is given as the settings' own variables, so that every command, and every process that
one starts, reads its settings in one way.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from loanctl.stack import stack_state
from loanctl.stack.local_stack import StackParts
from loanctl.stack.services import mlflow_server

STATE_DIR: Final = "LOAN_STATE_DIR"
ENDPOINTS: Final = ("bootstrap_servers", "registry_url", "mlflow_uri")


def state_dir(environment: Mapping[str, str]) -> Path:
    """The folder of the local stack: `LOAN_STATE_DIR`, else `.loan` where we are."""
    return Path(environment.get(STATE_DIR) or stack_state.DEFAULT_STATE_DIR)


def variables(endpoints: stack_state.Endpoints) -> dict[str, str]:
    return {_variable(name): value for name, value in asdict(endpoints).items()}


def from_environment() -> StackParts:
    """Endpoints that settings name, in variables or a `.env` file; those are outside and not ours to start.

    Raises:
        SettingsError: the settings are malformed.
    """
    from streams.runtime.settings import Connection

    connection = Connection.read()
    named = {name: getattr(connection, name) for name in ENDPOINTS if name in connection.model_fields_set}
    return StackParts(**named)


def adopt(environment: MutableMapping[str, str]) -> None:
    """Point settings that name no endpoint at the local stack, where one runs.

    MLflow needs no process: without a stack it is the state folder's own file.

    Raises:
        SettingsError: the settings are malformed.
    """
    outside = from_environment()
    folder = state_dir(environment)
    found = stack_state.read(folder)
    if found and found.running and found.up():
        local = variables(found.endpoints)
    else:
        local = {_variable("mlflow_uri"): mlflow_server.store_uri(folder)}
    for name in ENDPOINTS:
        if getattr(outside, name) is None and _variable(name) in local:
            environment[_variable(name)] = local[_variable(name)]


def _variable(name: str) -> str:
    return f"LOAN_{name.upper()}"
