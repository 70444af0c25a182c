from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.claims import Reason
from bot.markup.discord import MAX_KEY, WHY, read_why, why_modal
from bot.messages import CATALOGUE, messages_in
from tests.bot.markup.discord_rules import modal_faults

EN = messages_in("en")
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["fonte_reason", "fonte_comment", "wrong"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["component", "custom_id", "value", "values"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def sent(reason: dict[str, Any], comment: dict[str, Any], name: str = f"{WHY}:key") -> dict[str, Any]:
    return {
        "custom_id": name,
        "components": [
            {"type": 18, "id": 1, "component": {"type": 21, "id": 2, "custom_id": "fonte_reason"} | reason},
            {"type": 18, "id": 3, "component": {"type": 4, "id": 4, "custom_id": "fonte_comment"} | comment},
        ],
    }


@pytest.mark.parametrize("words", CATALOGUE.values())
def test_the_form_asks_for_a_reason_and_may_take_a_comment(words: Any) -> None:
    data = why_modal("k" * MAX_KEY, words)
    assert modal_faults(data) == []
    assert data["custom_id"] == f"{WHY}:{'k' * MAX_KEY}"
    choice, comment = (label["component"] for label in data["components"])
    assert [option["value"] for option in choice["options"]] == [reason.value for reason in Reason]
    assert choice["required"]
    assert not comment["required"]
    assert comment["max_length"] == 1000


@pytest.mark.parametrize("key", ["", "k" * 100])
def test_a_key_that_the_form_cannot_carry_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        why_modal(key, EN)


@pytest.mark.parametrize(("typed", "comment"), [(None, ""), ("Look\nthere", "Look\nthere"), ("a" * 2000, "a" * 1000)])
@pytest.mark.parametrize("reason", [{"value": "outdated"}, {"values": ["outdated"]}])
def test_what_was_filled_in_is_read(typed: str | None, comment: str, reason: dict[str, Any]) -> None:
    assert read_why(sent(reason, {"value": typed})) == ("key", Reason.OUTDATED, comment)


@pytest.mark.parametrize("name", ["", WHY, f"{WHY}:", "other:key", "fonte_helpful:key"])
def test_other_forms_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="form"):
        read_why(sent({"value": "wrong"}, {"value": ""}, name))


@pytest.mark.parametrize("reason", [{}, {"value": None}, {"value": "nonsense"}, {"values": []}, {"value": ["wrong"]}])
def test_a_form_without_a_reason_is_refused(reason: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Reason"):
        read_why(sent(reason, {"value": ""}))


@given(JSON)
def test_nothing_that_comes_back_breaks_the_reader(components: Any) -> None:
    try:
        key, reason, comment = read_why({"custom_id": f"{WHY}:key", "components": components})
    except ValueError:
        return
    assert key == "key"
    assert isinstance(reason, Reason)
    assert isinstance(comment, str)
