"""A Faust agent that answers event by event, on Faust's own consumer and producer, with the libraries."""

import os
from pathlib import Path

import faust

from tests.bench.per_event import PerEvent


def main() -> None:
    per_event = PerEvent(Path(os.environ["BENCH_MODEL"]))
    app = faust.App(
        os.environ["BENCH_GROUP"],
        broker=f"kafka://{os.environ['LOAN_BOOTSTRAP_SERVERS']}",
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        datadir=os.environ["BENCH_FOLDER"],
        web_enabled=False,
    )
    source = app.topic(os.environ["BENCH_SOURCE"], key_serializer="raw", value_serializer="raw", value_type=bytes)
    sink = app.topic(os.environ["BENCH_SINK"], key_serializer="raw", value_serializer="raw", value_type=bytes)

    @app.agent(source)
    async def answer(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            await sink.send(key=event.key, value=per_event.answer(event.value))

    faust.Worker(app, loglevel="warn").execute_from_commandline()


if __name__ == "__main__":
    main()
