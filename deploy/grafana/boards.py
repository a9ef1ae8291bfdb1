"""All dashboards; here the panels of drift, of the scorecard and its succession, and of the ledger. Pure.

`make declarations` writes them to `dashboards/`.
"""

from collections.abc import Sequence
from typing import Final

from deploy.grafana.decision_boards import CHAMPION, DECISIONS, OPERATIONS, REFUSALS, VERDICTS, performance
from deploy.grafana.panels import Board, Panel
from deploy.grafana.queries import mean, per_second, quantile, within

DRIFT: Final[Sequence[Panel]] = (
    Panel(
        "Last window",
        "short",
        {"verdict": "loan_drift_verdict"},
        "Verdict on the last closed window.",
        kind="stat",
        width=5,
        steps=(("grey", None), ("green", 0), ("yellow", 1), ("red", 2)),
        words=VERDICTS,
    ),
    Panel(
        "Applications in it",
        "short",
        {"n": "loan_drift_window_applications"},
        "Under the minimum there is no verdict.",
        kind="stat",
        width=5,
    ),
    Panel(
        "Champion watched",
        "short",
        {"{{version}} / {{reference_id}}": "loan_drift_champion_info"},
        "And the reference that windows are held against.",
        kind="stat",
        width=8,
        named=True,
    ),
    Panel(
        "Retrain commands",
        "short",
        {"commands": within("loan_drift_commands_total", "1d")},
        "In a day.",
        kind="stat",
        width=6,
    ),
    Panel(
        "PSI by feature",
        "short",
        {"{{feature}}": "loan_drift_psi"},
        "Of the last closed window. From .1 watched, from .2 drifted, if over its critical value.",
        width=16,
    ),
    Panel(
        "PSI over its critical value",
        "short",
        {"{{feature}}": "loan_drift_psi / loan_drift_psi_critical"},
        "Above 1 it is no chance.",
        kind="bargauge",
        steps=(("green", None), ("yellow", 1), ("red", 3)),
    ),
    Panel("PSI of the score", "short", {"score": "loan_drift_score_psi"}, "Of the calibrated probability."),
    Panel(
        "Windows by verdict",
        "short",
        {"{{verdict}}": within("loan_drift_windows_total", "1h", "verdict")},
        "In an hour.",
    ),
    Panel(
        "Data quality alarms",
        "short",
        {
            "{{feature}}": "max by (feature) (loan_drift_data_alarm)",
            "fields {{kind}}": "sum by (kind) (loan_drift_data_alarm)",
            "records {{kind}}": "max by (kind) (loan_drift_window_alarm)",
        },
        "Missing, invalid or unseen values rose. Never a cause to retrain: somebody upstream must act.",
    ),
    Panel(
        "Approval rate out of its limits",
        "short",
        {"outside": "loan_drift_approval_outside"},
        "1 where it left the binomial limits of the window's n.",
    ),
    Panel(
        "Late, repeated, implausible, unreadable",
        "short",
        {
            "late": within("loan_drift_late_total", "5m"),
            "duplicates": within("loan_drift_duplicates_total", "5m"),
            "ahead": within("loan_drift_ahead_total", "5m"),
            "unreadable": within("loan_drift_unreadable_total", "5m"),
            "passed over, {{topic}}": within("loan_drift_passed_over_total", "5m", "topic"),
            "dropped at a promotion": within("loan_drift_dropped_total", "5m"),
        },
        "In five minutes. Counted apart, in no bin.",
    ),
    Panel(
        "Records counted",
        "ops",
        {"{{source}}": per_second("loan_drift_records_total", "source")},
        "A second, by topic.",
    ),
    Panel(
        "Why no command was given",
        "short",
        {"{{reason}}": "max by (reason) (loan_drift_withheld)"},
        "1 for the reason of the last window; all 0 where it gave one or needed none.",
    ),
    Panel(
        "Sessions and profiles",
        "short",
        {
            "sessions begun": within("loan_drift_sessions_total", "1h"),
            "profiles refused": within("loan_drift_profile_refusals_total", "1h"),
        },
        "In an hour: begun again from Kafka's state; champions whose profile cannot be used.",
    ),
)

SCORECARD: Final[Sequence[Panel]] = (
    CHAMPION,
    Panel(
        "The trainer works",
        "short",
        {"training": "loan_retrain_in_progress"},
        "1 while a command is in progress.",
        kind="stat",
        width=6,
        words={"0": "idle", "1": "training"},
    ),
    Panel(
        "Last promotion",
        "dateTimeAsIso",
        {"promoted": "max(loan_retrain_last_promotion_timestamp_seconds) * 1000"},
        "When a command last led to a champion; 1970 for never, since this trainer began.",
        kind="stat",
        width=6,
    ),
    Panel(
        "Choices tried",
        "short",
        {"trials": within("loan_retrain_trials_total", "1d")},
        "By searches, in a day.",
        kind="stat",
        width=6,
    ),
    performance("AUC of the champion's loans", "auc", "short", 0.5, 1),
    performance("Default rate of the champion's loans", "default_rate", "percentunit", 0),
    Panel(
        "Loans looked at",
        "short",
        {"{{kind}}": "loan_drift_loans", "fallen (1)": "loan_drift_performance_fallen"},
        "Decided by the champion, scored, and ended.",
    ),
    Panel(
        "Commands answered",
        "short",
        {"{{status}}": within("loan_retrain_commands_total", "1h", "status")},
        "In an hour, by status.",
    ),
    Panel(
        "From command to answer",
        "s",
        {"p50": quantile(0.5, "loan_retrain_seconds", "1d"), "mean": mean("loan_retrain_seconds", "1d")},
        "Over a day.",
    ),
    REFUSALS,
)

LEDGER: Final[Sequence[Panel]] = (
    Panel(
        "Records that wait",
        "short",
        {"records": "sum(loan_ledger_lag_records)"},
        "To be recorded.",
        kind="stat",
        width=6,
    ),
    Panel(
        "Age of what waits",
        "s",
        {"age": "max(loan_ledger_lag_seconds)"},
        "Of the last record recorded, while others wait after it.",
        kind="stat",
        width=6,
        steps=(("green", None), ("yellow", 60), ("red", 900)),
    ),
    Panel(
        "Cases that wait for a person",
        "short",
        {"cases": "max(loan_review_queue_cases)"},
        "Referred, and without a review.",
        kind="stat",
        width=6,
    ),
    Panel(
        "The oldest case",
        "s",
        {"waits": "max(loan_review_queue_oldest_seconds)"},
        "How long it has waited.",
        kind="stat",
        width=6,
        steps=(("green", None), ("yellow", 86_400), ("red", 259_200)),
    ),
    Panel("Rows recorded", "ops", {"{{table}}": per_second("loan_ledger_rows_total", "table")}, "A second, by table."),
    Panel(
        "One transaction",
        "s",
        {"p50": quantile(0.5, "loan_ledger_write_seconds"), "p95": quantile(0.95, "loan_ledger_write_seconds")},
        "Rows, chain and offsets.",
    ),
    Panel(
        "Not recorded",
        "short",
        {
            "{{table}}: {{reason}}": within("loan_ledger_passed_over_total", "1h", "table, reason"),
            "deleted before": within("loan_ledger_missed_records_total", "1h"),
        },
        "In an hour: records that could not become rows, and offsets that retention took first.",
    ),
    Panel(
        "Outages",
        "short",
        {"{{neighbour}} away": within("loan_ledger_outages_total", "1h", "neighbour")},
        "In an hour; waited out.",
    ),
)

BOARDS: Final[Sequence[Board]] = (
    Board("loan-operations", "Operations", OPERATIONS),
    Board("loan-decisions", "Decisions", DECISIONS),
    Board("loan-drift", "Drift", DRIFT),
    Board("loan-scorecard", "Scorecard and succession", SCORECARD),
    Board("loan-ledger", "Ledger", LEDGER),
)
