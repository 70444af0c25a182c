"""How Discord comes to know the commands."""

from __future__ import annotations

import logging

import pytest

from tests.bot.platforms.discord.seen import ABOUT, reply, response
from tests.standin.discord.faults import Error
from tests.standin.fonte import fonte


def registered(discord, guild: str = "") -> dict:
    return {command["name"]: command for command in discord.world.commands.get(guild, {}).values()}


def puts(discord) -> list[str]:
    return [call.path.rpartition(discord.application_id)[2] for call in discord.calls("PUT", "commands")]


async def test_commands_are_offered_everywhere_in_both_languages(discord, tmp_path):
    async with fonte(discord, tmp_path):
        known = registered(discord)
    assert list(known) == ["ask", "sources", ABOUT]
    for command in known.values():
        assert sorted(command["contexts"]) == [0, 1, 2]
        assert sorted(command["integration_types"]) == [0, 1]
        assert command["name_localizations"]["it"] != command["name"]
    assert [known[name]["description_localizations"]["it"] for name in ("ask", "sources")] == [
        "Chiedi ai documenti",
        "I documenti da cui vengono le risposte",
    ]
    question, alone = known["ask"]["options"]
    assert (question["name"], question["type"], question["required"], question["autocomplete"]) == (
        "question",
        3,
        True,
        True,
    )
    assert (alone["name"], alone["type"], alone.get("required", False)) == ("private", 5, False)
    for option in (question, alone):
        assert option["name_localizations"]["it"]
        assert option["description_localizations"]["it"]


async def test_commands_are_registered_only_when_they_changed(discord, tmp_path):
    w = discord.world
    for _ in range(2):
        async with fonte(discord, tmp_path):
            pass
    assert puts(discord) == ["/commands"]
    before = [command["id"] for command in w.commands[""].values()]
    w.commands[""][before[0]]["description"] = "As it was in an earlier version"
    async with fonte(discord, tmp_path):
        pass
    assert puts(discord) == ["/commands"] * 2
    assert list(w.commands[""]) == before
    assert registered(discord)["ask"]["description"] == "Ask the documents"


@pytest.mark.parametrize("way", ["to servers", "to everywhere", "to another server"])
async def test_a_change_of_where_commands_are_leaves_no_doubles(discord, tmp_path, way):
    w = discord.world
    other = w.add_guild("other")
    here, there = {"discord": {"guilds": [w.guild.id]}}, {"discord": {"guilds": [other.id]}}
    first, second = {"to servers": ({}, here), "to everywhere": (here, {}), "to another server": (here, there)}[way]
    async with fonte(discord, tmp_path, **first):
        pass
    async with fonte(discord, tmp_path, **second):
        pass
    where = {"to servers": [w.guild.id], "to everywhere": [""], "to another server": [other.id]}[way]
    assert [guild for guild in ("", w.guild.id, other.id) if registered(discord, guild)] == where
    count = len(puts(discord))
    async with fonte(discord, tmp_path, **second):
        asked = w.slash(
            w.alice, w.general if way != "to another server" else w.add_channel("x", guild=other), "sources"
        )
        await response(discord, asked)
    assert len(puts(discord)) == count


async def test_a_server_that_is_named_no_more_loses_its_commands(discord, tmp_path):
    w = discord.world
    other = w.add_guild("other")
    async with fonte(discord, tmp_path, discord={"guilds": [w.guild.id, other.id]}):
        assert registered(discord, other.id)
    async with fonte(discord, tmp_path, discord={"guilds": [w.guild.id]}):
        await discord.wait_for(lambda: not registered(discord, other.id))
        assert registered(discord, w.guild.id)


async def test_what_could_not_be_tidied_once_is_tidied_the_next_time(discord, tmp_path):
    w = discord.world
    async with fonte(discord, tmp_path, discord={"guilds": [w.guild.id]}):
        pass
    discord.fail("PUT /applications/{}/guilds/{}/commands", Error(50001))
    async with fonte(discord, tmp_path):
        await discord.wait_for(lambda: discord.calls("PUT", f"/guilds/{w.guild.id}/", handled=False))
    assert registered(discord, w.guild.id)
    async with fonte(discord, tmp_path):
        await discord.wait_for(lambda: not registered(discord, w.guild.id))
        assert registered(discord, "")


async def test_a_server_that_does_not_have_the_app_keeps_nobody_from_being_served(discord, tmp_path, caplog):
    w = discord.world
    foreign = w.add_guild("foreign", bot=False)
    with caplog.at_level(logging.WARNING, "bot"):
        async with fonte(discord, tmp_path, discord={"guilds": [foreign.id, w.guild.id]}):
            await reply(discord, w.say(w.alice, w.general, f"{w.mention} When is it?"))
    (warning,) = [record.getMessage() for record in caplog.records]
    assert foreign.id in warning
    assert "applications.commands" in warning
    assert list(registered(discord, w.guild.id)) == ["ask", "sources", ABOUT]
