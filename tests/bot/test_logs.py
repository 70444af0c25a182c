"""The log: no secret in it, whoever writes it, and one line an event."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import redaction
from bot.redaction import GONE, RedactingFormatter, configure_logging, install

TAIL = "-".join(("2345678901", "3456789012", "AbCdEfGhIjKlMnOpQrStUvWx"))


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What has gone to stderr since the last call; the loggers are put back as they were."""
    root = logging.getLogger()
    names = ("bot", "retrieval", *redaction.LIBRARIES)
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in names}
    level = root.level
    yield lambda: capsys.readouterr().err
    install(())
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


class Loud:
    def __repr__(self) -> str:
        return f"<client with xoxb-{TAIL}>"


def fail() -> None:
    token = f"xapp-{TAIL}"
    try:
        raise KeyError(token)
    except KeyError:
        raise ValueError(f"no answer for {token}") from None


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
@pytest.mark.parametrize(
    "name", ["bot.platforms.slack", "slack_sdk.web.async_client", "slack_bolt.AsyncApp", "aiohttp"]
)
def test_no_token_comes_through_any_logger_at_any_level(written: Callable[[], str], level: str, name: str) -> None:
    configure_logging(level, ["the-signing-secret"])
    logger = logging.getLogger(name)
    logger.debug("Sending %s with %r", {"token": f"xoxb-{TAIL}"}, Loud())
    logger.warning("arguments %(token)s", {"token": f"xoxb-{TAIL}"})
    logger.error(Loud(), stack_info=True)
    logger.error("signed with the-signing-secret", extra={"token": f"xoxb-{TAIL}"})
    try:
        fail()
    except ValueError:
        logger.exception("it failed")
    log = written()
    assert "it failed" in log
    assert not any(secret in log for secret in (TAIL, "AbCdEfGh", "the-signing-secret"))


async def test_slacks_own_client_keeps_its_tokens_to_itself(written: Callable[[], str]) -> None:
    bot, app, ticket = f"xoxb-{TAIL}", f"xapp-1-{TAIL}", "5f0c-ticket"

    async def answer(request: web.Request) -> web.Response:
        body = await request.post()
        if request.path.endswith("apps.connections.open"):
            return web.json_response({"ok": True, "url": f"wss://example.com/link/?ticket={ticket}&app_id=a1b2"})
        return web.json_response({"ok": False, "error": "invalid_auth", "token": body.get("token"), "echo": bot})

    server = web.Application()
    server.router.add_post("/api/{method}", answer)
    runner = web.AppRunner(server, access_log=logging.getLogger("aiohttp.access"))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        configure_logging("debug")
        client = AsyncWebClient(bot, base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/api/")
        await client.apps_connections_open(app_token=app)
        with pytest.raises(SlackApiError) as caught:
            await client.auth_test()
        logging.getLogger("bot").error("refused", exc_info=caught.value)
    finally:
        await runner.cleanup()
    log = written()
    assert "DEBUG slack_sdk.web" in log
    assert "INFO aiohttp.access" in log
    assert "invalid_auth" in log
    assert not any(secret in log for secret in (TAIL, ticket, "a1b2"))


def test_a_traceback_is_one_line_unless_debugging(written: Callable[[], str]) -> None:
    for level in ("warning", "debug"):
        configure_logging(level)
        try:
            fail()
        except ValueError:
            logging.getLogger("bot").exception("it failed\nbadly", stack_info=True)
    line, *rest = written().splitlines()
    assert line == f"ERROR bot: it failed badly (ValueError: no answer for xapp-{GONE})"
    assert rest[:2] == ["ERROR bot: it failed", "badly"]
    assert any(line.startswith("Traceback (most recent call last)") for line in rest)
    assert any("raise ValueError" in line for line in rest)


def test_an_error_that_the_message_repeats_is_not_said_twice(written: Callable[[], str]) -> None:
    configure_logging("warning")
    try:
        raise RuntimeError("out of reach")
    except RuntimeError as error:
        logging.getLogger("slack_sdk").exception(f"Failed (error: {error}); retrying")
    assert written() == "ERROR slack_sdk: Failed (error: out of reach); retrying\n"


def test_a_message_cannot_forge_a_line_or_move_the_cursor(written: Callable[[], str]) -> None:
    configure_logging("warning")
    logging.getLogger("bot").warning("asked: %s", "what?\nERROR bot: forged\x1b[2J\r\x9b1m")
    assert written() == "WARNING bot: asked: what? ERROR bot: forged\\x1b[2J \\x9b1m\n"


def test_levels(written: Callable[[], str]) -> None:
    def heard(level: str) -> set[str]:
        configure_logging(level)
        for name in ("bot.app", "retrieval.index", "slack_sdk.socket_mode", "sqlalchemy.engine"):
            for spoken in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
                logging.getLogger(name).log(spoken, "x")
        return {line.removesuffix(": x") for line in written().splitlines()}

    ours = {
        f"{level} {name}" for level in ("DEBUG", "INFO", "WARNING", "ERROR") for name in ("bot.app", "retrieval.index")
    }
    loud = {
        f"{level} {name}" for level in ("WARNING", "ERROR") for name in ("slack_sdk.socket_mode", "sqlalchemy.engine")
    }
    debug = {f"{level} slack_sdk.socket_mode" for level in ("DEBUG", "INFO")}
    assert heard("debug") == ours | loud | debug
    assert heard("info") == {line for line in ours if not line.startswith("DEBUG")} | loud
    assert heard("warning") == {line for line in ours | loud if line.startswith(("WARNING", "ERROR"))}
    assert heard("error") == {line for line in ours | loud if line.startswith("ERROR")}


def test_configuring_again_replaces_what_was_configured(written: Callable[[], str]) -> None:
    logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
    configure_logging("info", ["first-secret"])
    configure_logging("info", ["second-secret"])
    logging.getLogger("bot").info("first-secret second-secret")
    assert written() == f"INFO bot: first-secret {GONE}\n"


def test_the_record_itself_is_left_alone_for_other_handlers() -> None:
    record = logging.LogRecord("bot", logging.ERROR, __file__, 1, "with %s", (f"xoxb-{TAIL}",), None)
    before = dict(record.__dict__)
    for tracebacks in (True, False):
        assert TAIL not in RedactingFormatter("%(message)s", tracebacks=tracebacks).format(record)
    assert {name: value for name, value in record.__dict__.items() if name in before} == before


@pytest.mark.parametrize("tracebacks", [True, False])
def test_a_record_that_cannot_be_formatted_shows_none_of_its_arguments(tracebacks: bool) -> None:
    # The logging module itself would print all of them.
    record = logging.LogRecord("aiohttp", logging.ERROR, "/x/web.py", 7, "%s %s", (f"xoxb-{TAIL}",), None)
    assert RedactingFormatter(tracebacks=tracebacks).format(record) == (
        "ERROR aiohttp: what web.py, line 7 says cannot be shown (TypeError)"
    )


def test_a_closed_stderr_shows_no_arguments(written: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    gone = io.StringIO()
    gone.close()
    with monkeypatch.context() as context:
        context.setattr(sys, "stderr", gone)
        configure_logging("warning")
    logging.getLogger("bot").warning("with %s", f"xoxb-{TAIL}")
    assert written() == ""
