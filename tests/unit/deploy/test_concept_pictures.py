"""The pictures of `docs/concepts.md` are what `deploy/docs/concept_pictures.py` draws, and their texts fit."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drift.detection.statistics import psi

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "deploy" / "docs" / "concept_pictures.py"
NAME, NOTE = 8.2, 6.9
"""Pixels of a character, on average: the most that Chromium takes for any text of a dozen characters."""


@pytest.fixture(scope="module")
def concept_pictures() -> Any:
    spec = importlib.util.spec_from_file_location("concept_pictures", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_as_the_script_draws_them(concept_pictures: Any) -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "concepts").iterdir()}

    assert files == {name: concept_pictures.svg(picture) for name, picture in concept_pictures.PICTURES.items()}, (
        "run make declarations"
    )


def test_the_page_shows_every_picture(concept_pictures: Any) -> None:
    page = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")

    assert [name for name in concept_pictures.PICTURES if f"](concepts/{name}.svg)" not in page] == []


def test_every_text_fits_its_box_and_every_box_its_picture(concept_pictures: Any) -> None:
    boxes = [(picture, box) for picture in concept_pictures.PICTURES.values() for box in picture.boxes]

    assert len(boxes) > 40
    assert [box for _, box in boxes if len(box.lines[0]) * NAME > box.width] == []
    assert [line for _, box in boxes for line in box.lines[1:] if len(line) * NOTE > box.width] == []
    assert [
        box
        for picture, box in boxes
        if box.x + box.width > concept_pictures.WIDTH - 10 or box.y + box.height > picture.height - 5
    ] == []


def test_the_index_shown_is_that_of_the_shares_shown(concept_pictures: Any) -> None:
    reference, window = (
        np.array(shares) * 1_000 for shares in (concept_pictures.REFERENCE_SHARES, concept_pictures.WINDOW_SHARES)
    )

    assert psi(reference, window) == pytest.approx(concept_pictures.PSI, abs=0.005)
