"""Downloads a version's bundle from any storage of MLflow.

A local folder is copied. Everything else is downloaded by MLflow's own client in a process that ends
afterwards (`python -m scorecard.registry.download`), so that a worker never loads MLflow into its memory.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from scorecard.registry.mlflow_client import ModelRegistryAwayError, ask

BUNDLE: Final = "bundle"
"""The folder of the logged model that holds the bundle."""
PATIENCE_S: Final = 300.0
"""For a download, of some megabytes."""


def fetch_bundle(place: str, room: Path, tracking_uri: str) -> Path | None:
    """Path of the bundle; None if MLflow's store does not have it.

    Args:
        place: URI of the folder of the version's model.
        room: a folder to put the bundle into.

    Raises:
        ModelRegistryAwayError: the store does not answer.
    """
    here = local_folder(place)
    return _download(place, room, tracking_uri) if here is None else _copy(here, room)


def local_folder(place: str) -> Path | None:
    """The folder that a URI names on this machine; None where it is elsewhere."""
    parts = urlsplit(place)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return Path(url2pathname(parts.path))
    return Path(place) if place and not parts.scheme else None


def _copy(folder: Path, room: Path) -> Path | None:
    try:
        return Path(shutil.copytree(folder / "artifacts" / BUNDLE, room / BUNDLE))
    except FileNotFoundError:
        return None
    except (OSError, shutil.Error) as cause:
        raise ModelRegistryAwayError(type(cause).__name__) from None


def _download(place: str, room: Path, tracking_uri: str) -> Path | None:
    # The address may hold a password: it goes through the pipe, where no list of processes shows it.
    request = json.dumps({"place": place, "room": str(room), "tracking_uri": tracking_uri})
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "scorecard.registry.download"],
            input=request,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        answer = json.loads(ran.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as cause:
        raise ModelRegistryAwayError(type(cause).__name__) from None
    if answer.get("away"):
        raise ModelRegistryAwayError(answer["away"])
    return Path(answer["folder"]) if answer["folder"] else None


def main() -> None:
    """Reads one request from standard input, downloads, and prints the path, or what is unavailable."""
    wish = json.load(sys.stdin)
    try:
        answer = {"folder": by_client(wish["place"], wish["room"], wish["tracking_uri"])}
    except ModelRegistryAwayError as cause:
        answer = {"away": str(cause) or type(cause).__name__}
    os.write(sys.stdout.fileno(), json.dumps(answer).encode())


def by_client(place: str, room: str, tracking_uri: str) -> str | None:
    """Path at which MLflow's client stores the bundle; None if its store does not have it."""
    return ask(tracking_uri, lambda _client: _by_mlflow(place, room, tracking_uri))


def _by_mlflow(place: str, room: str, tracking_uri: str) -> str | None:
    import mlflow

    try:
        return str(
            mlflow.artifacts.download_artifacts(
                artifact_uri=f"{place}/artifacts/{BUNDLE}", dst_path=room, tracking_uri=tracking_uri
            )
        )
    except FileNotFoundError:
        return None
    except (mlflow.exceptions.MlflowException, OSError):
        raise
    except Exception as cause:  # noqa: BLE001 - each artifact store has errors of its own
        raise ModelRegistryAwayError(type(cause).__name__) from None


if __name__ == "__main__":
    main()
