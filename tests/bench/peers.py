"""What an explanation costs published explainers: the same forests, the same rows, one core, processor time.

Each runs in an environment of its own (`make bench` makes them), says what it takes, and is checked: its contributions
are ours. Shallow forests, deep ones (trees of very many leaves are explained by integrals, not tables), a wide table.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scorecard.forest.explainer import Explainer
from tests.bench import models
from tests.bench.attribution import pred_contribs
from tests.bench.measurement import BUILD, Line, Way, comparison, line, microseconds
from training.families.family_registry import compile_model

BATCH: Final = 512
LARGE_BATCH: Final = 20_000
"""WOODELF works by whole columns, and is made for many rows at once."""
ROUNDS: Final = 3
DEEP_ROUNDS: Final = 1
"""Peers take minutes for each."""
WIDE: Final = 200
AGREEMENT: Final = 1e-4
"""Of contributions in log odds, of float32 sums over hundreds of trees."""
OTHER_SIDE: Final = 0.01
"""Share of rows that may fall on the other side of a threshold which a peer has rounded."""
TIMEOUT_S: Final = 900
MODEL, ROWS, VALUES = "model.json", "rows.npy", "values.npy"
"""Files that a peer reads, and the one that it writes."""
PEERS: Final = BUILD / "peers" / "bin" / "python"
INEXACT: Final = frozenset({"treeshap"})
"""Of treeshap 0.1.2, whose predictions are right, its own check fails on each row: it is timed and not compared."""
OLDER: Final = BUILD / "fasttreeshap" / "bin" / "python"
"""FastTreeSHAP wants a NumPy before 2."""
EXPLAINERS: Final[Mapping[str, tuple[Path, int]]] = {
    "treeshap": (PEERS, BATCH),
    "woodelf": (PEERS, LARGE_BATCH),
    "fasttreeshap_v1": (OLDER, BATCH),
    "fasttreeshap_v2": (OLDER, BATCH),
}


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    booster: Any
    rows: npt.NDArray[np.float32]
    rounds: int = ROUNDS


def lines() -> Iterator[Line]:
    """Each peer on each forest; then what our tables take."""
    for case in cases():
        explainer = explainer_of(case)
        for name, (python, batch) in EXPLAINERS.items():
            if python.exists():
                yield _against(case, explainer, name, python, batch)
        rows = case.rows[:BATCH]
        yield comparison(
            f"attribution, {case.name}, batch {BATCH}, one feature a column",
            Way("ours", lambda: explainer.explain(rows), BATCH),  # noqa: B023 - called at once
            Way("xgboost pred_contribs", lambda: pred_contribs(case.booster, rows), BATCH),  # noqa: B023
            case.rounds,
        )
        if explainer.table_bytes:
            yield line(f"tables, {case.name}", "MB", "model file", [(explainer.table_bytes / 1e6, _megabytes(case))])


def cases() -> Iterator[Case]:
    """From the usual size to deep and wide."""
    rows = models.impute(models.applicants().matrix)
    for depth, trees, rounds in ((4, 200, ROUNDS), (6, 300, ROUNDS), (12, 100, DEEP_ROUNDS), (16, 50, DEEP_ROUNDS)):
        yield Case(f"XGBoost depth {depth} x {trees}", models.an_xgboost(depth, trees), rows, rounds)
    table, labels = _wide()
    yield Case(f"XGBoost depth 6 x 300, {WIDE} columns", models.a_booster(6, 300, table, labels), table)


def explainer_of(case: Case) -> Explainer:
    """Ours, one feature a column, as peers have it."""
    columns = case.rows.shape[1]
    explainer = Explainer(compile_model(case.booster, columns), np.arange(columns, dtype=np.int32), columns)
    explainer.warm()
    return explainer


def _wide() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """Numbers of which a tenth tells something."""
    random = np.random.default_rng(models.SEED)
    table = random.normal(size=(models.ROWS, WIDE)).astype(np.float32)
    score = table[:, : WIDE // 10].sum(axis=1) + random.normal(size=models.ROWS)
    return table, (score > np.quantile(score, 0.8)).astype(np.int8)


def _against(case: Case, explainer: Explainer, name: str, python: Path, batch: int) -> Line:
    rows = case.rows[:batch]
    ours = Way("ours", lambda: explainer.explain(rows), batch)
    with tempfile.TemporaryDirectory() as folder:
        case.booster.save_model(Path(folder) / MODEL)
        np.save(Path(folder) / ROWS, rows)
        pairs = [(microseconds(ours), _microseconds(name, python, Path(folder), batch)) for _ in range(case.rounds)]
        _require_agreement(name, explainer.explain(rows)[1], np.load(Path(folder) / VALUES))
    return line(f"attribution, {case.name}, batch {batch}, peer {name}", "us/row", name, pairs)


def _microseconds(name: str, python: Path, folder: Path, batch: int) -> float:
    """Of a row, by a peer; its contributions are in the folder then."""
    script = Path(__file__).parent / "contenders" / "peer.py"
    ran = subprocess.run(
        [python, script, name, folder / MODEL, folder / ROWS, str(batch), folder / VALUES],
        env={**os.environ, "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if ran.returncode:
        problem = f"{name}: {ran.stderr[-2000:]}"
        raise RuntimeError(problem)
    return float(ran.stdout.splitlines()[-1])


def _require_agreement(name: str, ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> None:
    differing = np.mean(np.abs(theirs.reshape(ours.shape) - ours).max(axis=1) > AGREEMENT)
    if differing > OTHER_SIDE and name not in INEXACT:
        problem = f"{name} gives other contributions than ours in {differing:.2%} of the rows"
        raise RuntimeError(problem)


def _megabytes(case: Case) -> float:
    return len(case.booster.save_raw("ubj")) / 1e6
