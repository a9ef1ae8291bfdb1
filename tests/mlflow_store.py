"""An MLflow file with its tables and nothing in them: MLflow takes longer to make it than most tests take."""

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from scorecard.registry.mlflow_client import ask

ARCHIVE = Path(sys.prefix) / f".mlflow-{version('mlflow')}.db"
"""Written by `python -m tests.warm`; another MLflow may have other tables."""


def copy_empty_store(path: Path) -> Path:
    """Such a file at this path, copied where there is one to copy."""
    if ARCHIVE.exists():
        shutil.copy(ARCHIVE, path)
    else:
        create_empty_store(path)
    return path


def archive_empty_store() -> None:
    """What other processes find is whole or absent."""
    draft = ARCHIVE.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    create_empty_store(draft)
    draft.rename(ARCHIVE)


def create_empty_store(path: Path) -> None:
    """By MLflow itself."""
    assert ask(f"sqlite:///{path}", lambda client: client.search_registered_models()) == []
