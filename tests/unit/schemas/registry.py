"""A schema registry that answers over HTTP what a test says."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient

Answers = Mapping[str, tuple[int, Any]]
"""By path, without its query: status, and JSON or bytes as they are."""
NONE = (404, {"error_code": 40403, "message": "Schema not found"})


class Registry(ThreadingHTTPServer):
    """Remembers what it was asked."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.asked: list[str] = []

    def client(self) -> SchemaRegistryClient:
        url = f"http://127.0.0.1:{self.server_port}"
        return SchemaRegistryClient.new_client({"url": url, "max.retries": 0, "timeout": 5})


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        status, body = self.server.answers.get(path, NONE)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    do_POST = do_GET  # noqa: N815 - the library's word

    def log_message(self, *_: object) -> None: ...


@contextmanager
def a_registry(answers: Answers) -> Iterator[Registry]:
    with Registry(answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()


def registry_answers(schema_id: int, schema: Any, subject: str, references: Any = ()) -> Answers:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return {
        f"/schemas/ids/{schema_id}/subjects": (200, [subject]),
        f"/schemas/ids/{schema_id}": (200, {"schema": text, "references": list(references)}),
    }
