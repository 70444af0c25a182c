"""Reader, documents, disk and GPU, in good order and in bad."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import faiss
import pytest

import retrieval.reader
from retrieval.errors import SourceError
from retrieval.inspection import devices, disk
from retrieval.inspection.devices import inspect_gpu
from retrieval.inspection.disk import inspect_disk
from retrieval.inspection.finding import Finding, Status
from retrieval.inspection.reader import inspect_reader
from retrieval.inspection.seeds import inspect_seeds, read_seeds

Usage = namedtuple("Usage", "total used free")


# --- reader


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's files, free to be damaged."""
    folder = tmp_path / "reader"
    shutil.copytree(Path(retrieval.reader.__file__).parent, folder)
    monkeypatch.setattr("retrieval.reader.files", lambda _: tmp_path)
    return folder


def test_the_readers_files_are_compared_with_their_checksums(copy) -> None:
    assert inspect_reader(wanted=True).status is Status.OK
    assert "ANSWER_READER=false" in inspect_reader(wanted=False).detail
    with (copy / "tokenizer.json").open("a") as file:
        file.write(" ")
    found = inspect_reader(wanted=True)
    assert (found.status, found.remedy) == (Status.WRONG, "Install the program again.")
    assert inspect_reader(wanted=False).status is Status.WARNING


@pytest.mark.parametrize("card", [None, "{}", "no JSON", '{"files": 1}'])
def test_a_reader_without_its_card_is_wrong(copy, card: str | None) -> None:
    (copy / "card.json").unlink() if card is None else (copy / "card.json").write_text(card)
    assert inspect_reader(wanted=True).status is Status.WRONG


# --- seeds


def seeds(folder: Path, *exclude: str) -> list[Finding]:
    try:
        found: object = read_seeds(folder, exclude, folder.parent / "data")
    except SourceError as error:
        found = error
    return list(inspect_seeds(folder, found))  # type: ignore[arg-type]


def test_documents_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("One thing.")
    (folder / "old.txt").write_text("Old thing.")
    [found] = seeds(folder, "old*")
    assert (found.status, found.detail) == (
        Status.OK,
        f"{folder}: 1 document, 1 file excluded by SEEDS_EXCLUDE.",
    )


def test_files_that_are_left_out_are_named_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("One thing.")
    for number in range(7):
        (folder / f"{number}.png").write_bytes(b"\x89PNG")
    counted, skipped = seeds(folder)
    assert counted.status is Status.OK
    assert skipped.status is Status.WARNING
    assert skipped.detail.startswith('7 files skipped: "0.png" is not of a type that is read')
    assert skipped.detail.endswith("; and 2 more.")


def test_a_folder_without_documents_or_none_at_all_is_wrong(tmp_path: Path) -> None:
    [missing] = seeds(tmp_path / "docs")
    assert missing.status is Status.WRONG
    assert missing.remedy.startswith("Create it")
    (tmp_path / "docs").mkdir()
    [empty] = seeds(tmp_path / "docs")
    assert empty.status is Status.WRONG
    (tmp_path / "file").touch()
    [file] = seeds(tmp_path / "file")
    assert "is not a folder" in file.detail


# --- disk


def test_a_folder_that_can_be_made_or_written(tmp_path: Path) -> None:
    assert "can be made" in inspect_disk(tmp_path / "new" / "data").detail
    assert "can be written" in inspect_disk(tmp_path).detail
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(disk.os, "access", lambda path, mode: Path(path) != tmp_path)
    found = inspect_disk(tmp_path / "data")
    assert (found.status, found.detail) == (Status.WRONG, f"DATA_DIR ({tmp_path / 'data'}) cannot be written.")


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert inspect_disk(tmp_path / "file").status is Status.WRONG
    assert "not a folder" in inspect_disk(tmp_path / "file" / "data").detail


@pytest.mark.parametrize(("free", "status"), [(10**6, Status.WRONG), (5 * 10**8, Status.WARNING), (10**10, Status.OK)])
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch, free: int, status: Status) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: Usage(10**12, 0, free))
    assert inspect_disk(tmp_path).status is status


# --- GPU


def test_without_a_gpu_nothing_is_wrong_unless_one_is_asked_for(monkeypatch) -> None:
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    monkeypatch.setattr("retrieval.embedders.has_gpu", lambda: False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 0, raising=False)
    [none] = inspect_gpu("auto", "float32", "auto")
    assert none.status is Status.OK
    assert none.detail.startswith("No NVIDIA GPU answers, and none is needed; FAISS is built for ")
    _, embedding, index = inspect_gpu("cuda", "float32", "cuda")
    assert embedding.status is Status.WRONG
    assert "EMBEDDING_DEVICE=cpu" in embedding.remedy
    assert index.status is Status.WARNING
    _, precision = inspect_gpu("cuda", "int8", "auto")
    assert precision.status is Status.WRONG
    assert "int8" in precision.detail
    assert "INDEX_DEVICE=cuda" in index.detail


def test_with_a_gpu_it_is_told_who_can_use_it(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    monkeypatch.setattr("retrieval.embedders.has_gpu", lambda: True)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1, raising=False)
    monkeypatch.setattr(faiss, "get_compile_options", lambda: "OPTIMIZE GPU ")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise AssertionError('imported')")
    (tmp_path / "torch" / "version.py").write_text("from typing import Optional\ncuda: Optional[str] = '12.8'\n")
    spec = devices.importlib.util.spec_from_file_location("torch", tmp_path / "torch" / "__init__.py")
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda _: spec)
    [found] = inspect_gpu("cuda", "float32", "cuda")
    assert found.detail == "A driver of NVIDIA's answers; FAISS is built for GPUs, torch for CUDA 12.8."
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda _: None)
    assert "torch is not installed" in next(iter(inspect_gpu("cpu", "int8", "cpu"))).detail
