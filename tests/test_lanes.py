"""Hashing many files side by side: the sums are those of hashlib, whatever comes, in bounded memory."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit import digest, lanes
from irkit.lanes import Sum, Sums

ROOM, TINY = 4000, 100  # so that a few thousand bytes have all that gigabytes have
SIZES = st.one_of(st.integers(0, 3 * TINY), st.integers(0, ROOM // 4), st.integers(ROOM // 4, 2 * ROOM))


def cut(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    lengths = cycle(sizes)
    while content:
        length = next(lengths)
        yield content[:length]
        content = content[length:]


def yes() -> bool:
    return True


def no() -> bool:
    return False


@given(
    sizes=st.lists(SIZES, max_size=60),
    cuts=st.lists(st.integers(1, 700), min_size=1, max_size=5),
    told=st.sampled_from([0, 0.2, 1, 5]),
    faster=st.sampled_from([yes, no]),
)
def test_the_sums_are_those_of_hashlib(
    sizes: list[int], cuts: list[int], told: float, faster: Callable[[], bool]
) -> None:
    """Even where a file is not as long as was `told`."""
    files = [(os.urandom(size), Sum()) for size in sizes]
    with Sums(ROOM, TINY, faster) as sums:
        for content, found in files:
            assert b"".join(sums.passing(found, int(told * len(content)), cut(content, cuts))) == content
        sums.finish()
    assert [found.sha256 for _, found in files] == [digest.of_bytes(content) for content, _ in files]


def test_what_this_processor_is_better_at_gives_the_same_sums() -> None:
    files = [(os.urandom(lanes.TINY * 8 - number * 4097), Sum()) for number in range(15)]
    with Sums() as sums:
        for content, found in files:
            list(sums.passing(found, len(content), cut(content, [digest.CHUNK])))
        sums.finish()
    assert [found.sha256 for _, found in files] == [digest.of_bytes(content) for content, _ in files]


def test_nothing_of_a_middle_size_is_known_before_the_end_and_all_of_a_tiny_one_is() -> None:
    with Sums(faster=yes) as sums:
        tiny, middle = Sum(), Sum()
        list(sums.passing(tiny, 1, [b"x"]))
        list(sums.passing(middle, lanes.TINY, [b"x" * lanes.TINY]))
        assert (tiny.sha256, middle.sha256) == (digest.of_bytes(b"x"), "")
        sums.finish()
        assert middle.sha256 == digest.of_bytes(b"x" * lanes.TINY)


def test_a_file_that_breaks_off_does_not_hold_up_the_others() -> None:
    """Twice as many as there are lanes, each cut off, then more than there is room for."""

    def broken() -> Iterator[bytes]:
        yield b"y" * 50
        raise OSError(5, "Input/output error")

    whole = [Sum() for _ in range(40)]
    with Sums(ROOM, TINY, yes) as sums:
        for _ in range(32):
            with pytest.raises(OSError, match="Input/output"):
                list(sums.passing(Sum(), 500, broken()))
        for found in whole:
            list(sums.passing(found, 500, [b"z" * 500]))
        sums.finish()
    assert {found.sha256 for found in whole} == {digest.of_bytes(b"z" * 500)}


def test_a_caller_that_gives_up_is_not_waited_for() -> None:
    found = Sum()
    with pytest.raises(RuntimeError, match="enough"), Sums(ROOM, TINY, yes) as sums:
        for _ in sums.passing(found, 500, [b"z" * 250] * 2):
            raise RuntimeError("enough")
    assert found.sha256 == ""


@pytest.mark.parametrize("faster", [yes, no])
@pytest.mark.parametrize("size", [200 << 10, 1 << 20, 3 << 20])
def test_what_waits_is_bounded(size: int, faster: Callable[[], bool]) -> None:
    """Files that fit in by the dozen, by four, and not at all; what a file says of its size does not matter."""
    room, chunk = 4 << 20, 64 << 10
    with Sums(room, TINY, faster) as sums:
        tracemalloc.start()
        try:
            for number in range((32 << 20) // size):
                chunks = (bytes(min(chunk, size - at)) for at in range(0, size, chunk))
                for _ in sums.passing(Sum(), number % 2 * size or TINY, chunks):
                    pass
            sums.finish()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < room + (16 + 8) * chunk + (1 << 20)
