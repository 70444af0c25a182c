"""Discord's JSON for what the stand-in keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.standin.calls import Json
from tests.standin.discord.model import DM, FORUM, GROUP_DM, Channel, File, Guild, Member, Message, Role, User

if TYPE_CHECKING:
    from tests.standin.discord.state import State

EPOCH = 1_420_070_400_000
JOINED = "2023-01-01T00:00:00.000000+00:00"


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def created(snowflake: str) -> str:
    """The time that an id carries."""
    return timestamp(((int(snowflake) >> 22) + EPOCH) / 1000)


def user_json(user: User) -> Json:
    body: Json = {
        "id": user.id,
        "username": user.name,
        "discriminator": "0",
        "avatar": None,
        "global_name": user.global_name or None,
        "public_flags": 0,
    }
    return body | {name: True for name in ("bot", "system") if getattr(user, name)}


def member_json(member: Member, *, user: bool = True) -> Json:
    body: Json = {
        "roles": sorted(member.roles),
        "joined_at": JOINED,
        "nick": member.nick or None,
        "avatar": None,
        "premium_since": None,
        "communication_disabled_until": None,
        "pending": False,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }
    return body | ({"user": user_json(member.user)} if user else {})


def role_json(role: Role) -> Json:
    body: Json = {
        "id": role.id,
        "name": role.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": role.position,
        "permissions": str(role.permissions),
        "managed": bool(role.managed_by),
        "mentionable": role.mentionable,
        "flags": 0,
    }
    return body | ({"tags": {"bot_id": role.managed_by}} if role.managed_by else {})


def channel_json(state: State, channel: Channel) -> Json:
    if channel.type in (DM, GROUP_DM):
        others = sorted(channel.people - {state.bot.id})
        return {
            "id": channel.id,
            "type": channel.type,
            "flags": 0,
            "last_message_id": channel.last_message or None,
            "recipients": [user_json(state.users[person]) for person in others],
        } | (
            {"name": channel.name or None, "owner_id": channel.owner, "icon": None} if channel.type == GROUP_DM else {}
        )
    if channel.is_thread:
        return _thread_json(state, channel)
    body: Json = {
        "id": channel.id,
        "type": channel.type,
        "guild_id": channel.guild,
        "name": channel.name,
        "position": 0,
        "nsfw": False,
        "topic": None,
        "parent_id": channel.parent or None,
        "last_message_id": channel.last_message or None,
        "rate_limit_per_user": 0,
        "flags": 0,
        "permission_overwrites": [
            {"id": o.id, "type": o.kind, "allow": str(o.allow), "deny": str(o.deny)}
            for o in channel.overwrites.values()
        ],
    }
    if channel.type == FORUM:
        body |= {"available_tags": [], "default_reaction_emoji": None, "default_sort_order": None}
        body |= {"default_forum_layout": 0}
    return body


def _thread_json(state: State, thread: Channel) -> Json:
    inside = [m for m in state.messages.values() if m.channel == thread.id and m.id != thread.id and m.type != 21]
    body: Json = {
        "id": thread.id,
        "type": thread.type,
        "guild_id": thread.guild,
        "parent_id": thread.parent,
        "owner_id": thread.owner,
        "name": thread.name,
        "last_message_id": thread.last_message or None,
        "rate_limit_per_user": 0,
        "message_count": len([m for m in inside if not m.deleted]),
        "total_message_sent": len(inside),
        "member_count": max(1, len(thread.people)),
        "flags": 0,
        "thread_metadata": {
            "archived": thread.archived,
            "archive_timestamp": created(thread.last_message or thread.id),
            "auto_archive_duration": thread.auto_archive_minutes,
            "locked": thread.locked,
            "create_timestamp": created(thread.id),
        },
    }
    if thread.type == 12:
        body["thread_metadata"]["invitable"] = True
    if state.bot.id in thread.people:
        body["member"] = {"id": thread.id, "user_id": state.bot.id, "join_timestamp": created(thread.id), "flags": 0}
    return body


def file_json(file: File, channel: str) -> Json:
    url = f"https://cdn.discordapp.com/attachments/{channel}/{file.id}/{file.name}"
    body: Json = {
        "id": file.id,
        "filename": file.name,
        "size": len(file.content),
        "url": url,
        "proxy_url": url.replace("cdn.discordapp.com", "media.discordapp.net"),
        "content_type": file.content_type or "application/octet-stream",
    }
    return body | ({"description": file.description} if file.description else {})


def guild_json(state: State, guild: Guild) -> Json:
    """What GUILD_CREATE carries; REST sends the part that is no state of the connection."""
    return {
        "id": guild.id,
        "name": guild.name,
        "owner_id": guild.owner,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "description": None,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": guild.locale,
        "region": "deprecated",
        "features": [],
        "emojis": [],
        "stickers": [],
        "roles": [role_json(role) for role in guild.roles.values()],
    }


def guild_create(state: State, guild: Guild, *, joined: bool = False) -> Json:
    """``joined``: the bot has just come; else the guild was known and becomes available."""
    channels = [c for c in state.channels.values() if c.guild == guild.id and not c.deleted]
    threads = [c for c in channels if c.is_thread and not c.archived and state.sees(c)]
    known: Json = {} if joined else {"unavailable": False}
    return (
        guild_json(state, guild)
        | known
        | {
            "joined_at": JOINED,
            "large": False,
            "member_count": len(guild.members),
            # Without the privileged intent for members, the bot is told of itself only.
            "members": [member_json(guild.members[state.bot.id])],
            "channels": [channel_json(state, channel) for channel in channels if not channel.is_thread],
            "threads": [channel_json(state, thread) for thread in threads],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }
    )


def message_json(state: State, message: Message, *, referenced: bool = True) -> Json:
    """As REST sends it, to one who may read everything."""
    channel = state.channels[message.channel]
    guild = state.guilds.get(channel.guild)

    def mentioned(user: str) -> Json:
        body = user_json(state.users[user])
        if guild is not None and user in guild.members:
            body["member"] = member_json(guild.members[user], user=False)
        return body

    body: Json = {
        "id": message.id,
        "channel_id": message.channel,
        "type": message.type,
        "author": user_json(message.author),
        "content": message.content,
        "timestamp": created(message.id),
        "edited_timestamp": message.edited or None,
        "tts": False,
        "mention_everyone": message.pings.everyone,
        "mentions": [mentioned(user) for user in message.pings.users],
        "mention_roles": list(message.pings.roles),
        "attachments": [file_json(file, message.channel) for file in message.files],
        "embeds": message.embeds,
        "components": message.components,
        "pinned": False,
        "flags": message.flags,
    }
    if message.webhook:
        body |= {"webhook_id": message.webhook, "application_id": message.webhook}
    if message.interaction:
        body["interaction_metadata"] = message.interaction
    if message.reactions:
        body["reactions"] = [_reaction(state, emoji, users) for emoji, users in message.reactions.items() if users]
    if message.thread:
        body["thread"] = channel_json(state, state.channels[message.thread])
    if message.reference is not None:
        body["message_reference"] = message.reference
        original = state.messages.get(str(message.reference.get("message_id", "")))
        if referenced and message.type in (19, 21, 23):
            shown = None if original is None or original.deleted else message_json(state, original, referenced=False)
            body["referenced_message"] = shown
    return body


def _reaction(state: State, emoji: str, users: list[str]) -> Json:
    return {
        "emoji": {"id": None, "name": emoji},
        "count": len(users),
        "count_details": {"burst": 0, "normal": len(users)},
        "me": state.bot.id in users,
        "me_burst": False,
        "burst_colors": [],
    }


def redacted(body: Json, bot: str) -> Json:
    """What is left for an app without the intent for message contents, unless it is concerned."""
    concerned = body["author"]["id"] == bot or any(user["id"] == bot for user in body["mentions"])
    if not concerned:
        body = body | {"content": "", "embeds": [], "attachments": [], "components": []}
        body.pop("poll", None)
    if isinstance(inner := body.get("referenced_message"), dict):
        body = body | {"referenced_message": redacted(inner, bot)}
    return body
