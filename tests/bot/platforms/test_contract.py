"""The same answers everywhere: the terminal, Slack and Discord, over one core with the real model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.app import assistant, open_index
from bot.batcher import QueryBatcher
from bot.markup import layout, plain
from bot.messages import messages_in
from bot.platforms import console
from bot.settings import Settings, load_settings, variables
from bot.types import Outcome, Question, Reply
from tests.bot.platforms.discord import seen
from tests.standin.discord.server import DiscordServer
from tests.standin.fonte import Oracle, fonte

ROOT = Path(__file__).parents[3]
QUESTIONS = [
    json.loads(line)["question"]
    for line in (ROOT / "tests" / "data" / "seed" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
TEN = [*QUESTIONS[::3], "Quanto vale l'accordo?", "Who is the CEO of Microsoft?"]


class Recorder(Oracle):
    """Asks the real assistant, and keeps what it says."""

    def __init__(self, ask: Any) -> None:
        super().__init__()
        self._ask = ask
        self.replies: dict[str, Reply] = {}

    async def ask(self, question: Question) -> Reply:
        reply: Reply = await self._ask(question)
        self.replies[question.text] = reply
        return reply


@pytest.fixture
def settings(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(data_dir / "contract"))
    monkeypatch.setenv("SEEDS_DIR", str(ROOT / "seeds"))
    return load_settings(None)


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(identify_seconds=0) as server:
        yield server
        assert seen.flaws(server) == []


async def lines(texts: list[str]) -> AsyncIterator[str]:
    for text in texts:
        yield text


def exact(replies: dict[str, Reply]) -> dict[str, Reply]:
    """All but times, and numbers that differ in their last digits with what else is asked at the same moment."""
    return {
        text: replace(
            reply, seconds=0.0, support=0.0, citations=tuple(replace(cited, score=0.0) for cited in reply.citations)
        )
        for text, reply in replies.items()
    }


async def test_ten_questions_get_the_same_reply_in_the_terminal_in_slack_and_in_discord(
    slack, discord, settings, tmp_path, capsys
):
    assert len(set(TEN)) == 10
    w, d = slack.workspace, discord.world
    async with QueryBatcher(open_index(settings)) as batcher:
        helper = assistant(settings, batcher)
        recorder = Recorder(helper.ask)
        await console.answer_lines(recorder.ask, lines(TEN), locale=None)
        printed = capsys.readouterr().out
        terminal = dict(recorder.replies)
        async with fonte((slack, discord), tmp_path, oracle=recorder) as bot:
            in_slack, in_discord = {}, {}
            for number, text in enumerate(TEN):
                channel = w.add_channel(f"c{number}")
                in_slack[text] = w.say(w.alice, channel, f"{w.mention} {text}")
                in_discord[text] = d.say(d.alice, d.general, f"{d.mention} {text}")
            messages = {text: await seen.reply(discord, asked) for text, asked in in_discord.items()}
            posts = {
                text: (await slack.wait_for(lambda m=m: w.answers(m.channel, m.ts)))[0] for text, m in in_slack.items()
            }
            await bot.idle()
            ledger = bot.core.ledger
            turns = {text: await ledger.turn(f"slack:{w.team}:{m.channel}:{m.ts}") for text, m in in_slack.items()}
            others = {text: await ledger.turn(f"discord:message:{m.id}") for text, m in in_discord.items()}
    for replies in (turns, others):
        kept = {text: turn.reply for text, turn in replies.items()}
        assert exact(kept) == exact(terminal)
        assert {text: pytest.approx(reply.support, abs=1e-4) for text, reply in kept.items()} == {
            text: reply.support for text, reply in terminal.items()
        }
    assert {reply.outcome for reply in terminal.values()} == set(Outcome)
    # And the same words are read, buttons aside.
    shown = {text: plain(layout(reply, messages_in(reply.language))) for text, reply in terminal.items()}
    assert printed == "".join(f"{answer}\n\n" for answer in shown.values())
    for text, answer in shown.items():
        words = answer.split()
        assert posts[text].shown.split()[: len(words)] == words
        assert seen.read(messages[text]).split() == words
