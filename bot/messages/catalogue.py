"""The list of sentences the bot says in its own words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Messages:
    """One language's sentences; names in braces are filled in with ``str.format``."""

    decimal_mark: str
    """Between the units and the tenths of a number."""

    not_found: str
    not_found_foreign: str
    """The nearest passages are in another language than the question."""
    nearest: str
    """Label above the nearest passages of a question that was not answered."""
    cited: str
    """Label above a single citation."""
    cited_many: str
    """Label above two or more citations."""
    line: str
    page: str
    seconds: str

    greeting_one: str
    """Opens a chat about a single document."""
    greeting_many: str
    help: str
    goodbye: str
    documents: str
    """Label above the list of documents."""
    unknown_command: str

    empty_question: str
    long_question: str
    overloaded: str
    failed: str
    """A question ended in an unexpected error."""

    no_seeds: str
    """There is nothing to read: what to put where."""
    last_index: str
    """Said after the reason why the index could not be brought up to date, when an older one serves."""
    reading: str
    """Label of the progress bar while documents are read and embedded."""
