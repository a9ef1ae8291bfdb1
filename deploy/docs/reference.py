"""Pages of the site that the code itself gives: settings, topics and their documents, metrics, commands and alerts.

An mkdocs hook: pages exist while the site is built and are kept nowhere, so they cannot fall behind.
The front page is the README, its links seen from `docs/`.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from reference_pages.documents import asyncapi_document, contract_document, documents_page, http_page, openapi_document
from reference_pages.monitoring import alerts_page, dashboards_page
from reference_pages.processes import commands_page, metrics_page, settings_page
from reference_pages.topics import events_page, topics_page

ROOT: Final = Path(__file__).resolve().parents[2]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, page in PAGES.items():
        files.append(File.generated(config, name, content=page()))
    return files


def front_page() -> str:
    """The README as the site's first page."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r'(src|href)="docs/', r'\1="', text)


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "index.md": front_page,
    "reference/settings.md": settings_page,
    "reference/topics.md": topics_page,
    "reference/documents.md": documents_page,
    "reference/asyncapi.json": lambda: json.dumps(asyncapi_document(), indent=2),
    "reference/decisions-contract.json": lambda: json.dumps(contract_document(), indent=2),
    "reference/http.md": http_page,
    "reference/openapi.json": lambda: json.dumps(openapi_document(), indent=2),
    "reference/events.md": events_page,
    "reference/metrics.md": metrics_page,
    "reference/commands.md": commands_page,
    "reference/alerts.md": alerts_page,
    "reference/dashboards.md": dashboards_page,
}
