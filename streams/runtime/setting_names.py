"""Names of the `LOAN_` settings of all processes: a misspelt name is refused, so that no default applies unnoticed.

Pure. One list for all processes: they share an environment and a `.env` file, and each has settings that the
others do not know. A test compares it with the fields of all settings classes.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Final

PREFIX: Final = "LOAN_"

LISTED: Final = """
ALPHA
APPROVE_BELOW
BASE_TABLE
BATCHES_IN_FLIGHT
BATCH_RECORDS
BOOTSTRAP_SERVERS
CACHE_DIR
CHAMPION_POLL_S
CLOUDEVENTS
COOLDOWN_S
COST_AMOUNT
CUTOFF_RULE
DECLINE_FROM
DEFAULT_COST
DELIVERY
DRIFTED_NEEDED
DRIFTED_OF
DRIFT_INSTANCE_ID
DRIFT_PORT
EXPLORATION_SHARE
FAMILIES
FLOOR_AUC
FLOOR_F1
FOLDS
GATEWAY_API_KEYS
GATEWAY_DEMO
GATEWAY_DEMO_RATE_PER_S
GATEWAY_HOST
GATEWAY_MAX_BODY_BYTES
GATEWAY_MAX_WAITING
GATEWAY_PORT
GATEWAY_PROXIES
GATEWAY_PUBLIC_URL
GATEWAY_RATE_PER_S
GATEWAY_READ_TIMEOUT_S
GATEWAY_REMEMBERED
GATEWAY_SEARCH_S
GATEWAY_SESSION_S
GATEWAY_SESSION_SECRET
GATEWAY_TIMEOUT_S
GATE_MARGINS
IDLE_S
INSTANCE_ID
IN_FLIGHT_S
JOBS
KAFKA_PROPERTIES
KAFKA_SASL_MECHANISM
KAFKA_SASL_PASSWORD
KAFKA_SASL_USERNAME
KAFKA_SECURITY_PROTOCOL
KAFKA_SSL_CA_LOCATION
KAFKA_SSL_CERTIFICATE_LOCATION
KAFKA_SSL_KEY_LOCATION
KAFKA_SSL_KEY_PASSWORD
KEEP_DEAD_BYTES
KEYS_URL
LABEL_DEFAULT
LABEL_REPAID
LATENESS_S
LEAST_OUTCOMES
LEAST_WINDOW
LEDGER_ANCHORS
LEDGER_BATCH_RECORDS
LEDGER_INSTANCE_ID
LEDGER_MIGRATE
LEDGER_PORT
LEDGER_URL
LOG_LEVEL
MAX_CLOCK_SKEW_S
MAX_HEADER_BYTES
MAX_LEVEL_OFF
MAX_TREES
MAX_VALUE_BYTES
MINIMUM_N
MIN_ADVERSE_IMPACT_RATIO
MIN_AUC
MIN_RETRAIN_INTERVAL_S
MLFLOW_URI
MODEL_NAME
OIDC_AUDIENCE
OIDC_CLIENT_ID
OIDC_CLIENT_SECRET
OIDC_ISSUER
OIDC_ROLES_CLAIM
OIDC_SCOPES
ON_LOST_OFFSETS
PANE_S
PARTITIONS
PERFORMANCE_AGE_DAYS
PERFORMANCE_EVERY_S
PERFORMANCE_FORMER
PERFORMANCE_LOANS
PRINCIPAL
PRODUCER_CLOCK_SKEW_S
PRODUCT
PROFILE_BINS
PROMOTION
PROMOTION_APPROVALS
PSI_DEVELOPMENT
PSI_DRIFTED
PSI_FIELD_LIMITS
PSI_WATCH
QUIET_HOURS
REFIT
REGISTRY_BASIC_AUTH
REGISTRY_SSL_CA_LOCATION
REGISTRY_TIMEOUT_S
REGISTRY_URL
REPLICATION_FACTOR
RETRAIN_SCHEDULE
REVIEW_COST
REVIEW_SECOND_PAIR
ROWS_FACTOR
SCORECARD_VALID_DAYS
SCORING_GROUP
SCORING_PORT
SEARCH_PATIENCE
SEARCH_SECONDS
SEED
SHADOW
SIGNING_KEY
SPARK_TRIALS
SPLIT_METHOD
STANDBY
STATE_DIR
STRAY_SHARE
TABLE_DECIMAL
TABLE_DELIMITER
TABLE_ENCODING
TEST_BROKER
TEST_PATIENCE
TOPIC_PREFIX
TRACES
TRAINER_GROUP
TRAINER_INSTANCE_ID
TRAINER_PORT
TRIAL_BATCH
TRIALS
TRIAL_PREFERENCE
TRUSTED_KEYS
WEB_HOST
WINDOW_CALENDAR
WINDOW_COUNT
WINDOW_IDLE_S
WINDOW_ROWS
WINDOW_S
WINDOW_TIME_ZONE
WITH_DECISIONS
WITH_PRICING
"""
"""Those of `.env.example`, and of the tests; one a line."""
NAMES: Final = frozenset(LISTED.split())
"""Without the prefix."""

FORMER: Final[Mapping[str, str]] = {
    "AHEAD_S": "MAX_CLOCK_SKEW_S",
    "LEAST_AUC": "MIN_AUC",
    "MOST_TREES": "MAX_TREES",
    "TOO_SOON_S": "MIN_RETRAIN_INTERVAL_S",
}
"""Old names and their current names: they still apply, with a warning."""
RETIRED: Final = frozenset({"RETRY_S"})
"""Old settings that have no effect now: a warning."""

PORTS: Final = ("scoring_port", "drift_port", "trainer_port", "ledger_port")
ANY_PORT: Final = "WEB_PORT"
"""Of whichever process has it in its own environment, where its own port is not set: containers know one port."""

SERVICE_LINK: Final = re.compile(
    r"(.+)_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
"""Kubernetes sets variables for every service: one called `loan-gateway` gives `LOAN_GATEWAY_SERVICE_HOST`."""


def misspelt(given: Iterable[str], own: Collection[str] = ()) -> list[str]:
    """A line for each name that begins with the prefix, in either case, and is no setting's; sorted.

    Args:
        given: names of an environment, of whatever kind.
        own: settings known beside `NAMES`, without the prefix.
    """
    names = {name.upper().removeprefix(PREFIX) for name in given if name.upper().startswith(PREFIX)}
    known = NAMES | FORMER.keys() | RETIRED | {ANY_PORT} | {name.upper() for name in own}
    return [_line(name, known) for name in sorted(names - known) if not _is_service_link(name, names)]


def former(variables: Mapping[str, str | None], fields: Collection[str]) -> Mapping[str, str]:
    """Values given under old names, by their fields; those given under both names are left out.

    Args:
        variables: of an environment and a `.env` file.
        fields: of a settings class.
    """
    given = {name.upper(): value for name, value in variables.items() if value is not None}
    ports = [(ANY_PORT, field.upper()) for field in PORTS]
    return {
        new.lower(): given[PREFIX + old]
        for old, new in (*FORMER.items(), *ports)
        if new.lower() in fields and PREFIX + old in given and PREFIX + new not in given
    }


def rename_warnings(names: Iterable[str]) -> list[str]:
    """A line for each old name, sorted: its current name, or that it has no effect."""
    given = {name.upper() for name in names}
    lines = {
        **{old: f"{PREFIX}{old} is called {PREFIX}{new} now" for old, new in FORMER.items()},
        **{old: f"{PREFIX}{old} sets nothing any more: remove it" for old in RETIRED},
    }
    return [line for old, line in sorted(lines.items()) if PREFIX + old in given]


def _line(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"{PREFIX}{name}: there is no such setting" + "".join(f"; {PREFIX}{each} is meant?" for each in near)


def _is_service_link(name: str, names: Collection[str]) -> bool:
    link = SERVICE_LINK.fullmatch(name)
    return link is not None and f"{link[1]}_SERVICE_HOST" in names
