"""Views: common questions to the tables, each written once for both databases.

Pure: SQL text. Days are UTC, of the application's event time. An application decided twice counts once, by its first
decision; a person's review overrides it; of several outcomes of one loan the one observed last counts.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from schemas.small_groups import LEAST_PEOPLE

DIALECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "postgresql": {
        "day": "CAST({0} AT TIME ZONE 'UTC' AS date)",
        "each_contribution": (
            "SELECT d.record_topic, d.record_partition, d.record_offset, d.application_id, d.applied_at,"
            " c.key AS feature, d.feature_values ->> c.key AS feature_value,"
            " CAST(c.value AS double precision) AS contribution"
            " FROM first_decisions d CROSS JOIN LATERAL json_each_text(d.contributions) AS c(key, value)"
        ),
        "each_reason": (
            "SELECT d.record_topic, d.record_partition, d.record_offset, d.application_id, d.applied_at,"
            " d.scorecard_version, CAST(r.place AS integer) AS place, r.item ->> 'code' AS code,"
            " r.item ->> 'text' AS text FROM first_decisions d"
            " CROSS JOIN LATERAL json_array_elements(d.reasons) WITH ORDINALITY AS r(item, place)"
        ),
        "each_segment": (
            "SELECT f.*, s.key AS feature, s.value #>> '{{}}' AS segment"
            " FROM final_decisions f CROSS JOIN LATERAL json_each(f.feature_values) AS s(key, value)"
            " WHERE json_typeof(s.value) = 'string'"
        ),
    },
    "sqlite": {
        "day": "date({0})",
        "each_contribution": (
            "SELECT d.record_topic, d.record_partition, d.record_offset, d.application_id, d.applied_at,"
            " c.key AS feature, CAST(json_extract(d.feature_values, '$.\"' || c.key || '\"') AS text) AS feature_value,"
            " CAST(c.value AS real) AS contribution FROM first_decisions d, json_each(d.contributions) AS c"
        ),
        "each_reason": (
            "SELECT d.record_topic, d.record_partition, d.record_offset, d.application_id, d.applied_at,"
            " d.scorecard_version, r.key + 1 AS place, json_extract(r.value, '$.code') AS code,"
            " json_extract(r.value, '$.text') AS text FROM first_decisions d, json_each(d.reasons) AS r"
        ),
        "each_segment": (
            "SELECT f.*, s.key AS feature, s.value AS segment"
            " FROM final_decisions f, json_each(f.feature_values) AS s WHERE s.type = 'text'"
        ),
    },
}
ENOUGH: Final = {
    "enough": f"count(*) >= {LEAST_PEOPLE}",
    "enough_scored": f"count(probability) >= {LEAST_PEOPLE}",
}
"""A smaller group shows no mean and no segment (`schemas.small_groups`)."""
OVERRIDDEN: Final = "outcome <> 'REFER' AND review_outcome <> outcome"
"""A review of an automatic decision that went against it."""
AGAINST_SCORE: Final = (
    "outcome = 'REFER' AND probability IS NOT NULL AND review_outcome <>"
    " CASE WHEN probability < (approve_below + decline_from) / 2 THEN 'APPROVE' ELSE 'DECLINE' END"
)
"""A review of a referred application that went against the nearer cut-off."""
APPROVALS: Final = """count(*) AS decisions,
 sum(CASE WHEN final_outcome = 'APPROVE' THEN 1 ELSE 0 END) AS approved,
 sum(CASE WHEN final_outcome = 'REFER' THEN 1 ELSE 0 END) AS referred,
 sum(CASE WHEN final_outcome = 'DECLINE' THEN 1 ELSE 0 END) AS declined,
 CASE WHEN {enough} THEN avg(CASE WHEN final_outcome = 'APPROVE' THEN 1.0 ELSE 0.0 END) END AS approval_rate,
 CASE WHEN {enough} THEN avg(CASE WHEN outcome = 'APPROVE' THEN 1.0 ELSE 0.0 END) END AS automatic_approval_rate,
 CASE WHEN {enough_scored} THEN avg(probability) END AS mean_probability"""
DEFAULTS: Final = """count(*) AS loans,
 sum(CASE WHEN defaulted THEN 1 ELSE 0 END) AS defaults,
 CASE WHEN {enough} THEN avg(CASE WHEN defaulted THEN 1.0 ELSE 0.0 END) END AS default_rate,
 CASE WHEN {enough_scored} THEN avg(probability) END AS stated_default_rate"""

VIEWS: Final[Mapping[str, str]] = {
    "first_decisions": """
SELECT d.* FROM decisions d WHERE NOT EXISTS (SELECT 1 FROM decisions e WHERE e.application_id = d.application_id
 AND (e.recorded_at, e.record_partition, e.record_offset) < (d.recorded_at, d.record_partition, d.record_offset))""",
    "last_reviews": """
SELECT r.* FROM reviews r WHERE r.outcome IN ('APPROVE', 'DECLINE') AND NOT EXISTS (
 SELECT 1 FROM reviews l WHERE l.application_id = r.application_id AND l.outcome IN ('APPROVE', 'DECLINE')
 AND (l.reviewed_at, l.record_partition, l.record_offset) > (r.reviewed_at, r.record_partition, r.record_offset))""",
    "last_outcomes": """
SELECT o.* FROM outcomes o WHERE NOT EXISTS (SELECT 1 FROM outcomes l WHERE l.application_id = o.application_id
 AND (l.observed_at, l.record_partition, l.record_offset) > (o.observed_at, o.record_partition, o.record_offset))""",
    "final_decisions": """
SELECT f.*, {day_applied} AS day, coalesce(r.outcome, f.outcome) AS final_outcome, r.review_id,
 r.outcome AS review_outcome, r.reason_codes AS review_reason_codes, r.reviewer, r.second_reviewer, r.reviewed_at
FROM first_decisions f LEFT JOIN last_reviews r ON r.application_id = f.application_id""",
    "decision_contributions": "{each_contribution}",
    "decision_reasons": "{each_reason}",
    "decision_segments": "{each_segment}",
    "approval_rates": """
SELECT day, scorecard_version, {approvals} FROM final_decisions GROUP BY day, scorecard_version""",
    "segment_approval_rates": """
SELECT day, scorecard_version, feature, segment, {approvals} FROM decision_segments
GROUP BY day, scorecard_version, feature, segment HAVING {enough}""",
    "reason_counts": """
SELECT {day_applied_plain} AS day, scorecard_version, code, min(text) AS text, count(*) AS decisions,
 sum(CASE WHEN place = 1 THEN 1 ELSE 0 END) AS principal
FROM decision_reasons GROUP BY {day_applied_plain}, scorecard_version, code""",
    "override_rates": """
SELECT day, scorecard_version, count(*) AS reviewed,
 sum(CASE WHEN review_outcome = 'APPROVE' THEN 1 ELSE 0 END) AS approved,
 sum(CASE WHEN review_outcome = 'DECLINE' THEN 1 ELSE 0 END) AS declined,
 sum(CASE WHEN {overridden} THEN 1 ELSE 0 END) AS overridden,
 sum(CASE WHEN {against_score} THEN 1 ELSE 0 END) AS against_score,
 CASE WHEN {enough} THEN avg(CASE WHEN ({overridden}) OR ({against_score}) THEN 1.0 ELSE 0.0 END) END AS override_rate
FROM final_decisions WHERE review_outcome IS NOT NULL GROUP BY day, scorecard_version""",
    "loan_performance": """
SELECT f.*, o.defaulted, o.observed_at FROM final_decisions f
 JOIN last_outcomes o ON o.application_id = f.application_id""",
    "default_rates": """
SELECT day, scorecard_version, {defaults} FROM loan_performance GROUP BY day, scorecard_version""",
    "segment_default_rates": """
SELECT s.day, s.scorecard_version, s.feature, s.segment, {defaults}
FROM decision_segments s JOIN last_outcomes o ON o.application_id = s.application_id
GROUP BY s.day, s.scorecard_version, s.feature, s.segment HAVING {enough}""",
}
"""By name, in the order they build on each other."""


def create_statements(dialect: str) -> Sequence[str]:
    """Makes every view; `dialect` is `sqlite` or `postgresql`."""
    words = DIALECTS[dialect]
    parts = {
        **ENOUGH,
        "overridden": OVERRIDDEN,
        "against_score": AGAINST_SCORE,
        "approvals": APPROVALS.format(**ENOUGH),
        "defaults": DEFAULTS.format(**ENOUGH),
        "day_applied": words["day"].format("f.applied_at"),
        "day_applied_plain": words["day"].format("applied_at"),
        **{name: text.format() for name, text in words.items() if name.startswith("each_")},
    }
    return [f"CREATE VIEW {name} AS {text.format(**parts).strip()}" for name, text in VIEWS.items()]


def drop_statements() -> Sequence[str]:
    """Drops every view that there is, those of former versions by their names too."""
    return [f"DROP VIEW IF EXISTS {name}" for name in reversed(list(VIEWS))]
