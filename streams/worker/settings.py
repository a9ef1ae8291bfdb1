"""Settings of the scoring worker: read once, frozen, refused all at once."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from schemas.topics import scoring_group
from streams.kafka.producer.delivery import Mode
from streams.runtime.cutoff_settings import CutoffSettings
from streams.runtime.health_server import LOOPBACK


class ScoringSettings(CutoffSettings):
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
    keep_dead_bytes: bool = True
    """False: dead letters name the coordinates of the bytes, and carry none."""
    cloudevents: bool = True
    """False: decisions carry no CloudEvents attributes as headers. Each attribute is in the decision, too, and the six
    headers cost a worker a tenth of its processor time (docs/performance.md)."""
    shadow: bool = True
    """Let a challenger, if there is one, answer too, to the shadow topic."""
    champion_poll_s: PositiveFloat = 10.0
    """Time between checks of the alias; an announcement triggers one at once."""
    web_host: str = LOOPBACK
    scoring_port: NonNegativeInt = 8101
    """0 for a free one."""

    def group(self) -> str:
        """The consumer group of the data plane."""
        return self.scoring_group or scoring_group(self.topics())
