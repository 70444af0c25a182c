"""Who gets answers where."""

from __future__ import annotations

import pytest

from bot.claims import Asked, Trigger
from bot.limits import Access


def asked(trigger: Trigger = Trigger.MENTION, **changes: str) -> Asked:
    fields = {"team": "T", "channel": "C", "thread": "", "user": "U"} | changes
    return Asked("k", "p", message="m", text="When?", trigger=trigger, asked_at=0.0, **fields)


def only(**names: str) -> Access:
    return Access(**{kind: frozenset({name}) for kind, name in names.items()})


@pytest.mark.parametrize(
    ("access", "question", "allowed"),
    [
        (Access(), asked(), True),
        (only(channels="C"), asked(), True),
        (only(channels="D"), asked(), False),
        (only(channels="C"), asked(thread="X"), True),  # a channel stands for its threads
        (only(channels="X"), asked(thread="X"), True),
        (only(channels="D"), asked(Trigger.DIRECT, team=""), True),
        (only(channels="D"), asked(Trigger.OPEN_COMMAND, team=""), True),
        (only(teams="T"), asked(), True),
        (only(teams="S"), asked(), False),
        (only(teams="S"), asked(Trigger.DIRECT, team=""), True),
        (only(users="U"), asked(), True),
        (only(users="V"), asked(), False),
        (only(users="V"), asked(Trigger.DIRECT, team=""), False),
        (only(channels="C", teams="S"), asked(), False),
    ],
)
def test_a_question_is_allowed_where_every_list_that_is_set_says_so(
    access: Access, question: Asked, allowed: bool
) -> None:
    assert access.allows(question) is allowed


def test_a_person_needs_to_be_named_or_to_have_a_role_that_is() -> None:
    access = only(users="V", roles="R")
    assert not access.allows(asked())
    assert not access.allows(asked(), ["Q"])
    assert access.allows(asked(), ["Q", "R"])
    assert access.allows(asked(user="V"))
    assert not only(roles="R").allows(asked(Trigger.DIRECT, team=""))
