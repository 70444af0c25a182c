"""The Events API: Slack calls the bot, and signs what it sends."""

from __future__ import annotations

import io
import json
import socket
import time
from contextlib import AbstractAsyncContextManager, closing
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.errors import ConfigError, LedgerUnavailable
from tests.bot.platforms.slack.seen import answers, private, rest
from tests.standin.fonte import Fonte, fonte
from tests.standin.slack import payloads
from tests.standin.slack.http_sender import FORM, HttpTarget, signature
from tests.standin.slack.server import SlackServer

PATH = "/slack/events"


@pytest.fixture
def port(unused_tcp_port: int) -> int:
    return unused_tcp_port


@pytest.fixture
def target(slack: SlackServer, port: int) -> HttpTarget:
    return slack.http_target(f"http://127.0.0.1:{port}{PATH}")


def serving(slack: SlackServer, tmp_path, port: int) -> AbstractAsyncContextManager[Fonte]:
    return fonte(slack, tmp_path, slack={"app_token": None, "mode": "http"}, http={"port": port})


def event(slack: SlackServer, text: str = "When is it?") -> dict:
    """A mention as Slack would send it, which the test sends itself."""
    w = slack.workspace
    sent, w.send = w.send, lambda delivery: None
    w.say(w.alice, w.general, f"{w.mention} {text}")
    w.send = sent
    (*_, delivery) = w.delivered("app_mention")
    w.deliveries.clear()
    return delivery.payload


async def test_the_address_proves_to_be_the_bots(slack, tmp_path, port, target):
    async with serving(slack, tmp_path, port):
        assert await target.verify()


async def test_questions_commands_and_buttons_come_by_signed_requests(slack, tmp_path, port, target):
    w = slack.workspace
    async with serving(slack, tmp_path, port) as bot:
        question = w.say(w.alice, w.general, f"{w.mention} When is it?", copies=2)
        (answer,) = await answers(slack, w.general, question.ts)
        w.slash(w.bruno, w.random, "Where is it?")
        (told,) = await private(slack, w.bruno)
        w.click(w.alice, answer, "fonte_helpful")
        await rest(slack, bot)
        turn = await bot.core.ledger.feedback(f"slack:{w.team}:{w.general.id}:{question.ts}", w.alice.id)
    assert "The answer to When is it?" in answer.shown
    assert "The answer to Where is it?" in told.shown
    assert turn.verdict == "helpful"
    assert len(w.answers(w.general)) == 1
    assert {delivery.attempts[0].status for delivery in w.deliveries} == {200}
    assert not slack.calls("apps.connections.open")


async def test_what_comes_again_is_answered_once(slack, tmp_path, port, target):
    w = slack.workspace
    body = json.dumps(event(slack))
    async with serving(slack, tmp_path, port) as bot:
        for number in range(4):
            retry = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_timeout"} if number else {}
            assert (await target.post(body, headers=retry))[0] == 200
        await rest(slack, bot)
        assert len(w.answers(w.general)) == 1


async def test_without_a_ledger_slack_is_told_to_come_again(slack, tmp_path, port, target, monkeypatch):
    w = slack.workspace
    async with serving(slack, tmp_path, port) as bot:
        claim, failures = bot.core.ledger.claim, iter([True] * 4)

        async def flaky(asked):
            if next(failures, False):
                raise LedgerUnavailable("The ledger cannot be used now.")
            return await claim(asked)

        monkeypatch.setattr(bot.core.ledger, "claim", flaky)
        w.say(w.alice, w.general, f"{w.mention} When is it?")
        await rest(slack, bot)
    assert {attempt.status for delivery in w.deliveries for attempt in delivery.attempts} == {503, 200}
    assert max(len(delivery.attempts) for delivery in w.delivered("app_mention")) > 1
    assert len(w.answers(w.general)) == 1


def tampered(slack: SlackServer, body: str) -> dict[str, dict[str, str]]:
    """Headers that must not open the door."""
    now, before = str(int(time.time())), str(int(time.time()) - 301)
    secret = slack.signing_secret
    return {
        "another secret": {"X-Slack-Signature": signature("another", now, body), "X-Slack-Request-Timestamp": now},
        "another body": {"X-Slack-Signature": signature(secret, now, body + " "), "X-Slack-Request-Timestamp": now},
        "another time": {"X-Slack-Signature": signature(secret, before, body), "X-Slack-Request-Timestamp": now},
        "an old request": {"X-Slack-Signature": signature(secret, before, body), "X-Slack-Request-Timestamp": before},
        "no signature": {"X-Slack-Signature": ""},
        "no time": {"X-Slack-Request-Timestamp": ""},
        "no number": {"X-Slack-Request-Timestamp": "yesterday"},
        "beyond ASCII": {"X-Slack-Signature": "v0=\u00e9"},
    }


async def test_what_slack_did_not_sign_is_refused_and_not_kept(slack, tmp_path, port, target, caplog):
    body = json.dumps(event(slack))
    async with serving(slack, tmp_path, port) as bot:
        for name, headers in tampered(slack, body).items():
            assert (name, (await target.post(body, headers=headers))[0]) == (name, 401)
        await bot.idle()
        key = f"slack:{slack.workspace.team}:{slack.workspace.general.id}"
        assert not [m for m in slack.workspace.messages if await bot.core.ledger.known(f"{key}:{m[1]}")]
    assert slack.workspace.answers(slack.workspace.general) == []
    assert bot.oracle.questions == []
    assert "ERROR" not in caplog.text


GARBAGE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/json"),
    "half of it": (b'{"type": "event_callback", ', "application/json"),
    "a list": (b"[1, 2]", "application/json"),
    "a number": (b"7", "application/json"),
    "null": (b"null", "application/json"),
    "wrong types": (b'{"team_id": {"a": 1}, "event": [], "authorizations": 3, "user": "x"}', "application/json"),
    "no text": (b"\xff\xfe\x00", "application/json"),
    "an unknown charset": (b"{}", "application/json; charset=klingon"),
    "a form": (b"payload=%7Bhalf", FORM),
    "a form of a list": (b"payload=%5B%5D", FORM),
    "depth": (b"[" * 100_000, "application/json"),
}


@pytest.mark.parametrize("signed", [False, True])
async def test_rubbish_does_no_harm(slack, tmp_path, port, target, caplog, signed):
    async with serving(slack, tmp_path, port) as bot, aiohttp.ClientSession() as session:
        for name, (body, kind) in GARBAGE.items():
            now = str(int(time.time()))
            headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": now, "X-Slack-Signature": "v0=no"}
            if signed:
                headers["X-Slack-Signature"] = signature(slack.signing_secret, now, body.decode("latin-1"))
            async with session.post(target.url, data=body, headers=headers) as answer:
                assert answer.status in ((400, 401, 404) if signed else (401,)), name
        assert (await target.post(json.dumps(event(slack))))[0] == 200
        await rest(slack, bot)
    assert len(slack.workspace.answers(slack.workspace.general)) == 1
    assert "ERROR" not in caplog.text


async def test_other_doors_are_shut(slack, tmp_path, port, target):
    async with serving(slack, tmp_path, port), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        statuses = {}
        for method, path in (("GET", PATH), ("POST", "/"), ("POST", "/health"), ("GET", "/slack/install")):
            async with session.request(method, path) as answer:
                statuses[method, path] = answer.status
        async with session.post(PATH, data=io.BytesIO(b"x" * (1 << 21))) as answer:
            statuses["too much"] = answer.status
    assert statuses == {
        ("GET", PATH): 405,
        ("POST", "/"): 404,
        ("POST", "/health"): 405,
        ("GET", "/slack/install"): 404,
        "too much": 413,
    }


async def test_a_command_that_is_signed_as_a_form(slack, tmp_path, port, target):
    w = slack.workspace
    fields = payloads.command(
        w.alice,
        w.general,
        "/ask",
        "When & where?",
        token="t",
        api_app_id=w.app.id,
        team_id=w.team,
        team_domain=w.domain,
        trigger_id=w.new_trigger(w.alice),
        response_url=w.new_response_url("commands", w.alice, w.general),
    )
    async with serving(slack, tmp_path, port) as bot:
        for _ in range(2):
            assert (await target.post(urlencode(fields), content_type=FORM))[0] == 200
        await rest(slack, bot)
        assert len(await private(slack, w.alice)) == 1


async def test_an_address_in_use_is_one_sentence(slack, tmp_path):
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            async with serving(slack, tmp_path, port):
                pass
    assert str(caught.value) == f"HTTP_HOST=127.0.0.1 HTTP_PORT={port} cannot be served: Address already in use."
