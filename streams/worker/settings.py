"""Settings of the scoring worker: read once, frozen, refused all at once."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from schemas.topics import scoring_group
from scorecard.policy import Policy
from streams.kafka.producer.delivery import Mode
from streams.runtime.health_server import LOOPBACK
from streams.runtime.model_settings import ModelSettings

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class ScoringSettings(ModelSettings):
    """What an operator may set of a scoring worker."""

    delivery: Mode = Mode.EXACTLY_ONCE
    scoring_group: str = ""
    """Consumer group; empty for one named after the topics."""
    instance_id: str = ""
    """Permanent name of this worker, unique to it: after a restart it has its partitions and transactions again.
    Empty: generated once and kept in the cache folder."""
    batch_records: PositiveInt = 1_000
    """Most records of a batch; fewer if fewer have arrived."""
    batches_in_flight: PositiveInt = 2
    on_lost_offsets: Literal["continue", "stop"] = "continue"
    """If the group has lost its place on the topic (retention, truncation, expiry of its offsets): continue where no
    existing record is skipped, or stop for a person. Counted, with an alert, in both cases."""
    approve_below: Probability | None = None
    """Both cut-offs together override those of the scorecard."""
    decline_from: Probability | None = None
    keep_dead_bytes: bool = True
    """False: dead letters name the coordinates of the bytes, and carry none."""
    shadow: bool = True
    """Let a challenger, if there is one, answer too, to the shadow topic."""
    champion_poll_s: PositiveFloat = 10.0
    """Time between checks of the alias; an announcement triggers one at once."""
    web_host: str = LOOPBACK
    scoring_port: NonNegativeInt = 8101
    """0 for a free one."""

    @model_validator(mode="after")
    def _whole_policy(self) -> Self:
        if (self.approve_below is None) != (self.decline_from is None):
            message = "approve_below and decline_from override the scorecard's cut-offs together, or not at all"
            raise ValueError(message)
        self.policy()
        return self

    def policy(self) -> Policy | None:
        """The operator's cut-offs; None for the scorecard's own."""
        if self.approve_below is None or self.decline_from is None:
            return None
        return Policy(self.approve_below, self.decline_from)

    def group(self) -> str:
        """The consumer group of the data plane."""
        return self.scoring_group or scoring_group(self.topics())
