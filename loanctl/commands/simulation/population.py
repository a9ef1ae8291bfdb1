"""`loanctl population`: writes a table of synthetic applicants, see `loanctl.simulation.synthetic_population`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from loanctl.console import Console
from loanctl.simulation import loan_tables, synthetic_population
from loanctl.simulation.synthetic_population import PopulationShift, ShiftError

BEST_AUC_ROWS: Final = 200_000
"""The best AUC is shown to two places; so many rows give it to three."""

Rows = Annotated[int, typer.Option(min=1, help="How many applicants.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same applicants.")]


def population(  # noqa: PLR0913 - each argument is an option of the command
    out: Annotated[Path, typer.Option(help="A .csv, or a .parquet.")],
    rows: Rows = 10_000,
    seed: Seed = 1,
    income_factor: Annotated[float, typer.Option(help="Multiplies every income.")] = 1.0,
    intent: Annotated[list[str] | None, typer.Option(help="INTENT=FACTOR: multiplies its share. Repeatable.")] = None,
    missing: Annotated[
        float, typer.Option(help="Share without years in the job.")
    ] = synthetic_population.UNTOLD_JOB_SHARE,
    new_levels: Annotated[float, typer.Option(help="Share with an intent that the contract does not declare.")] = 0.0,
    changed_risk: Annotated[
        float, typer.Option(help="0: the usual risk; 1: that of the changed population; between: a mixture.")
    ] = 0.0,
) -> None:
    """Write simulated applicants, and the outcomes of their loans, in the columns of the credit-risk file."""
    shift = PopulationShift(
        income_factor=income_factor,
        intent_mix=pairs(intent or []),
        missing=missing,
        new_levels=new_levels,
        changed_risk=changed_risk,
    )
    applicants = synthetic_population.applicants(rows, seed, shift)
    loan_tables.write_table(applicants, out)
    best = synthetic_population.best_auc(BEST_AUC_ROWS, seed, shift)
    Console(soft_wrap=True).print(
        f"{out}: {rows:,} applicants, {applicants['loan_status'].mean():.1%} of them default; "
        f"no scorecard can have an AUC over {best:.2f} on them"
    )


def pairs(texts: list[str]) -> dict[str, float]:
    """`["VENTURE=2"]` as a mapping.

    Raises:
        ShiftError: one of them is no NAME=NUMBER.
    """
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            problem = f"{text!r} is not of the form NAME=NUMBER"
            raise ShiftError(problem) from None
    return found
