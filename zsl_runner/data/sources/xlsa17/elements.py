"""Walks over the data elements of a version 5 MATLAB file before SciPy reads it.

SciPy's reader takes the tags of elements at their word: one damaged bit in a tag ends the process, not the read. What
is packed is unpacked once, so that its checksum has been verified before anything in it is believed. The layout is that
of MathWorks' "MAT-File Format", chapter 1.
"""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

HEADER_SIZE: Final = 128
MATRIX: Final = 14
PACKED: Final = 15
NUMBERS: Final = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18})
"""Types of elements that hold numbers or characters."""
CELL, STRUCT, OBJECT, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 5, 16, 17
NUMERIC: Final = frozenset({4, *range(6, 16)})
"""Classes of arrays; 4 is text."""
DEEPEST: Final = 32
LONGEST: Final = 2**16
"""Bytes of an element that are looked at: sizes and names have fewer."""
_BLOCK: Final = 2**16
"""Packed bytes read at a time; they stand for 66 million at most."""

Order = Literal["little", "big"]


class _Bytes(Protocol):
    def read(self, count: int) -> bytes:
        """Return exactly so many bytes."""

    def skip(self, count: int) -> None:
        """Pass over so many bytes."""


class _Plain:
    """Bytes as they are in the file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, count: int) -> bytes:
        found = self._stream.read(count)
        if len(found) < count:
            raise EOFError("the file ends inside a variable")
        return found

    def skip(self, count: int) -> None:
        self._stream.seek(count, os.SEEK_CUR)


class _Unpacked:
    """The bytes that ``length`` packed ones stand for."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._left = stream, length
        self._unpacker = zlib.decompressobj()
        self._ready, self._at = b"", 0

    def read(self, count: int) -> bytes:
        if self._at + count > len(self._ready):
            self._ready, self._at = self._ready[self._at :], 0
            while len(self._ready) < count:
                self._ready += self._more()
        self._at += count
        return self._ready[self._at - count : self._at]

    def skip(self, count: int) -> None:
        while self._at + count > len(self._ready):
            count -= len(self._ready) - self._at
            self._ready, self._at = self._more(), 0
        self._at += count

    def finish(self) -> None:
        """Unpack the rest, whose end is a checksum of everything."""
        while not self._unpacker.eof:
            self._more()

    def _more(self) -> bytes:
        packed = self._stream.read(min(_BLOCK, self._left))
        self._left -= len(packed)
        if not packed or self._unpacker.eof:
            raise EOFError("a packed variable ends before what it declares")
        return self._unpacker.decompress(packed)


def check_elements(path: Path) -> None:
    """Raise if a version 5 file is not made of variables whose elements are what the format allows.

    Raises:
        EOFError: the file ends inside a variable, or a variable inside an element.
        ValueError: an element is of no type that can stand there.
        zlib.error: packed bytes are damaged.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        header = stream.read(HEADER_SIZE)
        if 0 in header[:4]:  # version 4 has no header
            return
        order: Order = "little" if header[126:] == b"IM" else "big"
        while (position := stream.tell()) < size:
            tag = stream.read(8)
            kind, length = int.from_bytes(tag[:4], order), int.from_bytes(tag[4:], order)
            if kind not in (MATRIX, PACKED):
                raise ValueError(f"no variable begins at byte {position:,}")
            if position + 8 + length > size:
                raise EOFError(f"a variable of {length:,} bytes begins at byte {position:,}")
            if kind == MATRIX:
                _check(_Array(_Plain(stream), length, order))
            else:
                unpacked = _Unpacked(stream, length)
                tag = unpacked.read(8)
                if int.from_bytes(tag[:4], order) != MATRIX:
                    raise ValueError(f"no variable is packed at byte {position:,}")
                _check(_Array(unpacked, int.from_bytes(tag[4:], order), order))
                unpacked.finish()
            stream.seek(position + 8 + length)


class _Array:
    """An array, whose elements are taken one after the other.

    Args:
        content: the bytes, from behind the array's tag.
        length: how many of them are the array's.
        order: byte order of the file.
    """

    def __init__(self, content: _Bytes, length: int, order: Order) -> None:
        self.content, self.order = content, order
        self.left = length

    def numbers(self, *kinds: int) -> bytes:
        """Take an element of one of these types and return its bytes; of long ones none."""
        kind, size, short = self._tag()
        if kind not in (kinds or NUMBERS):
            raise ValueError(f"an element of type {kind} where numbers or characters belong")
        if short is not None:
            return short[:size]
        padded = min(size + -size % 8, self.left)
        self.left -= padded
        if size > LONGEST:
            self.content.skip(padded)
            return b""
        return self.content.read(padded)[:size]

    def integers(self) -> list[int]:
        """Take an element of 32-bit integers, as sizes are."""
        found = self.numbers(5)
        return [int.from_bytes(found[at : at + 4], self.order, signed=True) for at in range(0, len(found), 4)]

    def array(self) -> _Array:
        """Take an element that is an array."""
        kind, size, short = self._tag()
        if kind != MATRIX or short is not None:
            raise ValueError(f"an element of type {kind} where an array belongs")
        self.left -= size
        return _Array(self.content, size, self.order)

    def _tag(self) -> tuple[int, int, bytes | None]:
        """Return type, size and, where they stand in the tag itself, the bytes of the next element."""
        if self.left < 8:
            raise EOFError("an array ends before its last element")
        tag = self.content.read(8)
        self.left -= 8
        word = int.from_bytes(tag[:4], self.order)
        if word >> 16:
            if word >> 16 > 4:
                raise EOFError("an element is larger than its tag")
            return word & 0xFFFF, word >> 16, tag[4:]
        size = int.from_bytes(tag[4:], self.order)
        if size > self.left:
            raise EOFError("an element is larger than the array it is in")
        return word, size, None


def _check(array: _Array, depth: int = 0) -> None:
    """Walk over an array, and the arrays in it."""
    if array.left == 0:  # an empty cell
        return
    if depth > DEEPEST:
        raise ValueError(f"arrays in arrays, deeper than {DEEPEST} levels")
    count, inside = _announced(array)
    for _ in range(count):
        array.numbers()
    if inside * 8 > array.left:
        raise EOFError(f"an array ends before the last of {inside:,} in it")
    for _ in range(inside):
        _check(array.array(), depth + 1)
    if depth and array.left:
        raise ValueError("an array is longer than its elements")


def _announced(array: _Array) -> tuple[int, int]:
    """Take the head of an array: class, sizes, names; return how many elements with numbers and arrays follow it."""
    flags = int.from_bytes(array.numbers(6)[:4], array.order)
    kind, is_complex = flags & 0xFF, bool(flags & 0x800)
    if kind == OPAQUE:
        for _ in range(3):
            array.numbers(1)
        return 0, 1
    sizes = array.integers()
    if len(sizes) < 2 or min(sizes) < 0:
        raise ValueError(f"an array of size {sizes}")
    array.numbers(1)  # its name
    if kind in NUMERIC:
        return 1 + is_complex, 0
    if kind == SPARSE:
        return 3 + is_complex, 0
    if kind == CELL:
        return 0, math.prod(sizes)
    if kind == FUNCTION:
        return 0, 1
    if kind in (STRUCT, OBJECT):
        if kind == OBJECT:
            array.numbers(1)  # its class
        return 0, math.prod(sizes) * _fields(array)
    raise ValueError(f"an array of class {kind}")


def _fields(array: _Array) -> int:
    """Take the elements that name the fields of a struct, and return how many fields it has."""
    (longest,) = array.integers()
    names = array.numbers(1)
    if longest < 1 or len(names) % longest:
        raise ValueError(f"names of fields, {longest} bytes each, in {len(names)}")
    return len(names) // longest
