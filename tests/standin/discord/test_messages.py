"""Messages over the API: what Discord takes, refuses, keeps and pings."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import discord
import pytest

from tests.standin.discord import permissions as may
from tests.standin.discord.content import UPLOAD
from tests.standin.discord.model import COMPONENTS_V2, SUPPRESS_EMBEDS, Pings
from tests.standin.discord.server import DiscordServer
from tests.standin.discord.world import World

V2 = COMPONENTS_V2


def text(content: str, **fields: Any) -> dict[str, Any]:
    return {"type": 10, "content": content} | fields


def button(custom_id: str, **fields: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Yes", "custom_id": custom_id} | fields


def leaves(errors: Any, where: str = "") -> dict[str, str]:
    """Codes of a tree of errors, by path."""
    found = {}
    for name, inside in errors.items():
        if name == "_errors":
            found[where] = inside[0]["code"]
        else:
            found |= leaves(inside, f"{where}.{name}".strip("."))
    return found


async def test_the_real_client_sends_edits_reads_and_deletes(server: DiscordServer, world: World) -> None:
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login(server.token)
        channel = await client.fetch_channel(int(world.general.id))
        assert isinstance(channel, discord.TextChannel)
        sent = await channel.send("one", nonce="n1")
        await sent.edit(content="two")
        assert [m.content async for m in channel.history()] == ["two"]
        await sent.add_reaction("👀")
        (message,) = world.answers(world.general)
        assert (message.id, message.shown, message.history) == (str(sent.id), "two", ["one"])
        assert message.reactions == {"👀": [world.bot.id]}
        await sent.delete()
    assert world.answers(world.general) == []
    assert [call.status for call in server.calls("", "messages")] == [200, 200, 200, 204, 204]
    assert server.violations == []


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"content": "x" * 2001}, {"content": "BASE_TYPE_MAX_LENGTH"}),
        ({"content": "x", "nonce": "n" * 26}, {"nonce": "BASE_TYPE_MAX_LENGTH"}),
        ({"embeds": [{"description": "x" * 4097}]}, {"embeds.0.description": "BASE_TYPE_MAX_LENGTH"}),
        (
            {"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]},
            {"embeds": "MAX_EMBED_SIZE_EXCEEDED"},
        ),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            {"allowed_mentions": "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"},
        ),
        ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, {"allowed_mentions.parse.0": "BASE_TYPE_CHOICES"}),
        ({"content": "x", "message_reference": {"message_id": "1"}}, {"message_reference": "REPLIES_UNKNOWN_MESSAGE"}),
        (
            {"flags": V2, "content": "x", "components": [text("y")]},
            {"content": "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"},
        ),
        (
            {"flags": V2, "components": [text("x" * 2001), text("x" * 2000)]},
            {"components": "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"},
        ),
        (
            {"flags": V2, "components": [{"type": 17, "components": [text("x")] * 39}, text("y")]},
            {"components": "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED"},
        ),
        ({"content": "x", "components": [text("y")]}, {"components.0.type": "BASE_TYPE_CHOICES"}),
        (
            {"content": "x", "components": [{"type": 1, "components": [button(str(n)) for n in range(6)]}]},
            {"components.0.components": "BASE_TYPE_BAD_LENGTH"},
        ),
        (
            {"content": "x", "components": [{"type": 1, "components": [button("a"), button("a")]}]},
            {"components": "COMPONENT_CUSTOM_ID_DUPLICATED"},
        ),
        (
            {"content": "x", "components": [{"type": 1, "components": [button("a" * 101, label="x" * 81)]}]},
            {
                "components.0.components.0.custom_id": "BASE_TYPE_MAX_LENGTH",
                "components.0.components.0.label": "BASE_TYPE_MAX_LENGTH",
            },
        ),
        ({"flags": V2, "components": [text("x", id=7), text("y", id=7)]}, {"components": "COMPONENT_ID_DUPLICATED"}),
        ({"flags": V2, "components": [text("x", id=2**31)]}, {"components.0.id": "NUMBER_TYPE_MAX"}),
        (
            {"flags": V2, "components": [{"type": 13, "file": {"url": "attachment://a.txt"}}]},
            {"components.0.file.url": "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"},
        ),
        (
            {"flags": V2, "components": [{"type": 9, "components": [text("x")], "accessory": text("y")}]},
            {"components.0.accessory.type": "BASE_TYPE_CHOICES"},
        ),
    ],
)
async def test_what_is_over_a_limit_is_refused(
    api: Any, server: DiscordServer, world: World, body: Any, errors: Any
) -> None:
    status, answer = await api("POST", f"/channels/{world.general.id}/messages", body)
    assert (status, answer["code"], leaves(answer["errors"])) == (400, 50035, errors)
    assert world.answers(world.general) == []
    assert server.calls("POST", "messages")[0].code == 50035


@pytest.mark.parametrize("body", [{}, {"content": " \n"}, {"flags": V2}, {"flags": V2, "components": []}])
async def test_nothing_is_no_message(api: Any, world: World, body: Any) -> None:
    status, answer = await api("POST", f"/channels/{world.general.id}/messages", body)
    assert (status, answer["code"]) == (400, 50006)


async def test_components_are_shown_and_keep_their_form(api: Any, world: World) -> None:
    path = f"/channels/{world.general.id}/messages"
    inside = [
        text("# Answer"),
        {"type": 14},
        {"type": 9, "components": [text(r"3\. May")], "accessory": button("more")},
    ]
    _, sent = await api(
        "POST", path, {"flags": V2 | SUPPRESS_EMBEDS, "components": [{"type": 17, "components": inside}]}
    )
    (message,) = world.answers(world.general)
    assert message.shown == "# Answer\n3. May"
    assert message.texts == ["# Answer", r"3\. May"]
    assert [b["custom_id"] for b in message.buttons] == ["more"]
    assert [part["id"] for part in sent["components"][0]["components"]] == [2, 3, 4]
    status, answer = await api("PATCH", f"{path}/{message.id}", {"flags": 0})
    assert leaves(answer["errors"]) == {"flags": "MESSAGE_FLAGS_COMPONENTS_V2_CANNOT_BE_REMOVED"}
    status, _ = await api("PATCH", f"{path}/{message.id}", {"components": [text("Done")]})
    assert (status, message.shown, message.history) == (200, "Done", ["# Answer\n3. May"])


async def test_an_edit_may_turn_text_into_components(api: Any, world: World) -> None:
    path = f"/channels/{world.general.id}/messages"
    _, sent = await api("POST", path, {"content": "wait"})
    status, answer = await api("PATCH", f"{path}/{sent['id']}", {"flags": V2, "components": [text("x")]})
    assert (status, list(answer["errors"])) == (400, ["content"])
    body = {"flags": V2, "content": None, "components": [text("x")]}
    status, answer = await api("PATCH", f"{path}/{sent['id']}", body)
    assert (status, answer["content"], answer["edited_timestamp"] is not None) == (200, "", True)


async def test_a_nonce_that_is_enforced_makes_one_message(api: Any, world: World) -> None:
    path = f"/channels/{world.general.id}/messages"
    body = {"content": "one", "nonce": "n", "enforce_nonce": True}
    _, first = await api("POST", path, body)
    await api("PATCH", f"{path}/{first['id']}", {"content": "edited"})
    _, second = await api("POST", path, body | {"content": "two"})
    assert (first["nonce"], second["nonce"], second["id"]) == ("n", "n", first["id"])
    assert [message.shown for message in world.answers(world.general)] == ["edited"]
    _, history = await api("GET", path)
    assert "nonce" not in history[0]
    await api("POST", path, body | {"enforce_nonce": False})
    world.advance(600)
    await api("POST", path, body)
    assert len(world.answers(world.general)) == 3


async def test_files_travel_with_a_message(server: DiscordServer, world: World) -> None:
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login(server.token)
        channel = client.get_partial_messageable(int(world.general.id))
        view = discord.ui.LayoutView()
        view.add_item(discord.ui.File("attachment://list.txt"))
        await channel.send(view=view, file=discord.File(io.BytesIO(b"a\nb"), "list.txt", description="A list"))
        (message,) = world.answers(world.general)
        with pytest.raises(discord.HTTPException) as caught:
            await channel.send(file=discord.File(io.BytesIO(b"x" * (UPLOAD + 1)), "large"))
    assert (caught.value.status, caught.value.code) == (413, 40005)
    (file,) = message.files
    assert (file.name, file.content, file.description) == ("list.txt", b"a\nb", "A list")


@pytest.mark.parametrize(
    ("allowed", "called"),
    [
        (None, "alice dev everyone"),
        ({"parse": []}, ""),
        ({"parse": ["users"]}, "alice"),
        ({"roles": ["dev"]}, "dev"),
        ({"users": ["bruno"]}, ""),
        ({"parse": [], "replied_user": True}, "bruno"),
    ],
)
async def test_whom_a_message_calls(api: Any, world: World, allowed: Any, called: str) -> None:
    role = world.add_role("dev", world.alice)
    world.permit(world.bot_role, may.MENTION_EVERYONE)
    names = {"alice": world.alice.id, "bruno": world.bruno.id, "dev": role.id}
    if allowed is not None:
        allowed = {k: [names.get(x, x) for x in v] if isinstance(v, list) else v for k, v in allowed.items()}
    original = world.say(world.bruno, world.general, "hello")
    content = f"{world.alice.mention} {role.mention} @everyone `{world.bruno.mention}`"
    body = {"content": content, "message_reference": {"message_id": original.id}}
    body |= {} if allowed is None else {"allowed_mentions": allowed}
    await api("POST", f"/channels/{world.general.id}/messages", body)
    (message,) = world.replies_to(original)
    pings = message.mentions_called
    expected = called.split()
    people = [names[name] for name in expected if name in ("alice", "bruno")] + [world.bruno.id] * (allowed is None)
    assert pings == Pings(people, [role.id] * ("dev" in expected), "everyone" in expected)


async def test_roles_and_everyone_need_permission(api: Any, world: World) -> None:
    role = world.add_role("dev", world.alice)
    await api("POST", f"/channels/{world.general.id}/messages", {"content": f"{role.mention} @here"})
    assert not world.answers(world.general)[0].mentions_called


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/channels/1", 404, 10003),
        ("GET", "/channels/{general}/messages/1", 404, 10008),
        ("GET", "/channels/{secret}", 403, 50001),
        ("POST", "/channels/{secret}/messages", 403, 50001),
        ("POST", "/channels/{random}/messages", 403, 50013),
        ("POST", "/channels/{random}/typing", 403, 50013),
        ("POST", "/channels/{dm}/messages", 403, 50007),
        ("PATCH", "/channels/{general}/messages/{alice}", 403, 50005),
        ("DELETE", "/channels/{general}/messages/{alice}", 403, 50013),
        ("PUT", "/channels/{general}/messages/{alice}/reactions/x/@me", 404, 10014),
        ("POST", "/channels/{locked}/messages", 400, 50083),
        ("GET", "/guilds/1", 404, 10004),
        ("GET", "/nowhere", 404, 0),
    ],
)
async def test_what_cannot_be_done(api: Any, world: World, method: str, path: str, status: int, code: int) -> None:
    world.deny(world.random, may.SEND_MESSAGES)
    world.close_dms(world.alice)
    locked = world.open_thread(world.alice, world.general)
    world.archive(locked, locked=True)
    ids = {name: getattr(world, name).id for name in ("general", "secret", "random")}
    ids |= {"dm": world.dm(world.alice).id, "locked": locked.id, "alice": world.say(world.alice, world.general, "x").id}
    found, body = await api(method, path.format(**ids), {"content": "x"} if method in ("POST", "PATCH") else None)
    assert (found, body["code"]) == (status, code)


async def test_a_wrong_token_is_refused(server: DiscordServer) -> None:
    client = discord.Client(intents=discord.Intents.none())
    async with client:
        with pytest.raises(discord.LoginFailure):
            await client.login(server.token[:-1] + "x")
    async with aiohttp.ClientSession() as session, session.get(f"{server.base_url}/users/@me") as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, 0)


async def test_what_is_no_body_is_refused(api: Any, world: World) -> None:
    path = f"/channels/{world.general.id}/messages"
    assert (await api("POST", path, ["x"]))[1]["code"] == 50109
    assert (await api("POST", path, data="{", headers={"Content-Type": "application/json"}))[1]["code"] == 50109


async def test_history_is_newest_first_and_paged(api: Any, world: World) -> None:
    ids = [world.say(world.alice, world.general, str(number)).id for number in range(6)]
    path = f"/channels/{world.general.id}/messages"

    async def page(query: str) -> list[int]:
        _, answer = await api("GET", f"{path}?{query}")
        return [ids.index(message["id"]) for message in answer]

    assert await page("limit=3") == [5, 4, 3]
    assert await page(f"before={ids[2]}") == [1, 0]
    assert await page(f"after={ids[2]}&limit=2") == [4, 3]
    assert await page(f"around={ids[2]}&limit=3") == [3, 2, 1]
    world.deny(world.general, may.READ_MESSAGE_HISTORY)
    assert await page("") == []


async def test_contents_are_hidden_without_the_intent(api: Any, world: World) -> None:
    plain = world.say(world.alice, world.general, "plain", attachments=["a.txt"])
    named = world.say(world.alice, world.general, f"{world.mention} named")
    own = (await api("POST", f"/channels/{world.general.id}/messages", {"content": "own"}))[1]["id"]
    reply = world.say(world.alice, world.general, "reply", reply_to=world.messages[own])
    quiet = world.say(world.alice, world.general, "quiet", reply_to=world.messages[own], mention_reply=False)
    _, history = await api("GET", f"/channels/{world.general.id}/messages")
    seen = {message["id"]: message["content"] for message in history}
    shown = [seen[i] for i in (plain.id, named.id, own, reply.id, quiet.id)]
    assert shown == ["", f"{world.mention} named", "own", "reply", ""]
    assert history[-1]["attachments"] == []
    direct = world.say(world.alice, world.dm(world.alice), "direct")
    assert (await api("GET", f"/channels/{direct.channel}/messages/{direct.id}"))[1]["content"] == "direct"
    world.message_content = True
    assert (await api("GET", f"/channels/{world.general.id}/messages/{plain.id}"))[1]["content"] == "plain"


async def test_threads_from_messages(api: Any, world: World) -> None:
    start = world.say(world.alice, world.general, f"{world.mention} how?")
    path = f"/channels/{world.general.id}/messages/{start.id}/threads"
    status, thread = await api("POST", path, {"name": "How"})
    assert (status, thread["id"], thread["type"], thread["parent_id"]) == (200, start.id, 11, world.general.id)
    assert (await api("POST", path, {"name": "How"}))[1]["code"] == 160004
    await api("POST", f"/channels/{thread['id']}/messages", {"content": "so"})
    assert [m.shown for m in world.answers(world.channels[start.id])] == ["so"]
    assert (await api("POST", f"/channels/{world.general.id}/messages/{start.id}/threads", {}))[1]["code"] == 160004
    world.deny(world.general, may.CREATE_PUBLIC_THREADS)
    assert (await api("POST", path, {"name": "x"}))[1]["code"] == 50013


async def test_an_archived_thread_comes_back_with_a_message(api: Any, world: World) -> None:
    thread = world.open_thread(world.alice, world.general)
    _, sent = await api("POST", f"/channels/{thread.id}/messages", {"content": "x"})
    world.archive(thread)
    assert (await api("PATCH", f"/channels/{thread.id}/messages/{sent['id']}", {"content": "y"}))[1]["code"] == 50083
    assert (await api("POST", f"/channels/{thread.id}/messages", {"content": "y"}))[0] == 200
    assert not thread.archived


async def test_direct_messages_and_typing(api: Any, world: World) -> None:
    status, channel = await api("POST", "/users/@me/channels", {"recipient_id": world.alice.id})
    assert (status, channel["id"], channel["type"]) == (200, world.dm(world.alice).id, 1)
    await api("POST", f"/channels/{channel['id']}/typing")
    assert [place for place, _ in world.typing] == [channel["id"]]
    status, answer = await api("POST", "/users/@me/channels", {"recipient_id": "1"})
    assert (status, list(answer["errors"])) == (400, ["recipient_id"])
    assert (await api("GET", f"/guilds/{world.guild.id}"))[1]["preferred_locale"] == "en-US"
    assert (await api("GET", f"/guilds/{world.guild.id}/members/{world.bruno.id}"))[1]["user"]["username"] == "bruno"
