"""The kinds of values that settings take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

FAULT = "fault"
"""Type of the errors whose message is the whole sentence."""

# A digit is asked for because no id of Slack's goes without, and "#GENERAL" or "DEVELOPERS" do.
CHANNEL = re.compile(r"[CGD](?=[A-Z]*[0-9])[A-Z0-9]+")
_USER = re.compile(r"[UW](?=[A-Z]*[0-9])[A-Z0-9]+")
_ESCALATION = re.compile(r"[SCG](?=[A-Z]*[0-9])[A-Z0-9]+")
SNOWFLAKE = re.compile(r"[0-9]{15,20}")
"""Discord's ids count milliseconds since 2015; the first had 15 digits, and 64 bits have at most 20."""
_COLLECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")


class Group(BaseModel):
    """Settings whose variables share a prefix."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Fault:
    """Stands in the place of a secret that could not be had."""

    sentence: str


def setting(default: object, allowed: str, **bounds: Any) -> Any:
    """A field; ``allowed`` completes "NAME must be ..." when a value is wrong."""
    return Field(default, json_schema_extra={"allowed": allowed}, **bounds)


def lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _index_type(value: object) -> object:
    """The words that FAISS or this program knows by one spelling, in that; all else as it is."""
    if not isinstance(value, str):
        return value
    known = {"auto": "auto", "flat": "Flat"}
    return known.get(value.strip().lower(), value.strip())


def _split(value: object) -> object:
    return tuple(part for item in value.split(",") if (part := item.strip())) if isinstance(value, str) else value


def _strip(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _unwrap(value: object) -> object:
    if isinstance(value, Fault):
        raise PydanticCustomError(FAULT, "{sentence}", {"sentence": value.sentence})
    return _strip(value)


def _form(pattern: re.Pattern[str]) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError
        return value

    return AfterValidator(check)


def _address(value: str) -> str:
    """A user name and password would be shown in links and logs; a path cannot be added behind a query or fragment."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError
    if "@" in parts.netloc or "?" in value or "#" in value or not re.fullmatch(r"[!-~]+", value):
        raise ValueError
    return value


def _milvus(value: str) -> str:
    """An address, or a file of Milvus Lite. A user name and password would be shown in messages."""
    parts = urlsplit(value)
    served = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if value and not (served or (not parts.scheme and value.endswith(".db"))):
        raise ValueError
    if served and ("@" in parts.netloc or "?" in value or "#" in value or not re.fullmatch(r"[!-~]+", value)):
        raise ValueError
    return value


CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]
Secret = Annotated[SecretStr | None, BeforeValidator(_unwrap)]
Address = Annotated[str, BeforeValidator(_strip), AfterValidator(_address)]
Folder = Annotated[Address, AfterValidator(lambda value: value.rstrip("/") + "/")]
"""An address that ends with a slash, as names are added to it."""
Host = Annotated[str, BeforeValidator(_strip), _form(_HOST)]
ChannelId = Annotated[str, BeforeValidator(_strip), _form(CHANNEL)]
EscalationId = Annotated[str, BeforeValidator(_strip), _form(_ESCALATION)]
ChannelIds = Annotated[tuple[ChannelId, ...], BeforeValidator(_split)]
IndexType = Annotated[str, BeforeValidator(_index_type)]
MilvusUri = Annotated[str, BeforeValidator(_strip), AfterValidator(_milvus)]
CollectionName = Annotated[str, BeforeValidator(_strip), _form(_COLLECTION)]
Switch = Annotated[bool, BeforeValidator(lower)]
Snowflake = Annotated[str, BeforeValidator(_strip), _form(SNOWFLAKE)]
Snowflakes = Annotated[tuple[Snowflake, ...], BeforeValidator(_split)]
UserIds = Annotated[tuple[Annotated[str, _form(_USER)], ...], BeforeValidator(_split)]
