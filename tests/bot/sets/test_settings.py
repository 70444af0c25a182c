"""SETS, SLACK_SETS and DISCORD_SETS: what they may say, and the sentence about what they may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.settings import as_variables, load_settings, variables
from tests.bot.variables import env_file, sentences

ID = "1045678901234567890"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables():
        monkeypatch.delenv(name, raising=False)


def test_they_are_json_in_the_environment_and_in_the_file(tmp_path: Path) -> None:
    text = (
        'SETS={"hr": ["hr", "policies/internal"], "sales": "sales"}\n'
        'SLACK_SETS={"C0123ABCD": ["hr", "default"], "D0123ABCD": "sales"}\n'
        f'DISCORD_SETS=\'{{"{ID}": ["hr"]}}\'\n'
    )
    settings = load_settings(env_file(tmp_path, text))
    assert settings.sets == {"hr": ("hr", "policies/internal"), "sales": ("sales",)}
    assert settings.slack.sets == {"C0123ABCD": ("hr", "default"), "D0123ABCD": ("sales",)}
    assert settings.discord.sets == {ID: ("hr",)}
    passed_on = as_variables(settings, ["sets"])
    assert json.loads(passed_on["SETS"]) == {"hr": ["hr", "policies/internal"], "sales": ["sales"]}
    assert load_settings(None).sets == {}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SETS", "hr=hr", "SETS must be a JSON object of names and folders such as "),
        ("SETS", '["hr"]', "SETS must be a JSON object of names and folders such as "),
        ("SETS", "[" * 100_000, "this is not JSON"),
        ("SETS", '{"HR": ["hr"]}', "SETS names a set 'HR': use small letters, digits, - and _ alone."),
        (
            "SETS",
            '{"hr": ["/srv/hr"]}',
            "SETS gives the set \"hr\" the folder '/srv/hr': it must be relative to SEEDS_DIR.",
        ),
        ("SETS", '{"hr": ["C:/hr"]}', "it must be relative to SEEDS_DIR."),
        ("SETS", '{"hr": ["hr/../.."]}', "it must lie in SEEDS_DIR, without .."),
        ("SETS", '{"hr": ["policies\\\\internal"]}', "write / between folders, not \\."),
        ("SETS", '{"hr": []}', "SETS gives 'hr' nothing: name something for it, or leave it out."),
        ("SETS", '{"hr": ["hr", " "]}', "SETS gives 'hr' nothing"),
        ("SETS", '{"hr": [1]}', "'hr' has neither a text nor a list of texts."),
        ("SETS", '{"hr": null}', "'hr' has neither a text nor a list of texts."),
        ("SETS", '{"hr": ["a"], "hr": ["b"]}', "SETS names 'hr' twice: put all of it in one place."),
        ("SLACK_SETS", '{"#general": ["default"]}', "SLACK_SETS names '#general', which is not the id of a channel"),
        ("SLACK_SETS", '{"C0123ABCD": []}', "SLACK_SETS gives 'C0123ABCD' nothing"),
        ("SLACK_SETS", '{"C0123ABCD": "hr"}', "SLACK_SETS names 'hr', which SETS does not define: it defines default."),
        (
            "DISCORD_SETS",
            '{"C0123ABCD": "default"}',
            "DISCORD_SETS names 'C0123ABCD', which is not the id of a channel",
        ),
        ("DISCORD_SETS", f'{{"{ID}": ["hr", "ops"]}}', "DISCORD_SETS names 'hr' and 'ops', which SETS does not define"),
    ],
)
def test_what_they_may_not_say_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    (sentence,) = sentences(monkeypatch, **{name: value})
    assert told in sentence
    assert sentence.startswith(name)
    assert len(sentence) < 400
