"""JSON schemas of the custom resources in use: strict about what is written here, and no operator's whole schema.

Written by hand after the operators' own definitions (Strimzi's of 0.49 and later, KEDA's, the Prometheus operator's,
Argo CD's), whose files are longer than this project. What none of our files has is unknown here.
"""

from typing import Any

TEXT = {"type": "string"}
NAMED: Any = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"}


def an_object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def a_list(items: Any, least: int = 1) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


def whole(least: int = 1, most: int = 2**31 - 1) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


TEXTS = {"type": "object", "additionalProperties": TEXT}
METADATA = an_object({"name": NAMED}, namespace=NAMED, labels=TEXTS, annotations=TEXTS)
DURATION = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d|w|y))+$"}
RULE = {
    "oneOf": [
        an_object({"alert": TEXT, "expr": TEXT, "labels": TEXTS, "annotations": TEXTS}, **{"for": DURATION}),
        an_object({"record": {"type": "string", "pattern": r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"}, "expr": TEXT}, labels=TEXTS),
    ]
}
OPERATIONS = ["Read", "Write", "Create", "Delete", "Alter", "Describe", "AlterConfigs", "DescribeConfigs", "All"]
ACL = an_object(
    {
        "resource": an_object(
            {
                "type": {"enum": ["topic", "group", "transactionalId"]},
                "name": TEXT,
                "patternType": {"enum": ["literal", "prefix"]},
            }
        ),
        "operations": a_list({"enum": OPERATIONS}),
    }
)
SELECTOR = an_object(
    {},
    matchLabels=TEXTS,
    matchExpressions=a_list(
        an_object({"key": TEXT, "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]}}, values=a_list(TEXT))
    ),
)
SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("kafka.strimzi.io/v1", "KafkaTopic"): an_object(
        {"partitions": whole(), "replicas": whole(most=32_767), "config": TEXTS}
    ),
    ("kafka.strimzi.io/v1", "KafkaUser"): an_object(
        {
            "authentication": an_object({"type": {"enum": ["scram-sha-512", "tls", "tls-external"]}}),
            "authorization": an_object({"type": {"const": "simple"}, "acls": a_list(ACL)}),
        }
    ),
    ("keda.sh/v1alpha1", "ScaledObject"): an_object(
        {
            "scaleTargetRef": an_object({"apiVersion": TEXT, "kind": TEXT, "name": NAMED}),
            "triggers": a_list(
                # All values of KEDA's metadata are text: a number or a truth value is refused.
                an_object(
                    {"type": {"const": "kafka"}, "metadata": TEXTS, "authenticationRef": an_object({"name": NAMED})}
                )
            ),
        },
        minReplicaCount=whole(0),
        maxReplicaCount=whole(),
        pollingInterval=whole(),
        cooldownPeriod=whole(),
        advanced=an_object({"horizontalPodAutoscalerConfig": an_object({"behavior": {"type": "object"}})}),
    ),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): an_object(
        {},
        env=a_list(an_object({"parameter": TEXT, "name": TEXT}, containerName=NAMED)),
        secretTargetRef=a_list(an_object({"parameter": TEXT, "name": NAMED, "key": TEXT})),
    ),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): an_object(
        {
            "selector": SELECTOR,
            "endpoints": a_list(
                an_object(
                    {"port": NAMED},
                    path=TEXT,
                    interval=DURATION,
                    relabelings=a_list(
                        an_object({}, sourceLabels=a_list(TEXT), targetLabel=TEXT, regex=TEXT, replacement=TEXT)
                    ),
                )
            ),
        }
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): an_object(
        {"groups": a_list(an_object({"name": TEXT, "rules": a_list(RULE)}, interval=DURATION))}
    ),
    ("argoproj.io/v1alpha1", "Application"): an_object(
        {
            "project": TEXT,
            "source": an_object({"repoURL": TEXT, "targetRevision": TEXT, "path": TEXT}),
            "destination": an_object({"server": TEXT, "namespace": NAMED}),
        },
        syncPolicy=an_object(
            {},
            automated=an_object({}, prune={"type": "boolean"}, selfHeal={"type": "boolean"}),
            retry=an_object(
                {"limit": {"type": "integer"}},
                backoff=an_object({"duration": DURATION, "factor": whole(), "maxDuration": DURATION}),
            ),
        ),
    ),
}


def schema_of(api_version: str, kind: str) -> dict[str, Any] | None:
    """Schema of a custom resource, or None for one of Kubernetes' own."""
    spec = SPECS.get((api_version, kind))
    return spec and an_object(
        {"apiVersion": {"const": api_version}, "kind": {"const": kind}, "metadata": METADATA, "spec": spec}
    )
