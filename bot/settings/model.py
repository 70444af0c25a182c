"""The settings themselves.

A group is one ``Group`` subclass and one field of Settings: the field ``seeds`` of a group with the field ``dir`` is
the variable ``SEEDS_DIR``. Its ``allowed`` clause completes "SEEDS_DIR must be ..." when a value is wrong. A secret
called NAME may also be given as NAME_FILE, the path of a file with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.settings.fields import (
    Address,
    ChannelId,
    ChannelIds,
    CollectionName,
    CommaList,
    EscalationId,
    Folder,
    Group,
    Host,
    IndexType,
    MilvusUri,
    Secret,
    Snowflake,
    Snowflakes,
    Switch,
    UserIds,
    lower,
    setting,
)
from bot.settings.sets import DiscordPlaces, Folders, SlackPlaces, fault, unknown_sets
from bot.settings.sources import Variables
from retrieval.manifest import Consistency, Device, Precision

_ADDRESS = "an http or https address, percent-encoded, without user name, query and fragment"
_SETS = "a JSON object"
_CHANNELS = "channel ids such as C0123ABCD separated by commas (in Slack at the end of a channel's details)"

_ID = 'id such as 1045678901234567890 (in Discord: Developer Mode on, right-click, "Copy ID")'
_IDS = 'ids such as 1045678901234567890 separated by commas (in Discord: Developer Mode on, right-click, "Copy ID")'


_DEVICE = "cpu, cuda or auto"


class Seeds(Group):
    """The documents."""

    dir: Path = setting(Path("seeds"), "the path of a folder")
    exclude: CommaList = setting((), "file name patterns separated by commas")
    watch: Switch = setting(False, "true or false")


class Embedding(Group):
    """The model that turns text into vectors."""

    model: str = setting("all-MiniLM-L6-v2", "a sentence-transformers model's name or folder, or hashing")
    threads: int = setting(0, "a whole number from 0 (automatic) to 256", ge=0, le=256)
    device: Annotated[Device, BeforeValidator(lower)] = setting("auto", _DEVICE)
    precision: Annotated[Precision, BeforeValidator(lower)] = setting("auto", "auto, float32 or int8")


class Index(Group):
    """How the vectors of many documents are searched."""

    type: IndexType = setting("auto", "auto or a FAISS factory string such as Flat, PQ192x4fs or HNSW32", min_length=1)
    recall: float = setting(0.99, "a number from 0.5 to 0.9999", ge=0.5, le=0.9999, allow_inf_nan=False)
    device: Annotated[Device, BeforeValidator(lower)] = setting("auto", _DEVICE)


class Milvus(Group):
    """The Milvus that holds the vectors where VECTOR_STORE says so."""

    uri: MilvusUri = setting(
        "",
        "an address such as http://localhost:19530 without user name, or the path of a file of Milvus Lite, which ends "
        "in .db",
    )
    token: Secret = setting(None, "the token, USER:PASSWORD or an API key")
    timeout: float = setting(10, "a number of seconds from 0.1 to 3600", ge=0.1, le=3600, allow_inf_nan=False)
    consistency: Annotated[Consistency, BeforeValidator(lower)] = setting(
        "bounded", "strong, session, bounded or eventually"
    )
    collection: CollectionName = setting(
        "fonte", "a name of at most 100 letters, digits and underscores that does not begin with a digit"
    )


class Answer(Group):
    """When a question counts as answered."""

    min_support: float | None = setting(None, "a number from 0 to 1", ge=0, le=1, allow_inf_nan=False)
    reader: Switch = setting(True, "true or false")


class Slack(Group):
    """The workspace. ``slack_credentials`` says whether the secrets are enough."""

    bot_token: Secret = setting(None, "the Bot User OAuth Token")
    app_token: Secret = setting(None, "the app-level token")
    signing_secret: Secret = setting(None, "the app's signing secret")
    mode: Annotated[Literal["socket", "http"] | None, BeforeValidator(lower)] = setting(None, "socket or http")
    api_base_url: Folder = setting("https://slack.com/api/", _ADDRESS)
    allowed_channels: ChannelIds = setting((), _CHANNELS)
    allowed_users: UserIds = setting(
        (), 'member ids such as U0123ABCD separated by commas (in Slack: a person\'s profile, ⋮, "Copy member ID")'
    )
    auto_answer_channels: ChannelIds = setting((), _CHANNELS)
    feedback_channel: ChannelId = setting(
        "", "a channel id such as C0123ABCD (in Slack at the end of a channel's details)"
    )
    escalation: EscalationId = setting(
        "", "a user group id such as S0123ABCD or a channel id such as C0123ABCD, as Slack shows in its details"
    )
    sets: SlackPlaces = setting({}, _SETS)


class Discord(Group):
    """The servers. ``discord_token`` says whether the secret is enough."""

    bot_token: Secret = setting(None, "the bot's token")
    api_base_url: Address = setting("https://discord.com/api/v10", _ADDRESS)
    guilds: Snowflakes = setting((), f"server {_IDS}")
    allowed_channels: Snowflakes = setting((), f"channel {_IDS}")
    allowed_users: Snowflakes = setting((), f"user {_IDS}")
    allowed_roles: Snowflakes = setting((), f"role {_IDS}")
    threads: Switch = setting(False, "true or false")
    message_content: Switch = setting(False, "true or false")
    feedback_channel: Snowflake = setting("", f"a channel {_ID}")
    escalation_channel: Snowflake = setting("", f"a channel {_ID}")
    escalation_role: Snowflake = setting("", f"a role {_ID}")
    sets: DiscordPlaces = setting({}, _SETS)


class Http(Group):
    """Where the bot listens: for Slack's requests in HTTP mode, for health checks in any mode."""

    host: Host = setting("127.0.0.1", "a host name or an IP address")
    port: int | None = setting(None, "a port number from 1 to 65535", ge=1, le=65535)


class Settings(BaseSettings):
    """Everything that can be set. Built by ``load_settings``."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore", case_sensitive=True)
    passed_over: ClassVar[frozenset[str]] = frozenset()
    """Variables that are not looked at."""

    seeds: Seeds = Seeds()
    sets: Folders = setting({}, _SETS)
    source_base_url: Address | None = setting(None, _ADDRESS)
    data_dir: Path = setting(Path("data"), "the path of a folder")
    embedding: Embedding = Embedding()
    index: Index = Index()
    vector_store: Annotated[Literal["faiss", "milvus"], BeforeValidator(lower)] = setting("faiss", "faiss or milvus")
    milvus: Milvus = Milvus()
    answer: Answer = Answer()
    slack: Slack = Slack()
    discord: Discord = Discord()
    http: Http = Http()
    rate_limit: int = setting(10, "a whole number of questions from 0 (no limit) to 100000", ge=0, le=100_000)
    queue_limit: int = setting(100, "a whole number of questions from 1 to 100000", ge=1, le=100_000)
    database_url: Secret = setting(None, "the address of a database")
    retention_days: int = setting(90, "a whole number of days from 1 to 36500", ge=1, le=36_500)
    drain_seconds: float = setting(20, "a number of seconds from 0 to 3600", ge=0, le=3600, allow_inf_nan=False)
    bot_language: Annotated[Literal["auto", "en", "it"], BeforeValidator(lower)] = setting("auto", "auto, en or it")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower)] = setting(
        "warning", "debug, info, warning or error"
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        """What is right by itself may be wrong together."""
        if self.vector_store == "milvus":
            if not self.milvus.uri:
                raise fault(
                    "VECTOR_STORE=milvus needs MILVUS_URI: an address such as http://localhost:19530, or the path of a "
                    "file that ends in .db."
                )
            if self.index.type != "auto":
                raise fault("INDEX_TYPE is for FAISS: with VECTOR_STORE=milvus it must be auto.")
        for sentence in unknown_sets(self.sets, SLACK_SETS=self.slack.sets, DISCORD_SETS=self.discord.sets):
            if "SETS" not in self.passed_over:
                raise fault(sentence)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, Variables(settings_cls, env_settings, dotenv_settings, without=cls.passed_over)

    @property
    def locale(self) -> str | None:
        """The language forced by BOT_LANGUAGE, None where it is automatic."""
        return None if self.bot_language == "auto" else self.bot_language
