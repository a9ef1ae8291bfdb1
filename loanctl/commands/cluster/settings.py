"""`loanctl settings`: every setting there is, its default and its meaning, in the form of a `.env` file.

`.env.example` is what this prints; a test holds them equal.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from loanctl.console import echo

PLACES: Final = (
    ("Every process and command", "streams.runtime.settings:Connection"),
    ("The scoring worker: python -m streams", "streams.worker.settings:ScoringSettings"),
    ("The drift agent: python -m drift", "drift.settings:DriftSettings"),
    ("The trainer, python -m training, and loanctl train", "training.settings:TrainingSettings"),
    ("The ledger: python -m ledger", "ledger.settings:LedgerSettings"),
    ("The gateway: python -m gateway", "gateway.settings:GatewaySettings"),
    ("loanctl topics apply", "loanctl.commands.cluster.topics:TopicSettings"),
)
HEADING: Final = """\
# Copy to .env and remove the # before the settings that you change. Environment variables take precedence.
# A name that occurs more than once (for example LOAN_CACHE_DIR) applies to each of those processes. LOAN_WEB_PORT, in
# one process' own environment, is its port if its own variable (LOAN_SCORING_PORT, ...) is not set. Variables of other
# clients' own (MLFLOW_..., AWS_..., GOOGLE_..., AZURE_...) can stand here, too: processes give them to these clients.
"""
STACK: Final = """\
# --- The local stack: loanctl up
# Folder of its data, logs and endpoints. Read from the environment only.
#LOAN_STATE_DIR=.loan
# Folder of its downloads. Read from the environment only.
#LOAN_CACHE_DIR=~/.cache/loan-decisions
"""


def settings() -> None:
    """Print every setting with its default, as a `.env` file that changes nothing."""
    echo(env_example(), end="")


def env_example() -> str:
    return "\n".join((HEADING, *_sections(), STACK))


def _sections() -> Iterator[str]:
    common: Any = None
    for title, place in PLACES:
        module, _, name = place.partition(":")
        settings_class: Any = getattr(import_module(module), name)
        inherited = common.model_fields if common else {}
        own = {name: field for name, field in settings_class.model_fields.items() if name not in inherited}
        common = common or settings_class
        yield f"# --- {title}\n" + "".join(_lines(name, field) for name, field in own.items())


def _lines(name: str, field: FieldInfo) -> str:
    said = " ".join((field.description or "").split()).replace("`", "")
    meaning = f"# {said}\n" if said else ""
    return f"{meaning}#LOAN_{name.upper()}={_default_text(field.default)}\n"


def _default_text(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    return str(default)
