"""A Quix Streams application that answers event by event, with the libraries. Runs in an environment of its own."""

import os
from pathlib import Path

from quixstreams import Application

from tests.bench.per_event import PerEvent


def main() -> None:
    per_event = PerEvent(Path(os.environ["BENCH_MODEL"]))
    app = Application(
        broker_address=os.environ["LOAN_BOOTSTRAP_SERVERS"],
        consumer_group=os.environ["BENCH_GROUP"],
        auto_offset_reset="earliest",
        auto_create_topics=False,
        state_dir=os.environ["BENCH_FOLDER"],
    )
    source = app.topic(os.environ["BENCH_SOURCE"], key_deserializer="bytes", value_deserializer="bytes")
    sink = app.topic(os.environ["BENCH_SINK"], key_serializer="bytes", value_serializer="bytes")
    app.dataframe(source).apply(per_event.answer).to_topic(sink)
    app.run()


if __name__ == "__main__":
    main()
