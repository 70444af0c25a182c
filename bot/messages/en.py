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
    no_seeds="There are no documents to read in {folder}: put your .txt, .md, .html, .pdf or .docx files there and "
    "start again.",
    last_index="I answer from the last index.",
    reading="Reading the documents",
    working="is searching the documents …",
    searching="I am looking in the documents …",
    before_you_one="One question is before yours.",
    before_you_many="{count} questions are before yours.",
    slow_down="You have asked a lot in a short time: please ask again in {seconds} s.",
    not_allowed="I am not set up to answer here.",
    ask_me="Ask me a question: I answer in the documents' own words and say where they stand.",
    unreadable="I cannot read a message that mentions my role: please mention me by name, or use /ask.",
    panel_prompts="For example:",
    helpful="Helpful",
    not_helpful="Not helpful",
    share="Share in channel",
    ask_person="Ask a person",
    delete="Delete",
    delete_question="Delete this answer for everybody?",
    cancel="Cancel",
    send="Send",
    thanks="Thank you, noted.",
    why_title="What was wrong?",
    why_reason="The answer is",
    reason_wrong="wrong",
    reason_incomplete="incomplete",
    reason_outdated="out of date",
    reason_not_found="in the documents, but was not found",
    reason_other="something else",
    why_comment="In your own words",
    only_asker="Only the person who asked can delete this answer.",
    not_kept="I no longer keep this answer.",
    person_asked="A person has been asked.",
    nobody_to_ask="There is nobody to ask at the moment.",
    escalation="{user} asks for a person's answer to this question:",
    shared="{user} asked:",
    found_helpful="{user} found this answer helpful:",
    found_not_helpful="{user} found this answer not helpful:",
    withheld="Question and answer are left out: they come from documents that are not shown here.",
    not_shared="I cannot share this answer: it comes from documents that are not shown here.",
    to_answer="Go to the answer",
    whole_answer="The whole answer is in the file.",
    feedback_lost="I could not note that down; please try again later.",
    failed_to_do="That did not work; please try again later.",
    command_ask="ask",
    command_ask_about="Ask about this",
    command_ask_description="Ask the documents",
    option_question="question",
    option_question_description="Your question",
    option_private="private",
    option_private_description="Only you see the answer",
    command_sources="sources",
    command_sources_description="The documents that the answers come from",
)
