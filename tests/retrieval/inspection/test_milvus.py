"""Milvus, over a real socket: there, cut off, without its collection."""

from __future__ import annotations

from pathlib import Path

from retrieval.build import build_index
from retrieval.documents import read_documents
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.inspection.finding import Finding, Status
from retrieval.inspection.milvus import inspect_milvus
from retrieval.manifest import Milvus, VectorSearch
from retrieval.stores.entities import claimed
from retrieval.stores.milvus_client import Client
from tests.standin.cable import Cable


def look(milvus: Milvus, data: Path, *, offline: bool = False) -> Finding:
    [found] = inspect_milvus(milvus, data, offline=offline)
    return found


def test_a_milvus_that_is_there_cut_off_or_empty(cable: Cable, tmp_path: Path) -> None:
    milvus, data, seeds = Milvus(f"http://127.0.0.1:{cable.port}", timeout=2), tmp_path / "data", tmp_path / "docs"
    found = look(milvus, data)
    assert found.status is Status.OK
    assert "no vectors there yet" in found.detail
    assert not data.exists()

    seeds.mkdir()
    (seeds / "a.txt").write_text("The deal is worth 38 billion dollars.")
    search = VectorSearch(store="milvus")
    patient = Milvus(f"http://127.0.0.1:{cable.port}", timeout=30)
    build_index(read_documents(seeds), data, HashingEmbedder(), where="docs", search=search, milvus=patient)
    collection = claimed(data / "index")
    found = look(milvus, data)
    assert found.status is Status.OK
    assert found.detail.endswith(f"answers and has the collection {collection}.")

    Client(patient).drop(str(collection))
    found = look(milvus, data)
    assert found.status is Status.WRONG
    assert f"has no collection {collection}" in found.detail

    cable.cut()
    found = look(milvus, data)
    assert found.status is Status.WRONG
    assert "MILVUS_URI" in found.remedy
    assert look(milvus, data, offline=True).status is Status.OK


def test_a_file_of_milvus_lite_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "lite.db"
    assert look(Milvus(str(file)), tmp_path).status is Status.WARNING
    assert not file.exists()
    file.write_text("no database")
    assert look(Milvus(str(file)), tmp_path).status is Status.OK
    assert file.read_text() == "no database"
