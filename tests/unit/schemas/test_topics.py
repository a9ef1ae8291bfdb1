from datetime import timedelta

from schemas.topics import topics_of
from tests.builders import CONTRACT


def test_every_topic_is_named_by_the_products_prefix():
    names = [topic.name for topic in topics_of(CONTRACT).all()]

    assert "loan.applications.v1" in names
    assert "loan.applications.v1.dlq" in names
    assert len(set(names)) == len(names)


def test_another_prefix_moves_all_topics():
    assert all(topic.name.startswith("elsewhere.") for topic in topics_of(CONTRACT, "elsewhere").all())


def test_champions_are_compacted_and_decisions_kept_400_days():
    topics = topics_of(CONTRACT)

    assert topics.champions.compacted
    assert topics.decisions.kept == timedelta(days=400)
