"""What counts as a secret: the patterns, and the secrets that are known."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import GONE, Redactor, redact

SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
TAIL = "-".join(("2345678901", "3456789012", "AbCdEfGhIjKlMnOpQrStUvWx"))
VERIFICATION = "gIkuvaNzQIHg97ATvDxqgjtO"
HOOK = "T0123/4567890/QwErTyUiOpAsDfGh"
DISCORD = ".".join((base64.urlsafe_b64encode(b"1234567890123456789").decode().rstrip("="), "GAbcDe", "a1_-" * 9))
INTERACTION = base64.urlsafe_b64encode(b"interaction:104567890123456789:AbCdEfGhIjKlMnOp").decode().rstrip("=")


@st.composite
def slack_tokens(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["xoxb-", "xoxp-", "xoxa-2-", "xoxc-", "xoxe-1-", "xoxe.xoxb-1-", "xapp-1-", "xwfp-"]))
    return kind + draw(st.text(SAFE, min_size=1)) + draw(st.text(SAFE + "-", max_size=60))


@given(slack_tokens(), st.text(), st.text())
def test_no_text_around_a_token_saves_it(token: str, before: str, after: str) -> None:
    assert token not in Redactor()(before + token + after)


@given(st.text(SAFE, min_size=8, max_size=40), st.text(SAFE + " /:=@\"'\\&", max_size=60), st.data())
def test_no_text_around_a_known_secret_saves_it(secret: str, around: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(around)))
    assert secret not in Redactor([secret])(around[:cut] + secret + around[cut:])


FRAGMENTS = st.sampled_from(
    [
        "xoxb-",
        "xoxe.",
        "xapp-1-A",
        "token=",
        '"token": "',
        "'token': '",
        "%22token%22%3A%22",
        "Authorization: ",
        "Bearer ",
        "https://hooks.slack.com/commands/",
        "https:\\/\\/hooks.slack.com\\/actions\\/",
        "wss://host/link/?ticket=",
        "postgresql://user:",
        "@host/db",
        "v0=",
        "password=",
        "response_url",
        "***",
        "&",
        '"',
        "'",
        "\\",
        " ",
        "\n",
        "=",
        ":",
        "/",
        "-",
        ".",
        "a" * 24,
        "b" * 64,
        "secret-value",
        "pw",
    ]
)


@given(st.lists(FRAGMENTS | st.text(max_size=5)).map("".join))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    redactor = Redactor(["secret-value", "pw"])
    once = redactor(text)
    assert redactor(once) == once


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"hello {DISCORD} there", DISCORD),
        (f"Authorization: Bot {DISCORD}", DISCORD),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("{'Authorization': 'Bearer abc', 'X': 'y'}", "abc"),
        ("(b'Authorization', b'Basic YWJjOmRlZg==')", "YWJjOmRlZg"),
        ('{\\"authorization\\":\\"Negotiate abc123\\"}', "abc123"),
        (json.dumps({"token": VERIFICATION, "team_id": "T1"}), VERIFICATION),
        (repr({"token": VERIFICATION}), VERIFICATION),
        (repr(json.dumps({"token": VERIFICATION})), VERIFICATION),
        (json.dumps(json.dumps({"payload": json.dumps({"token": VERIFICATION})})), VERIFICATION),
        (urlencode({"token": VERIFICATION, "team_id": "T1"}), VERIFICATION),
        (urlencode({"payload": json.dumps({"type": "x", "token": VERIFICATION})}), VERIFICATION),
        (urlencode({"payload": json.dumps({"token": VERIFICATION}, separators=(",", ":"))}), VERIFICATION),
        ("wss://wss-primary.slack.com/link/?ticket=ab12cd-34&app_id=f00ba4", "ab12cd-34"),
        ("wss://wss-primary.slack.com/link/?ticket=ab12cd-34&app_id=f00ba4", "f00ba4"),
        (json.dumps({"url": "wss://h/link/?ticket=ab12cd&app_id=f00ba4"}).replace("/", "\\/"), "ab12cd"),
        ('"url":"wss:\\/\\/h\\/link\\/?ticket=ab12cd\\u0026app_id=f00ba4"', "f00ba4"),
        ("GET /link/?ticket=ab12cd HTTP/1.1", "ab12cd"),
        ("url=URL('ws://127.0.0.1:8888/link/?ticket=ab12cd&app_id=f00ba4')", "f00ba4"),
        (f"POST https://hooks.slack.com/commands/{HOOK}", HOOK),
        (f"<https://hooks.slack.com/services/{HOOK}>", HOOK),
        (f"https://hooks.slack-gov.com/actions/{HOOK}, and", HOOK),
        (f"http://127.0.0.1:8888/actions/{HOOK}", HOOK),
        (f'"response_url":"https:\\/\\/slack.example\\/anything\\/{HOOK}"'.replace(HOOK, "Sec-ret"), "Sec-ret"),
        (json.dumps({"response_url": f"https://hooks.slack.com/actions/{HOOK}"}).replace("/", "\\/"), "QwErTyUiOp"),
        (urlencode({"response_url": f"https://hooks.slack.com/commands/{HOOK}", "x": "1"}), "QwErTyUiOp"),
        (quote(json.dumps({"response_url": f"https://hooks.slack.com/actions/{HOOK}"}), safe=""), "QwErTyUiOp"),
        ("https://files.slack.com/upload/v1/ABC123abc", "ABC123abc"),
        ("postgresql+asyncpg://me:hunter2@host:5432/db", "hunter2"),
        ("postgresql://me:hunt/er@2@host/db?sslmode=require", "hunt"),
        ("could not connect with password=hunter2 to host", "hunter2"),
        ("AsyncWebClient(token='hunter2')", "hunter2"),
        ("SLACK_SIGNING_SECRET=hunter2", "hunter2"),
        (f"POST https://discord.com/api/v10/interactions/104567890123456789/{INTERACTION}/callback with", INTERACTION),
        (f"PATCH http://127.0.0.1:88/api/v10/webhooks/104567/{INTERACTION}/messages/@original", INTERACTION),
        ("Webhook ID 1 with POST https://discord.com/api/webhooks/104567/Sec-ret_1 has", "Sec-ret_1"),
        (repr({"id": "1", "token": INTERACTION}), INTERACTION),
        (f"104567890123456789:{INTERACTION}", INTERACTION),
        ("x-slack-signature: v0=" + "0f" * 32, "0f0f0f"),
    ],
)
def test_what_looks_like_a_secret_goes(text: str, secret: str) -> None:
    assert secret in text
    redacted = redact(text)
    assert secret not in redacted
    assert GONE in redacted


@pytest.mark.parametrize(
    "text",
    [
        "The bot token starts with xoxb-, the app-level one with xapp-.",
        "SLACK_BOT_TOKEN is not set: it must be the token that starts with xoxb-.",
        "https://slack.com/api/chat.postMessage answered 429",
        "channel C0123ABCD, ts 1700000000.000100, user U0123ABCD",
        "Is the ticket office open? The password policy says: ask.",
        "http://127.0.0.1:8888/api/ is no address of mine",
        "mail me@example.com",
        "GET https://discord.com/api/v10/channels/104567890123456789/messages has returned 200",
        "an interaction is answered within 3 s; webhooks are something else",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_the_kind_of_a_token_and_the_host_of_an_address_stay() -> None:
    assert redact(f"xoxb-{TAIL}.") == f"xoxb-{GONE}"
    assert (
        redact(f"https://hooks.slack.com/commands/{HOOK} failed") == f"https://hooks.slack.com/commands/{GONE} failed"
    )
    assert redact("postgresql://me:hunter2@host/db") == f"postgresql://me:{GONE}@host/db"


def test_known_secrets_go_in_every_spelling() -> None:
    secret = 'pä ss"w/ord\\1'
    redactor = Redactor([secret, "", "*"])
    for spelling in (secret, quote(secret, safe=""), urlencode({"a": secret}), repr(secret), f"x{secret}y"):
        assert "ss" not in redactor(spelling), spelling


def test_a_short_secret_takes_whole_words_only() -> None:
    assert Redactor(["bot"])("bot: robots, bot.settings and (bot)") == f"{GONE}: robots, {GONE}.settings and ({GONE})"


def test_of_two_secrets_the_longer_one_goes_first() -> None:
    assert Redactor(["abcdefgh", "abcdefghijkl"])("abcdefghijkl") == GONE
