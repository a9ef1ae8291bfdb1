"""Interpretation of a table cell: a word, a level, or missing.

Pure. The contract's words have precedence: a declared level spelled `NA` is that level. Databases and
spreadsheets respell words, so 1, 1.0 and True are one word if the contract declares one of them.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.applications import UNSEEN

MISSING_WORDS: Final = frozenset({"", "na", "n/a", "#n/a", "nan", "none", "null", "<na>", "nat", "-", "."})
"""What files write for an absent value, in lower case: pandas, R, SQL, Excel; SAS writes a dot, people a dash."""
TRUTH: Final = {"true": "1", "false": "0", "1": "true", "0": "false"}
"""Spellings of one truth, in lower case."""
WHOLE: Final = ".0"
"""Ends a whole number that was kept as a float, as in columns with gaps."""


def texts(column: pd.Series) -> pd.Series:
    """Each cell as text without blanks around it; NA where there is none."""
    return column.astype("string").str.strip()


def missing_mask(text: pd.Series) -> npt.NDArray[np.bool_]:
    """Mask of texts that mean an absent value; shape (n,)."""
    return (text.isna() | text.str.lower().isin(MISSING_WORDS)).to_numpy(dtype=bool)


def levels(column: pd.Series, declared: Sequence[str]) -> npt.NDArray[np.float64]:
    """The place of each cell among the declared words, NaN where absent, `UNSEEN` where none is it; shape (n,)."""
    # A column has few different words: each is checked once.
    codes, words = pd.factorize(texts(column), use_na_sentinel=True)
    places = np.array([*(_place(str(word), declared) for word in words), np.nan])
    return places[codes]


def words(column: pd.Series, declared: Sequence[str]) -> list[str | None]:
    """Each cell's word, in the contract's spelling where it is declared; None where it is absent."""
    codes, found = pd.factorize(texts(column), use_na_sentinel=True)
    spelled = [*(_canonical(str(word), declared) for word in found), None]
    return [spelled[code] for code in codes]


def _canonical(word: str, declared: Sequence[str]) -> str | None:
    place = _place(word, declared)
    if np.isnan(place):
        return None
    return word if place == UNSEEN else declared[int(place)]


def _place(word: str, declared: Sequence[str]) -> float:
    whole = word.removesuffix(WHOLE)
    truth = TRUTH.get(whole.lower())
    for spelling in (word, whole):
        if spelling in declared:
            return float(declared.index(spelling))
    if truth is not None:
        same = [place for place, level in enumerate(declared) if level.lower() in (whole.lower(), truth)]
        if len(same) == 1:
            return float(same[0])
    return np.nan if word.lower() in MISSING_WORDS else UNSEEN
