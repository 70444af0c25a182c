"""Who sees what: for each place the documents whose words may be shown there.

Decided by where words are shown, when they are shown, and by the settings that hold then. The doors, and where each of
them asks:

- answers, to whatever is taken as a question, at first, after an edit or after a restart; the nearest passages of one
  that is not answered; a file with the whole answer: ``Composer`` asks for the scope when it answers, and retrieval
  finds nothing outside it. An answer to be seen by its asker alone counts as shown in the channel.
- such an answer where it can only be delivered by direct message: ``DiscordSurface``;
- an answer that is shared, forwarded as feedback, or put before a person: ``Composer``, by ``shows``, and before that
  ``Actions``, so that whoever presses the button is told;
- questions to begin with, in Slack's messages tab and panel and while a question is typed in Discord, and the list of
  documents: ``Shelf``;
- the terminal: ``python -m bot --set NAME``.

All other words are the bot's own or a person's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType

from bot.claims import Asked, Trigger
from bot.errors import ConfigError
from bot.settings import Settings
from bot.types import Reply
from retrieval.sets import DEFAULT, Groups, Sets

View = frozenset[str] | None
"""Names of the sets that a place is given; None: all there is, as no sets are defined."""
Places = Mapping[str, Mapping[str, Collection[str]]]
"""Platform -> id of a channel, thread or team -> names of sets."""
_UNMAPPED = frozenset({DEFAULT})


class Scopes:
    """Resolves places to the documents of the index that serves. All methods are for the event loop's thread."""

    def __init__(self, sets: Sets | None = None, places: Places = MappingProxyType({})) -> None:
        """Without ``sets`` everything is shown everywhere. A place that is not among ``places`` is given the default
        set alone. Nothing is in any scope before ``serve``."""
        self._sets = sets
        self._places = {
            platform: {place: frozenset(names) for place, names in given.items()} for platform, given in places.items()
        }
        self._groups: Groups = {}
        self._known: dict[frozenset[str], frozenset[str]] = {}

    def serve(self, sources: Iterable[str]) -> None:
        """From now on an index of these documents serves."""
        self._groups = {} if self._sets is None else self._sets.grouped(sources)
        self._known = {}

    def views(self) -> list[View]:
        """All that a place may be given, each once."""
        if self._sets is None:
            return [None]
        given = [names for places in self._places.values() for names in places.values()]
        return list(dict.fromkeys((_UNMAPPED, *given)))

    def view(self, asked: Asked) -> View:
        """What the place is given in which a question stands."""
        return None if self._sets is None else self._names(asked, asked.thread)

    def sources(self, view: View) -> frozenset[str] | None:
        """The documents of a view; None: all."""
        if view is None or self._sets is None:
            return None
        known = self._known.get(view)
        if known is None:
            known = self._known[view] = self._sets.within(view, self._groups)
        return known

    def of(self, asked: Asked) -> frozenset[str] | None:
        """The documents whose words may be shown to a question, wherever its reply may end up; None: all."""
        view = self.view(asked)
        scope = self.sources(view)
        channel, named, _ = asked.message.partition("/")
        if scope is not None and named and asked.thread not in ("", channel):
            # The thread is still to be opened; where it cannot be, the reply stands beside the question.
            beside = self._names(asked, "")
            if beside != view:
                scope &= self.sources(beside) or frozenset()
        return scope

    def shows(self, reply: Reply, asked: Asked, origin: Asked) -> bool:
        """Whether an answer to ``origin`` may be shown once more, where ``asked`` belongs."""
        if asked.trigger is Trigger.SHARE or asked.thread:
            return self.shows_still(reply, origin)
        # A desk may be in another server than the question; that it is given the documents must be said of itself.
        return _within(reply, self.sources(self._given(asked.platform, asked.channel)))

    def shows_still(self, reply: Reply, origin: Asked) -> bool:
        """Whether an answer may be shown once more to all in the place of its question."""
        return _within(reply, self.of(origin))

    def shows_privately(self, reply: Reply, platform: str) -> bool:
        """Whether an answer may be shown in a direct message."""
        return _within(reply, self.sources(self._given(platform)))

    def _names(self, asked: Asked, thread: str) -> View:
        return self._given(asked.platform, thread.partition("/")[0], asked.channel, _team(asked))

    def _given(self, platform: str, *places: str) -> View:
        """What the first of the places is given that is given anything, else what every place is."""
        given = self._places.get(platform, {})
        return next((given[place] for place in places if place in given), _UNMAPPED) if self._sets else None


def scopes_of(settings: Settings) -> Scopes:
    """What the settings give each place on the chat platforms."""
    return Scopes(_sets(settings), {"slack": settings.slack.sets, "discord": settings.discord.sets})


class Chosen:
    """The sets that are named on the command line; without a name there is no limit."""

    def __init__(self, settings: Settings, names: Collection[str]) -> None:
        """Raises ConfigError for a name that SETS does not define."""
        self._sets, self._names = _sets(settings) or Sets({}), frozenset(names)
        if unknown := sorted(self._names - self._sets.names):
            known = ", ".join(sorted(self._sets.names))
            raise ConfigError(f'--set names "{unknown[0]}", which SETS does not define: it defines {known}.')

    def sources(self, sources: Iterable[str]) -> frozenset[str] | None:
        """Those of an index's documents that may be seen; None: all."""
        return self._sets.sources(self._names, sources) if self._names else None


def apart_by(settings: Settings) -> Callable[[str], Hashable] | None:
    """What tells files apart that hold the same and are not shown in the same places; None: nothing does."""
    sets = _sets(settings)
    return sets.of if sets else None


def missing_folders(settings: Settings) -> Iterator[str]:
    """A sentence for each set of which a folder is not there. Were it misspelt, what it is to keep apart would be shown
    to everybody; one that is there and empty will be filled."""
    root = settings.seeds.dir
    if not root.is_dir():
        return  # then nothing is read, and the last index serves
    for name, folders in settings.sets.items():
        for folder in folders:
            # Linux tells apart how an accent is written, Sets does not.
            if not any((root / unicodedata.normalize(form, folder)).exists() for form in ("NFC", "NFD")):
                yield f'SETS gives the set "{name}" the folder "{folder}", which is not in {root}.'


def without_documents(settings: Settings, sources: Iterable[str]) -> Iterator[str]:
    """A sentence for each set that one of its folders adds nothing to."""
    for name, folder in Sets(settings.sets).empty(sources):
        yield (
            f'SETS gives the set "{name}" the folder "{folder}", which holds no document: see to its spelling, capital '
            "letters included."
        )


def _sets(settings: Settings) -> Sets | None:
    return Sets(settings.sets) if settings.sets else None


def _team(asked: Asked) -> str:
    """Empty where it is not known in which of the team's channels a question stands: that may be given less."""
    return "" if asked.thread == asked.channel else asked.team


def _within(reply: Reply, scope: frozenset[str] | None) -> bool:
    return scope is None or scope.issuperset(citation.source for citation in reply.citations)
