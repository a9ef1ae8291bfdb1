"""No header and no compression makes a reader unpack more than there is."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest

from scorecard import array_archive
from scorecard.array_archive import ArchiveError, pack, unpack

ARRAYS = {"whole": np.arange(6).reshape(2, 3), "real": np.asfortranarray([[0.5, 1.5], [2.5, np.nan]]), "one": 3.5}


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in members.items():
            written.writestr(f"{name}.npy", data)
    return out.getvalue()


def member(shape: tuple[int, ...], dtype: str, data: bytes = b"") -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": shape})
    return out.getvalue() + data


def test_arrays_come_back_as_they_were() -> None:
    found = unpack(pack(ARRAYS), ARRAYS)

    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.asarray(array).dtype
        assert found[name].flags.writeable


def test_only_what_is_asked_for_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = member((4_000_000,), "<f8", bytes(32_000_000))
    data = archive(small=member((1,), "<f8", bytes(8)), bomb=bomb)
    monkeypatch.setattr(array_archive, "MOST_BYTES", 1_000_000)

    assert len(data) < 100_000
    assert unpack(data, ["small"])["small"].tolist() == [0.0]
    with pytest.raises(ArchiveError, match="1000000 are allowed"):
        unpack(data, ["bomb"])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(member((10**15,), "<f8", bytes(8)), id="a petabyte by its header"),
        pytest.param(member((2,), "<f8", bytes(24)), id="more than its header says"),
        pytest.param(member((-1,), "<f8", bytes(8)), id="a negative length"),
        pytest.param(member((1,), "|O", bytes(8)), id="objects"),
        pytest.param(b"\x93NUMPY\x09\x00", id="a format of the future"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_a_header_promises_and_is_not_there_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - ArchiveError, or NumPy's own of a header
        unpack(archive(one=data), ["one"])


def test_an_absent_array_is_named() -> None:
    with pytest.raises(KeyError, match="two"):
        unpack(pack(ARRAYS), ["two"])


def test_bytes_are_the_same_for_the_same_arrays() -> None:
    given: dict[str, Any] = dict(ARRAYS)

    assert pack(given) == pack(given)
