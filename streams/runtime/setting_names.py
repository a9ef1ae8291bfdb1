"""Names of the `LOAN_` settings of all processes: a misspelt one is refused, instead of a default taken in silence.

Pure. One list for all processes: they share an environment and a `.env` file, and each has settings that the
others do not know. A test holds it equal to the fields of all settings classes.
"""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

PREFIX: Final = "LOAN_"

LISTED: Final = """
PRODUCT TOPIC_PREFIX BOOTSTRAP_SERVERS REGISTRY_URL MLFLOW_URI MODEL_NAME  KAFKA_SECURITY_PROTOCOL
KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME KAFKA_SASL_PASSWORD  KAFKA_SSL_CA_LOCATION
KAFKA_SSL_CERTIFICATE_LOCATION KAFKA_SSL_KEY_LOCATION KAFKA_SSL_KEY_PASSWORD  REGISTRY_BASIC_AUTH
REGISTRY_SSL_CA_LOCATION REGISTRY_TIMEOUT_S LOG_LEVEL

DELIVERY SCORING_GROUP INSTANCE_ID BATCH_RECORDS BATCHES_IN_FLIGHT APPROVE_BELOW DECLINE_FROM KEEP_DEAD_BYTES
SHADOW CACHE_DIR CHAMPION_POLL_S WEB_HOST WEB_PORT

WINDOW_S WINDOW_COUNT MINIMUM_N ALPHA COOLDOWN_S PANE_S LATENESS_S AHEAD_S IDLE_S WINDOW_IDLE_S WITH_DECISIONS
PERFORMANCE_EVERY_S PERFORMANCE_AGE_DAYS PERFORMANCE_LOANS LEAST_AUC DRIFT_INSTANCE_ID

BASE_TABLE TRIALS FOLDS MOST_TREES SEARCH_SECONDS SEARCH_PATIENCE JOBS SPARK_TRIALS SEED WITH_PRICING
SPLIT_METHOD CUTOFF_RULE DEFAULT_COST REVIEW_COST PROMOTION FLOOR_AUC FLOOR_F1 LEAST_OUTCOMES LEAST_WINDOW
TOO_SOON_S RETRAIN_SCHEDULE TRAINER_GROUP TRAINER_INSTANCE_ID RETRY_S

PARTITIONS REPLICATION_FACTOR STATE_DIR TEST_BROKER
"""
"""As in `.env.example`: every process and command; worker; drift agent; trainer; `loanctl`, stack and tests."""
NAMES: Final = frozenset(LISTED.split())
"""Without the prefix."""

SERVICE_LINK: Final = re.compile(
    r"(.+)_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
"""Kubernetes tells each pod of every service beside it: one called `loan-gateway` gives `LOAN_GATEWAY_SERVICE_HOST`."""


def misspelt(given: Iterable[str], own: Collection[str] = ()) -> list[str]:
    """A line for each name that begins with the prefix, in either case, and is no setting's; sorted.

    Args:
        given: names of an environment, of whatever kind.
        own: settings known beside `NAMES`, without the prefix.
    """
    names = {name.upper().removeprefix(PREFIX) for name in given if name.upper().startswith(PREFIX)}
    known = NAMES | {name.upper() for name in own}
    return [_line(name, known) for name in sorted(names - known) if not _is_service_link(name, names)]


def _line(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"{PREFIX}{name}: there is no such setting" + "".join(f"; {PREFIX}{each} is meant?" for each in near)


def _is_service_link(name: str, names: Collection[str]) -> bool:
    link = SERVICE_LINK.fullmatch(name)
    return link is not None and f"{link[1]}_SERVICE_HOST" in names
