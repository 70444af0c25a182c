"""What only a store in Milvus has: shared collections, filters by document, an unreliable other side."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.errors import IndexCorrupt, IndexStale, StoreUnavailable
from retrieval.manifest import Milvus
from retrieval.protocols import Floats
from retrieval.stores import build_store, kind_at, milvus_connection, open_store
from retrieval.stores import milvus as module
from retrieval.stores.entities import Entities, entities, from_hexadecimal, hexadecimal
from retrieval.stores.exact import ExactStore
from retrieval.stores.milvus import MilvusStore, discard
from retrieval.stores.milvus_client import Client, client_for
from tests.standin.cable import Cable

DIMENSION = 8


def vectors_of(count: int, seed: int = 0) -> Floats:
    """Small integers: their products are exact, so that equal scores are equal everywhere."""
    return np.random.default_rng(seed).integers(-2, 3, (count, DIMENSION)).astype(np.float32)


def rows_of(texts: list[str], documents: list[int]) -> Entities:
    """Entities of sentences with 16 bytes a key, in documents of the given lengths."""
    keys = np.array([list(text.encode().ljust(16)) for text in texts], dtype=np.uint8).reshape(-1, 16)
    starts = [sum(documents[:place]) for place in range(len(documents))]
    return entities(keys, starts, [f"{place}.txt" for place in range(len(documents))])


class Shelf:
    """Versions of one index in one collection."""

    def __init__(self, milvus: Milvus, collection: str, folder: Path) -> None:
        self.milvus, self.collection, self.folder = milvus, collection, folder
        self.written: list[int] = []
        """Entities written for each version."""
        self.stores: list[MilvusStore] = []

    def publish(self, texts: list[str], documents: list[int] | None = None) -> tuple[MilvusStore, Path]:
        own = rows_of(texts, documents or [len(texts)])
        store = MilvusStore.prepare(self.milvus, self.collection, DIMENSION, own)
        fresh = store.unwritten(self.stores[-1] if self.stores else None)
        store.write(fresh, self.vectors(texts)[fresh])
        path = self.folder / f"version{len(self.stores)}"
        store.save(path)
        self.written.append(len(fresh))
        self.stores.append(store)
        return store, path

    @staticmethod
    def vectors(texts: list[str]) -> Floats:
        return np.concatenate([vectors_of(1, seed=sum(text.encode())) for text in texts])

    def held(self) -> int:
        return client_for(self.milvus).count(self.collection)


@pytest.fixture
def shelf(milvus: Milvus, collection: Callable[[], str], tmp_path: Path) -> Shelf:
    return Shelf(milvus, collection(), tmp_path)


def test_keys_are_those_of_sentence_document_and_place() -> None:
    one, other = rows_of(["a", "b", "a"], [3]), rows_of(["b", "a", "a"], [1, 2])
    assert len(set(hexadecimal(one.keys))) == 3
    assert set(hexadecimal(one.keys)) & set(hexadecimal(other.keys)) == set(hexadecimal(one.keys[1:2]))
    assert one.rows(one.keys).tolist() == [0, 1, 2]
    assert one.rows(other.keys).tolist() == [1, -1, -1]
    np.testing.assert_array_equal(from_hexadecimal(hexadecimal(one.keys)), one.keys)
    assert rows_of([], []).rows(one.keys).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("seed", range(12))
def test_it_finds_what_the_oracle_finds(milvus: Milvus, collection: Callable[[], str], seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors, queries = vectors_of(int(random.integers(1, 80)), seed), vectors_of(5, seed + 100)
    store = build_store(vectors, "milvus", milvus=milvus, collection=collection())
    for k in (1, 7, 90):
        for allowed in (None, random.random(len(vectors)) < 0.5, random.random(len(vectors)) < 0.05):
            scores, rows = store.search(queries, k, allowed)
            expected = ExactStore.build(vectors).search(queries, k, allowed)
            np.testing.assert_array_equal(rows, expected[1])
            np.testing.assert_array_equal(scores, expected[0])


def test_a_mask_too_large_to_be_named_is_searched_ever_wider(
    milvus: Milvus, collection: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEW", 0)
    vectors, queries = vectors_of(400), vectors_of(3, seed=1)
    store = build_store(vectors, "milvus", milvus=milvus, collection=collection())
    # The rows that are allowed are those that are farthest.
    allowed = np.zeros(400, dtype=np.bool_)
    allowed[np.argsort(vectors @ queries[0])[:20]] = True
    expected = ExactStore.build(vectors).search(queries, 5, allowed)
    np.testing.assert_array_equal(store.search(queries, 5, allowed)[1], expected[1])
    # Milvus returns so many at most: what it does not return is not found.
    monkeypatch.setattr(module, "MOST", 50)
    assert (store.search(queries[:1], 5, allowed)[1] == -1).all()
    # Unless it can be named.
    monkeypatch.setattr(module, "FEW", 8192)
    np.testing.assert_array_equal(store.search(queries, 5, allowed)[1], expected[1])


def test_whole_documents_are_a_condition(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{number}" for number in range(40)]
    store, _ = shelf.publish(texts, [10, 20, 10])
    asked: list[str] = []
    search = Client.search

    def spy(self: Client, collection: str, queries: Floats, limit: int, condition: str) -> Any:
        asked.append(condition)
        return search(self, collection, queries, limit, condition)

    monkeypatch.setattr(Client, "search", spy)
    oracle = ExactStore.build(shelf.vectors(texts))
    for first, end in ((0, 10), (10, 40), (0, 0), (0, 40)):
        allowed = np.zeros(40, dtype=np.bool_)
        allowed[first:end] = True
        queries = vectors_of(2, seed=5)
        np.testing.assert_array_equal(store.search(queries, 15, allowed)[1], oracle.search(queries, 15, allowed)[1])
    number = store.entities.sources[0]
    assert list(dict.fromkeys(asked)) == [f"source in [{number}]", f"source not in [{number}]", ""]


def test_a_version_writes_what_is_new_and_each_finds_its_own(shelf: Shelf) -> None:
    old = ["ant", "bee", "cat", "dog", "ant"]
    new = ["bee", "cat", "eel", "dog"]
    first, path = shelf.publish(old)
    second, _ = shelf.publish(new)
    assert shelf.written == [5, 1]
    queries = vectors_of(4, seed=9)
    # Both at once, and one that has been opened from its files.
    for store, texts in ((first, old), (second, new), (open_store(path, "milvus", milvus=shelf.milvus), old)):
        expected = ExactStore.build(shelf.vectors(texts)).search(queries, 3)
        np.testing.assert_array_equal(store.search(queries, 3)[1], expected[1])
        np.testing.assert_array_equal(store.vectors(np.arange(len(texts))), shelf.vectors(texts))


def test_what_a_killed_build_has_written_is_not_written_again(shelf: Shelf) -> None:
    own = rows_of(["a", "b", "c"], [3])
    store = MilvusStore.prepare(shelf.milvus, shelf.collection, DIMENSION, own)
    store.write(np.array([1]), shelf.vectors(["b"]))
    assert store.unwritten(None).tolist() == [0, 2]


def test_what_only_a_removed_version_holds_is_deleted(shelf: Shelf) -> None:
    _, first = shelf.publish(["ant", "bee", "cat"])
    _, second = shelf.publish(["bee", "cat", "dog"])
    kept, third = shelf.publish(["cat", "dog", "eel"])
    discard(first, [third, second], shelf.milvus, shelf.collection)
    assert shelf.held() == 4
    assert len(open_store(second, "milvus", milvus=shelf.milvus)) == 3
    discard(second, [third], shelf.milvus, shelf.collection)
    assert shelf.held() == 3
    np.testing.assert_array_equal(kept.vectors(np.arange(3)), shelf.vectors(["cat", "dog", "eel"]))
    # The next build will use the collection; after that nobody does.
    discard(third, [], shelf.milvus, shelf.collection)
    assert shelf.held() == 3
    discard(third, [], shelf.milvus, "another")
    assert client_for(shelf.milvus).dimension(shelf.collection) is None
    discard(third, [], shelf.milvus, "another")
    discard(second, [third], shelf.milvus, "another")


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_entities_that_somebody_deleted_are_missed(shelf: Shelf) -> None:
    store, path = shelf.publish(["ant", "bee", "cat"])
    client_for(shelf.milvus).delete(shelf.collection, store.entities.hexadecimal(np.array([1])))
    assert (store.search(vectors_of(1), 3)[1] >= 0).sum() == 2
    with pytest.raises(IndexCorrupt, match=r"lacks 1 sentences .* `python -m bot index --rebuild`\.$"):
        store.scores(vectors_of(1)[0], np.arange(3))
    with pytest.raises(IndexCorrupt, match="holds 2 of at least 3 sentences"):
        open_store(path, "milvus", milvus=shelf.milvus)
    client_for(shelf.milvus).drop(shelf.collection)
    for call in (
        lambda: store.search(vectors_of(1), 3),
        lambda: store.vectors(np.arange(3)),
        lambda: open_store(path, "milvus", milvus=shelf.milvus),
    ):
        with pytest.raises(IndexCorrupt, match=f"collection {shelf.collection} in Milvus .* is not there"):
            call()


def test_another_dimension_is_named(shelf: Shelf) -> None:
    _, path = shelf.publish(["ant"])
    with pytest.raises(StoreUnavailable, match=r"holds vectors of 8 dimensions, not of 5: drop it, or set MILVUS_COLL"):
        MilvusStore.prepare(shelf.milvus, shelf.collection, 5, rows_of(["ant"], [1]))
    client = client_for(shelf.milvus)
    client.drop(shelf.collection)
    client.create(shelf.collection, 5)
    with pytest.raises(IndexCorrupt, match="holds vectors of 5 dimensions, not of 8"):
        open_store(path, "milvus", milvus=shelf.milvus)


def test_files_that_are_damaged_are_named(shelf: Shelf) -> None:
    _, path = shelf.publish(["ant", "bee"])
    assert kind_at(path) == "milvus"
    for suffix in (".milvus.json", ".keys.npy", ".order.npy", ".starts.npy", ".sources.npy"):
        file = path.with_suffix(suffix)
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        with pytest.raises(IndexCorrupt, match=suffix):
            open_store(path, "milvus", milvus=shelf.milvus)
        file.write_bytes(content)
    np.save(path.with_suffix(".keys.npy"), np.zeros((3, 16), dtype=np.uint8))
    with pytest.raises(IndexCorrupt, match="does not belong to the arrays beside it"):
        open_store(path, "milvus", milvus=shelf.milvus)
    path.with_suffix(".milvus.json").write_text("{}")
    with pytest.raises(IndexCorrupt, match="does not say where the vectors lie"):
        open_store(path, "milvus", milvus=shelf.milvus)
    with pytest.raises(IndexStale, match="lie in Milvus, and MILVUS_URI is not set"):
        open_store(path, "milvus")


# --- the other side ------------------------------------------------------------------------------------------------


def test_a_connection_that_breaks_is_made_again(cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus_connection, "PAUSES", (0.01,))
    milvus = Milvus(f"http://127.0.0.1:{cable.port}", timeout=5)
    vectors = vectors_of(20)
    store = build_store(vectors, "milvus", milvus=milvus, collection="kept")
    expected = ExactStore.build(vectors).search(vectors[:2], 3)[1]
    assert store.how.type == "milvus:AUTOINDEX"
    for _ in range(2):
        np.testing.assert_array_equal(store.search(vectors[:2], 3)[1], expected)
        cable.cut()
        for _ in range(2):
            with pytest.raises(
                StoreUnavailable, match=rf"^Milvus at {milvus.uri} cannot be reached: start it, or corr"
            ):
                store.search(vectors[:2], 3)
        with pytest.raises(StoreUnavailable):
            store.vectors(np.arange(3))
        cable.join()
    np.testing.assert_array_equal(store.search(vectors[:2], 3)[1], expected)
    np.testing.assert_array_equal(store.vectors(np.arange(20)), vectors)


def test_a_connection_that_broke_between_two_calls_is_not_noticed(cable: Cable) -> None:
    vectors = vectors_of(20)
    milvus = Milvus(f"http://127.0.0.1:{cable.port}", timeout=5)
    store = build_store(vectors, "milvus", milvus=milvus, collection="kept")
    cable.cut()
    cable.join()
    np.testing.assert_array_equal(store.vectors(np.arange(20)), vectors)


def test_who_does_not_answer_is_given_up(cable: Cable) -> None:
    cable.stall()
    milvus = Milvus(f"http://127.0.0.1:{cable.port}", timeout=0.3)
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0.3 seconds: .* raise MILVUS_TIMEOUT\.$"):
        build_store(vectors_of(2), "milvus", milvus=milvus, collection="none")


def test_a_connection_that_has_gone_silent_is_made_again(cable: Cable) -> None:
    vectors = vectors_of(20)
    milvus = Milvus(f"http://127.0.0.1:{cable.port}", timeout=4)
    store = build_store(vectors, "milvus", milvus=milvus, collection="kept")
    cable.stall()
    with pytest.raises(StoreUnavailable, match="did not answer within 4 seconds"):
        store.vectors(np.arange(20))
    cable.flow()
    np.testing.assert_array_equal(store.vectors(np.arange(20)), vectors)


def test_no_secret_is_shown(cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus_connection, "PAUSES", ())
    cable.cut()
    milvus = Milvus(f"http://someone:hunter2@127.0.0.1:{cable.port}", token="someone:hunter3", timeout=5)
    assert "hunter3" not in repr(milvus)
    with pytest.raises(StoreUnavailable) as caught:
        build_store(vectors_of(2), "milvus", milvus=milvus, collection="none")
    assert "hunter" not in str(caught.value)
    assert str(caught.value).startswith(f"Milvus at http://127.0.0.1:{cable.port} cannot be reached")


def test_a_wrong_token_is_named() -> None:
    import grpc

    class Guard(grpc.ServerInterceptor):  # type: ignore[misc]
        def intercept_service(self, continuation: Any, details: Any) -> Any:
            def refuse(request: bytes, context: Any) -> bytes:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure")
                return b""

            return grpc.unary_unary_rpc_method_handler(refuse)

    from concurrent.futures import ThreadPoolExecutor

    server = grpc.server(ThreadPoolExecutor(1), interceptors=[Guard()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with pytest.raises(StoreUnavailable, match=r"does not let us in: correct MILVUS_TOKEN\.$"):
            client_for(Milvus(f"http://127.0.0.1:{port}", token="a:b", timeout=2)).count("any")
    finally:
        server.stop(None).wait()


def test_a_refusal_is_one_sentence_and_no_log(shelf: Shelf, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    shelf.publish(["ant"])
    with pytest.raises(StoreUnavailable, match=r"^Milvus at .* did not do what it was asked to: .*\.$") as caught:
        client_for(shelf.milvus).search(shelf.collection, vectors_of(1), 3, "source ===")
    assert "\n" not in str(caught.value)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_a_file_that_another_has_open_is_named(tmp_path: Path) -> None:
    from milvus_lite import MilvusLite

    other = MilvusLite(str(tmp_path / "taken.db"))
    try:
        with pytest.raises(
            StoreUnavailable, match=r"taken\.db \(MILVUS_URI\) cannot be opened by Milvus Lite, which on"
        ):
            client_for(Milvus(str(tmp_path / "taken.db"), timeout=1)).count("any")
    finally:
        other.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"^The folder of .*lite\.db \(MILVUS_URI\) cannot be made: "):
        client_for(Milvus(str(tmp_path / "file" / "lite.db"), timeout=1)).count("any")


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(StoreUnavailable, match=r'^VECTOR_STORE=milvus needs .*: pip install -e "\.\[milvus\]"\.$'):
        client_for(Milvus(str(tmp_path / "lite.db"))).count("any")


def test_the_library_reads_no_settings_of_ours_and_leaves_none() -> None:
    code = (
        "import os\n"
        "os.environ['MILVUS_URI'] = './a/file.db'\n"
        "before = dict(os.environ)\n"
        "from retrieval.stores.milvus_connection import Connection\n"
        "from retrieval.manifest import Milvus\n"
        "assert Connection(Milvus('x.db')).pymilvus.settings.Config.MILVUS_URI == ''\n"
        "assert dict(os.environ) == before\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
