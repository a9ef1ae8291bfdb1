"""As much of MLflow's REST interface as telling one champion takes; a server that can be away."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

from scorecard.registry.registered_version import Registered

API = "/api/2.0/mlflow"


@contextmanager
def mlflow_telling(registered: Registered, source: str) -> Iterator[str]:
    """The server's address, for the length of a block; afterwards nothing answers there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self.answer()
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def answer(self) -> tuple[int, dict[str, Any]]:
            asked = urlparse(self.path)
            if asked.path == f"{API}/registered-models/alias" and parse_qs(asked.query)["alias"] == ["champion"]:
                tags = [{"key": key, "value": value} for key, value in registered.tags.items()]
                version = {"name": registered.name, "version": registered.version, "source": source, "tags": tags}
                return 200, {"model_version": version}
            if asked.path == f"{API}/registered-models/get":
                return 200, {"registered_model": {"name": registered.name}}
            if asked.path == f"{API}/model-versions/get-download-uri":
                return 200, {"artifact_uri": source}
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not here"}

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
