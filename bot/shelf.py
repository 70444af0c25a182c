"""What people are offered before they ask: the documents, and questions that these answer; to each place its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.claims import Asked
from bot.scopes import Scopes, View
from bot.suggestions import Suggestion
from bot.types import Language, Listed


class Shelf:
    """Filled in while the bot serves."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._documents: tuple[Listed, ...] = ()
        self._questions: dict[tuple[View, Language], tuple[Suggestion, ...]] = {}

    def put(self, documents: Iterable[Listed]) -> None:
        """These are the documents now."""
        self._documents = tuple(documents)

    def offer(self, view: View, language: Language, questions: Iterable[Suggestion]) -> None:
        """The questions, best first, for places with a view, in the place of those before."""
        self._questions[view, language] = tuple(questions)

    def listed(self, asked: Asked) -> Sequence[Listed]:
        """The documents for the place in which somebody asks for them."""
        scope = self._scopes.of(asked)
        return self._documents if scope is None else [one for one in self._documents if one.source in scope]

    def suggested(self, asked: Asked, language: Language) -> Sequence[str]:
        """Questions for the place in which somebody is about to ask, best first."""
        scope = self._scopes.of(asked)
        found = self._questions.get((self._scopes.view(asked), language), ())
        # A document may have gone, or moved to where it is not to be seen, since its questions were found.
        return [one.text for one in found if scope is None or one.source in scope]
