"""What a question has against a sentence that shares its words."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.language import stem
from retrieval.opposites import FILES, opposition, read_pairs
from retrieval.types import Language, Opposition

NOTHING = Opposition()


@pytest.mark.parametrize(
    ("question", "text", "language", "pair"),
    [
        ("Which gate is the narrower one?", "The wider gate is of oak.", "en", ("narrower", "wider")),
        ("Where do the roots go deeper?", "They are shallow in the upper field.", "en", ("deeper", "shallow")),
        ("Who opposed the toll?", "The millers supported the toll.", "en", ("opposed", "supported")),
        ("Who held the third oar?", "Ansel held the second oar.", "en", ("third", "second")),
        ("Quando sono aumentate le quote?", "Le quote sono diminuite a maggio.", "it", ("aumentate", "diminuite")),
        ("Chi vieta la pesca?", "La pesca è permessa dal comune.", "it", ("vieta", "permessa")),
    ],
)
def test_a_word_whose_opposite_stands_instead(
    question: str, text: str, language: Language, pair: tuple[str, str]
) -> None:
    assert opposition(question, text, language) == Opposition("", pair)


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("Is the wider gate older?", "Of the narrow and the wider gate the wider is of oak.", "en"),  # both in the text
        ("Is it wide or narrow?", "The gate is wide.", "en"),  # both in the question
        ("Who bought the mill?", "Ansel sold the mill to Berta.", "en"),  # the same deal
        ("Secondo chi il ponte è sicuro?", "Il primo a dirlo fu il sindaco.", "it"),
    ],
)
def test_words_that_do_not_exclude_each_other(question: str, text: str, language: Language) -> None:
    assert opposition(question, text, language) == NOTHING


@pytest.mark.parametrize(
    ("question", "text", "language", "denial"),
    [
        ("Which boat was not repaired?", "The boat was repaired in May.", "en", "not"),
        ("Which boat wasn’t repaired?", "The boat was repaired in May.", "en", "wasn't"),
        ("Which boat has no keel?", "The boat has a keel.", "en", "no"),
        ("Quale barca non è stata riparata?", "La barca è stata riparata a maggio.", "it", "non"),
        ("Nessuna barca è tornata?", "La barca è tornata a maggio.", "it", "Nessuna"),
    ],
)
def test_a_question_that_denies_what_the_sentence_does_not(
    question: str, text: str, language: Language, denial: str
) -> None:
    assert opposition(question, text, language) == Opposition(denial, None)


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("Which boat was not repaired?", "All but the Wren were repaired; she lacked an owner.", "en"),
        ("Which boat was not repaired?", "The Wren wasn't repaired.", "en"),
        ("Who does not row any more?", "Ansel quit the crew in May.", "en"),
        ("Chi non voga più?", "Ansel ha interrotto gli allenamenti a maggio.", "it"),
        ("What is in room no. 5?", "A stove is in room 5.", "en"),
        ("Chi non paga?", "Sono esclusi dal pagamento i soci.", "it"),
        ("Which boat was repaired?", "The Wren was not repaired.", "en"),
    ],
)
def test_denials_that_meet_a_denial_or_are_none(question: str, text: str, language: Language) -> None:
    assert opposition(question, text, language) == NOTHING


WORDS = st.lists(st.sampled_from("wide narrow not never third second the gate increases lacked".split()), max_size=8)


@given(WORDS, WORDS)
def test_what_is_found_stands_on_one_side_only(asked: list[str], told: list[str]) -> None:
    found = opposition(" ".join(asked), " ".join(told), "en")
    if found.pair:
        own, other = (stem(word, "en") for word in found.pair)
        question, text = ({stem(word, "en") for word in side} for side in (asked, told))
        assert own in question - text
        assert other in text - question
    if found.denial:
        assert found.denial in asked
        assert found.denial not in told


@given(st.text(), st.text(), st.sampled_from(["it", "en"]))
def test_no_text_is_opposed_to_itself_and_none_breaks_it(question: str, text: str, language: Language) -> None:
    opposition(question, text, language)
    assert opposition(text, text, language) == NOTHING


@pytest.mark.parametrize(
    ("language", "name"), [(language, name) for language, names in FILES.items() for name in names]
)
def test_the_lists_hold_single_words_that_differ(language: Language, name: str) -> None:
    pairs = list(read_pairs(files("retrieval.opposites").joinpath(name).read_text("utf-8")))
    assert len(pairs) > 100
    for pair in pairs:
        assert all(word.isalpha() for word in pair), pair
        assert stem(pair[0], language) != stem(pair[1], language), pair


def test_lines_with_alternatives_exclusive_words_and_comments() -> None:
    assert list(read_pairs("a b | c # d\n\n# e | f\n= g h")) == [("a", "c"), ("b", "c"), ("g", "h"), ("h", "g")]
