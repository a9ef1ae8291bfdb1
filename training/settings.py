"""Settings of the trainer and of `loanctl train`: read once, frozen, refused all at once."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from scorecard.costs import Costs
from scorecard.registry.model_registry import ModelRegistry
from streams.runtime.health_server import LOOPBACK
from streams.runtime.settings import Connection
from training.evaluation.cutoffs import Rule
from training.pipeline.plan import Plan
from training.promotion.gate import Promotion, Terms
from training.rows.split import Method
from training.schedule import MONDAYS_AT_TWO, Schedule, ScheduleError
from training.search.budget import Budget

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class TrainingSettings(Connection):
    """What an operator may set of training."""

    base_table: str = ""
    """Where the rows lie that every training begins with: a path or a URL; empty for the topics alone."""
    trials: PositiveInt = 10
    folds: Annotated[int, Field(ge=2)] = 5
    max_trees: PositiveInt = 900
    search_seconds: PositiveFloat | None = None
    """The search ends by then, whatever it found; two such searches need not find the same."""
    search_patience: PositiveInt = 40
    """The search ends after so many trials without gain."""
    jobs: PositiveInt = 2
    spark_trials: NonNegativeInt = 0
    """Trials at once on a Spark cluster, by Hyperopt's SparkTrials; 0 for one after the other on this machine."""
    seed: NonNegativeInt = 42
    with_pricing: bool = False
    split_method: Method = Method.GROUPED
    cutoff_rule: Rule = Rule.COST
    default_cost: PositiveFloat = 5.0
    """Of a default on an approved loan, in lost good loans."""
    review_cost: PositiveFloat = 0.7
    """Of a person's look, in lost good loans."""

    promotion: Promotion = Promotion.AUTOMATIC
    floor_auc: Share = 0.6
    """The lower end of the AUC's 95 % interval must reach it."""
    floor_f1: Share = 0.10

    least_outcomes: PositiveInt = 300
    """A retraining without so many new true outcomes would learn nothing new."""
    least_window: PositiveInt = 500
    """Applications that a command's window must have to become the reference population."""
    min_retrain_interval_s: float = 0.0
    """A command that comes sooner after the last promotion is answered and not acted on; 0 for never."""
    retrain_schedule: str = MONDAYS_AT_TWO
    """When the trainer asks for a challenger by itself: a cron expression in UTC; empty for never."""
    trainer_group: str = ""
    """Consumer group; empty for one named after the topics."""
    trainer_instance_id: str = ""
    """Names this trainer for good, where there is one alone: after a crash it has its commands back at once."""
    cache_dir: Path = Path("~/.cache/loan-decisions")
    web_host: str = LOOPBACK
    trainer_port: NonNegativeInt = 8103
    """0 for a free one."""

    @field_validator("retrain_schedule")
    @classmethod
    def _parse_schedule(cls, expression: str) -> str:
        try:
            return Schedule(expression).expression if expression.strip() else ""
        except ScheduleError as fault:
            raise ValueError(str(fault)) from None

    def schedule(self) -> Schedule | None:
        """When to ask for a challenger; None for never."""
        return Schedule(self.retrain_schedule) if self.retrain_schedule else None

    def cache(self) -> Path:
        """Where bundles are kept between restarts."""
        return self.cache_dir.expanduser()

    def group(self) -> str:
        """The consumer group of the trainer."""
        return self.trainer_group or f"{self.topics().retrain_commands.name}.trainer"

    def model_registry(self) -> ModelRegistry:
        """The registered model of the product."""
        return ModelRegistry(self.mlflow_uri, self.registered_model(), self.cache())

    def plan(self) -> Plan:
        """How a scorecard is to be made."""
        seconds = {} if self.search_seconds is None else {"seconds": self.search_seconds}
        return Plan(
            name=self.registered_model(),
            seed=self.seed,
            with_pricing=self.with_pricing,
            method=self.split_method,
            budget=Budget(
                trials=self.trials,
                folds=self.folds,
                most_trees=self.max_trees,
                patience=self.search_patience,
                jobs=self.jobs,
                spark=self.spark_trials,
                **seconds,
            ),
            rule=self.cutoff_rule,
            costs=Costs(default=self.default_cost, review=self.review_cost),
            journals=self.cache() / "searches",
        )

    def terms(self) -> Terms:
        """What a champion must reach."""
        return Terms(floor_auc=self.floor_auc, floor_f1=self.floor_f1, promotion=self.promotion, seed=self.seed)
