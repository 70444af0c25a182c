"""What people do makes the events that Slack would send."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.standin.slack.model import Delivery
from tests.standin.slack.workspace import Workspace


@pytest.fixture
def workspace() -> Workspace:
    """On its own: what is sent is kept, and goes nowhere."""
    return Workspace()


def events(workspace: Workspace) -> list[dict[str, Any]]:
    return [delivery.payload["event"] for delivery in workspace.deliveries]


def test_a_mention_makes_two_events_in_either_order(workspace: Workspace) -> None:
    message = workspace.say(workspace.alice, workspace.general, f"{workspace.mention} how?")
    assert [event["type"] for event in events(workspace)] == ["message", "app_mention"]
    assert {event["ts"] for event in events(workspace)} == {message.ts}
    assert len({d.payload["event_id"] for d in workspace.deliveries}) == 2
    workspace.deliveries.clear()
    workspace.say(workspace.alice, workspace.general, f"{workspace.mention} how?", mention_first=True, copies=2)
    assert [event["type"] for event in events(workspace)] == ["app_mention"] * 2 + ["message"] * 2
    assert len({d.payload["event_id"] for d in workspace.deliveries}) == 2


def test_times_rise_and_never_repeat(workspace: Workspace) -> None:
    said = [workspace.say(workspace.alice, workspace.general, "x").ts for _ in range(50)]
    assert said == sorted(set(said))
    assert said[0] == "1700000001.000100"
    now = Workspace(epoch=None)
    stamps = [now.next_ts() for _ in range(50)]
    assert stamps == sorted(set(stamps))


def test_where_the_bot_is_not_nothing_is_heard(workspace: Workspace) -> None:
    closed = workspace.add_channel("closed", bot=False)
    workspace.say(workspace.alice, closed, "x")
    workspace.app.scopes.discard("im:history")
    workspace.say(workspace.alice, workspace.dm(workspace.alice), "x")
    workspace.app.subscriptions.discard("message.groups")
    workspace.say(workspace.alice, workspace.secret, "x")
    assert workspace.deliveries == []


def test_an_edit_shows_both_texts(workspace: Workspace) -> None:
    message = workspace.say(workspace.alice, workspace.general, "hwo?")
    workspace.edit(message, "how?")
    event = events(workspace)[-1]
    assert (event["subtype"], event["message"]["text"], event["previous_message"]["text"]) == (
        "message_changed",
        "how?",
        "hwo?",
    )
    assert event["message"]["edited"] == {"user": workspace.alice.id, "ts": message.edited}
    assert event["message"]["ts"] == message.ts != event["ts"]
    workspace.edit(message, f"{workspace.mention} how?")
    assert [event["type"] for event in events(workspace)][-2:] == ["message", "app_mention"]


def test_an_unfurl_is_no_edit(workspace: Workspace) -> None:
    message = workspace.say(workspace.alice, workspace.general, "see <https://example.org/>")
    workspace.unfurl(message)
    event = events(workspace)[-1]
    assert event["subtype"] == "message_changed"
    assert "edited" not in event["message"]
    assert event["message"]["text"] == event["previous_message"]["text"]
    assert event["message"]["attachments"]


def test_a_deleted_message_leaves_a_tombstone_while_it_has_replies(workspace: Workspace) -> None:
    question = workspace.say(workspace.alice, workspace.general, "how?")
    reply = workspace.say(workspace.bruno, workspace.general, "so", thread=question.ts)
    workspace.delete(question)
    event = events(workspace)[-1]
    assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")
    assert event["previous_message"]["text"] == "how?"
    assert [m.subtype for m in workspace.thread(workspace.general, question.ts)] == ["tombstone", ""]
    assert workspace.visible_messages(workspace.general) == [reply]
    workspace.delete(reply)
    assert [event["subtype"] for event in events(workspace)[-2:]] == ["message_deleted", "message_deleted"]
    assert workspace.thread(workspace.general, question.ts) == []


def test_a_deleted_message_without_replies_is_gone(workspace: Workspace) -> None:
    question = workspace.say(workspace.alice, workspace.general, "how?")
    workspace.delete(question)
    event = events(workspace)[-1]
    assert (event["subtype"], event["deleted_ts"]) == ("message_deleted", question.ts)
    assert workspace.message(workspace.general, question.ts) is None


def test_joins_other_bots_and_files_say_what_they_are(workspace: Workspace) -> None:
    workspace.join(workspace.bruno, workspace.general)
    workspace.bot_says(workspace.general, "beep")
    workspace.bot_says(workspace.general, "beep", classic=True)
    workspace.say(workspace.alice, workspace.general, "look", files=("a.txt",))
    subtypes = [event.get("subtype") for event in events(workspace)]
    assert subtypes == ["channel_join", None, "bot_message", "file_share"]
    assert [bool(event.get("bot_id")) for event in events(workspace)] == [False, True, True, False]


def test_the_panel_opens_on_a_thread_of_its_own(workspace: Workspace) -> None:
    workspace.app.agent = False
    thread = workspace.open_panel(workspace.alice, context=workspace.general)
    (event,) = events(workspace)
    assert event["assistant_thread"]["thread_ts"] == thread.ts
    assert event["assistant_thread"]["context"]["channel_id"] == workspace.general.id
    workspace.say(workspace.alice, thread.channel, "how?", thread=thread.ts)
    message = events(workspace)[-1]
    assert (message["channel_type"], message["thread_ts"]) == ("im", thread.ts)
    assert message["parent_user_id"] == workspace.app.user


async def test_the_bot_hears_itself(slack: Any, client: AsyncWebClient) -> None:
    workspace = slack.workspace
    posted = await client.chat_postMessage(channel=workspace.general.id, text="x")
    await client.chat_update(channel=workspace.general.id, ts=posted["ts"], text="y")
    await client.chat_delete(channel=workspace.general.id, ts=posted["ts"])
    assert [event.get("subtype") for event in events(workspace)] == [None, "message_changed", "message_deleted"]
    assert events(workspace)[0]["bot_id"] == workspace.app.bot


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


BUTTONS = {
    "type": "actions",
    "elements": [
        {"type": "button", "text": {"type": "plain_text", "text": "Yes"}, "action_id": "yes", "value": "v"},
    ],
}
FEEDBACK = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "rate",
            "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good"},
            "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad"},
        }
    ],
}
MODAL = {
    "type": "modal",
    "callback_id": "why",
    "private_metadata": "key",
    "title": {"type": "plain_text", "text": "Why?"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {
                "type": "radio_buttons",
                "action_id": "choice",
                "options": [{"text": {"type": "plain_text", "text": "Wrong"}, "value": "wrong"}],
            },
        },
        {
            "type": "input",
            "block_id": "more",
            "optional": True,
            "label": {"type": "plain_text", "text": "More"},
            "element": {"type": "plain_text_input", "action_id": "comment"},
        },
    ],
}


async def test_people_click_what_is_there(slack: Any, client: AsyncWebClient) -> None:
    workspace = slack.workspace
    await client.chat_postMessage(channel=workspace.general.id, text="x", blocks=[BUTTONS, FEEDBACK])
    (message,) = workspace.answers(workspace.general)
    body = workspace.click(workspace.alice, message, "yes").payload
    assert (body["type"], body["actions"][0]["value"], body["message"]["ts"]) == ("block_actions", "v", message.ts)
    assert body["actions"][0]["block_id"] == message.blocks[0]["block_id"]
    assert workspace.click(workspace.alice, message, "rate", value="bad").payload["actions"][0]["value"] == "bad"
    for wrong in ({"action_id": "no"}, {"action_id": "rate", "value": "so-so"}):
        with pytest.raises(LookupError):
            workspace.click(workspace.alice, message, **wrong)


async def test_a_modal_opens_once_and_is_filled_in(slack: Any, client: AsyncWebClient) -> None:
    workspace = slack.workspace
    trigger = workspace.slash(workspace.alice, workspace.general, "how?").payload["trigger_id"]
    await client.views_open(trigger_id=trigger, view=MODAL)
    assert await refused(client.views_open(trigger_id=trigger, view=MODAL)) == "exchanged_trigger_id"
    assert await refused(client.views_open(trigger_id="made up", view=MODAL)) == "invalid_arguments"
    with pytest.raises(LookupError):
        workspace.submit(workspace.alice, values={"comment": "x"})
    delivery: Delivery = workspace.submit(workspace.alice, values={"choice": "wrong", "comment": "x"})
    view = delivery.payload["view"]
    assert (view["callback_id"], view["private_metadata"]) == ("why", "key")
    assert view["state"]["values"]["more"]["comment"]["value"] == "x"
    assert view["state"]["values"]["reason"]["choice"]["selected_option"]["value"] == "wrong"


async def test_triggers_last_three_seconds_and_titles_24_characters(slack: Any, client: AsyncWebClient) -> None:
    workspace = slack.workspace
    trigger = workspace.slash(workspace.alice, workspace.general, "how?").payload["trigger_id"]
    long = MODAL | {"title": {"type": "plain_text", "text": "x" * 25}}
    assert await refused(client.views_open(trigger_id=trigger, view=long)) == "invalid_blocks"
    late = workspace.slash(workspace.alice, workspace.general, "how?").payload["trigger_id"]
    workspace.advance(3.1)
    assert await refused(client.views_open(trigger_id=late, view=MODAL)) == "expired_trigger_id"
    assert workspace.views == []
