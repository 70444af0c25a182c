"""The errors the bot raises. Each message is one sentence for the person who reads it.

BotError
+-- ConfigError      a setting, the command line or the seeds folder needs a change
+-- QuestionRefused  the question is empty or too long
+-- Overloaded       too many questions wait
+-- AnswerFailed     something unexpected; the log knows what
+-- LedgerUnavailable
+-- DeliveryError    a platform did not do what it was asked to
    +-- Throttled    too fast; nothing was done
    +-- Unreachable  nothing was sent
    +-- Uncertain    sent, and nobody knows whether it was done
    +-- Unsupported  this way does not work here; another may
    +-- Gone         the message to change is not there
    +-- Rejected     it will not be done
"""

from __future__ import annotations

from typing import ClassVar


class BotError(Exception):
    """Base of everything the bot raises on purpose; ``str(error)`` is fit for users."""

    exit_status: ClassVar[int] = 1
    """Exit status of a command that ends with this error."""


class ConfigError(BotError):
    """A setting, the command line or the seeds folder needs a change."""

    exit_status = 2


class QuestionRefused(BotError):
    """The question is empty or too long."""

    exit_status = 2


class Overloaded(BotError):
    """Too many questions wait already."""


class AnswerFailed(BotError):
    """Something unexpected happened while a question was answered."""


class LedgerUnavailable(BotError):
    """The ledger cannot be read or written now; it may be later."""


class DeliveryError(BotError):
    """A platform did not do what it was asked to; the message names the call and the reason, and holds no secret.

    ``reason`` is the platform's own word for it, where there is one.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class Throttled(DeliveryError):
    """Too fast: nothing was done, and may be tried again after ``seconds``."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Unreachable(DeliveryError):
    """The request was never sent: it may be tried again."""


class Uncertain(DeliveryError):
    """The request was sent and its answer lost (5xx, a cut connection): it may have been carried out."""


class Unsupported(DeliveryError):
    """The platform, the plan or the place does not offer this way; another may do."""


class Gone(DeliveryError):
    """The message to change is not there any more."""


class Rejected(DeliveryError):
    """The platform will not do it, however often it is asked."""
