"""Code that a served model needs: copies of this project's packages, and third-party packages by name and version.

The name of this project is not registered on the public index: anyone who registered it there would run code where
models are served.
"""

import shutil
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Final

PACKAGES: Final = ("schemas", "scorecard")
"""All of this project that `training.tracking.pyfunc` imports; the model answers with the code that made it."""
LIBRARIES: Final = ("fastavro", "mlflow", "numba", "numpy", "pandas")
"""All that these import of others."""


def requirements() -> list[str]:
    """Libraries pinned to what made the model, for `pip`."""
    return [f"{name}=={version(name)}" for name in LIBRARIES]


def copy_packages(folder: Path) -> Sequence[str]:
    """Our packages, copied into a folder without what an interpreter left beside them; MLflow's `code_paths`."""
    ignored = shutil.ignore_patterns("__pycache__")
    return [str(shutil.copytree(_place(name), folder / name, ignore=ignored)) for name in PACKAGES]


def _place(package: str) -> Path:
    return Path(str(import_module(package).__file__)).parent
