"""Settings of the trainer and of `loanctl train`: read once, frozen, refused all at once."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from schemas.contract.fields import Kind
from schemas.errors import SetupError
from scorecard.costs import Costs, CutoffsError
from scorecard.registry.signatures import TrustedKeys, sign, signing_key
from streams.runtime.bin_settings import BinSettings
from streams.runtime.cutoff_settings import CutoffSettings
from streams.runtime.health_server import LOOPBACK
from training.evaluation.cutoffs import Rule
from training.families.family_registry import BY_NAME, USUAL
from training.pipeline.plan import Plan, no_signature
from training.promotion.gate import Promotion, Terms
from training.promotion.margins import Margins
from training.rows.split import Method
from training.schedule import MONDAYS_AT_TWO, Schedule, ScheduleError
from training.search.budget import Budget
from training.search.trial import TrialPreference

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class UntrustedSignerError(SetupError):
    """This process would refuse the scorecards that it trains, because it requires a signature."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: what is trained here would be refused; {remedy}")


class TrainingSettings(BinSettings, CutoffSettings):
    """What an operator may set for training."""

    base_table: str = ""
    """Table of the rows that every training begins with: a path or a URL; empty for the topics alone."""
    families: str = ", ".join(USUAL)
    """Model families that a search tries, in this order; `points` is one more: bins with points."""
    trials: PositiveInt = 10
    folds: Annotated[int, Field(ge=2)] = 5
    max_trees: PositiveInt = 900
    search_seconds: PositiveFloat | None = None
    """Time limit of a search; two such searches need not give the same result."""
    search_patience: PositiveInt = 40
    """The search ends after this many trials without improvement."""
    trial_preference: TrialPreference = TrialPreference.CHEAPEST
    """Of the trials as good as the best: `cheapest` to explain, or `fairest`, the least discriminatory by the watched
    groups' impact ratios."""
    jobs: PositiveInt = 2
    trial_batch: PositiveInt = 1
    """Choices that a search proposes at once, before any of them is tried; another number is another search."""
    spark_trials: NonNegativeInt = 0
    """As LOAN_TRIAL_BATCH, each choice tried on a Spark cluster, with the same result; 0: on this machine."""
    seed: NonNegativeInt = 42
    with_pricing: bool = False
    split_method: Method = Method.GROUPED
    cutoff_rule: Rule = Rule.COST
    default_cost: PositiveFloat = 5.0
    """Cost of a default on an approved loan, in lost good loans."""
    review_cost: PositiveFloat = 0.7
    """Cost of a manual review, in lost good loans."""
    cost_amount: str = ""
    """Number of the application, as `loan_amnt`: mistakes cost in proportion to it. Empty: each loan costs the same."""

    exploration_share: Share = 0.0
    """Share of refused applicants that get a loan at random, so that their outcomes count for all refused; 0: outcomes
    are of approved loans alone, and two scorecards are compared where both would approve; 1: all outcomes are known."""

    refit: bool = False
    """After its judgement, fit the forest once more to all rows. Its figures are then of the forest before, and a later
    challenger can only be compared with it on rows that are new."""
    promotion: Promotion = Promotion.AUTOMATIC
    """`manual` for production: what passes the gate waits for a person, `loanctl champion promote`."""
    promotion_approvals: Annotated[int, Field(ge=1, le=2)] = 1
    """2: no version becomes champion before one person has proposed it and another has approved, `loanctl champion
    propose` and `approve`; the trainer promotes none."""
    floor_auc: Share = 0.6
    """The lower end of the AUC's 95 % interval must reach this."""
    floor_f1: Share = 0.10
    min_adverse_impact_ratio: Share = 0.8
    """A watched group that is surely approved less often than this share of the most approved group's rate holds the
    promotion for a person; 0 for none."""
    gate_margins: str = ""
    """By how much a challenger may be worse than the champion, figure by figure, such as `auc=0.01, level=0.01`; those
    not named: cost=0.02, auc=0.02, brier=0.005, log_loss=0.015, level=0.03, slope=0.2."""

    scorecard_valid_days: PositiveInt = 365
    """By then a scorecard must be validated anew; its model card and `loanctl champion show` say the day."""

    least_outcomes: NonNegativeInt = 300
    """Fewest true outcomes on the topics for a retraining; with fewer it would learn nothing new. 0 where labels come
    to the base table alone."""
    least_window: PositiveInt = 500
    """Applications that a command's window must have to become the reference population."""
    min_retrain_interval_s: float = 0.0
    """A command that arrives sooner after the last promotion is answered and not carried out; 0 for never."""
    retrain_schedule: str = MONDAYS_AT_TWO
    """When the trainer asks for a challenger by itself: a cron expression in UTC; empty for never."""
    signing_key: Path | None = None
    """Private key (PEM, Ed25519) that signs the scorecards made here; `loanctl keys new` makes one. Empty: unsigned."""
    trainer_group: str = ""
    """Consumer group; empty for one named after the topics."""
    trainer_instance_id: str = ""
    """Permanent name of this trainer, if it is the only one: after a crash it has its commands back at once."""
    web_host: str = LOOPBACK
    trainer_port: NonNegativeInt = 8103
    """0 for a free one."""

    @field_validator("families")
    @classmethod
    def _check_families(cls, names: str) -> str:
        unknown = [name for name in _names(names) if name not in BY_NAME]
        if unknown or not _names(names):
            problem = f"no model family {', '.join(map(repr, unknown)) or 'is named'}; known are {', '.join(BY_NAME)}"
            raise ValueError(problem)
        return names

    @field_validator("retrain_schedule")
    @classmethod
    def _parse_schedule(cls, expression: str) -> str:
        try:
            return Schedule(expression).expression if expression.strip() else ""
        except ScheduleError as fault:
            raise ValueError(str(fault)) from None

    @field_validator("gate_margins")
    @classmethod
    def _margins_are_numbers(cls, text: str) -> str:
        Margins.parse(text)
        return text

    def schedule(self) -> Schedule | None:
        """When to ask for a challenger; None for never."""
        return Schedule(self.retrain_schedule) if self.retrain_schedule else None

    def group(self) -> str:
        return self.trainer_group or f"{self.topics().retrain_commands.name}.trainer"

    def costs(self) -> Costs:
        """Costs of mistakes, in lost good loans."""
        return Costs(default=self.default_cost, review=self.review_cost)

    def plan(self) -> Plan:
        """How a scorecard is to be made.

        Raises:
            KeyFileError: the signing key is no such key.
            CutoffsError: `cost_amount` names no number of the application.
            UntrustedSignerError: what is made here would be refused by those who ask for a signature.
        """
        seconds = {} if self.search_seconds is None else {"seconds": self.search_seconds}
        return Plan(
            name=self.registered_model(),
            seed=self.seed,
            with_pricing=self.with_pricing,
            method=self.split_method,
            budget=Budget(
                families=_names(self.families),
                trials=self.trials,
                folds=self.folds,
                most_trees=self.max_trees,
                patience=self.search_patience,
                prefer=self.trial_preference,
                jobs=self.jobs,
                batch=self.trial_batch,
                spark=self.spark_trials,
                **seconds,
            ),
            rule=self.cutoff_rule,
            costs=self.costs(),
            exploration_share=self.exploration_share,
            policy=self.policy(),
            amount=self._amount(),
            refit=self.refit,
            journals=self.cache() / "searches",
            bins=self.bin_plan(),
            valid_days=self.scorecard_valid_days,
            sign=self._signer(),
        )

    def _amount(self) -> str:
        numbers = [field.name for field in self.contract().observed if field.kind is Kind.NUMBER]
        if self.cost_amount and self.cost_amount not in numbers:
            problem = f"LOAN_COST_AMOUNT: {self.cost_amount!r} is no number of the application: {', '.join(numbers)}"
            raise CutoffsError(problem)
        return self.cost_amount

    def _signer(self) -> Callable[[Path], None]:
        trusted = None if self.trusted_keys is None else TrustedKeys.read(self.trusted_keys.expanduser())
        if self.signing_key is None:
            if trusted is None:
                return no_signature
            problem = "LOAN_TRUSTED_KEYS is set and LOAN_SIGNING_KEY is not"
            raise UntrustedSignerError(problem, "give the trainer a key")
        key = signing_key(self.signing_key.expanduser())
        if trusted is not None and not trusted.covers(key):
            problem = f"the public key of {self.signing_key} is not in {trusted.place}"
            raise UntrustedSignerError(problem, "add it there")
        return partial(sign, key=key)

    def terms(self) -> Terms:
        """Minimum figures of a champion, and who promotes it."""
        return Terms(
            floor_auc=self.floor_auc,
            floor_f1=self.floor_f1,
            margins=Margins.parse(self.gate_margins),
            min_adverse_impact_ratio=self.min_adverse_impact_ratio,
            promotion=self.promotion,
            approvals=self.promotion_approvals,
            seed=self.seed,
        )


def _names(listed: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))
