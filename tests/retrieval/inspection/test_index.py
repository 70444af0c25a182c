"""The index: whole, damaged, missing, stale."""

from __future__ import annotations

import gc
import json
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.build import build_index, index_folder, open_index
from retrieval.documents import read_documents
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.errors import SourceError
from retrieval.inspection.finding import Finding, Status
from retrieval.inspection.index import _search, inspect_index
from retrieval.manifest import EmbedderSpec, VectorSearch
from retrieval.storage import current, load_manifest
from retrieval.tidying import tidy

SPEC = HashingEmbedder().spec
TYPED = VectorSearch("PQ8x4fs", 0.99, "PQ8x4fs", recall=(0.994, 0.97))


class Place:
    """Documents and their index."""

    def __init__(self, folder: Path) -> None:
        self.seeds, self.data = folder / "docs", folder / "data"
        self.seeds.mkdir()
        (self.seeds / "a.txt").write_text("The deal is worth 38 billion dollars. It was signed in Rome.")
        (self.seeds / "b.txt").write_text("The office opens at nine.")

    def build(self) -> None:
        build_index(read_documents(self.seeds), self.data, HashingEmbedder(), where="docs")

    def look(
        self, spec: EmbedderSpec | None = SPEC, wanted: VectorSearch | None = None, model: str = "hashing"
    ) -> list[Finding]:
        found = list(read_documents(self.seeds))
        return list(inspect_index(self.data, found, spec, wanted or VectorSearch(), model=model))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def built(place: Place) -> Place:
    place.build()
    return place


def bad(findings: list[Finding]) -> list[tuple[Status, str]]:
    return [(finding.status, finding.detail) for finding in findings if finding.status is not Status.OK]


def test_an_index_that_is_missing(place) -> None:
    [found] = place.look()
    assert found.status is Status.WARNING
    assert "python -m bot index" in found.remedy
    assert not place.data.exists()


def test_an_index_that_is_whole_and_current(built) -> None:
    findings = built.look()
    assert bad(findings) == []
    name = current(index_folder(built.data)).name
    assert [finding.detail for finding in findings] == [
        f"Version {name} is whole: 2 documents, 2 passages, 3 sentences.",
        "It is of these documents and settings.",
        "All vectors are compared: recall 1.",
        "There is no earlier version to fall back on, as after a first build.",
    ]


def test_the_last_good_version_is_named(built) -> None:
    first = current(index_folder(built.data)).name
    (built.seeds / "c.txt").write_text("Something new.")
    built.build()
    assert built.look()[-1].detail == f"The last good version to fall back on is {first}."


def test_versions_that_are_kept_for_their_readers_are_told(built) -> None:
    reader = open_index(built.data, HashingEmbedder())
    for number in range(3):
        (built.seeds / "c.txt").write_text(f"Something new, {number}.")
        built.build()
    assert bad(built.look()) == []
    assert built.look()[-1].detail == "1 older version kept because in use: some bot or command reads it."
    del reader
    gc.collect()
    assert built.look()[-1].detail == (
        "1 older version left over, which nobody reads; the next build, or a bot that serves, removes it."
    )
    tidy(built.data)
    assert built.look()[-1].detail.startswith("The last good version to fall back on is ")


def test_a_damaged_file_is_wrong_and_the_fallback_is_told(built) -> None:
    first = current(index_folder(built.data)).name
    (built.seeds / "c.txt").write_text("Something new.")
    built.build()
    folder, manifest = load_manifest(index_folder(built.data))
    damage(folder / next(iter(manifest.files)))
    damaged, fallback = built.look()
    assert damaged.status is Status.WRONG
    assert "has been changed" in damaged.detail
    assert damaged.remedy == "Rebuild it with `python -m bot index --rebuild`."
    assert fallback.detail == f"The last good version to fall back on is {first}."
    for path in (index_folder(built.data) / first).iterdir():
        damage(path)
    assert bad(built.look())[1] == (Status.WARNING, "There is no good version to fall back on.")


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(content)


def test_a_pointer_that_is_lost_is_wrong(built) -> None:
    (index_folder(built.data) / "CURRENT").unlink()
    assert bad(built.look())[0][0] is Status.WRONG


def test_an_index_of_another_format_is_stale(built, monkeypatch) -> None:
    monkeypatch.setattr("retrieval.storage.FORMAT", 99)
    [found] = built.look()
    assert found.status is Status.WARNING
    assert "has format 1" in found.detail


def test_documents_that_changed_make_it_stale(built) -> None:
    (built.seeds / "a.txt").write_text("The deal is off.")
    (built.seeds / "b.txt").unlink()
    (built.seeds / "c.txt").write_text("Something new.")
    (built.seeds / "d.txt").write_text("Something else.")
    assert bad(built.look()) == [(Status.WARNING, "It is stale: of the documents, 2 added, 1 changed, 1 removed.")]


def test_files_that_are_skipped_now_make_it_stale(built) -> None:
    (built.seeds / "image.png").touch()
    assert bad(built.look()) == [(Status.WARNING, "It is stale: other files are skipped now.")]


def test_settings_that_changed_make_it_stale(built, monkeypatch) -> None:
    other = replace(SPEC, model="other", revision="f" * 64)
    [(_, detail)] = bad(built.look(other))
    assert (
        detail == f"It is stale: it was made with the model hashing ({SPEC.revision[:8]}), not with other (ffffffff)."
    )
    [(_, detail)] = bad(built.look(None, model="other"))
    assert detail.endswith("not with other.")
    assert bad(built.look(None)) == [], "of a model that is not prepared only the name is known"
    [(_, detail)] = bad(built.look(wanted=VectorSearch(asked="HNSW32")))
    assert detail == "It is stale: it was made for another VECTOR_STORE, INDEX_TYPE or INDEX_RECALL."
    monkeypatch.setattr("retrieval.build.PREPARATION", "another")
    [(_, detail)] = bad(built.look())
    assert detail == "It is stale: it was made by another version of this program."


def test_a_type_that_faiss_does_not_know_is_wrong_before_anything_is_built(place) -> None:
    typo, missing = place.look(wanted=VectorSearch(asked="HSNW32"))
    assert typo.status is Status.WRONG
    assert typo.detail.startswith("INDEX_TYPE=HSNW32 is no index that FAISS can make of vectors of 256 dimensions")
    assert typo.remedy.startswith("Use auto, Flat")
    assert missing.status is Status.WARNING
    [_] = place.look(wanted=VectorSearch(asked="HNSW32"))


def test_documents_that_are_gone_leave_the_rest_to_be_told(built) -> None:
    gone = list(inspect_index(built.data, SourceError("gone"), SPEC, VectorSearch(), model="hashing"))
    assert bad(gone) == []
    assert "It is of these documents and settings." not in [finding.detail for finding in gone]
    for path in built.seeds.iterdir():
        path.unlink()
    assert bad(built.look()) == []


def test_the_recall_that_was_reached() -> None:
    [found] = _search(TYPED)
    assert (found.status, found.detail) == (
        Status.OK,
        "PQ8x4fs nominates: recall@10 0.994, INDEX_RECALL asks for 0.99.",
    )
    [short] = _search(replace(TYPED, recall=(0.91, 0.9)))
    assert short.status is Status.WARNING
    assert "finds 91.0% of the nearest" in short.detail
    assert "INDEX_TYPE" in short.remedy
    [remote] = _search(VectorSearch(store="milvus"))
    assert remote.detail == "Milvus searches its vectors."


def test_a_manifest_that_is_no_manifest_is_wrong(built) -> None:
    manifest = current(index_folder(built.data)) / "manifest.json"
    manifest.write_text(json.dumps({}))
    assert bad(built.look())[0][0] is Status.WRONG
