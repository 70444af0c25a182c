"""What an answer comes with on every chat platform: headers, buttons, references, the whole text for a file. Pure.

How it looks there is the business of the platform's own module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from bot.claims import Feedback, Reason, Turn, Verdict
from bot.markup.lines import Piece, Role, clean, excerpts, reference, sources_label
from bot.markup.quote import passages
from bot.messages import Messages
from bot.surface import Body, Escalated, Forwarded, Notice, Shared
from bot.types import Citation, Reply

MAX_COMMENT = 1_000
"""Characters that a person may add to a reason."""
MAX_URL = 2000
BRIEF = 120
"""Characters of a question or comment where the answer needs the room."""
_LONGEST = {Role.TITLE: 200, Role.DETAIL: 400}
"""Characters of the parts of a citation."""


class Button(StrEnum):
    """What stands under an answer, by the name that comes back when it is pressed (Slack: ``action_id``)."""

    HELPFUL = "fonte_helpful"
    NOT_HELPFUL = "fonte_not_helpful"
    ASK_PERSON = "fonte_ask_person"
    SHARE = "fonte_share"
    DELETE = "fonte_delete"


@dataclass(frozen=True, slots=True)
class Header:
    """Who says or asks something above an answer."""

    sentence: str
    """The bot's words; ``{user}`` is a mention of ``user``."""
    user: str
    quoted: str
    """What that person wrote; untrusted, may be empty."""
    note: str = ""
    """A line in the bot's words between the two."""

    def around(self) -> tuple[str, str]:
        """What stands before and after the mention."""
        before, _, after = self.sentence.partition("{user}")
        return before, after


def headers(body: Body, words: Messages) -> tuple[Header, ...]:
    """What stands above the answer, from top to bottom; nothing above a Reply or Notice."""
    match body:
        case Shared(turn):
            return (_asked(turn, words),)
        case Escalated(turn, user):
            return (Header(words.escalation, user, turn.asked.text),)
        case Forwarded(turn, feedback):
            return (_felt(feedback, words), _asked(turn, words))
        case _:
            return ()


def replied(body: Reply | Shared | Escalated | Forwarded) -> Reply:
    """The answer that a body is or is about."""
    return body if isinstance(body, Reply) else body.turn.reply


def has_buttons(body: Body) -> bool:
    """Whether buttons make sense there: under answers, where those who asked read them."""
    return not isinstance(body, Notice | Escalated | Forwarded)


def labels(words: Messages) -> dict[Button, str]:
    """What the buttons say."""
    return {
        Button.HELPFUL: words.helpful,
        Button.NOT_HELPFUL: words.not_helpful,
        Button.ASK_PERSON: words.ask_person,
        Button.SHARE: words.share,
        Button.DELETE: words.delete,
    }


def reason_label(reason: Reason, words: Messages) -> str:
    """A reason in the words of the form."""
    return {
        Reason.WRONG: words.reason_wrong,
        Reason.INCOMPLETE: words.reason_incomplete,
        Reason.OUTDATED: words.reason_outdated,
        Reason.NOT_FOUND: words.reason_not_found,
        Reason.OTHER: words.reason_other,
    }[reason]


def is_link(url: str | None) -> bool:
    """Whether an address may be a link: http or https, with a host, in visible characters."""
    if not url or len(url) > MAX_URL or clean(url) != url or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def short_reference(number: int, citation: Citation, words: Messages) -> list[Piece]:
    """A citation as in the terminal, its parts cut to a length that leaves room for the answer."""
    pieces = []
    for piece in reference(number, citation, words):
        longest = _LONGEST.get(piece.role, len(piece.text))
        text = piece.text if len(piece.text) <= longest else piece.text[: longest - 1].rstrip() + "…"
        pieces.append(Piece(text, piece.role))
    return pieces


def whole(reply: Reply, words: Messages) -> str:
    """The whole answer as plain text: for a file, nothing is left out."""
    paragraphs = [passage.text for passage in passages(reply.text)]
    if reply.citations:
        paragraphs.append(sources_label(reply, words))
    for number, (citation, excerpt) in enumerate(zip(reply.citations, excerpts(reply), strict=True), 1):
        place = "".join(piece.text for piece in reference(number, citation, words))
        paragraphs.append(f"{place} · {citation.url}" if is_link(citation.url) else place)
        if excerpt:
            paragraphs += [passage.text for passage in passages(citation.excerpt)]
    return "\n\n".join(paragraphs) + "\n"


def _asked(turn: Turn, words: Messages) -> Header:
    return Header(words.shared, turn.asked.user, turn.asked.text)


def _felt(feedback: Feedback, words: Messages) -> Header:
    sentence = words.found_helpful if feedback.verdict is Verdict.HELPFUL else words.found_not_helpful
    reason = feedback.reason
    note = "" if reason is None else f"{words.why_reason}: {reason_label(reason, words)}"
    return Header(sentence, feedback.user, feedback.comment, note)
