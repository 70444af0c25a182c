"""What of a Discord message comes back: marks, buttons, addresses."""

from __future__ import annotations

from typing import Any

import pytest

from bot.markup.discord import (
    BUTTON_ID,
    MAX_KEY,
    Button,
    custom_id,
    message_link,
    read_mark,
    render,
)
from bot.messages import messages_in
from tests.bot.markup.samples import answer

EN = messages_in("en")
ALL = tuple(Button)


def test_a_mark_is_read_back_from_what_discord_returns() -> None:
    message = render(answer(), EN, mark=(123, 2**31 - 1), buttons=ALL, key="k")
    # Discord numbers the rest.
    for number, part in enumerate(message.components[0]["components"], 1):
        part.setdefault("id", number)
    assert read_mark(message.components) == (123, 2**31 - 1)


@pytest.mark.parametrize(
    "components",
    [
        [],
        [{}],
        ["x"],
        [{"type": 10, "id": 5}],
        [{"type": 17, "id": 5}],
        [{"type": 17, "id": 5, "components": "x"}],
        [{"type": 17, "id": 5, "components": [{"type": 14, "id": 6}]}],
        [{"type": 17, "id": "5", "components": [{"type": 10, "id": 6}]}],
        [{"type": 17, "id": 0, "components": [{"type": 10, "id": 6}]}],
        [{"type": 17, "id": 5, "components": [{"type": 10, "id": 2**31}]}],
        [{"type": 17, "id": True, "components": [{"type": 10, "id": 6}]}],
    ],
)
def test_what_bears_no_mark_has_none(components: Any) -> None:
    assert read_mark(components) is None


@pytest.mark.parametrize("mark", [(0, 1), (1, 1), (1, 2**31), (-1, 2)])
def test_numbers_that_discord_would_refuse_are_no_mark(mark: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="mark"):
        render(answer(), EN, mark=mark)


@pytest.mark.parametrize("button", ALL)
@pytest.mark.parametrize("key", ["k", "discord:123456789012345678901:a:b", "k" * MAX_KEY, "a\nb"])
def test_a_pressed_button_tells_what_it_was_about(button: Button, key: str) -> None:
    name = custom_id(button, key)
    assert len(name) <= 100
    match = BUTTON_ID.fullmatch(name)
    assert match
    assert (match["action"], match["key"]) == (button.value, key)


@pytest.mark.parametrize("text", ["", "fonte_helpful", "fonte_helpful:", "other:k", "fonte_why:k", "x fonte_helpful:k"])
def test_what_is_none_of_the_buttons_is_nothing(text: str) -> None:
    assert BUTTON_ID.fullmatch(text) is None


@pytest.mark.parametrize("key", ["", "k" * 100])
def test_a_key_that_no_button_can_carry_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        render(answer(), EN, key=key, buttons=ALL)


def test_the_address_of_a_message() -> None:
    assert message_link("1", "2", "3") == "https://discord.com/channels/1/2/3"
    assert message_link("", "2", "3") == "https://discord.com/channels/@me/2/3"
