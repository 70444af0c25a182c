"""A bot as a process, with sets from its environment."""

from __future__ import annotations

import json

from tests.bot.sets.house import PRIVATE, SETS, places
from tests.standin.processes import platform_environment, running


async def test_a_process_keeps_to_its_sets_and_names_folders_without_documents(slack, folder):
    w = slack.workspace
    env = platform_environment(
        slack,
        SEEDS_DIR="docs",
        DATA_DIR="data",
        EMBEDDING_MODEL="hashing",
        ANSWER_MIN_SUPPORT="0",
        ANSWER_READER="false",
        SETS=json.dumps(SETS | {"ops": ["operations"]}),
        SLACK_SETS=json.dumps({w.secret.id: ["hr", "ops"]}),
    )
    (folder / "docs" / "operations").mkdir()
    async with running("-m", "bot", "slack", folder=folder, env=env) as bot:
        await bot.serves()
        for channel in (w.general, w.secret):
            asked = w.say(w.alice, channel, f"{w.mention} {PRIVATE}")
            await slack.wait_for(lambda asked=asked: w.answers(asked.channel, asked.ts))
        assert await bot.stop() == 0
    told = 'SETS gives the set "ops" the folder "operations", which holds no document'
    assert bot.log.count(told) == 1
    assert bot.log.count("which holds no document") == 1
    assert places(slack) == {w.secret.id}


async def test_a_process_does_not_start_where_a_folder_is_misspelt(slack, folder):
    env = platform_environment(
        slack, SEEDS_DIR="docs", DATA_DIR="data", EMBEDDING_MODEL="hashing", SETS=json.dumps({"hr": ["personel"]})
    )
    async with running("-m", "bot", "slack", folder=folder, env=env) as bot:
        assert await bot.exit() == 2
    assert bot.log.strip() == (
        'SETS gives the set "hr" the folder "personel", which is not in docs: correct it, or make that folder.'
    )
    assert not (folder / "data").exists()
    assert places(slack) == set()
