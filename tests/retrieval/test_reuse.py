"""What a new index shares with the last one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from retrieval.reuse import match_keys, sentence_keys

SENTENCES = st.lists(st.sampled_from("abcdef"), max_size=12)


@given(SENTENCES, SENTENCES)
def test_every_sentence_is_found_where_it_stood_and_where_it_stands_now(old: list[str], new: list[str]) -> None:
    shared = match_keys(sentence_keys(old), sentence_keys(new))
    assert shared.first.tolist() == [new.index(text) for text in new]
    assert [old[row] if row >= 0 else None for row in shared.known] == [text if text in old else None for text in new]
    moved = shared.moved.tolist()
    for row, text in enumerate(old):
        # The first of equal sentences moves to the first, the second to the second.
        places = [place for place, other in enumerate(new) if other == text]
        earlier = old[:row].count(text)
        assert moved[row] == (places[earlier] if earlier < len(places) else -1)
