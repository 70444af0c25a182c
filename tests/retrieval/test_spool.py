"""What a spool keeps, whatever happens to its file."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval import spool as module
from retrieval.manifest import EmbedderSpec
from retrieval.reuse import Keys, sentence_keys
from retrieval.spool import SPOOL, Spool, remove_spool

SPEC = EmbedderSpec("some", "ab" * 32, 3, 64, "", "passage: ")
SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=5)
anew = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def keys_of(first: int, count: int) -> Keys:
    return sentence_keys([f"Sentence {first + row}." for row in range(count)])


def vectors_of(first: int, count: int) -> np.ndarray:
    return np.arange(3 * first, 3 * (first + count), dtype=np.float32).reshape(count, 3)


def filled(folder: Path, sizes: Sequence[int]) -> tuple[Path, list[int]]:
    """A closed spool of blocks of these sizes, and where in the file each ends, the head first."""
    path = folder / SPOOL
    path.unlink(missing_ok=True)
    spool = Spool(path, SPEC)
    ends, first = [path.stat().st_size], 0
    for size in sizes:
        spool.append(keys_of(first, size), vectors_of(first, size))
        ends.append(path.stat().st_size)
        first += size
    spool.close()
    return path, ends


def held(path: Path, total: int, spec: EmbedderSpec = SPEC) -> set[int]:
    """Numbers of the sentences that an opened spool holds, each with the vector it should have."""
    spool = Spool(path, spec)
    rows = spool.useful(keys_of(0, total))
    found = np.flatnonzero(rows >= 0)
    np.testing.assert_array_equal(spool.vectors(rows[found]), vectors_of(0, total)[found])
    spool.close()
    return set(found.tolist())


def numbers(sizes: Sequence[int], blocks: Sequence[int]) -> set[int]:
    firsts = np.cumsum([0, *sizes])
    return {number for block in blocks for number in range(firsts[block], firsts[block + 1])}


@anew
@given(SIZES, st.randoms(use_true_random=False))
def test_what_was_appended_is_there_in_any_order(tmp_path: Path, sizes: list[int], random) -> None:
    order = list(range(sum(sizes))) * 2
    random.shuffle(order)
    path, _ = filled(tmp_path, sizes)
    spool = Spool(path, SPEC)
    rows = spool.useful(keys_of(0, sum(sizes)))[order]
    np.testing.assert_array_equal(spool.vectors(rows), vectors_of(0, sum(sizes))[order])
    assert len(spool) == len(spool.keys) == sum(sizes)
    assert spool.useful(keys_of(900, 1)).tolist() == [-1]
    spool.close()


@anew
@given(SIZES, st.data())
def test_a_torn_block_is_cut_off_and_those_before_it_stay(tmp_path: Path, sizes: list[int], data) -> None:
    path, ends = filled(tmp_path, sizes)
    cut = data.draw(st.integers(0, ends[-1] - 1))
    with path.open("r+b") as file:
        file.truncate(cut)
    whole = [block for block in range(len(sizes)) if ends[block + 1] <= cut]
    total = sum(sizes)
    spool = Spool(path, SPEC)
    assert path.stat().st_size == ends[len(whole)]
    spool.append(keys_of(total, 2), vectors_of(total, 2))
    spool.close()
    assert held(path, total + 2) == numbers(sizes, whole) | {total, total + 1}


@pytest.mark.parametrize("window", [9, 10, 64])
def test_the_next_block_is_found_wherever_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(module, "_LOOKED_THROUGH", window)
    path, ends = filled(tmp_path, [1, 2, 3])
    content = bytearray(path.read_bytes())
    content[ends[0] + 10] ^= 1
    path.write_bytes(content)
    assert held(path, 6) == {1, 2, 3, 4, 5}


@anew
@given(SIZES, st.data())
def test_damage_costs_its_block_alone(tmp_path: Path, sizes: list[int], data) -> None:
    path, ends = filled(tmp_path, sizes)
    place = data.draw(st.integers(0, ends[-1] - 1))
    content = bytearray(path.read_bytes())
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    hit = [block for block in range(len(sizes)) if ends[block] <= place < ends[block + 1]]
    left = [block for block in range(len(sizes)) if block not in hit] if place >= ends[0] else []
    expected = numbers(sizes, left)
    if 2 * len(expected) >= sum(sizes):  # else what is of use to nobody would be dropped too
        assert held(path, sum(sizes)) == expected


def test_vectors_of_another_model_are_dropped(tmp_path: Path) -> None:
    path, _ = filled(tmp_path, [3])
    assert held(path, 3) == {0, 1, 2}
    assert held(path, 3, replace(SPEC, document_prompt="")) == set()
    assert held(path, 3) == set(), "only one model's are kept"


@pytest.mark.parametrize("content", [b"", b"\x00", b"no spool" * 100])
def test_a_file_that_is_none_of_ours_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SPOOL).write_bytes(content)
    spool = Spool(tmp_path / SPOOL, SPEC)
    spool.append(keys_of(0, 1), vectors_of(0, 1))
    spool.close()
    assert held(tmp_path / SPOOL, 1) == {0}


def test_what_no_sentence_needs_any_more_goes_where_it_is_most(tmp_path: Path) -> None:
    path, ends = filled(tmp_path, [4, 4, 4])
    spool = Spool(path, SPEC)
    spool.useful(keys_of(0, 6))
    assert path.stat().st_size == ends[-1], "half of it is of use"
    rows = spool.useful(keys_of(3, 2))
    assert sorted(rows.tolist()) == [0, 1]
    np.testing.assert_array_equal(spool.vectors(rows), vectors_of(3, 2))
    assert path.stat().st_size < ends[1]
    spool.append(keys_of(20, 1), vectors_of(20, 1))
    spool.close()
    assert held(path, 21) == {3, 4, 20}
    assert [entry.name for entry in tmp_path.iterdir()] == [SPOOL]


def test_a_block_that_the_disk_refuses_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, ends = filled(tmp_path, [3])
    spool = Spool(path, SPEC)
    write = module._write

    def refuse(file, content: bytes) -> None:
        write(file, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write", refuse)
        with pytest.raises(OSError, match="No space"):
            spool.append(keys_of(3, 2), vectors_of(3, 2))
    assert path.stat().st_size == ends[-1]
    spool.append(keys_of(5, 1), vectors_of(5, 1))
    spool.close()
    assert held(path, 6) == {0, 1, 2, 5}


def test_removing_it_twice_is_no_error(tmp_path: Path) -> None:
    filled(tmp_path, [1])
    remove_spool(tmp_path)
    remove_spool(tmp_path)
    assert not list(tmp_path.iterdir())
