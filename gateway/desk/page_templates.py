"""The desk's templates: for its pages, and for a page of `loanctl` that stands in a file."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import jinja2

TEMPLATES: Final = Path(__file__).parent / "templates"


def environment_of(filters: Mapping[str, Callable[[Any], str]]) -> jinja2.Environment:
    """Every text is escaped, and a name that is not given is an error.

    Args:
        filters: that the templates ask for, by name.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    environment.globals.update(quote=partial(quote, safe=""))
    return environment
