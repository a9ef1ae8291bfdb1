"""Panels of the dashboards of operations and of decisions. Pure."""

from collections.abc import Sequence
from typing import Final

from deploy.grafana.panels import Panel
from deploy.grafana.queries import mean, per_second, quantile, quantiles, spread, within

LATENCY: Final = "loan_decision_latency_seconds"
VERDICTS: Final = {"-1": "insufficient", "0": "steady", "1": "watch", "2": "drifted"}
CHAMPION: Final = Panel(
    "Champion",
    "short",
    {"{{name}} {{version}} ({{family}})": "loan_champion_info"},
    "The scorecard that decides. Two for a moment while workers swap.",
    kind="stat",
    width=6,
    named=True,
)
REFUSALS: Final = Panel(
    "Swaps and refusals",
    "short",
    {
        "installed": within("loan_champion_swaps_total", "15m"),
        "{{alias}} refused: {{reason}}": within("loan_champion_refusals_total", "15m", "alias, reason"),
    },
    "In fifteen minutes. A refused scorecard never decides.",
)


def performance(title: str, figure: str, unit: str, low: float, high: float | None = None) -> Panel:
    """A figure of the champion's loans."""
    return Panel(
        title,
        unit,
        {
            "observed, {{end}}": f'loan_drift_performance{{figure="{figure}", of="observed"}}',
            "expected of the same loans": f'loan_drift_performance{{figure="{figure}", of="expected", end="value"}}',
        },
        "Observed where loans have ended, with its 95 % interval.",
        low=low,
        high=high,
    )


OPERATIONS: Final[Sequence[Panel]] = (
    Panel(
        "Processes",
        "short",
        {"{{job}}": "min by (job) (loan_ready)"},
        "1 while a process does its work, as /ready tells; of several, the worst.",
        kind="stat",
        width=10,
        steps=(("red", None), ("green", 1)),
        words={"0": "not ready", "1": "ready"},
    ),
    Panel(
        "Decision age over 2.5 s",
        "percentunit",
        {"share": "max(loan:decisions_late:ratio_rate1h)"},
        "Share of the last hour's decisions that took longer. The objective allows 0.5 %.",
        kind="stat",
        width=5,
        steps=(("green", None), ("yellow", 0.005), ("red", 0.03)),
    ),
    Panel(
        "Requests a second",
        "ops",
        {"requests": per_second("loan_gateway_requests_total")},
        "Of all gateways.",
        kind="stat",
        width=4,
    ),
    Panel(
        "Cases that wait",
        "short",
        {"cases": "max(loan_review_queue_cases)"},
        "Decisions REFER without a person's word.",
        kind="stat",
        width=5,
    ),
    Panel(
        "Waiting applications",
        "short",
        {
            "records": "max(loan_lag_records)",
            "waited for by callers": "sum(loan_gateway_waiting)",
        },
        "On the topic and not answered; of these, those whose HTTP callers wait.",
    ),
    Panel(
        "Lag",
        "s",
        {"worker": "max(loan_lag_seconds)", "ledger": "max(loan_ledger_lag_seconds)"},
        "Age of the oldest record that waits.",
    ),
    Panel("Decision latency", "s", quantiles(LATENCY), "From application to committed decision, all workers."),
    Panel(
        "Requests by status",
        "ops",
        {"{{status}}": per_second("loan_gateway_requests_total", "status")},
        "A second, all gateways.",
    ),
    Panel(
        "Time of a request",
        "s",
        {"{{route}}": quantile(0.95, "loan_gateway_request_seconds", "5m", "route")},
        "95th percentile by route, over five minutes; /predict waits for its decision.",
    ),
    Panel(
        "Requests refused",
        "short",
        {"{{kind}}": within("loan_gateway_refusals_total", "5m", "kind")},
        "In five minutes, by kind of the problem document.",
    ),
    Panel(
        "Failed batches and outages",
        "short",
        {
            "failed batches": within("loan_prediction_errors_total", "5m"),
            "worker: {{neighbour}}": within("loan_outages_total", "5m", "neighbour"),
            "drift agent: {{neighbour}}": within("loan_drift_outages_total", "5m", "neighbour"),
            "trainer": within("loan_retrain_outages_total", "5m"),
            "ledger: {{neighbour}}": within("loan_ledger_outages_total", "5m", "neighbour"),
        },
        "In five minutes. An outage is waited out; a failed batch is begun again.",
    ),
    Panel(
        "Places lost on topics",
        "short",
        {
            "{{job}}: {{cause}}": within("loan_offset_losses_total", "1h", "job, cause"),
            "{{job}}: records, {{cause}}": within("loan_offset_loss_records_total", "1h", "job, cause"),
        },
        "In an hour: partitions in which a group lost its place, and records never read, or read perhaps again.",
    ),
    Panel(
        "Through the gateway",
        "ops",
        {
            "applications": per_second("loan_gateway_applications_total"),
            "decisions read": per_second("loan_gateway_decisions_read_total"),
        },
        "A second: applications that the broker accepted, decisions read, waited for or not.",
    ),
    Panel(
        "Alerts published",
        "short",
        {"{{severity}} {{status}}": within("loan_gateway_alerts_total", "1h", "severity, status")},
        "In an hour, for Alertmanager.",
    ),
)

DECISIONS: Final[Sequence[Panel]] = (
    CHAMPION,
    Panel(
        "Decisions a second",
        "ops",
        {"decisions": per_second("loan_predictions_total")},
        "All workers.",
        kind="stat",
        width=4,
    ),
    Panel(
        "Approved",
        "percentunit",
        {"{{instance}}": "loan_approval_rate"},
        "Of the last hundred, each worker's.",
        kind="stat",
        width=4,
        steps=(("red", None), ("yellow", 0.1), ("green", 0.2)),
    ),
    Panel(
        "Longest wait",
        "s",
        {"lag": "max(loan_lag_seconds)"},
        "Age of the oldest application that waits.",
        kind="stat",
        width=5,
        steps=(("green", None), ("yellow", 5), ("red", 30)),
    ),
    Panel(
        "Waiting",
        "short",
        {"applications": "max(loan_lag_records)"},
        "Applications that are on the topic and not answered.",
        kind="stat",
        width=5,
    ),
    Panel("Decisions by outcome", "ops", {"{{result}}": per_second("loan_predictions_total", "result")}, "A second."),
    Panel("From application to committed decision", "s", quantiles(LATENCY), "Quantiles, all workers."),
    Panel(
        "Dead letters by reason",
        "ops",
        {"{{reason}}": per_second("loan_dead_letters_total", "reason")},
        "A second. The bytes are on the dead-letter topic.",
    ),
    Panel(
        "Probability of default",
        "percentunit",
        {"{{le}}": spread("loan_prediction_probability")},
        "How the decisions of each moment spread.",
        kind="heatmap",
    ),
    Panel(
        "Scoring",
        "s",
        {"p95 of a batch": quantile(0.95, "loan_scoring_seconds"), "mean": mean("loan_scoring_seconds")},
        "From a batch's bytes to its answers' bytes.",
    ),
    Panel(
        "Records answered together",
        "short",
        {"records": mean("loan_batch_size")},
        "Mean of a batch: small while idle, large under load.",
    ),
    Panel(
        "Failed batches and outages",
        "short",
        {
            "failed batches": within("loan_prediction_errors_total", "5m"),
            "{{neighbour}} away": within("loan_outages_total", "5m", "neighbour"),
        },
        "In five minutes. An outage is waited out; a failed batch is begun again.",
    ),
    REFUSALS,
    Panel(
        "The challenger's decisions",
        "ops",
        {"{{result}}": per_second("loan_shadow_predictions_total", "result")},
        "On the shadow topic, by outcome, a second.",
    ),
    Panel(
        "Income and amount asked for",
        "currencyUSD",
        {
            "income": quantile(0.5, "loan_request_income", "5m"),
            "amount": quantile(0.5, "loan_request_amount", "5m"),
        },
        "Medians.",
    ),
    Panel("Amount over income", "percentunit", {"ratio": quantile(0.5, "loan_request_lti_ratio", "5m")}, "Median."),
)
