"""What the stack is made of."""

from loanctl.stack.artifacts import KAFKA_VERSION, REGISTRY_VERSION, ArtifactLock, artifact_lock


def test_the_lock_holds_the_kafka_and_the_registry_that_this_release_names() -> None:
    artifacts = artifact_lock()
    kafka = {artifact.version for artifact in artifacts.kafka if artifact.group == "org.apache.kafka"}

    assert kafka == {KAFKA_VERSION}
    assert artifacts.registry.filename == f"apicurio-registry-app-{REGISTRY_VERSION}-all.tar.gz"


def test_no_artifact_is_locked_twice_or_without_its_checksum() -> None:
    artifacts = artifact_lock().all()

    assert len({(artifact.group, artifact.name) for artifact in artifacts}) == len(artifacts)
    assert all(len(artifact.sha256) == 64 and artifact.size > 0 for artifact in artifacts)


def test_the_largest_file_is_fetched_first() -> None:
    text = '[registry]\ngroup="g"\nname="r"\nversion="1"\npackaging="tar.gz"\nclassifier="all"\nsha256="aa"\nsize=5\n'
    text += "".join(
        f'[[kafka]]\ngroup="g"\nname="{name}"\nversion="1"\npackaging="jar"\nclassifier=""\nsha256="bb"\nsize={size}\n'
        for name, size in (("small", 1), ("large", 9))
    )

    assert [artifact.name for artifact in ArtifactLock.of(text).all()] == ["large", "r", "small"]
