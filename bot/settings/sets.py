"""Knowledge sets as they are set: JSON in SETS, SLACK_SETS and DISCORD_SETS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from bot.settings.fields import CHANNEL, FAULT, SNOWFLAKE
from bot.settings.sources import shown

Given = Mapping[str, tuple[str, ...]]

_NAME = re.compile(r"[a-z0-9_-]+")
_DRIVE = re.compile(r"[A-Za-z]:")
_SETS = 'a JSON object of names and folders such as {"hr": ["hr", "policies/internal"]}'
_SLACK = 'a JSON object of channel ids and names of sets such as {"C0123ABCD": ["hr", "default"]}'
_DISCORD = 'a JSON object of ids of channels or servers and names of sets such as {"1045678901234567890": ["hr"]}'


def _folders(value: object) -> object:
    given = _read(value, "SETS", _SETS)
    for name, folders in given.items():
        if not _NAME.fullmatch(name):
            raise fault(f"SETS names a set {shown(name)}: use small letters, digits, - and _ alone.")
        for folder in folders:
            _check_folder(folder, name)
    return given


def _check_folder(folder: str, name: str) -> None:
    where = f'SETS gives the set "{name}" the folder {shown(folder)}'
    if folder.startswith("/") or _DRIVE.match(folder):
        raise fault(f"{where}: it must be relative to SEEDS_DIR.")
    if ".." in folder.split("/"):
        raise fault(f"{where}: it must lie in SEEDS_DIR, without ..")
    if "\\" in folder:
        raise fault(f"{where}: write / between folders, not \\.")


def _places(variable: str, allowed: str, form: re.Pattern[str], kind: str) -> BeforeValidator:
    def check(value: object) -> object:
        given = _read(value, variable, allowed)
        for place in given:
            if not form.fullmatch(place):
                raise fault(f"{variable} names {shown(place)}, which is not the id of {kind}.")
        return given

    return BeforeValidator(check)


def _read(value: object, variable: str, allowed: str) -> dict[str, tuple[str, ...]]:
    """An object of lists; one text alone stands for a list of it."""
    found = _parse(value, variable, allowed) if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        raise fault(f"{variable} must be {allowed}.")
    given = {}
    for key, items in found.items():
        listed = (items,) if isinstance(items, str) else items
        texts = isinstance(listed, list | tuple) and all(isinstance(item, str) for item in listed)
        if not isinstance(key, str) or not texts:
            raise fault(f"{variable} must be {allowed}; {shown(str(key))} has neither a text nor a list of texts.")
        if not listed or not all(map(str.strip, listed)):
            raise fault(f"{variable} gives {shown(key)} nothing: name something for it, or leave it out.")
        given[key] = tuple(dict.fromkeys(map(str.strip, listed)))
    return given


def _parse(text: str, variable: str, allowed: str) -> object:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):  # one of them would do nothing, and what it was to keep private be public
            twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
            raise fault(f"{variable} names {shown(twice)} twice: put all of it in one place.")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except (json.JSONDecodeError, RecursionError):
        raise fault(f"{variable} must be {allowed}; this is not JSON: {shown(text)}.") from None


def unknown_sets(sets: Given, **places: Given) -> Iterator[str]:
    """A sentence for each variable whose places are given a set that is not defined."""
    known = {*sets, "default"}
    for variable, given in places.items():
        missing = sorted({name for names in given.values() for name in names} - known)
        if missing:
            named = " and ".join(map(shown, missing))
            yield f"{variable} names {named}, which SETS does not define: it defines {', '.join(sorted(known))}."


def fault(sentence: str) -> PydanticCustomError:
    """An error whose message is this sentence."""
    return PydanticCustomError(FAULT, "{sentence}", {"sentence": sentence})


Folders = Annotated[Given, BeforeValidator(_folders)]
SlackPlaces = Annotated[Given, _places("SLACK_SETS", _SLACK, CHANNEL, "a channel such as C0123ABCD")]
DiscordPlaces = Annotated[
    Given, _places("DISCORD_SETS", _DISCORD, SNOWFLAKE, "a channel or server such as 1045678901234567890")
]
