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

    stage_read: str
    """What is being done, beside a progress bar."""
    stage_split: str
    stage_embed: str
    stage_write: str
    files_of: str
    sentences_of: str
    passages: str
    found: str
    rate: str
    left_seconds: str
    left_minutes: str
    left_hours: str

    working: str
    """Completes the bot's name in a status line: "Fonte is searching ..."."""
    searching: str
    """Stands in the place of an answer that takes long."""
    before_you_one: str
    before_you_many: str
    slow_down: str
    not_allowed: str
    """The channel or the person is not on the list of those who get answers."""
    ask_me: str
    """Answers a mention or a command without a question."""
    unreadable: str
    """Answers a message that mentions the bot's role: Discord shows the bot none but those that mention itself."""
    panel_prompts: str
    """Title of the suggested questions."""
    helpful: str
    """Button."""
    not_helpful: str
    """Button."""
    share: str
    """Button."""
    ask_person: str
    """Button."""
    delete: str
    """Button."""
    delete_question: str
    """Asks for confirmation."""
    cancel: str
    """Button."""
    send: str
    """Button."""
    thanks: str
    """Follows feedback."""
    why_title: str
    """Title of the form after "not helpful"; at most 24 characters."""
    why_reason: str
    reason_wrong: str
    reason_incomplete: str
    reason_outdated: str
    reason_not_found: str
    reason_other: str
    why_comment: str
    only_asker: str
    not_kept: str
    """A button under an answer that the ledger no longer holds."""
    person_asked: str
    nobody_to_ask: str
    """A button is left from a time when questions could be put before a person."""
    escalation: str
    """{user} is a mention of who asks for help."""
    shared: str
    """{user} is a mention of who asked."""
    found_helpful: str
    """{user} is a mention of who says so."""
    found_not_helpful: str
    withheld: str
    """In the place of question and answer where they are put before people who do not see the documents."""
    not_shared: str
    """Answers who wants to show an answer to a place that is not given its documents."""
    to_answer: str
    """Text of a link."""
    whole_answer: str
    """Below the beginning of an answer that is too long for a message."""
    feedback_lost: str
    """The ledger could not be written."""
    failed_to_do: str
    """The platform did not do what a button says."""

    command_ask: str
    """Name of a command; lower case, without spaces."""
    command_ask_about: str
    """Title of the parameter-less command on a message."""
    command_ask_description: str
    option_question: str
    """Name of a parameter; lower case, without spaces."""
    option_question_description: str
    option_private: str
    """Name of a parameter; lower case, without spaces."""
    option_private_description: str
    command_sources: str
    """Name of a command; lower case, without spaces."""
    command_sources_description: str
