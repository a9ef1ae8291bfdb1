"""The page of a person's data names every topic, with its retention and its readers, and every table."""

import re
from pathlib import Path

from ledger.sql.ledger_tables import metadata
from schemas.access import Operation, Resource, rights
from schemas.contract.contract import load
from schemas.topics import Topic, topics_of

PAGE = (Path(__file__).parents[2] / "docs/personal-data.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`[^|]*`) \|([^|]*)\|(?:([^|]*)\|([^|]*)\|)?$", re.MULTILINE)
TOPICS = topics_of(load("credit_risk"), "loan")


def section(heading: str) -> list[tuple[str, ...]]:
    """Rows of the table under a heading, their cells stripped."""
    text = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [tuple(cell.strip() for cell in cells) for cells in ROW.findall(text)]


def retention(topic: Topic) -> str:
    return "last per product" if topic.kept is None else f"{topic.kept.days} days"


def readers(topic: Topic) -> str:
    given = {
        right.principal.value
        for right in rights(TOPICS)
        if (right.resource, right.operation, right.name) == (Resource.TOPIC, Operation.READ, topic.name)
    }
    return ", ".join(sorted(given)) or "none"


def test_every_topic_is_told_with_how_long_it_keeps_and_who_may_read_it() -> None:
    told = {name.strip("`"): (kept, who) for name, kept, _, who in section("Topics")}

    assert told == {topic.name: (retention(topic), readers(topic)) for topic in TOPICS.all()}
    assert all(of_a_person for _, _, of_a_person, _ in section("Topics"))


def test_every_table_of_the_ledger_is_told() -> None:
    named = [name for cells in section("The ledger") for name in re.findall(r"`(\w+)`", cells[0])]

    assert sorted(named) == sorted(metadata.tables)
