"""Avro's binary encoding, read value by value; every length is checked against the available bytes.

Pure. Inconsistent bytes are undecodable: a negative length, a number of more than 64 bits, an early end.
"""

import struct
from typing import Final

from schemas.codec.wire_format import UndecodableError

MOST_VARINT: Final = 10
"""Bytes of a 64-bit number, seven bits each."""
CONTINUED: Final = 0x80
WORD: Final = 2**64

_FLOAT: Final = struct.Struct("<f")
_DOUBLE: Final = struct.Struct("<d")


class Cursor:
    """Bytes, and the place that is read next."""

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.at == len(self._data)

    def take(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            UndecodableError: there are not so many; as all others here.
        """
        end = self.at + size
        if size < 0 or end > len(self._data):
            raise UndecodableError
        taken = self._data[self.at : end]
        self.at = end
        return taken

    def sized_bytes(self) -> bytes:
        """Bytes after their length."""
        return self.take(self.long())

    def long(self) -> int:
        """A zigzag number of 64 bits."""
        data, at, bits = self._data, self.at, 0
        for place, byte in enumerate(data[at : at + MOST_VARINT]):
            bits |= (byte & 0x7F) << (7 * place)
            if byte < CONTINUED:
                if bits >= WORD:
                    break
                self.at = at + place + 1
                return (bits >> 1) ^ -(bits & 1)
        raise UndecodableError

    def boolean(self) -> bool:
        """One byte, 0 or 1."""
        byte = self.take(1)[0]
        if byte > 1:
            raise UndecodableError
        return bool(byte)

    def single(self) -> float:
        """Four bytes."""
        number: float = _FLOAT.unpack(self.take(4))[0]
        return number

    def double(self) -> float:
        """Eight bytes."""
        number: float = _DOUBLE.unpack(self.take(8))[0]
        return number
