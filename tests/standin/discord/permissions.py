"""What members may do where."""

from __future__ import annotations

from tests.standin.discord.model import Channel, Guild

ADD_REACTIONS = 1 << 6
ADMINISTRATOR = 1 << 3
MANAGE_GUILD = 1 << 5
VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
MANAGE_MESSAGES = 1 << 13
EMBED_LINKS = 1 << 14
ATTACH_FILES = 1 << 15
READ_MESSAGE_HISTORY = 1 << 16
MENTION_EVERYONE = 1 << 17
USE_APPLICATION_COMMANDS = 1 << 31
MANAGE_THREADS = 1 << 34
CREATE_PUBLIC_THREADS = 1 << 35
CREATE_PRIVATE_THREADS = 1 << 36
SEND_MESSAGES_IN_THREADS = 1 << 38
USE_EXTERNAL_APPS = 1 << 50

EVERYONE = (
    ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | CREATE_PRIVATE_THREADS
    | SEND_MESSAGES_IN_THREADS
    | USE_EXTERNAL_APPS
)
"""What @everyone may do in a new guild, of what matters here."""
ALL = (1 << 53) - 1
DIRECT = EVERYONE & ~(CREATE_PUBLIC_THREADS | CREATE_PRIVATE_THREADS | SEND_MESSAGES_IN_THREADS)


def permissions(guild: Guild, channel: Channel, user: str) -> int:
    """Of a member in a channel that is no thread; 0 for who is no member."""
    member = guild.members.get(user)
    if member is None:
        return 0
    if user == guild.owner:
        return ALL
    base = guild.roles[guild.id].permissions
    for role in member.roles:
        base |= guild.roles[role].permissions
    if base & ADMINISTRATOR:
        return ALL
    everyone = channel.overwrites.get(guild.id)
    if everyone is not None:
        base = base & ~everyone.deny | everyone.allow
    ours = [overwrite for overwrite in channel.overwrites.values() if overwrite.id in member.roles]
    for overwrite in ours:
        base &= ~overwrite.deny
    for overwrite in ours:
        base |= overwrite.allow
    own = channel.overwrites.get(user)
    if own is not None:
        base = base & ~own.deny | own.allow
    # Who cannot see a channel can do nothing in it, and who cannot write there, nothing that goes with writing.
    if not base & VIEW_CHANNEL:
        return 0
    if not base & SEND_MESSAGES:
        base &= ~(MENTION_EVERYONE | ATTACH_FILES | EMBED_LINKS)
    return base
