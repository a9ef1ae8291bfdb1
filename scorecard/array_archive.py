"""Arrays in one file (NumPy's `.npz`), read without trust: names and headers are checked before anything is unpacked.

Pure. A few megabytes of zeros, deflated, unpack to gigabytes, and a header of a hundred bytes can ask for a petabyte.
"""

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

MOST_BYTES: Final = 512 * 1024 * 1024
"""Of all arrays that are read from one archive: four thousand trees of a hundred leaves need a hundredth."""
SUFFIX: Final = ".npy"
HEADERS: Final = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    OSError,
    MemoryError,
    SyntaxError,
    tokenize.TokenError,
    ValueError,
)
"""What zipfile and NumPy raise on damaged bytes: fuzzing found more of them than their pages name."""


class ArchiveError(ValueError):
    """An archive that must not be unpacked; gives the reason."""


def pack(arrays: Mapping[str, Any]) -> bytes:
    """An archive of these arrays, not compressed; the same arrays give the same bytes."""
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def unpack(data: bytes, names: Iterable[str]) -> Mapping[str, npt.NDArray[Any]]:
    """Arrays by their names; others of the archive are not read.

    Raises:
        KeyError: one of them is absent.
        ArchiveError: together they are larger than `MOST_BYTES`, a header promises other bytes than there are, an
            array is not of plain numbers, or it is no archive, or damaged.
    """
    try:
        return _arrays(data, names)
    except ArchiveError:
        raise
    except DAMAGED as cause:
        problem = f"it is no archive, or damaged ({type(cause).__name__})"
        raise ArchiveError(problem) from None


def _arrays(data: bytes, names: Iterable[str]) -> Mapping[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [archive.getinfo(f"{name}{SUFFIX}") for name in names]
        total = sum(member.file_size for member in members)
        if total > MOST_BYTES:
            problem = f"its arrays have {total} bytes, {MOST_BYTES} are allowed"
            raise ArchiveError(problem)
        return {member.filename.removesuffix(SUFFIX): _array(archive, member) for member in members}


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            problem = f"{member.filename} has format {version}"
            raise ArchiveError(problem)
        shape, fortran, dtype = HEADERS[version](file)
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            problem = f"{member.filename} does not hold what its header promises"
            raise ArchiveError(problem)
        return np.frombuffer(file.read(), dtype).reshape(shape, order="F" if fortran else "C").copy()
