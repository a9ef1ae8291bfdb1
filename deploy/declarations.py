"""Topics, rights, alerts and dashboards as other tools declare them, from this project's own tables.

`make declarations` writes them. Strimzi's resources, the Prometheus operator's and Terraform's variables say what
`schemas/topics.py`, `schemas/access.py` and `deploy/prometheus/rules.yml` say, dashboards what `deploy/grafana` does.
A test compares the files with the tables.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.grafana.boards import BOARDS
from deploy.grafana.panels import Board
from loanctl.commands.cluster.topics import TopicSettings
from schemas.access import AccessRight, Resource, rights
from schemas.contract import contract as contracts
from schemas.topics import Topic, Topics, topics_of

ROOT: Final = Path(__file__).resolve().parents[1]
RULES: Final = ROOT / "deploy" / "prometheus" / "rules.yml"
PRODUCT: Final = "credit_risk"
STRIMZI: Final = "kafka.strimzi.io/v1"
"""Served since Strimzi 0.49."""
CLUSTER: Final = "loan-kafka"
REPLICAS: Final = 3
DURABLE: Final = {"min.insync.replicas": "2"}
"""With three replicas, one broker may be away and nothing that was acknowledged is lost."""
USER_PREFIX: Final = "loan-"
HEADING: Final = "# Made by `make declarations`.\n"
STRIMZI_TYPES: Final = {
    Resource.TOPIC: "topic",
    Resource.GROUP: "group",
    Resource.TRANSACTIONAL_ID: "transactionalId",
}
TERRAFORM_TYPES: Final = {
    Resource.TOPIC: "Topic",
    Resource.GROUP: "Group",
    Resource.TRANSACTIONAL_ID: "TransactionalID",
}


def kafka_topics(topics: Topics) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": STRIMZI,
            "kind": "KafkaTopic",
            "metadata": _metadata(topic.name),
            "spec": {"partitions": _partitions(topic), "replicas": REPLICAS, "config": _configuration(topic)},
        }
        for topic in topics.all()
    ]


def kafka_users(topics: Topics) -> list[dict[str, Any]]:
    """A KafkaUser for each principal, with its rights and a password that Strimzi makes."""
    return [
        {
            "apiVersion": STRIMZI,
            "kind": "KafkaUser",
            "metadata": _metadata(USER_PREFIX + principal.value),
            "spec": {
                "authentication": {"type": "scram-sha-512"},
                "authorization": {"type": "simple", "acls": _acls(own)},
            },
        }
        for principal, own in groupby(rights(topics), attrgetter("principal"))
    ]


def prometheus_rule() -> dict[str, Any]:
    """The alerts and recording rules of Prometheus' own file."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "loan-decisions"},
        "spec": yaml.safe_load(RULES.read_text(encoding="utf-8")),
    }


def terraform_variables(topics: Topics) -> dict[str, Any]:
    """Values of the Terraform module's variables `topics` and `rights`."""
    return {
        "topics": {
            topic.name: {"partitions": _partitions(topic), "config": _configuration(topic)} for topic in topics.all()
        },
        "rights": [
            {
                "principal": right.principal.value,
                "resource_type": TERRAFORM_TYPES[right.resource],
                "resource_name": right.name,
                "pattern_type": "Prefixed" if right.prefix else "Literal",
                "operation": right.operation.value.title(),
            }
            for right in rights(topics)
        ],
    }


def files() -> Mapping[Path, str]:
    topics = topics_of(contracts.load(PRODUCT))
    deploy = ROOT / "deploy"
    strimzi = deploy / "kubernetes" / "overlays" / "strimzi"
    return {
        strimzi / "topics.yaml": _yaml(kafka_topics(topics)),
        strimzi / "users.yaml": _yaml(kafka_users(topics)),
        deploy / "kubernetes" / "components" / "monitoring" / "rules.yaml": _yaml([prometheus_rule()]),
        deploy / "terraform" / "kafka" / "tables.auto.tfvars.json": json.dumps(terraform_variables(topics), indent=2)
        + "\n",
        **{_dashboard(board): json.dumps(board.document(), indent=2) + "\n" for board in BOARDS},
    }


def _dashboard(board: Board) -> Path:
    return ROOT / "deploy" / "grafana" / "dashboards" / f"{board.uid.removeprefix('loan-')}.json"


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "labels": {"strimzi.io/cluster": CLUSTER}}


def _partitions(topic: Topic) -> int:
    default: int = TopicSettings.model_fields["partitions"].default
    return default if topic.many_partitions else 1


def _configuration(topic: Topic) -> dict[str, str]:
    return {**topic.configuration(), **DURABLE}


def _acls(own: Iterable[AccessRight]) -> list[dict[str, Any]]:
    return [
        {
            "resource": {
                "type": STRIMZI_TYPES[right.resource],
                "name": right.name,
                "patternType": "prefix" if right.prefix else "literal",
            },
            "operations": [right.operation.value.title()],
        }
        for right in own
    ]


def _yaml(documents: Iterable[Mapping[str, Any]]) -> str:
    return HEADING + yaml.safe_dump_all(documents, sort_keys=False, width=120)


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
