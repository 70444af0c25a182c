"""Which of the things Slack sends are questions, changes to one, or none of the bot's business."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.claims import Asked, Trigger
from bot.platforms.slack.events import (
    Deleted,
    Edited,
    Place,
    Posted,
    message_key,
    read_command,
    read_message,
)
from bot.platforms.slack.panel import read_opened

HERE = Place("U0BOT", "B0BOT", frozenset({"C0AUTO"}))
TS, THREAD = "1795360000.000100", "1795359000.000200"
KEY = f"slack:T1:C1:{TS}"
Json = dict[str, Any]


def said(text: str = "When is it?", **changes: Any) -> Json:
    message = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": TS, "text": text}
    message |= {"event_ts": TS}
    return {"team_id": "T1", "event": {name: value for name, value in (message | changes).items() if value is not None}}


def changed(text: str, before: str = "Wen is it?", *, edited: str | None = "1795360009.000000", **changes: Any) -> Json:
    old = {"type": "message", "user": "U1", "ts": TS, "text": before}
    new = old | {"text": text} | ({"edited": {"user": "U1", "ts": edited}} if edited else {}) | changes
    event = {"type": "message", "subtype": "message_changed", "channel": "C1", "channel_type": "channel"}
    return {"team_id": "T1", "event": event | {"message": new, "previous_message": old, "ts": "1795360009.000300"}}


def deleted(**changes: Any) -> Json:
    event = {"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": TS}
    event |= {"previous_message": {"type": "message", "user": "U1", "ts": TS, "text": "When?"}}
    return {"team_id": "T1", "event": event | changes}


def question(body: Json) -> Asked:
    read = read_message(body, HERE)
    assert isinstance(read, Posted)
    return read.asked


def test_a_mention_is_a_question_in_a_thread_of_its_own() -> None:
    read = read_message(said("<@U0BOT> When is it &amp; where?"), HERE)
    asked = Asked(
        key=KEY,
        platform="slack",
        team="T1",
        channel="C1",
        message=TS,
        thread=TS,
        user="U1",
        text="When is it & where?",
        trigger=Trigger.MENTION,
        asked_at=1795360000.0001,
    )
    assert read == Posted(asked)


def test_both_copies_of_a_mention_are_one_question() -> None:
    mention = said("<@U0BOT> When?", type="app_mention", channel_type=None)
    assert question(mention) == question(said("<@U0BOT> When?"))


def test_places_and_times_tell_questions_apart() -> None:
    keys = {message_key(team, channel, ts) for team in ("T1", "T2") for channel in ("C1", "C2") for ts in (TS, THREAD)}
    assert len(keys) == 8


@pytest.mark.parametrize(
    ("changes", "trigger", "needs_thread"),
    [
        ({"channel": "D1", "channel_type": "im"}, Trigger.DIRECT, False),
        ({"channel": "D1", "channel_type": None}, Trigger.DIRECT, False),
        ({"channel": "D1", "channel_type": "im", "text": "<@U2> and <@U0BOT>"}, Trigger.DIRECT, False),
        ({"channel": "D1", "channel_type": "im", "thread_ts": THREAD}, Trigger.DIRECT, False),
        ({"thread_ts": THREAD}, Trigger.FOLLOW_UP, True),
        ({"thread_ts": THREAD, "channel_type": "mpim"}, Trigger.FOLLOW_UP, True),
        ({"thread_ts": THREAD, "text": "<@U0BOT> and?"}, Trigger.MENTION, False),
        ({"thread_ts": THREAD, "text": "<@U0BOT> ask <@U2>"}, Trigger.MENTION, False),
        ({"channel": "C0AUTO"}, Trigger.AUTO, False),
        ({"channel": "C0AUTO", "thread_ts": THREAD}, Trigger.FOLLOW_UP, True),
        ({"text": "<@U0BOT>", "channel_type": "mpim"}, Trigger.MENTION, False),
        ({"text": "<@U0BOT> look", "subtype": "file_share"}, Trigger.MENTION, False),
        ({"thread_ts": THREAD, "subtype": "thread_broadcast"}, Trigger.FOLLOW_UP, True),
    ],
)
def test_what_makes_a_message_a_question(changes: Json, trigger: Trigger, needs_thread: bool) -> None:
    read = read_message(said(**changes), HERE)
    assert isinstance(read, Posted)
    assert (read.asked.trigger, read.needs_thread) == (trigger, needs_thread)
    assert read.asked.thread == changes.get("thread_ts", TS)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"channel_type": "mpim"},
        {"channel_type": "group"},
        {"thread_ts": THREAD, "text": "<@U2> do you know?"},
        {"thread_ts": THREAD, "text": "<!subteam^S1> do you know?"},
        {"thread_ts": THREAD, "text": "<!here> do you know?"},
        {"channel": "C0AUTO", "text": "<@U2> do you know?"},
        {"text": "&lt;@U0BOT&gt; typed, not meant"},
        {"text": "<@U0BOTH> When?"},
    ],
)
def test_what_people_say_to_each_other_is_theirs(changes: Json) -> None:
    assert read_message(said(**changes), HERE) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "U0BOT", "bot_id": "B0BOT"},
        {"user": "U0BOT"},
        {"user": None, "bot_id": "B0BOT", "subtype": "bot_message"},
        {"user": "U0OTHER", "bot_id": "B0OTHER"},
        {"user": "U0OTHER", "bot_profile": {"id": "B0OTHER"}},
        {"user": None, "bot_id": "B0OTHER", "subtype": "bot_message"},
        {"user": None},
        {"ts": None},
        {"channel": None},
        *(
            {"subtype": kind}
            for kind in ("channel_join", "channel_topic", "reminder_add", "pinned_item", "huddle_thread")
        ),
        {"subtype": "message_replied"},
        {"subtype": "assistant_app_thread"},
    ],
)
@pytest.mark.parametrize("channel_type", ["channel", "im"])
def test_bots_and_announcements_are_not_answered(changes: Json, channel_type: str) -> None:
    body = said(**({"text": "<@U0BOT> When?", "channel_type": channel_type} | changes))
    assert read_message(body, HERE) is None


def test_an_edit_is_a_newer_version_of_the_question() -> None:
    read = read_message(changed("<@U0BOT> When is it?", "<@U0BOT> Wen is it?"), HERE)
    assert isinstance(read, Edited)
    assert (read.asked.key, read.asked.version, read.asked.text) == (KEY, "1795360009.000000", "When is it?")
    assert read.asked.message == read.asked.thread == TS
    assert read.asked.trigger is Trigger.MENTION


def test_a_mention_that_comes_with_an_edit_is_that_edit() -> None:
    body = said("<@U0BOT> When is it?", type="app_mention", edited={"user": "U1", "ts": "1795360009.000000"})
    assert read_message(body, HERE) == read_message(changed("<@U0BOT> When is it?"), HERE)


@pytest.mark.parametrize(
    "body",
    [
        # Slack's own changes to a message: a link unfolded, a reply counted, a file taken away.
        changed("<@U0BOT> see", "<@U0BOT> see", edited=None, attachments=[{"id": 1}]),
        changed("<@U0BOT> see", "<@U0BOT> see", attachments=[{"id": 1}]),
        changed("<@U0BOT> see", "<@U0BOT> see", edited=None, reply_count=1),
        changed("<@U0BOT> Other words", "<@U0BOT> Words", edited=None),
        # The bot's.
        changed("<@U0BOT> yes", user="U0BOT"),
        changed("<@U0BOT> yes", user="U0OTHER", bot_id="B0BOT"),
        changed("<@U0BOT> yes", user="U0OTHER", bot_id="B0OTHER"),
        # To others.
        changed("Fine."),
        {"team_id": "T1", "event": {"type": "message", "subtype": "message_changed", "channel": "C1"}},
        {"team_id": "T1", "event": {}},
        {"team_id": "T1"},
    ],
)
def test_changes_that_are_nothing_to_the_bot(body: Json) -> None:
    assert read_message(body, HERE) is None


def test_a_deleted_question_is_known_by_its_key() -> None:
    assert read_message(deleted(), HERE) == Deleted(KEY)
    assert read_message(deleted(previous_message=None), HERE) == Deleted(KEY)


def test_what_is_left_of_a_question_with_replies_is_a_deletion() -> None:
    assert read_message(changed("This message was deleted.", user="USLACKBOT", subtype="tombstone"), HERE) == Deleted(
        KEY
    )


@pytest.mark.parametrize("own", [{"user": "U0BOT", "ts": TS}, {"bot_id": "B0BOT", "ts": TS}])
def test_the_bots_own_deletions_are_none(own: Json) -> None:
    assert read_message(deleted(previous_message=own), HERE) is None
    gone = changed("This message was deleted.", user="USLACKBOT", subtype="tombstone")
    gone["event"]["previous_message"] = own
    assert read_message(gone, HERE) is None


def test_a_command_is_a_question_that_is_answered_where_it_says() -> None:
    body = {
        "team_id": "T1",
        "channel_id": "C1",
        "user_id": "U1",
        "command": "/ask",
        "text": "When is &lt;it&gt;? <@U0BOT>",
        "trigger_id": "13345.222",
        "response_url": "https://hooks.example.org/1",
    }
    asked = read_command(body, HERE, 1795360000.5)
    assert (asked.key, asked.trigger, asked.text) == ("slack:T1:command:13345.222", Trigger.COMMAND, "When is <it>?")
    assert (asked.channel, asked.user, asked.address) == ("C1", "U1", "https://hooks.example.org/1")
    assert (asked.message, asked.thread, asked.asked_at) == ("", "", 1795360000.5)
    assert read_command(body | {"trigger_id": "13345.223"}, HERE, 0).key != asked.key


OPENED = {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "messages", "event_ts": TS}
STARTED = {
    "type": "assistant_thread_started",
    "assistant_thread": {"user_id": "U1", "channel_id": "D1", "thread_ts": THREAD, "context": {"channel_id": "C1"}},
}


def test_the_messages_tab_is_opened_for_the_first_time_once() -> None:
    asked = read_opened({"team_id": "T1", "event": OPENED}, 5.0)
    again = read_opened({"team_id": "T1", "event": OPENED | {"event_ts": THREAD}}, 9.0)
    assert asked is not None
    assert again is not None
    assert asked.key == again.key == "slack:T1:D1:panel"
    assert (asked.user, asked.channel, asked.thread, asked.trigger) == ("U1", "D1", "", Trigger.GREETING)


def test_every_thread_of_the_panel_begins_anew() -> None:
    asked = read_opened({"team_id": "T1", "event": STARTED}, 5.0)
    assert asked is not None
    assert asked.key == f"slack:T1:D1:{THREAD}:panel"
    assert (asked.user, asked.channel, asked.thread) == ("U1", "D1", THREAD)


@pytest.mark.parametrize("event", [OPENED | {"tab": "home"}, {**OPENED, "channel": ""}, {"type": "x"}, {}])
def test_other_pages_are_nothing_to_greet_on(event: Json) -> None:
    assert read_opened({"team_id": "T1", "event": event}, 5.0) is None


KINDS = st.sampled_from(
    ["message_changed", "message_deleted", "bot_message", "channel_join", "thread_broadcast", "", None]
)
WORDS = st.sampled_from(["<@U0BOT> a?", "a", "<@U0BOT", "<!channel>", "", "\ud800", "<|>", "<@U0BOT|b>"])
PEOPLE = st.sampled_from(["U1", "U0BOT", "USLACKBOT", "", None])
STAMPS = st.sampled_from([TS, "", None, "x", "1"])
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "user": PEOPLE,
        "ts": STAMPS,
        "text": st.one_of(WORDS, st.none()),
        "subtype": KINDS,
        "bot_id": st.sampled_from(["B0BOT", "B1", None]),
        "edited": st.sampled_from([None, {}, {"ts": TS}]),
        "thread_ts": STAMPS,
    },
)


@given(
    event=MESSAGES,
    extra=st.fixed_dictionaries(
        {},
        optional={
            "channel": st.sampled_from(["C1", "D1", "C0AUTO", "", None]),
            "channel_type": st.sampled_from(["im", "channel", None]),
            "message": st.one_of(MESSAGES, st.none()),
            "previous_message": st.one_of(MESSAGES, st.none()),
            "deleted_ts": STAMPS,
            "type": st.sampled_from(["message", "app_mention"]),
        },
    ),
)
def test_whatever_arrives_is_read_or_left(event: Json, extra: Json) -> None:
    read = read_message({"team_id": "T1", "event": event | extra}, HERE)
    if isinstance(read, Posted | Edited):
        assert read.asked.user not in ("", None, "U0BOT")
        assert read.asked.key == message_key("T1", read.asked.channel, read.asked.message)
        assert "U0BOT>" not in read.asked.text
        assert bool(read.asked.version) == isinstance(read, Edited)
    elif isinstance(read, Deleted):
        assert read.key.startswith("slack:T1:")
    else:
        assert read is None
