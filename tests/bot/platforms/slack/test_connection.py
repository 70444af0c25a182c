"""From Slack to the ledger: what is acknowledged is kept, what is kept is answered once, whatever the line does."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from bot.core import Pace
from bot.errors import LedgerUnavailable
from tests.bot.platforms.trials import health, locked, rows
from tests.standin.faults import Hang, Status
from tests.standin.fonte import INTERVAL, Fonte, Oracle, fonte
from tests.standin.processes import PACE, echo
from tests.standin.slack.faults import Error
from tests.standin.slack.model import Attempt, Delivery
from tests.standin.slack.rate import PostingRate
from tests.standin.slack.server import SlackServer

NERVOUS = Pace(lease=0.4, post_interval=INTERVAL, grace=60.0, open_after=60.0, ping_interval=0.2)
"""Notices within a second that the line is dead."""


@pytest.fixture
async def impatient() -> AsyncIterator[SlackServer]:
    """A Slack that sends again what is not acknowledged at once."""
    rate = PostingRate(INTERVAL * 0.8, burst=1)
    async with SlackServer(rate=rate, epoch=None, ack_timeout=0.3, retry_delays=(0.01,) * 30) as server:
        yield server


def ask(slack: SlackServer, text: str = "When is it?", **options: Any):
    w = slack.workspace
    return w.say(w.alice, w.general, f"{w.mention} {text}", **options)


def question(delivery: Delivery) -> bool:
    return delivery.payload["event"]["user"] == "U0ALICE"


def answers(slack: SlackServer) -> list[str]:
    """First lines of what the bot said, in all channels."""
    w = slack.workspace
    return [m.shown.strip().partition("\n")[0] for channel in w.channels for m in w.answers(channel)]


async def rest(slack: SlackServer, *bots: Fonte) -> None:
    await slack.settled(20)
    for bot in bots:
        await bot.idle()


class Deaf:
    """Slack does not hear the first acknowledgements of each event: they got lost on the way."""

    def __init__(self, slack: SlackServer, monkeypatch: pytest.MonkeyPatch, misses: int = 1) -> None:
        self._socket_mode = slack.socket_mode
        self._hear = slack.socket_mode._ack
        self._misses = misses
        monkeypatch.setattr(slack.socket_mode, "_ack", self._ack)

    def _ack(self, connection: Any, body: dict[str, Any]) -> None:
        attempt: Attempt | None = self._socket_mode._sent.get(body.get("envelope_id", ""))
        if attempt is None or attempt.number >= self._misses:
            self._hear(connection, body)


# Once.


async def test_a_first_delivery_says_that_it_is_attempt_0_and_is_answered(slack, tmp_path):
    async with fonte(slack, tmp_path) as bot:
        ask(slack)
        await rest(slack, bot)
    assert {attempt.number for delivery in slack.workspace.deliveries for attempt in delivery.attempts} == {0}
    assert answers(slack) == ["The answer to When is it?"]


@pytest.mark.parametrize("misses", [1, 3])
async def test_what_is_sent_again_for_want_of_an_ack_is_answered_once(impatient, tmp_path, monkeypatch, misses):
    Deaf(impatient, monkeypatch, misses)
    async with fonte(impatient, tmp_path) as bot:
        ask(impatient)
        await rest(impatient, bot)
    assert [len(delivery.attempts) for delivery in impatient.workspace.delivered("app_mention")] == [misses + 1]
    assert answers(impatient) == ["The answer to When is it?"]


async def test_copies_of_an_event_on_two_connections_are_one_question(slack, tmp_path):
    async with fonte(slack, tmp_path) as one, fonte(slack, tmp_path) as other:
        await slack.connected(2)
        for number in range(5):
            ask(slack, f"Question {number}?", copies=4)
        await rest(slack, one, other)
    connections = {attempt.connection for delivery in slack.workspace.deliveries for attempt in delivery.attempts}
    assert connections == {1, 2}
    assert sorted(answers(slack)) == [f"The answer to Question {number}?" for number in range(5)]
    assert len(one.oracle.questions) + len(other.oracle.questions) == 5


async def database_in(postgres_url: str) -> str:
    """A database of its own for one test."""
    import asyncpg

    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
    await connection.close()
    return urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_two_processes_over_one_ledger_answer_each_message_once(
    impatient, tmp_path, monkeypatch, request, database
):
    w = impatient.workspace
    channels = [w.add_channel(f"c{number}") for number in range(6)]
    change = {}
    if database == "postgres":
        change["DATABASE_URL"] = await database_in(request.getfixturevalue("postgres_url"))
    # Slack posts once a second and channel to one process; two of them would be told to wait.
    pace = Pace(lease=10.0, post_interval=INTERVAL * 2, grace=60.0, open_after=60.0)
    async with echo(impatient, tmp_path, pace, **change) as one, echo(impatient, tmp_path, pace, **change) as other:
        await asyncio.gather(one.serves(), other.serves())
        await impatient.connected(2)
        Deaf(impatient, monkeypatch)
        for number in range(30):
            w.say(w.alice, channels[number % 6], f"{w.mention} Question {number}?", mention_first=number % 2 == 0)
        await impatient.settled(30)
        await impatient.wait_for(lambda: len(answers(impatient)) >= 30)
        assert await one.stop() == await other.stop() == 0
    assert min(len(delivery.attempts) for delivery in w.deliveries if question(delivery)) > 1
    assert sorted(answers(impatient)) == sorted(f"The answer to Question {number}?" for number in range(30))


# Kept before it is acknowledged.


def claimed(folder: Path) -> set[str]:
    return {message for (message,) in rows(folder, "SELECT message FROM claims")}


async def test_a_question_is_in_the_ledger_when_it_is_acknowledged(slack, tmp_path, monkeypatch):
    kept: list[bool] = []
    acked = slack.socket_mode.acked

    def look(delivery: Delivery, attempt: Attempt, response: Any) -> None:
        kept.append(delivery.payload["event"]["ts"] in claimed(tmp_path))
        acked(delivery, attempt, response)

    oracle = Oracle(hold=asyncio.Event())
    async with fonte(slack, tmp_path, oracle=oracle) as bot:
        monkeypatch.setattr(slack.socket_mode, "acked", look)
        for number in range(10):
            ask(slack, f"Question {number}?")
        await slack.settled()
        oracle.hold.set()
        await rest(slack, bot)
    assert kept[:20] == [True] * 20
    assert max(delivery.latency for delivery in slack.workspace.deliveries) < 1


@pytest.fixture
def port(unused_tcp_port: int) -> int:
    return unused_tcp_port


async def test_without_a_ledger_nothing_is_acknowledged_and_health_says_so(
    impatient, tmp_path, monkeypatch, caplog, port
):
    monkeypatch.setattr("bot.ledger.database.LOCK_PATIENCE", 0.05)
    async with fonte(impatient, tmp_path, http={"port": port}) as bot:
        assert await health(port) == (200, {"ok": True, "ledger": "ok", "slack": "ok"})
        async with locked(tmp_path):
            ask(impatient)
            w = impatient.workspace
            await impatient.wait_for(lambda: all(len(d.attempts) > 2 for d in w.deliveries))
            sentence = "The ledger cannot be used now: another process keeps its file locked."
            assert await health(port) == (503, {"ok": False, "ledger": sentence, "slack": "ok"})
            assert {delivery.state for delivery in w.deliveries} == {"pending"}
            assert not any(connection.received for connection in impatient.socket_mode.connections)
        await rest(impatient, bot)
        assert (await health(port))[0] == 200
    assert answers(impatient) == ["The answer to When is it?"]
    assert len(bot.oracle.questions) == 1
    assert f"an event was not taken: {sentence}" in caplog.text


async def test_a_postgres_that_stops_is_waited_for(impatient, tmp_path, postgres_server, postgres_url):
    w, oracle = impatient.workspace, Oracle(hold=asyncio.Event())
    impatient.socket_mode.retry_delays = (0.05,) * 200
    url = await database_in(postgres_url)
    async with fonte(impatient, tmp_path, oracle=oracle, database_url=url) as bot:
        ask(impatient, "Before?")
        await impatient.wait_for(lambda: oracle.questions)
        await impatient.settled()
        await asyncio.to_thread(postgres_server.stop)
        try:
            asked = ask(impatient, "Meanwhile?")
            oracle.hold.set()
            with pytest.raises(LedgerUnavailable):
                await bot.core.ledger.ping()
            assert await bot.core.ledger_state()
            await impatient.wait_for(
                lambda: all(len(d.attempts) > 1 for d in w.deliveries if asked.ts in str(d.payload))
            )
            assert not answers(impatient)[1:]
        finally:
            await asyncio.to_thread(postgres_server.ensure_postgres_running)
        await impatient.wait_for(lambda: len(answers(impatient)) == 2)
        await rest(impatient, bot)
    assert sorted(answers(impatient)) == ["The answer to Before?", "The answer to Meanwhile?"]


async def test_a_commit_whose_answer_was_lost_is_answered_by_and_by(impatient, tmp_path, monkeypatch):
    pace = Pace(lease=0.4, post_interval=INTERVAL, grace=60.0, open_after=60.0)
    async with fonte(impatient, tmp_path, pace=pace) as bot:
        write, lost = bot.core.ledger._database.write, iter([True])

        async def lose(work: Any) -> Any:
            result = await write(work)
            if next(lost, False):
                raise LedgerUnavailable("the answer was lost")
            return result

        monkeypatch.setattr(bot.core.ledger._database, "write", lose)
        w = impatient.workspace
        w.say(w.alice, w.dm(w.alice), "When is it?")
        await impatient.wait_for(lambda: answers(impatient))
        await rest(impatient, bot)
    assert answers(impatient) == ["The answer to When is it?"]
    assert len(w.deliveries[0].attempts) > 1


# The line.


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_slack_asks_to_reconnect_in_the_middle_of_questions(slack, tmp_path, reason):
    async with fonte(slack, tmp_path, pace=NERVOUS) as bot:
        for number in range(12):
            ask(slack, f"Question {number}?")
            if number in (3, 7):
                await slack.socket_mode.disconnect(reason)
                await slack.connected()
        await rest(slack, bot)
        await slack.wait_for(lambda: [c.state for c in slack.socket_mode.connections][-1] == "open")
    assert sorted(answers(slack)) == sorted(f"The answer to Question {number}?" for number in range(12))
    assert len(bot.oracle.questions) == 12


@pytest.mark.parametrize("end", ["reset", "drop"])
async def test_a_line_that_dies_loses_no_question(impatient, tmp_path, end, port):
    impatient.socket_mode.retry_delays = (0.01,) * 200
    async with fonte(impatient, tmp_path, pace=NERVOUS, http={"port": port}) as bot:
        ask(impatient, "Before?")
        await rest(impatient, bot)
        getattr(impatient.socket_mode, end)()
        ask(impatient, "During?")
        await impatient.wait_for(lambda: len(impatient.socket_mode.connections) == 2)
        ask(impatient, "After?")
        await rest(impatient, bot)
        assert (await health(port))[0] == 200
    assert sorted(answers(impatient)) == [f"The answer to {word}?" for word in ("After", "Before", "During")]


async def test_an_ack_that_dies_with_the_line_is_not_a_second_question(impatient, tmp_path, monkeypatch):
    impatient.socket_mode.retry_delays = (0.01,) * 200
    reached, go = asyncio.Event(), asyncio.Event()
    async with fonte(impatient, tmp_path, pace=NERVOUS) as bot:
        claim = bot.core.ledger.claim

        async def late(asked: Any) -> Any:
            result = await claim(asked)
            reached.set()
            await go.wait()
            return result

        monkeypatch.setattr(bot.core.ledger, "claim", late)
        ask(impatient)
        await reached.wait()
        impatient.socket_mode.reset()
        await impatient.wait_for(lambda: len(impatient.socket_mode.connections) == 2)
        go.set()
        await rest(impatient, bot)
    assert answers(impatient) == ["The answer to When is it?"]


async def test_a_line_that_slack_does_not_give_is_asked_for_until_it_does(slack, tmp_path, port):
    async with fonte(slack, tmp_path, pace=NERVOUS, http={"port": port}) as bot:
        slack.fail("apps.connections.open", Error("internal_error"), times=2)
        slack.fail("apps.connections.open", Status(503), times=2)
        await slack.socket_mode.disconnect("refresh_requested")
        ask(slack)
        state = await health(port)
        assert state == (503, {"ok": False, "ledger": "ok", "slack": "not connected"})
        await rest(slack, bot)
        assert (await health(port))[0] == 200
    assert answers(slack) == ["The answer to When is it?"]


async def test_an_address_that_has_expired_is_replaced(slack, tmp_path):
    w = slack.workspace
    async with fonte(slack, tmp_path, pace=NERVOUS) as bot:
        hang = Hang(after=True)
        slack.fail("apps.connections.open", hang)
        await slack.socket_mode.disconnect("refresh_requested")
        await slack.wait_for(hang.reached.is_set)
        w.advance(31)
        hang.release()
        ask(slack)
        await rest(slack, bot)
    assert answers(slack) == ["The answer to When is it?"]


async def test_slack_is_away_and_comes_back(slack, tmp_path):
    async with fonte(slack, tmp_path, pace=NERVOUS) as bot:
        await slack.down()
        ask(slack)
        began = time.monotonic()
        await slack.wait_for(lambda: time.monotonic() - began > 0.5)
        await slack.up()
        await rest(slack, bot)
    assert answers(slack) == ["The answer to When is it?"]


@pytest.mark.parametrize("line", ["silent", "away"])
async def test_a_line_that_is_gone_does_not_hold_up_the_end(slack, tmp_path, monkeypatch, line):
    monkeypatch.setattr("bot.platforms.slack.connection.GOODBYE", 0.05)
    async with fonte(slack, tmp_path) as bot:
        if line == "silent":
            slack.socket_mode.drop()
        else:
            await slack.down()
        async with asyncio.timeout(5):
            await bot.end()


async def test_the_first_line_is_waited_for(slack, tmp_path):
    async with AsyncExitStack() as stack:
        slack.fail("apps.connections.open", Status(503), times=4)
        bot = await stack.enter_async_context(fonte(slack, tmp_path, pace=NERVOUS))
        ask(slack)
        await rest(slack, bot)
    assert answers(slack) == ["The answer to When is it?"]


async def test_questions_asked_while_nobody_is_there_are_answered_at_the_start(slack, tmp_path):
    async with fonte(slack, tmp_path):
        pass
    ask(slack)
    async with fonte(slack, tmp_path, pace=PACE) as bot:
        await rest(slack, bot)
    assert answers(slack) == ["The answer to When is it?"]


async def test_what_was_left_open_for_more_than_a_day_is_let_go(slack, tmp_path):
    w = slack.workspace
    oracle = Oracle(hold=asyncio.Event())
    async with fonte(slack, tmp_path, oracle=oracle, drain_seconds=0):
        old, young = ask(slack, "Old?"), ask(slack, "Young?")
        await slack.wait_for(lambda: len(oracle.questions) == 2)
        await slack.settled()
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("UPDATE claims SET asked_at = asked_at - 86500 WHERE message = ?", (old.ts,))
    async with fonte(slack, tmp_path) as bot:
        await slack.wait_for(lambda: answers(slack))
        await rest(slack, bot)
        await slack.wait_for(lambda: not bot.core.dispatcher._tasks)
    assert answers(slack) == ["The answer to Young?"]
    assert w.answers(w.general, young.ts)
    assert set(rows(tmp_path, "SELECT message, ending FROM claims")) == {
        (old.ts, "undelivered"),
        (young.ts, "answered"),
    }
