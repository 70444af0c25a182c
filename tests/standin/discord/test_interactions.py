"""Commands, clicks and modals, answered by the real client."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from discord import app_commands

from tests.standin.discord import permissions as may
from tests.standin.discord.clients import Client, running
from tests.standin.discord.model import Interaction
from tests.standin.discord.server import DiscordServer
from tests.standin.discord.world import World

Use = discord.Interaction[Any]


class Feedback(discord.ui.Modal, title="What is wrong?"):
    why: discord.ui.Label[Any] = discord.ui.Label(
        text="Why",
        component=discord.ui.RadioGroup(
            custom_id="why",
            options=[discord.RadioGroupOption(label=name, value=name) for name in ("old", "false")],
        ),
    )
    words: discord.ui.Label[Any] = discord.ui.Label(
        text="In words", component=discord.ui.TextInput(custom_id="words", required=False)
    )

    async def on_submit(self, interaction: Use) -> None:
        assert isinstance(self.why.component, discord.ui.RadioGroup)
        await interaction.response.send_message(f"noted: {self.why.component.value}", ephemeral=True)


class Buttons(discord.ui.View):
    @discord.ui.button(label="More", custom_id="more:1")
    async def more(self, interaction: Use, button: Any) -> None:
        await interaction.response.edit_message(content="more", view=None)

    @discord.ui.button(label="Why", custom_id="why:1")
    async def why(self, interaction: Use, button: Any) -> None:
        await interaction.response.send_modal(Feedback())

    @discord.ui.button(label="Later", custom_id="later:1")
    async def later(self, interaction: Use, button: Any) -> None:
        await interaction.response.defer()
        await interaction.followup.send("here", ephemeral=True)


def bot() -> Client:
    client = Client()

    @client.tree.command(description="Ask")
    @app_commands.allowed_installs(guilds=True, users=True)
    async def ask(interaction: Use, question: str, private: bool = False) -> None:
        await interaction.response.defer(ephemeral=private, thinking=True)
        await interaction.edit_original_response(content=f"{interaction.locale}: {question}", view=Buttons())
        await interaction.followup.send("and more", ephemeral=private)

    @ask.autocomplete("question")
    async def complete(interaction: Use, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{typed}?", value=typed)]

    @client.tree.context_menu(name="Ask about this")
    async def about(interaction: Use, message: discord.Message) -> None:
        await interaction.response.send_message(f"about {message.content}")

    @client.tree.command(description="Never answers")
    async def silent(interaction: Use) -> None:
        """It does nothing."""

    return client


async def answered(server: DiscordServer, interaction: Interaction) -> Interaction:
    await server.wait_for(lambda: interaction.state not in ("pending", "deferred"))
    return interaction


@pytest.mark.parametrize("private", [False, True])
async def test_a_command_is_deferred_and_answered(server: DiscordServer, world: World, private: bool) -> None:
    async with running(server, bot()):
        asked = world.slash(world.bruno, world.general, "ask", {"question": "how", "private": private})
        assert asked.state == "pending"
        await answered(server, asked)
        await server.wait_for(lambda: asked.followups)
    assert (asked.state, asked.shown, asked.ephemeral, asked.callback) == ("answered", "it: how", private, 5)
    assert asked.response is not None
    assert asked.response.type == 20
    shown = world.ephemerals(world.bruno) if private else world.answers(world.general)
    assert [message.shown for message in shown] == ["it: how", "and more"]
    assert world.ephemerals(world.alice) == []
    payload = asked.payload
    assert (payload["context"], payload["guild_locale"], payload["locale"]) == (0, "en-US", "it")
    assert payload["authorizing_integration_owners"] == {"0": world.guild.id}
    names = [call.name for call in server.calls("", "interactions") + server.calls("", "webhooks")]
    assert names == ["POST /interactions/{}/{}/callback", "PATCH /webhooks/{}/{}/messages/{}", "POST /webhooks/{}/{}"]


async def test_suggestions_and_menus(server: DiscordServer, world: World) -> None:
    message = world.say(world.alice, world.general, "the plan")
    async with running(server, bot()):
        completing = await answered(server, world.autocomplete(world.alice, world.general, "ask", "how"))
        picked = await answered(server, world.context_menu(world.alice, world.general, "Ask about this", message))
    assert completing.choices is not None
    assert [choice["name"] for choice in completing.choices] == ["how?"]
    assert picked.shown == "about the plan"
    assert picked.response is not None
    assert (picked.response.type, world.replies_to(message)) == (23, [picked.response])


async def test_buttons_and_modals(server: DiscordServer, world: World) -> None:
    async with running(server, bot()):
        asked = await answered(server, world.slash(world.alice, world.general, "ask", {"question": "how"}))
        message = asked.response
        assert message is not None
        later = await answered(server, world.click(world.alice, message, "later:"))
        await server.wait_for(lambda: later.followups)
        opened = await answered(server, world.click(world.alice, message, lambda name: name.startswith("why")))
        assert opened.modal is not None
        with pytest.raises(LookupError, match="why"):
            world.submit(world.alice, opened, {"why": "new"})
        with pytest.raises(LookupError, match="no modal"):
            world.submit(world.bruno, opened, {"why": "old"})
        sent = await answered(server, world.submit(world.alice, opened, {"why": "old"}))
        more = await answered(server, world.click(world.alice, message, "more:1"))
    assert (later.callback, opened.callback, sent.callback, more.callback) == (6, 9, 4, 7)
    assert [m.shown for m in world.ephemerals(world.alice)] == ["here", "noted: old"]
    assert (message.shown, message.buttons, message.history) == ("more", [], ["en-US: how"])
    with pytest.raises(LookupError, match="nothing to use"):
        world.click(world.alice, message, "more:1")


async def test_what_is_not_answered_in_time_has_failed(server: DiscordServer, world: World) -> None:
    async with running(server, bot()):
        asked = world.slash(world.alice, world.general, "silent")
        assert asked.state == "pending"
        world.advance(3.1)
        await server.settled()
    assert asked.state == "failed"


async def test_people_are_offered_what_is_registered(server: DiscordServer, world: World) -> None:
    async with running(server, bot()):
        for options in ({}, {"question": 1}, {"question": "x", "more": True}):
            with pytest.raises(LookupError):
                world.slash(world.alice, world.general, "ask", options)
        with pytest.raises(LookupError, match="no command"):
            world.slash(world.alice, world.general, "nothing")
        with pytest.raises(LookupError, match="kind of installation"):
            world.slash(world.alice, world.general, "silent", user_install=True)


async def test_the_app_in_somebodys_pocket(server: DiscordServer, world: World) -> None:
    elsewhere = world.add_channel("elsewhere", guild=world.add_guild("other", bot=False))
    async with running(server, bot()) as client:
        there = world.slash(world.alice, elsewhere, "ask", {"question": "x"}, user_install=True)
        pair = world.private(world.alice, world.bruno)
        here = world.slash(world.alice, pair, "ask", {"question": "y"}, user_install=True)
        await answered(server, there)
        await answered(server, here)
        assert client.get_guild(int(elsewhere.guild)) is None
    assert (there.payload["authorizing_integration_owners"], there.payload["context"]) == ({"1": world.alice.id}, 0)
    assert (here.payload["context"], here.payload["user"]["id"]) == (2, world.alice.id)
    assert [message.shown for message in world.answers(pair)][:1] == ["en-US: y"]


# -- as they are


@pytest.fixture
async def asked(api: Any, world: World) -> Interaction:
    command = {"name": "ask", "description": "Ask", "options": [{"type": 3, "name": "question", "description": "What"}]}
    await api("PUT", f"/applications/{world.application_id}/commands", [command])
    return world.slash(world.alice, world.general, "ask")


async def respond(api: Any, interaction: Interaction, kind: int, query: str = "", **data: Any) -> tuple[int, Any]:
    path = f"/interactions/{interaction.id}/{interaction.token}/callback{query}"
    status, body = await api("POST", path, {"type": kind, "data": data})
    return status, body


async def test_an_interaction_is_acknowledged_once(api: Any, world: World, asked: Interaction) -> None:
    path = f"/webhooks/{world.application_id}/{asked.token}/messages/@original"
    assert (await api("GET", path))[1]["code"] == 10015
    assert await respond(api, asked, 5, flags=64) == (204, None)
    assert asked.state == "deferred"
    assert (await respond(api, asked, 4, content="x"))[1]["code"] == 40060
    _, body = await api("GET", path)
    assert body["flags"] == 64 | 128
    _, body = await api("PATCH", path, {"flags": 1 << 15, "components": [{"type": 10, "content": "done"}]})
    assert body["flags"] == 64 | 1 << 15
    assert (asked.state, asked.shown, asked.ephemeral) == ("answered", "done", True)
    assert (await api("DELETE", path))[0] == 204
    assert (await api("PATCH", path, {"content": "x"}))[1]["code"] == 10008


async def test_a_callback_tells_of_its_message(api: Any, world: World, asked: Interaction) -> None:
    _, body = await respond(api, asked, 4, "?with_response=true", content="x")
    assert body["interaction"]["response_message_id"] == body["resource"]["message"]["id"]
    assert body["resource"]["type"] == 4
    other = world.slash(world.alice, world.dm(world.alice), "ask")
    assert (other.payload["context"], other.payload["authorizing_integration_owners"]) == (1, {"0": "0"})
    _, body = await respond(api, other, 5, "?with_response=true")
    assert (body["interaction"]["response_message_loading"], body["resource"]) == (True, {"type": 5})


async def test_an_app_that_one_person_brought_along_says_little(api: Any, world: World) -> None:
    command = {"name": "ask", "description": "Ask", "integration_types": [1]}
    await api("PUT", f"/applications/{world.application_id}/commands", [command])
    elsewhere = world.add_channel("elsewhere", guild=world.add_guild("other", bot=False))
    world.deny(elsewhere, may.USE_EXTERNAL_APPS, who=world.alice)
    asked = world.slash(world.alice, elsewhere, "ask", user_install=True)
    await respond(api, asked, 4, content="x")
    assert asked.ephemeral
    path = f"/webhooks/{world.application_id}/{asked.token}"
    codes = [(await api("POST", path, {"content": "x"}))[1].get("code") for _ in range(6)]
    assert codes == [None] * 5 + [40094]


async def test_time_runs_out(api: Any, world: World, asked: Interaction) -> None:
    world.advance(3.5)
    assert (await respond(api, asked, 5))[1]["code"] == 10062
    other = world.slash(world.alice, world.general, "ask")
    await respond(api, other, 5)
    world.advance(15 * 60)
    path = f"/webhooks/{world.application_id}/{other.token}"
    assert (await api("PATCH", f"{path}/messages/@original", {"content": "x"})) == (
        401,
        {"message": "Invalid Webhook Token", "code": 50027},
    )
    assert other.state == "failed"
    last = world.slash(world.alice, world.general, "ask")
    world.expire(last)
    assert (await respond(api, last, 5))[1]["code"] == 10062
    assert (await api("POST", "/interactions/1/x/callback", {"type": 5}))[1]["code"] == 10062


async def test_the_first_message_after_a_deferral_takes_its_place(api: Any, world: World, asked: Interaction) -> None:
    await respond(api, asked, 5)
    path = f"/webhooks/{world.application_id}/{asked.token}"
    _, first = await api("POST", path, {"content": f"{world.bruno.mention} @everyone", "flags": 64})
    _, second = await api("POST", path, {"content": "two"})
    assert asked.response is not None
    assert (first["id"], asked.followups[0].id) == (asked.response.id, second["id"])
    assert asked.response.mentions_called.users == [world.bruno.id]
    assert [message.shown for message in world.answers(world.general)][1:] == ["two"]


async def test_what_is_wrong_with_an_answer_is_said_where_it_stands(api: Any, asked: Interaction) -> None:
    _, body = await respond(api, asked, 4, content="x" * 2001)
    assert list(body["errors"]["data"]) == ["content"]
    _, body = await respond(api, asked, 7, content="x")
    assert list(body["errors"]) == ["type"]
    label = {"type": 18, "label": "Why", "component": {"type": 21, "custom_id": "why", "options": []}}
    _, body = await respond(api, asked, 9, title="x" * 46, custom_id="m", components=[label])
    assert list(body["errors"]["data"]) == ["title", "components"]
    assert asked.state == "pending"
