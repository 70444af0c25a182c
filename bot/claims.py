"""A question on its way from a platform to its answer, as the ledger keeps it.

A claim moves WAITING -> POSTING -> DONE. An edit of the question moves it back to WAITING under a newer version; a
deletion of the question moves it to REMOVING, then REMOVED. Each step is committed before what it announces is done, so
that after a crash the state says what may have happened: a claim in POSTING may have a reply on the platform that
nobody recorded, a claim in WAITING cannot.

An open claim (WAITING, POSTING, REMOVING) belongs to the process that works on it, for as long as that process renews
its lease. A lease that ran out may be taken over by any process.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.types import Reply


class Trigger(StrEnum):
    """Why a message is taken as a question, or what else is to be posted."""

    MENTION = "mention"
    """The bot is addressed by name."""
    DIRECT = "direct"
    """In a direct message or the assistant panel: every message is for the bot."""
    FOLLOW_UP = "follow_up"
    """Addressed to nobody, in a thread where the bot has answered."""
    AUTO = "auto"
    """Addressed to nobody, in a channel where the bot answers on its own when it is sure."""
    COMMAND = "command"
    """A command whose answer the asker alone sees."""
    OPEN_COMMAND = "open_command"
    """A command whose answer everybody in the channel sees."""
    SHARE = "share"
    """Not a question: the answer of the turn ``origin``, to be shown to the whole channel."""
    ESCALATION = "escalation"
    """Not a question: the turn ``origin``, to be put before a person."""
    FEEDBACK = "feedback"
    """Not a question: what ``user`` thinks of the turn ``origin``, to be forwarded."""
    GREETING = "greeting"
    """Not a question: a conversation was opened."""


COMMANDS = frozenset({Trigger.COMMAND, Trigger.OPEN_COMMAND})
ADDRESSED = COMMANDS | {Trigger.MENTION, Trigger.DIRECT}
"""Questions that are put to the bot, and not overheard."""
QUESTIONS = ADDRESSED | {Trigger.FOLLOW_UP, Trigger.AUTO}


class State(StrEnum):
    """How far a claim has come; see the module."""

    WAITING = "waiting"
    POSTING = "posting"
    DONE = "done"
    REMOVING = "removing"
    REMOVED = "removed"


class Ending(StrEnum):
    """How a claim that is DONE ended."""

    ANSWERED = "answered"
    NOT_FOUND = "not_found"
    SILENT = "silent"
    """Nothing was said, on purpose: nobody had asked the bot."""
    DENIED = "denied"
    """Not allowed in this channel or to this person."""
    LIMITED = "limited"
    """Too many questions from one person."""
    OVERLOADED = "overloaded"
    """Too many questions from everybody."""
    REFUSED = "refused"
    """Empty or too long."""
    FAILED = "failed"
    """Something unexpected; the person was told so."""
    UNDELIVERED = "undelivered"
    """The platform did not take the reply, or took too long to."""
    POSTED = "posted"
    """What is not an answer (SHARE, ESCALATION, FEEDBACK) was posted."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as a platform delivered it."""

    key: str
    """The same for every delivery of the same message, unique over all platforms; at most 255 characters."""
    platform: str
    team: str
    """Workspace or guild; empty where there is none."""
    channel: str
    message: str
    """The platform's id of the message that asks; empty for a command."""
    thread: str
    """The thread the reply belongs in; empty: the channel itself."""
    user: str
    text: str
    """Mentions of the bot removed, entities decoded; untrusted."""
    trigger: Trigger
    asked_at: float
    """Seconds since the epoch."""
    locale: str | None = None
    version: str = ""
    """Of an edit; versions of one message grow in string order. Empty for the original."""
    origin: str = ""
    """Key of the turn that a SHARE, ESCALATION or FEEDBACK is about."""
    address: str = ""
    """Where the reply to a command goes (a Slack response_url, the token of a Discord interaction): a secret, forgotten
    when the claim is DONE."""

    @property
    def private(self) -> bool:
        """Whether the reply is for the asker alone."""
        return self.trigger is Trigger.COMMAND


@dataclass(frozen=True, slots=True)
class Claim:
    """A question that this process works on."""

    asked: Asked
    state: State
    reply: str = ""
    """The platform's id of the reply; empty while it is not known."""
    streaming: bool = False
    """The reply was opened as a stream and not yet closed."""
    recovered: bool = False
    """Taken over from a process that stopped: what is on the platform may be ahead of what is recorded."""


class Verdict(StrEnum):
    HELPFUL = "helpful"
    NOT_HELPFUL = "not_helpful"


class Reason(StrEnum):
    """Why an answer did not help."""

    WRONG = "wrong"
    INCOMPLETE = "incomplete"
    OUTDATED = "outdated"
    NOT_FOUND = "not_found"
    """The documents hold the answer and the bot did not find it."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one person thinks of one answer; a later one replaces it."""

    key: str
    """Of the turn."""
    user: str
    verdict: Verdict
    reason: Reason | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what was said to it."""

    asked: Asked
    """``address`` is empty."""
    ending: Ending
    reply: Reply
    message: str
    """The platform's id of the reply; empty for private ones and for those deleted."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that the documents did not answer."""

    platform: str
    text: str
    asked_at: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows about a person were erased."""

    questions: int
    answers: int
    feedback: int
    unanswered: int


class Ledger(Protocol):
    """What must outlive a restart. Every method commits before it returns and raises LedgerUnavailable where it cannot.

    Claims that a method returns belong to this process.
    """

    async def claim(self, asked: Asked, ending: Ending | None = None) -> Claim | None:
        """Claim a question; None where its key is known already. ``ending``: it is DONE as soon as it is known."""
        ...

    async def edit(self, asked: Asked) -> Claim | None:
        """Replace a known question's text where ``asked.version`` is newer and the text another.

        None where there is nothing to do: the key is unknown, the version not newer, the text the same (white space
        aside), the question or its answer deleted, or its owner still at work: ``start`` and ``finish`` will tell it.
        """
        ...

    async def remove(self, key: str) -> Claim | None:
        """The question is gone: the claim in REMOVING, or None where nothing is left to do or its owner is at work."""
        ...

    async def known(self, key: str) -> bool: ...

    async def start(self, claim: Claim) -> bool:
        """Move to POSTING; False where the claim is not this process's in this version any more: read ``current``."""
        ...

    async def hold(self, claim: Claim, reply: str, *, streaming: bool = False) -> bool:
        """Record the reply's id, whatever else became of the claim; False where it is another claim's reply."""
        ...

    async def finish(self, claim: Claim, ending: Ending, reply: Reply | None = None) -> Claim | None:
        """Move to DONE and record turn and unanswered question; the address is erased.

        A reply with ending ANSWERED or NOT_FOUND becomes the turn; NOT_FOUND also an unanswered question, which a later
        ANSWERED version erases. Returns what there is to go on with, where the question was edited or deleted
        meanwhile, else None.
        """
        ...

    async def current(self, claim: Claim) -> Claim | None:
        """The claim as it now is, where it is open and this process's, else None."""
        ...

    async def removed(self, key: str) -> None:
        """Move from REMOVING to REMOVED; the turn, its feedback and the question's text are erased."""
        ...

    async def renew(self) -> None:
        """Extend the lease of every open claim of this process."""
        ...

    async def take_over(self, platforms: Collection[str] | None = None) -> list[Claim]:
        """Open claims whose lease is over, oldest first, now this process's, ``recovered``.

        Of these platforms alone, where some are named: a process must not take what it cannot answer.
        """
        ...

    async def release(self, platforms: Collection[str] | None = None) -> None:
        """Let go of this process's open claims, of these platforms alone where some are named, so that whoever comes
        next takes them over at once."""
        ...

    async def asked_since(self, platform: str, user: str, since: float) -> int:
        """How many QUESTIONS a person asked since then; AUTO, and those that ended LIMITED or DENIED, do not count."""
        ...

    async def answered_in(self, platform: str, team: str, channel: str, thread: str, head: str = "") -> bool:
        """Whether a thread is the bot's: it has answered there, or the thread hangs on one of its answers or on a
        question it has answered, and nobody removed that; or it was mentioned there and is about to answer.

        ``head``: the id of the message or reply that the thread hangs on, where that is another than the thread's."""
        ...

    async def turn(self, key: str) -> Turn | None: ...

    async def delete_reply(self, key: str) -> None:
        """The reply was deleted on the platform: the turn stays, without message; later edits are not answered."""
        ...

    async def rate(self, feedback: Feedback) -> bool:
        """Record feedback on a turn; False where the turn is unknown."""
        ...

    async def feedback(self, key: str, user: str) -> Feedback | None: ...

    async def unanswered(self) -> list[Unanswered]:
        """What the documents did not answer, the latest first."""
        ...

    async def forget(self, user: str) -> Forgotten:
        """Erase a person: turns, feedback and unanswered questions go, claims keep their key alone and are DONE."""
        ...

    async def purge(self, before: float) -> int:
        """Erase everything asked before that time, open claims included; how many questions that were."""
        ...

    async def ping(self) -> None:
        """Raise LedgerUnavailable where nothing could be committed now."""
        ...
