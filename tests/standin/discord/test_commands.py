"""Registering commands."""

from __future__ import annotations

from typing import Any

import pytest

from tests.standin.discord.world import World

ASK: dict[str, Any] = {"name": "ask", "description": "Ask"}


@pytest.fixture
def path(world: World) -> str:
    return f"/applications/{world.application_id}/commands"


async def test_commands_are_replaced_as_a_whole(api: Any, path: str) -> None:
    menu = {"name": "Ask about this", "type": 3}
    italian = {"name_localizations": {"it": "chiedi"}, "description_localizations": {"it": "Chiedi"}}
    status, first = await api("PUT", path, [ASK | italian, menu])
    assert (status, [c["type"] for c in first]) == (200, [1, 3])
    _, second = await api("PUT", path, [ASK | italian | {"description": "Ask me"}, menu])
    assert [c["id"] for c in second] == [c["id"] for c in first]
    assert [c["version"] == old["version"] for c, old in zip(second, first, strict=True)] == [False, True]
    _, known = await api("GET", path)
    assert "name_localizations" not in known[0]
    _, known = await api("GET", f"{path}?with_localizations=true")
    assert known[0]["name_localizations"] == {"it": "chiedi"}
    await api("PUT", path, [])
    assert (await api("GET", path))[1] == []


async def test_single_commands_and_a_guilds_own(api: Any, world: World, path: str) -> None:
    own = path.replace("/commands", f"/guilds/{world.guild.id}/commands")
    _, made = await api("POST", own, ASK)
    assert made["guild_id"] == world.guild.id
    _, changed = await api("PATCH", f"{own}/{made['id']}", {"description": "Ask me"})
    assert (changed["id"], changed["description"]) == (made["id"], "Ask me")
    assert (await api("DELETE", f"{own}/{made['id']}"))[0] == 204
    assert (await api("GET", f"{own}/{made['id']}"))[1]["code"] == 10063
    assert (await api("GET", path.replace(world.application_id, "1")))[1]["code"] == 10002
    assert (await api("GET", own.replace(world.guild.id, "1")))[1]["code"] == 50001


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (ASK | {"name": "Ask"}, "name"),
        (ASK | {"name": "a b"}, "name"),
        (ASK | {"description": "x" * 101}, "description"),
        ({"name": "ask"}, "description"),
        (ASK | {"name_localizations": {"xx": "chiedi"}}, "name_localizations"),
        (ASK | {"contexts": [3]}, "contexts"),
        (ASK | {"integration_types": [2]}, "integration_types"),
        (ASK | {"options": [{"type": 3, "name": "q", "description": ""}]}, "options"),
        (
            ASK
            | {
                "options": [
                    {"type": 3, "name": "a", "description": "a"},
                    {"type": 3, "name": "b", "description": "b", "required": True},
                ]
            },
            "options",
        ),
        ({"type": 3, "name": "About", "description": "x"}, "description"),
    ],
)
async def test_what_is_no_command_is_refused(api: Any, path: str, command: Any, field: str) -> None:
    status, answer = await api("PUT", path, [command])
    assert (status, list(answer["errors"]["0"])) == (400, [field])
    assert (await api("GET", path))[1] == []


async def test_names_are_unique(api: Any, path: str) -> None:
    status, answer = await api("PUT", path, [ASK, ASK])
    assert (status, answer["errors"]["_errors"][0]["code"]) == (400, "APPLICATION_COMMANDS_DUPLICATE_NAME")


async def test_the_application_and_its_installation(api: Any, world: World) -> None:
    assert (await api("GET", "/applications/@me"))[1]["flags"] == 0
    world.message_content = True
    config = {"0": {}, "1": {"oauth2_install_params": {"scopes": ["applications.commands"], "permissions": "0"}}}
    _, changed = await api("PATCH", "/applications/@me", {"integration_types_config": config})
    assert (changed["flags"], changed["integration_types_config"]) == (1 << 19, config)
    _, gateway = await api("GET", "/gateway/bot")
    assert (gateway["shards"], gateway["session_start_limit"]["remaining"]) == (1, 1000)
