"""Every door through which words of a document come out in Discord: none of a private one, but where it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.markup.discord import Button
from bot.markup.discord_forms import COMMENT, REASON
from bot.messages import messages_in
from tests.bot.platforms.discord.seen import ABOUT, answers, form, private, read, reply, response, rest
from tests.bot.sets.house import PRIVATE, PUBLIC, SUGGESTED, House, holds_canary, house, places
from tests.standin.discord.faults import Error
from tests.standin.discord.model import Channel, Message
from tests.standin.discord.server import DiscordServer

EN = messages_in("en")


async def mention(discord: DiscordServer, bot: House, channel: Channel, text: str = PRIVATE) -> Message:
    w = discord.world
    answer = await reply(discord, w.say(w.alice, channel, f"{w.mention} {text}"))
    await rest(discord, bot.bot)
    return answer


async def answered_reply(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w, first = discord.world, await mention(discord, bot, channel, PUBLIC)
    await reply(discord, w.say(w.alice, channel, PRIVATE, reply_to=first))


async def edit(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w = discord.world
    question = w.say(w.alice, channel, f"{w.mention} {PUBLIC}")
    answer = await reply(discord, question)
    await rest(discord, bot.bot)
    w.edit(question, f"{w.mention} {PRIVATE}")
    await discord.wait_for(lambda: "The office opens" not in read(answer) or holds_canary(read(answer)))


async def command(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w = discord.world
    await response(discord, w.slash(w.alice, channel, "ask", {"question": PRIVATE}))


async def alone(discord: DiscordServer, bot: House, channel: Channel) -> Message:
    w = discord.world
    answer = await response(discord, w.slash(w.alice, channel, "ask", {"question": PRIVATE, "private": True}))
    await rest(discord, bot.bot)
    return answer


async def about(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w = discord.world
    said = w.say(w.bruno, channel, PRIVATE)
    await response(discord, w.context_menu(w.alice, channel, ABOUT, said))


async def shared(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w = discord.world
    w.click(w.alice, await alone(discord, bot, channel), Button.SHARE)
    await answers(discord, channel)


async def listed(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w = discord.world
    shown = await response(discord, w.slash(w.alice, channel, "sources"))
    assert "guide.md" in read(shown)


async def completed(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w = discord.world
    await bot.suggestions()
    for typed in ("", "axolotl"):
        asked = w.autocomplete(w.alice, channel, "ask", typed)
        await discord.wait_for(lambda asked=asked: asked.choices is not None)


async def thread(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w = discord.world
    opened = w.open_thread(w.alice, channel)
    await mention(discord, bot, opened)
    await listed(discord, bot, opened)


async def rated(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w, answer = discord.world, await mention(discord, bot, channel)
    opened = await form(discord, w.bruno, answer)
    w.submit(w.bruno, opened, {REASON: "wrong", COMMENT: "It was more."})
    w.click(w.alice, answer, Button.HELPFUL)


async def escalated(discord: DiscordServer, bot: House, channel: Channel) -> None:
    w, answer = discord.world, await mention(discord, bot, channel)
    w.click(w.bruno, answer, Button.ASK_PERSON)


DOORS: dict[str, Callable[[DiscordServer, House, Channel], Awaitable[Any]]] = {
    "a mention": mention,
    "a reply": answered_reply,
    "an edit": edit,
    "a command": command,
    "a private command": alone,
    "a command on a message": about,
    "an answer that is shared": shared,
    "the list of documents": listed,
    "questions suggested while typing": completed,
    "a thread": thread,
    "feedback": rated,
    "a question to a person": escalated,
}


@pytest.mark.parametrize("door", DOORS)
async def test_a_private_document_comes_through_no_door_but_where_it_is_given(discord, folder, door):
    w = discord.world
    given, desk = w.add_channel("given"), w.add_channel("desk")
    chosen = {
        "sets": {given.id: ["hr", "default"]},
        "feedback_channel": desk.id,
        "escalation_channel": desk.id,
    }
    async with house(discord, folder, discord=chosen) as bot:
        await DOORS[door](discord, bot, w.general)
        await rest(discord, bot.bot)
        assert places(discord) == set()
        await DOORS[door](discord, bot, given)
        await rest(discord, bot.bot)
        threads = {channel.id for channel in w.channels.values() if channel.parent == given.id}
        assert places(discord) == (threads or {given.id})


async def test_a_channel_goes_before_its_server_and_a_thread_before_its_channel(discord, folder):
    w = discord.world
    other = w.add_guild("other")
    inside, lobby = w.add_channel("inside", guild=other), w.add_channel("lobby", guild=other)
    opened = w.open_thread(w.alice, w.general)
    given = {other.id: ["hr"], lobby.id: "default", opened.id: ["hr"]}
    async with house(discord, folder, discord={"sets": given}) as bot:
        for place in (inside, w.open_thread(w.alice, inside), opened):
            assert holds_canary(read(await mention(discord, bot, place))), place.name
        discord.rest.calls.clear()
        for place in (lobby, w.open_thread(w.alice, lobby), w.general, w.open_thread(w.alice, w.general)):
            await mention(discord, bot, place)
            await alone(discord, bot, place)
            await listed(discord, bot, place)
        await reply(discord, w.say(w.alice, w.dm(w.alice), PRIVATE))
        await response(discord, w.slash(w.alice, w.dm(w.alice), "ask", {"question": PRIVATE}))
        await listed(discord, bot, w.dm(w.alice))
        await rest(discord, bot.bot)
        assert places(discord) == set()


async def test_a_place_that_discord_does_not_tell_of_is_not_given_what_its_server_is(discord, folder):
    """It may be a thread of a channel that is given less."""
    w = discord.world
    closed = w.open_thread(w.alice, w.general)
    w.archive(closed)
    async with house(discord, folder, discord={"sets": {w.guild.id: ["hr"], w.general.id: "default"}}) as bot:
        closed.archived = False  # and nobody says so
        fault = discord.fail("GET /channels/{}", Error(50001))
        await mention(discord, bot, closed)
        assert fault.used_up
        assert places(discord) == set()


async def test_a_thread_that_is_given_more_than_its_channel_leaks_nothing_beside_it(discord, folder):
    w = discord.world
    async with house(discord, folder, discord={"threads": True}) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} {PUBLIC}")
        await discord.wait_for(lambda: question.thread and w.answers(w.channels[question.thread]))
        await rest(discord, bot.bot)
    given = {question.thread: ["hr"]}
    async with house(discord, folder, discord={"threads": True, "sets": given}) as bot:
        # It would go to the channel, were the thread gone.
        w.edit(question, f"{w.mention} {PRIVATE}")
        await rest(discord, bot.bot)
        assert places(discord) == set()
        assert holds_canary(read(await mention(discord, bot, w.channels[question.thread])))


async def test_a_desk_that_is_not_given_the_documents_gets_a_link_alone(discord, folder):
    w = discord.world
    desk, given = w.add_channel("desk"), w.add_channel("given")
    # That of its server does not count: a desk may be in another one than the question.
    sets = {given.id: ["hr"], w.guild.id: ["hr"]}
    chosen = {"sets": sets, "feedback_channel": desk.id, "escalation_channel": desk.id}
    async with house(discord, folder, discord=chosen) as bot:
        answer = await mention(discord, bot, given, SUGGESTED)
        assert holds_canary(read(answer))
        opened = await form(discord, w.bruno, answer)
        w.submit(w.bruno, opened, {REASON: "wrong", COMMENT: "It was 4,712 zebrafink coins."})
        await rest(discord, bot.bot)
        w.click(w.bruno, answer, Button.ASK_PERSON)
        posts = await answers(discord, desk, 2)
        await rest(discord, bot.bot)
        for post in posts:
            assert EN.withheld in read(post)
            assert EN.to_answer in read(post)
        assert places(discord) == {given.id}


async def test_a_private_answer_that_comes_too_late_is_not_said_by_direct_message(discord, folder):
    w = discord.world
    given = w.add_channel("given")
    async with house(discord, folder, discord={"sets": {given.id: ["hr"]}}) as bot:
        slots = bot.bot.core.dispatcher._composer._slots = asyncio.Semaphore(0)
        late = w.slash(w.alice, given, "ask", {"question": PRIVATE, "private": True})
        await discord.wait_for(lambda: late.state == "deferred")
        w.expire(late)
        slots.release()
        (said,) = await answers(discord, w.dm(w.alice))
        await rest(discord, bot.bot)
        assert read(said) == EN.withheld
        # The answer was made, and its words were offered to Discord in the place where they belong.
        assert places(discord) == {given.id}


async def test_the_settings_that_hold_when_a_button_is_pressed_decide(discord, folder):
    w = discord.world
    desk, given, other = w.add_channel("desk"), w.add_channel("given"), w.add_channel("other")
    chosen = {"feedback_channel": desk.id, "escalation_channel": desk.id}
    async with house(discord, folder, discord=chosen | {"sets": {given.id: ["hr"]}}) as bot:
        kept, answer = await alone(discord, bot, given), await mention(discord, bot, given)
    discord.rest.calls.clear()
    async with house(discord, folder, discord=chosen | {"sets": {other.id: ["hr"]}}) as bot:
        w.click(w.alice, kept, Button.SHARE)
        await discord.wait_for(lambda: EN.not_shared in map(read, private(discord, w.alice)))
        for button in (Button.HELPFUL, Button.NOT_HELPFUL, Button.ASK_PERSON):
            w.click(w.bruno, answer, button)
        await answers(discord, desk, 2)
        await rest(discord, bot.bot)
        assert places(discord) == set()
