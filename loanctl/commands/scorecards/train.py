"""`loanctl train`: a scorecard from a table, judged, registered, and promoted where it may be.

What a training is: `training`. Progress goes to standard error; with `--json` the last line of
standard output tells the result.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from loanctl.console import Console
from schemas.errors import SetupError
from schemas.urls import mask_credentials
from streams.runtime import logs
from training.evaluation.cutoffs import Rule
from training.pipeline import plan
from training.promotion.announcer import Announcer
from training.promotion.gate import GateVerdict
from training.promotion.promote import settle
from training.rows import labelled_rows as rows
from training.rows import sources
from training.rows.labelled_rows import CleanRows
from training.rows.maturity import mature_rows
from training.rows.rare_levels import without_rare_levels
from training.rows.split import Method
from training.search.trial import Trial
from training.settings import TrainingSettings
from training.trainer import Task, Trainer, TrainingResult

SOURCE: Final = "/loanctl/train"

Data = Annotated[str | None, typer.Option(help="CSV, Parquet or Excel by path or URL, or postgresql://...#table.")]
Families = Annotated[str | None, typer.Option(help="Model families to search, such as `points`.")]
Trials = Annotated[int | None, typer.Option(min=1, help="Most trials of the search.")]
Folds = Annotated[int | None, typer.Option(min=2, help="Folds of the cross-validation in the search.")]
Seconds = Annotated[float | None, typer.Option(min=1, help="Time limit of the search, in seconds.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Of split, search and fits.")]
Pricing = Annotated[bool | None, typer.Option("--with-pricing", help="Score the lender's own grade and rate, too.")]
Split = Annotated[Method | None, typer.Option(help="How rows are split.")]
Cutoffs = Annotated[Rule | None, typer.Option(help="How the cut-offs are chosen.")]
LabelDefault = Annotated[str | None, typer.Option(help="The table's word for a default; else the contract's.")]
LabelRepaid = Annotated[str | None, typer.Option(help="The table's word for a repaid loan; else the contract's.")]
Card = Annotated[Path | None, typer.Option(help="Write the model card (Markdown) there, too.", dir_okay=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one last line of JSON.")]


class NoTableError(SetupError):
    """Nothing says where the rows are."""


def train(  # noqa: PLR0913 - each argument is an option of the command
    data: Data = None,
    families: Families = None,
    trials: Trials = None,
    folds: Folds = None,
    seconds: Seconds = None,
    seed: Seed = None,
    with_pricing: Pricing = None,
    split: Split = None,
    cutoffs: Cutoffs = None,
    label_default: LabelDefault = None,
    label_repaid: LabelRepaid = None,
    card: Card = None,
    as_json: AsJson = False,
) -> None:
    """Train a scorecard on labelled rows, and promote it where it passes the gate."""
    began = time.monotonic()
    given = {
        "base_table": data,
        "families": families,
        "trials": trials,
        "folds": folds,
        "search_seconds": seconds,
        "seed": seed,
        "with_pricing": with_pricing,
        "split_method": split,
        "cutoff_rule": cutoffs,
        "label_default": label_default,
        "label_repaid": label_repaid,
    }
    logs.configure("warning")
    settings = TrainingSettings.read(**{name: value for name, value in given.items() if value is not None})
    console = Console(stderr=True)
    cleaned = table_rows(settings)
    _tell_rows(console, cleaned)
    trained, announcer = _train(settings, cleaned, console)
    summary = _summary(trained, announcer, cleaned, time.monotonic() - began)
    _tell(console, summary)
    if card is not None:
        card.write_text(trained.card, encoding="utf-8")
        console.print(f"  the model card is in {card}", highlight=False, markup=False, soft_wrap=True)
    if as_json:
        sys.stdout.write(json.dumps(summary) + "\n")


def table_rows(settings: TrainingSettings) -> CleanRows:
    """The rows of the base table, refused before any work where nothing can be learned from them.

    Raises:
        NoTableError: no table is named.
        TableError: says what is wrong with it.
    """
    if not settings.base_table:
        problem = "no rows to train on: give --data, or set LOAN_BASE_TABLE"
        raise NoTableError(problem)
    name = mask_credentials(settings.base_table)
    dialect = settings.table_dialect()
    cleaned = rows.from_table(
        settings.contract(),
        sources.table(settings.base_table, dialect),
        Path(name).name,
        with_pricing=settings.with_pricing,
        dialect=dialect,
    )
    cleaned = mature_rows(settings.contract(), cleaned, datetime.now(UTC))
    rows.refuse_too_few(cleaned)
    learnable = without_rare_levels(settings.contract(), cleaned, with_pricing=settings.with_pricing)
    rows.refuse_too_few(learnable)
    return learnable


def _train(settings: TrainingSettings, cleaned: CleanRows, console: Console) -> tuple[TrainingResult, Announcer]:
    registry = settings.model_registry()
    trainer = Trainer(settings.contract(), registry, settings.mlflow_uri, settings.plan(), settings.terms())
    with _bar(console) as bar:
        task = bar.add_task("search", total=settings.trials)

        def report_trial(trial: Trial) -> None:
            bar.advance(task)
            bar.print(f"  trial {trial.number}: {trial.choice.family}, AUC {trial.auc:.4f} +- {trial.auc_sd:.4f}")

        watch = plan.TrainingProgress(step=lambda word: bar.update(task, description=word), trial=report_trial)
        trained = trainer.train(Task(cleaned=cleaned, why="loanctl train"), watch)
    announcer = Announcer(settings, SOURCE)
    settle(registry, trained.registered, announcer, settings.contract().product)
    return trained, announcer


def _summary(trained: TrainingResult, announcer: Announcer, cleaned: CleanRows, seconds: float) -> dict[str, Any]:
    figures = trained.candidate.judgement.figures
    low, high = trained.candidate.judgement.intervals["auc"]
    return {
        "digest": trained.registered.digest,
        "version": trained.registered.version,
        "name": trained.registered.name,
        "family": trained.registered.family,
        **{name: round(figures[name], 6) for name in ("auc", "pr_auc", "f1", "brier", "log_loss", "ece", "ks")},
        "auc_interval": [round(low, 6), round(high, 6)],
        "logistic_auc": round(trained.candidate.logistic_auc, 6),
        "folds_auc": round(trained.candidate.found.best.auc, 6),
        "folds_logistic_auc": round(trained.candidate.found.floor_auc, 6),
        "rows": len(cleaned.rows),
        "left_out": dict(cleaned.left_out),
        "ignored_columns": list(cleaned.ignored_columns),
        "fairness": [*trained.candidate.fairness.summary()],
        "approve_below": trained.candidate.scorecard.policy.approve_below,
        "decline_from": trained.candidate.scorecard.policy.decline_from,
        "promoted": trained.answer.verdict is GateVerdict.PROMOTE,
        "why": trained.answer.why,
        "announced": announcer.said is not None,
        "not_announced": announcer.why_not,
        "not_recorded": announcer.why_unrecorded,
        "run_id": trained.registered.run_id,
        "seconds": round(seconds, 2),
    }


def _tell_rows(console: Console, cleaned: CleanRows) -> None:
    console.print(
        f"{cleaned.source}: {cleaned.read} rows read, {len(cleaned.rows)} to learn from",
        highlight=False,
        soft_wrap=True,
    )
    for word, count in cleaned.left_out.items():
        console.print(f"  left out: {count} {word.replace('_', ' ')}", highlight=False, soft_wrap=True)
    for column, levels in cleaned.unknown_levels.items():
        console.print(
            f"  not declared in {column}: {', '.join(map(repr, levels))}", highlight=False, markup=False, soft_wrap=True
        )
    for note in cleaned.notes:
        console.print(f"  {note}", highlight=False, markup=False, soft_wrap=True)
    if cleaned.ignored_columns:
        console.print(f"  ignored columns: {', '.join(cleaned.ignored_columns)}", highlight=False, soft_wrap=True)


def _tell(console: Console, summary: dict[str, Any]) -> None:
    low, high = summary["auc_interval"]
    verdict = "promoted" if summary["promoted"] else "not promoted"
    lines = [
        f"{summary['name']} version {summary['version']} ({summary['family']}), digest {summary['digest'][:12]}",
        f"  AUC {summary['auc']:.4f} ({low:.4f} to {high:.4f}), a logistic regression {summary['logistic_auc']:.4f}; "
        f"PR-AUC {summary['pr_auc']:.4f}, F1 {summary['f1']:.4f}, Brier {summary['brier']:.4f}",
        f"  over the folds of the search AUC {summary['folds_auc']:.4f}, a logistic regression "
        f"{summary['folds_logistic_auc']:.4f}",
        *(f"  {line}" for line in summary["fairness"]),
        f"  {verdict}: {summary['why']}",
    ]
    if summary["not_announced"]:
        lines.append(f"  not announced: {summary['not_announced']}; workers find it by looking at the alias")
    if summary["not_recorded"]:
        lines.append(f"  not in the audit log: {summary['not_recorded']}")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
