from __future__ import annotations

from typing import Any

import pytest

from bot.claims import Reason
from bot.markup.slack import WHY, read_why, why_modal
from bot.messages import CATALOGUE, messages_in
from tests.bot.markup.slack_rules import view_faults

EN = messages_in("en")


@pytest.mark.parametrize("words", CATALOGUE.values())
def test_the_form_asks_for_a_reason_and_may_take_a_comment(words: Any) -> None:
    view = why_modal("slack:T1:C1:1.2", words)
    assert view_faults(view) == []
    assert (view["callback_id"], view["private_metadata"]) == (WHY, "slack:T1:C1:1.2")
    choice, comment = view["blocks"]
    assert [option["value"] for option in choice["element"]["options"]] == [reason.value for reason in Reason]
    assert not choice.get("optional")
    assert comment["optional"]
    assert comment["element"]["max_length"] == 1000


@pytest.mark.parametrize(("typed", "comment"), [(None, ""), ("Look\nthere", "Look\nthere"), ("a" * 2000, "a" * 1000)])
def test_what_was_filled_in_is_read(typed: str | None, comment: str) -> None:
    view = why_modal("key", EN)
    choice, free = view["blocks"]
    values = {
        choice["block_id"]: {choice["element"]["action_id"]: {"selected_option": choice["element"]["options"][2]}},
        free["block_id"]: {free["element"]["action_id"]: {"type": "plain_text_input", "value": typed}},
    }
    assert read_why(view | {"state": {"values": values}}) == ("key", Reason.OUTDATED, comment)
