"""Building, rebuilding and opening an index; the hashing embedder stands for the model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import retrieval
from retrieval import chunking, storage
from retrieval.build import build_index, check_index, index_folder, open_index, refresh
from retrieval.documents import make_document, read_documents
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.errors import (
    IndexCorrupt,
    IndexLocked,
    IndexMissing,
    IndexStale,
    ModelError,
    RetrievalError,
    SourceError,
)
from retrieval.index import Index
from retrieval.lock import writing
from retrieval.manifest import EmbedderSpec
from retrieval.outcome import BuildReport
from retrieval.protocols import Floats
from retrieval.types import Chunk, Document, Query, Skipped

SEA = "The lighthouse keeper counts the ships. Fog hides the harbour in November."
BREAD = "Il fornaio accende il forno alle quattro. Il pane nero costa tre euro al chilo."
STARS = "A comet crossed the valley in 1811. Nobody in the village slept that night."


@pytest.fixture(autouse=True, scope="module")
def no_sync() -> Iterator[None]:
    """Nothing here outlives the process, and a busy disk makes a sync slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda fd: None)
        yield


class CountingEmbedder(HashingEmbedder):
    """Remembers what it embedded; ``document_prompt`` makes it another one."""

    def __init__(self, document_prompt: str = "") -> None:
        super().__init__()
        self.document_prompt = document_prompt
        self.embedded: list[str] = []

    @property
    def spec(self) -> EmbedderSpec:
        return replace(super().spec, document_prompt=self.document_prompt)

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        self.embedded.extend(texts)
        return super().embed_documents([self.document_prompt + text for text in texts])

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return HashingEmbedder().embed_documents(texts)


def docs(**texts: str) -> list[Document]:
    return [make_document(f"{name}.txt", text, markdown=False) for name, text in texts.items()]


def make(
    documents: Iterable[Document | Skipped],
    data: Path,
    embedder: HashingEmbedder | None = None,
    *,
    rebuild: bool = False,
    verify: bool = False,
) -> BuildReport:
    return build_index(documents, data, embedder or HashingEmbedder(), where="seeds", rebuild=rebuild, verify=verify)


def answers(index: Index) -> list[object]:
    questions = ["Who counts the ships?", "Quanto costa il pane?", "When did the comet cross?", "alle quattro"]
    return list(index.search_many([Query(question) for question in questions]))


def payload(data: Path) -> dict[str, tuple[int, str]]:
    """Size and checksum of every file of the current version."""
    return storage.load_manifest(index_folder(data))[1].files


def names(data: Path) -> list[str]:
    return [folder.name for folder in storage.versions(index_folder(data))]


# --- building ----------------------------------------------------------------------------------------------------


def test_a_built_index_answers(tmp_path: Path) -> None:
    report = make([*docs(sea=SEA, bread=BREAD), Skipped("x.bin", "is not text (UTF-8)")], tmp_path)
    assert report.added == ("bread.txt", "sea.txt")
    assert (report.changed, report.removed, report.unchanged) == ((), (), ())
    assert report.skipped == (Skipped("x.bin", "is not text (UTF-8)"),)
    assert (report.sentences, report.embedded, report.reused, report.published) == (4, 4, 0, True)
    index = open_index(tmp_path, HashingEmbedder())
    (hit, *_) = index.search_many([Query("Quanto costa il pane nero?")])[0].hits
    assert hit.source == "bread.txt"
    assert index.manifest is not None
    assert index.manifest.sources == {document.source: document.digest for document in docs(sea=SEA, bread=BREAD)}
    assert (index.manifest.chunks, index.manifest.sentences) == (report.chunks, report.sentences)


def test_building_twice_writes_nothing(tmp_path: Path) -> None:
    make(docs(sea=SEA), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    embedder = CountingEmbedder()
    report = make(docs(sea=SEA), tmp_path, embedder)
    assert not report.published
    assert report.unchanged == ("sea.txt",)
    assert (report.sentences, report.embedded, report.reused) == (2, 0, 2)
    assert embedder.embedded == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_only_what_changed_is_embedded(tmp_path: Path) -> None:
    embedder = CountingEmbedder()
    make(docs(sea=SEA, bread=BREAD, stars=STARS), tmp_path, embedder)
    embedder.embedded.clear()
    report = make(docs(sea=SEA, bread=BREAD.replace("tre", "due"), moon=STARS), tmp_path, embedder)
    assert embedder.embedded == ["Il pane nero costa due euro al chilo."]
    assert (report.added, report.changed) == (("moon.txt",), ("bread.txt",))
    assert (report.removed, report.unchanged) == (("stars.txt",), ("sea.txt",))
    assert (report.sentences, report.embedded, report.reused) == (6, 1, 5)
    sources = {
        hit.source for result in open_index(tmp_path, embedder).search_many([Query("comet")]) for hit in result.hits
    }
    assert "moon.txt" in sources
    assert "stars.txt" not in sources


def test_equal_sentences_are_embedded_once(tmp_path: Path) -> None:
    embedder = CountingEmbedder()
    report = make(docs(a=f"{SEA} {STARS}", b=SEA, c=f"{SEA} "), tmp_path, embedder)
    assert sorted(embedder.embedded) == sorted(set(embedder.embedded))
    assert (report.sentences, report.embedded, report.reused) == (8, 4, 4)
    store = open_index(tmp_path, embedder).store
    np.testing.assert_array_equal(store.vectors(np.array([0, 1])), store.vectors(np.array([4, 5])))


def test_rebuild_reuses_nothing(tmp_path: Path) -> None:
    make(docs(sea=SEA), tmp_path)
    embedder = CountingEmbedder()
    report = make(docs(sea=SEA), tmp_path, embedder, rebuild=True)
    assert len(embedder.embedded) == 2
    assert report.unchanged == ("sea.txt",)
    assert report.published


def test_another_prompt_reuses_no_vector(tmp_path: Path) -> None:
    make(docs(sea=SEA), tmp_path, CountingEmbedder())
    embedder = CountingEmbedder("passage: ")
    told: list[str] = []
    with pytest.raises(IndexStale, match="another model"):
        open_index(tmp_path, embedder)
    build_index(docs(sea=SEA), tmp_path, embedder, where="seeds", notify=told.append)
    assert len(embedder.embedded) == 2
    assert len(told) == 1
    open_index(tmp_path, embedder)


def test_another_chunking_cuts_anew_but_reuses_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(docs(sea=SEA), tmp_path)
    for module in ("build", "reuse"):
        monkeypatch.setattr(f"retrieval.{module}.PREPARATION", "another")
    cut: list[str] = []

    def split(document: Document, count_tokens: chunking.CountTokens, max_tokens: int) -> list[Chunk]:
        cut.append(document.source)
        return chunking.split(document, count_tokens, max_tokens)

    monkeypatch.setattr("retrieval.assemble.split", split)
    embedder = CountingEmbedder()
    with pytest.raises(IndexStale, match="chunking"):
        open_index(tmp_path, embedder)
    assert make(docs(sea=SEA), tmp_path, embedder).published
    assert cut == ["sea.txt"]
    assert embedder.embedded == []
    make(docs(sea=SEA, stars=STARS), tmp_path, embedder)
    assert cut == ["sea.txt", "stars.txt"]


SENTENCES = [
    "The comet came.",
    "Il pane costa tre euro.",
    "Fog hid the harbour.",
    "No. 7 e' chiuso!",
    "Perché? Mah.\n\n# Sera",
]
CORPUS = st.dictionaries(
    st.sampled_from(["a.txt", "b.md", "c/d.txt", "e.md"]),
    st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=5).map(" ".join),
    min_size=1,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CORPUS, min_size=2, max_size=4))
def test_an_incremental_index_is_the_fresh_one(
    tmp_path_factory: pytest.TempPathFactory, states: list[dict[str, str]]
) -> None:
    data = tmp_path_factory.mktemp("data")
    for texts in states:
        documents = [make_document(name, text, markdown=name.endswith(".md")) for name, text in texts.items()]
        make(documents, data / "grown")
    make(documents, data / "fresh")
    assert payload(data / "grown") == payload(data / "fresh")
    embedder = HashingEmbedder()
    grown, fresh = open_index(data / "grown", embedder), open_index(data / "fresh", embedder)
    assert grown.documents == fresh.documents
    assert answers(grown) == answers(fresh)


def test_a_skipped_file_alone_is_news(tmp_path: Path) -> None:
    make(docs(sea=SEA), tmp_path)
    embedder = CountingEmbedder()
    report = make([*docs(sea=SEA), Skipped("x.bin", "is empty")], tmp_path, embedder)
    assert report.published
    assert embedder.embedded == []
    assert not make([*docs(sea=SEA), Skipped("x.bin", "is empty")], tmp_path).published


def test_the_order_of_the_documents_is_no_news(tmp_path: Path) -> None:
    make(docs(sea=SEA, bread=BREAD), tmp_path)
    assert not make(docs(bread=BREAD, sea=SEA), tmp_path).published


def test_progress_moves_through_the_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.embedding.BATCH", 2)
    seen: list[tuple[str, int, int]] = []
    build_index(
        docs(sea=SEA, bread=BREAD, stars=STARS),
        tmp_path,
        HashingEmbedder(),
        where="seeds",
        progress=lambda step: seen.append((step.stage, step.done, step.total)),
    )
    assert list(dict.fromkeys(stage for stage, _, _ in seen)) == ["read", "split", "embed", "write"]
    assert [entry for entry in seen if entry[0] == "embed"] == [("embed", done, 6) for done in (0, 2, 4, 6)]
    for stage in ("split", "embed", "write"):
        assert [done == total for name, done, total in seen if name == stage][-1]


def test_files_of_a_folder(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    (seeds / "deep").mkdir(parents=True)
    (seeds / "deep" / "sea.txt").write_text(SEA, encoding="utf-8")
    (seeds / "photo.png").write_bytes(b"\x89PNG")
    index, report = refresh(read_documents(seeds), tmp_path / "data", HashingEmbedder(), where=str(seeds))
    assert report.added == ("deep/sea.txt",)
    assert [entry.source for entry in report.skipped] == ["photo.png"]
    (seeds / "deep" / "sea.txt").rename(seeds / "sea.txt")
    embedder = CountingEmbedder()
    index, report = refresh(read_documents(seeds), tmp_path / "data", embedder, where=str(seeds))
    assert (report.added, report.removed) == (("sea.txt",), ("deep/sea.txt",))
    assert embedder.embedded == []
    assert {hit.source for hit in index.search_many([Query("ships")])[0].hits} == {"sea.txt"}


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ([], r"from: put \.txt, \.md, \.html, \.pdf or \.docx files into my seeds\.$"),
        (
            [Skipped("a.pdf", "is not of a type that is read")],
            r'\("a\.pdf" is not of a type that is read\): put .* into my seeds\.$',
        ),
    ],
)
def test_without_documents_the_old_index_stays(tmp_path: Path, documents: list[Document | Skipped], told: str) -> None:
    make(docs(sea=SEA), tmp_path)
    for rebuild in (False, True):
        with pytest.raises(SourceError, match=told):
            build_index(documents, tmp_path, HashingEmbedder(), where="my seeds", rebuild=rebuild)
    assert open_index(tmp_path, HashingEmbedder()).documents == tuple(docs(sea=SEA))


def test_two_documents_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"sea\.txt"):
        make([*docs(sea=SEA), *docs(sea=BREAD)], tmp_path)


def test_a_model_that_fails_leaves_the_old_index(tmp_path: Path) -> None:
    class Broken(HashingEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> Floats:
            raise ModelError("The model is broken.")

    make(docs(sea=SEA), tmp_path)
    before = names(tmp_path)
    with pytest.raises(ModelError, match="broken"):
        make(docs(bread=BREAD), tmp_path, Broken())
    assert names(tmp_path) == before
    assert make(docs(bread=BREAD), tmp_path).published  # the lock was let go


def test_a_prompt_that_fills_the_model_is_refused(tmp_path: Path) -> None:
    class Full(HashingEmbedder):
        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            return [count + self.spec.max_tokens for count in super().count_tokens(texts)]

    with pytest.raises(ModelError, match="prompt"):
        make(docs(sea=SEA), tmp_path, Full())


def test_a_second_writer_is_refused_but_not_a_reader(tmp_path: Path) -> None:
    make(docs(sea=SEA), tmp_path)
    with writing(index_folder(tmp_path)):
        with pytest.raises(IndexLocked, match=str(os.getpid())):
            make(docs(bread=BREAD), tmp_path)
        _, report = refresh(docs(sea=SEA), tmp_path, HashingEmbedder(), where="seeds")
        assert not report.published


def test_an_index_that_is_current_may_be_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(docs(sea=SEA), tmp_path)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("mkdir", "rename", "replace", "fsync", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    _, report = refresh(docs(sea=SEA), tmp_path, HashingEmbedder(), where="seeds")
    assert not report.published
    with pytest.raises(RetrievalError, match="could not be written"):
        make(docs(bread=BREAD), tmp_path)
    assert open_index(tmp_path, HashingEmbedder()).documents == tuple(docs(sea=SEA))


def test_nothing_built_yet(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match=str(tmp_path)):
        open_index(tmp_path, HashingEmbedder())


# --- damage ------------------------------------------------------------------------------------------------------


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def swap_for_foreign(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


FILES = [
    "manifest.json",
    "documents.json",
    "headings.json",
    "vocabulary.json",
    "vectors.faiss",
    "sentence_keys.npy",
    "passages.document.npy",
    "passages.first_sentence.npy",
    "lexical.offsets.npy",
    "lexical.sentence_terms.npy",
]


@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink, swap_for_foreign])
@pytest.mark.parametrize("small", [0, storage.SMALL_FILE], ids=["large", "small"])
def test_damage_is_found_bridged_and_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], small: int
) -> None:
    """``small`` = 0 treats every file as too large to be read whole when it is loaded."""
    monkeypatch.setattr(storage, "SMALL_FILE", small)
    make(docs(sea=SEA), tmp_path)
    make(docs(bread=BREAD), tmp_path)
    for name in FILES:
        folder, manifest = storage.load_manifest(index_folder(tmp_path))
        assert set(FILES) <= {*manifest.files, "manifest.json"}
        damage(folder / name)
        if name != "manifest.json":
            with pytest.raises(IndexCorrupt, match=name):
                storage.verify_checksums(folder, manifest)
        told: list[str] = []
        if small or damage in (truncate, Path.unlink):
            assert open_index(tmp_path, HashingEmbedder(), told.append).documents != ()
            assert len(told) == 1
            assert name in told[0]
        told.clear()
        embedder = CountingEmbedder()
        report = build_index(docs(bread=BREAD), tmp_path, embedder, where="seeds", verify=True, notify=told.append)
        assert report.published
        assert len(told) == 1
        assert name in told[0]
        assert open_index(tmp_path, embedder, pytest.fail).documents == tuple(docs(bread=BREAD))
        assert not make(docs(bread=BREAD), tmp_path, verify=True).published


def test_the_last_good_index_serves(tmp_path: Path) -> None:
    make(docs(sea=SEA), tmp_path)
    make(docs(bread=BREAD), tmp_path)
    truncate(storage.current(index_folder(tmp_path)) / "documents.json")
    told: list[str] = []
    index = open_index(tmp_path, HashingEmbedder(), told.append)
    assert index.documents == tuple(docs(sea=SEA))
    assert "documents.json" in told[0]
    assert "last good" in told[0]


def test_damage_in_a_vector_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "SMALL_FILE", 0)
    make(docs(sea=SEA), tmp_path)
    check_index(tmp_path)
    flip(storage.current(index_folder(tmp_path)) / "vectors.faiss")
    with pytest.raises(IndexCorrupt, match=r"vectors\.faiss has been changed"):
        check_index(tmp_path)
    told: list[str] = []
    build_index(docs(sea=SEA, bread=BREAD), tmp_path, HashingEmbedder(), where="seeds", notify=told.append)
    assert "vectors.faiss" in told[0]
    make(docs(sea=SEA, bread=BREAD), tmp_path / "fresh")
    assert payload(tmp_path) == payload(tmp_path / "fresh")
    assert len(names(tmp_path)) == 1  # the damaged one is not kept as the last good one


def test_refresh_repairs_what_does_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "SMALL_FILE", 0)
    make(docs(bread=BREAD), tmp_path)
    make(docs(sea=SEA), tmp_path)
    path = storage.current(index_folder(tmp_path)) / "vectors.faiss"
    path.write_bytes(b"?" * path.stat().st_size)
    told: list[str] = []
    index, report = refresh(iter(docs(sea=SEA)), tmp_path, HashingEmbedder(), where="seeds", notify=told.append)
    assert index.documents == tuple(docs(sea=SEA))
    assert report.published
    assert len(told) == 1


# --- the public root ---------------------------------------------------------------------------------------------


def test_the_public_root_is_complete_and_light() -> None:
    for name in retrieval.__all__:
        assert getattr(retrieval, name).__module__.startswith("retrieval.")
    with pytest.raises(AttributeError, match="nonsense"):
        retrieval.nonsense  # noqa: B018
    heavy = "{'faiss', 'onnxruntime', 'torch', 'tokenizers', 'transformers', 'sentence_transformers'}"
    for module in ("retrieval", "retrieval.build"):
        code = f"import sys, {module}; print(sorted({heavy} & sys.modules.keys()))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
