from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.documents import read_documents
from retrieval.sets import DEFAULT, Sets
from retrieval.types import Document, Query
from tests.retrieval.test_index import EMBEDDER, QUESTIONS, TEXTS, Index, build_store, check, documents, parts

SOURCES = ["guide.md", "hr/pay.md", "hr/board/minutes.md", "hrx/notes.md", "policies/internal/a.txt", "policies/b.txt"]


def lie(sets: Sets, name: str) -> list[str]:
    return sorted(sets.sources([name], SOURCES))


def test_a_set_holds_its_folders_whole_and_no_others() -> None:
    sets = Sets({"hr": ["hr", "policies/internal/"], "one": ["./policies//b.txt"], "board": ["hr/board"]})
    assert lie(sets, "hr") == ["hr/board/minutes.md", "hr/pay.md", "policies/internal/a.txt"]
    assert lie(sets, "one") == ["policies/b.txt"]
    assert lie(sets, "board") == ["hr/board/minutes.md"]
    assert lie(sets, DEFAULT) == ["guide.md", "hrx/notes.md"]
    assert sets.sources(["one", "board"], SOURCES) == {"policies/b.txt", "hr/board/minutes.md"}
    assert sets.sources([], SOURCES) == frozenset()


def test_the_dot_is_everything_and_the_default_may_be_defined() -> None:
    assert lie(Sets({"all": ["."]}), "all") == sorted(SOURCES)
    assert lie(Sets({"all": ["."]}), DEFAULT) == []
    sets = Sets({"hr": ["hr"], DEFAULT: ["guide.md", "hr/pay.md"]})
    assert lie(sets, DEFAULT) == ["guide.md", "hr/pay.md"]
    assert lie(sets, "hr") == ["hr/board/minutes.md", "hr/pay.md"]


def test_a_name_that_nobody_defined_is_no_set() -> None:
    with pytest.raises(KeyError, match="sales"):
        Sets({"hr": ["hr"]}).sources(["hr", "sales"], SOURCES)


@pytest.mark.parametrize(
    ("named", "source"),
    [("hr", "HR/pay.md"), ("HR", "hr/pay.md"), ("straße", "STRASSE/a.md"), ("pay.md", "Pay.md"), ("hr/a", "hr/A/b.md")],
)
def test_what_is_named_in_other_letters_is_in_no_set_rather_than_in_the_default(named: str, source: str) -> None:
    sets = Sets({"one": [named]})
    assert sets.of(source) == frozenset()
    assert sets.empty([source]) == [("one", named)]


def test_an_accent_may_be_written_either_way() -> None:
    for named, source in (("caff\u00e8", "caffe\u0300/a.md"), ("caffe\u0300", "caff\u00e8/a.md")):
        sets = Sets({"one": [named]})
        assert sets.of(source) == {"one"}
        assert sets.empty([source]) == []


def test_folders_without_documents_are_told() -> None:
    sets = Sets({"hr": ["hr", "personnel"], "all": ["."], "one": ["guide.md", "guide.txt"]})
    assert sets.empty(SOURCES) == [("hr", "personnel"), ("one", "guide.txt")]
    assert sets.empty([]) == [(name, path or ".") for name, paths in sets.folders.items() for path in paths]


NAMES = st.sampled_from(["a", "b", "A", "é", "x.md"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FOLDERS = st.dictionaries(
    st.sampled_from(["one", "two", DEFAULT]), st.lists(PATHS | st.just("."), min_size=1, max_size=2)
)


@given(FOLDERS, PATHS)
def test_a_document_is_in_the_default_or_in_others_but_not_in_both(folders: dict[str, list[str]], source: str) -> None:
    sets = Sets(folders)
    within = {
        name for name, paths in folders.items() for path in paths if path == "." or f"{source}/".startswith(f"{path}/")
    }
    found = sets.of(source)
    assert found - {DEFAULT} == within - {DEFAULT}
    if DEFAULT in folders:
        assert found == within
    elif DEFAULT in found:
        assert not within
    assert found == Sets(folders).of(source)


@given(FOLDERS, st.lists(PATHS, unique=True), st.lists(PATHS, unique=True))
def test_what_was_resolved_for_one_version_holds_for_another(
    folders: dict[str, list[str]], before: list[str], after: list[str]
) -> None:
    """A scope that is searched in a later version shows what that version's own scope would, or less."""
    sets = Sets(folders)
    for name in sets.names:
        assert sets.sources([name], before) & set(after) <= sets.sources([name], after)


def test_copies_are_read_once_for_each_who_see_them(tmp_path: Path) -> None:
    for source in ("hr/a.txt", "hr/b.txt", "public/a.txt", "public/z.txt"):
        path = tmp_path / source
        path.parent.mkdir(exist_ok=True)
        path.write_text("The deal is worth 38 billion dollars.", encoding="utf-8")
    assert [d.source for d in read_documents(tmp_path) if isinstance(d, Document)] == ["hr/a.txt"]
    found = read_documents(tmp_path, apart=Sets({"hr": ["hr"]}).of)
    assert [d.source for d in found if isinstance(d, Document)] == ["hr/a.txt", "public/a.txt"]


# --- in an index ---------------------------------------------------------------------------------------------------


def made(texts: dict[str, str]) -> Index:
    read = documents(texts)
    columns, lexical, vectors = parts(read)
    return Index(read, columns, lexical, build_store(vectors, "exact"), EMBEDDER)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_nothing_but_the_sets_asked_in_is_found_and_all_of_them_is(data: st.DataObject) -> None:
    """The ranking may differ from that of an index without the others: how rare a word is is counted over all. What is
    found does not, nor how near it is."""
    rooms = data.draw(
        st.fixed_dictionaries({source: st.sampled_from(["", "hr/", "hr/in/", "ops/"]) for source in TEXTS})
    )
    texts = {rooms[source] + source: text for source, text in TEXTS.items()}
    sets = Sets({"hr": ["hr"], "in": ["hr/in"], "ops": ["ops"]})
    names = data.draw(st.frozensets(st.sampled_from(sorted(sets.names)), min_size=1))
    scope = sets.sources(names, texts)
    question = data.draw(st.sampled_from(QUESTIONS))
    whole = made(texts)
    (result,) = whole.search_many([Query(question, scope)], 20)
    check(result, whole)
    assert {hit.source for hit in result.hits} | set(result.sources) <= scope
    assert whole.search_many([Query(question, scope)], 20) == [result]  # by the masks that were kept
    if not scope:
        assert (result.hits, result.support) == ((), 0.0)
        return
    alone = made({source: text for source, text in texts.items() if source in scope})
    (other,) = alone.search_many([Query(question)], 20)

    def places(hits: object) -> dict[object, float]:
        return {(hit.source, hit.start, hit.end): round(hit.dense, 5) for hit in hits}  # type: ignore[attr-defined]

    assert places(result.hits) == places(other.hits)


def test_more_scopes_than_are_kept_are_answered_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.index.SCOPES", 2)
    within = made(TEXTS)
    queries = [Query("Who counts the ships?", frozenset({source})) for source in TEXTS]
    first = within.search_many(queries)
    assert [result.sources for result in first] == [(source,) for source in TEXTS]
    assert within.search_many(queries[::-1])[::-1] == first
    assert len(within._masks) == 2
