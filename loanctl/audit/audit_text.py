"""The audit of one decision for people: the decision as it is shown everywhere, and below it what stands behind it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.table import Table

from loanctl.audit.decision_audit import DecisionAudit
from loanctl.audit.decision_check import Basis, DecisionCheck
from loanctl.console import Console
from loanctl.demo import demo_output
from schemas.codec.event_codec import from_record
from schemas.events.decisions import LoanDecision

TIME: Final = "%Y-%m-%d %H:%M:%S UTC"


def print_audit(console: Console, found: DecisionAudit) -> None:
    demo_output.decision(console, from_record(LoanDecision, found.recorded.decision))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in lines(found):
        table.add_row(name, text)
    console.print(table)


def lines(found: DecisionAudit) -> Iterator[tuple[str, str]]:
    """Name and text of each fact, the verdict last. Pure."""
    facts = found.plain()
    record, scorecard, policy = facts["record"], facts["scorecard"], facts["policy"]
    gone = ", gone from there: this is the ledger's copy" if record["gone"] else ""
    yield "decision", f"{found.recorded.decision['decision_id']}"
    yield "decided", f"{record['decided_at']:{TIME}} at {_spot(record)}{gone}"
    yield "application", _application(facts["application"])
    champion = "the champion now" if scorecard["still_champion"] else f"the champion now is {scorecard['champion_now']}"
    yield "scorecard", f"{scorecard['name']} {scorecard['version']} ({scorecard['family']}); {champion}"
    yield "  digest", scorecard["digest"]
    limits = f"approve below {policy['approve_below']:g}, decline from {policy['decline_from']:g}"
    now = policy["set_by_operator_now"]
    yield "policy", f"{policy['version']}: {limits}{f'; settings here have {now}' if now else ''}"
    yield "reference", facts["reference_id"]
    code = facts["code"]
    yield "code", f"{code['decided_by'] or 'a release without a name'} decided, {code['computed_by']} computes it now"
    yield "ledger", _ledger(facts)
    yield "recomputed", verdict(found.check)


def verdict(check: DecisionCheck) -> str:
    """In a sentence, what came of computing a decision again. Pure."""
    problem = f" ({check.problem})" if check.problem else ""
    if check.changes:
        fields = f"; other now: {', '.join(check.fields)}" if check.fields else ""
        return f"DIFFERENT: {', '.join(check.changes)} changed{problem}{fields}"
    if check.basis is Basis.NOTHING:
        return f"not to be computed again{problem}"
    if check.basis is Basis.VALUES:
        return "the same values; the application's bytes are gone"
    return "the same bytes" if check.same_bytes else "the same values, from the application's bytes"


def _application(facts: Mapping[str, Any]) -> str:
    if facts["gone"]:
        return f"{_spot(facts)}, gone from there"
    produced = f"produced {facts['produced_at']:{TIME}}"
    return f"{_spot(facts)}, schema {facts['schema_id']}, {produced}, SHA-256 {facts['sha256']}"


def _ledger(facts: Mapping[str, Any]) -> str:
    ledger = facts["ledger"]
    if ledger is None:
        return f"not asked: {facts['ledger_problem']}" if facts["ledger_problem"] else "knows nothing of it"
    parts = [
        f"{len(ledger[name])} {name.replace('_', ' ')}"
        for name in ("decisions", "reviews", "outcomes", "dead_letters", "windows", "announcements")
        if ledger[name]
    ]
    differs = f"; DIFFERENT from the topic in {', '.join(ledger['differs'])}" if ledger["differs"] else ""
    return ", ".join(parts) + differs


def _spot(facts: Mapping[str, Any]) -> str:
    return f"{facts['topic']}-{facts['partition']}@{facts['offset']}"
