"""The errors the bot raises. Each message is one sentence for the person who reads it.

BotError
+-- ConfigError      a setting, the command line or the seeds folder needs a change
+-- QuestionRefused  the question is empty or too long
+-- Overloaded       too many questions wait
+-- AnswerFailed     something unexpected; the log knows what
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
