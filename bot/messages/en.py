"""The bot's own sentences in English."""

from __future__ import annotations

from bot.messages.catalogue import Messages

EN = Messages(
    decimal_mark=".",
    not_found="The documents do not say.",
    not_found_foreign=(
        "I found no clear answer. The nearest documents are in another language than your question, "
        "which I can match only roughly; asking in theirs helps."
    ),
    nearest="The nearest passages:",
    cited="Source:",
    cited_many="Sources:",
    line="line {number}",
    page="page {number}",
    seconds="{number} s",
    greeting_one="Hello! I have read one document: ask me about it. /help lists the commands, /quit leaves.",
    greeting_many="Hello! I have read {count} documents: ask me about them. /help lists the commands, /quit leaves.",
    help=(
        "Ask a question in English or Italian: I answer in the documents' own words and say where they stand,\n"
        "and I say so when the documents do not hold the answer.\n"
        "\n"
        "/sources  the documents I have read\n"
        "/help     this page\n"
        "/quit     end the chat (so do exit and Ctrl-D); Ctrl-C clears the line"
    ),
    goodbye="Goodbye.",
    documents="The documents I have read:",
    unknown_command="I don't know {command}; /help lists the commands.",
    empty_question="Please ask a question.",
    long_question="The question is too long: please keep it under {limit} characters.",
    overloaded="Too many questions are waiting; please try again in a moment.",
    failed="Something went wrong while I was looking for the answer; please try again.",
    no_seeds="There are no documents to read in {folder}: put your .txt or .md files there and start again.",
    last_index="I answer from the last index.",
    reading="Reading the documents",
)
