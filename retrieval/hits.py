"""What a search found, as callers see it: passages with where they stand and what speaks for each sentence."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.columns import Columns
from retrieval.ranking import Candidate, Ranked
from retrieval.types import Document, Hit, SentenceHit


class Hits:
    """Makes the hits of one index."""

    def __init__(self, documents: Sequence[Document], columns: Columns) -> None:
        self._documents = documents
        self._columns = columns
        self._newlines: dict[int, NDArray[np.int32]] = {}

    def _line_ends(self, document: int) -> NDArray[np.int32]:
        """Offsets of a document's newlines, found once: counting them anew costs a large document 10 ms a hit."""
        found = self._newlines.get(document)
        if found is None:
            matches = re.finditer("\n", self._documents[document].text)
            found = self._newlines[document] = np.fromiter((match.start() for match in matches), dtype=np.int32)
        return found

    def of(self, passages: Sequence[int], candidates: Sequence[Candidate], ranked: Ranked) -> Iterator[Hit]:
        """A hit for each of the passages, given by row; their candidates are those that were ranked, in order."""
        row = 0
        for passage, candidate in zip(passages, candidates, strict=True):
            owner = int(self._columns.document[passage])
            document, newlines = self._documents[owner], self._line_ends(owner)
            first, last = self._columns.first_sentence[passage : passage + 2].tolist()
            starts = self._columns.sentence_start[first:last]
            # Whole columns at once: one number at a time out of an array costs more than the rest of this loop.
            columns = zip(
                starts.tolist(),
                self._columns.sentence_end[first:last].tolist(),
                (np.searchsorted(newlines, starts) + 1).tolist(),
                candidate.cosines.tolist(),
                ranked.scores[row : row + last - first].tolist(),
                ranked.coverage[row : row + last - first].tolist(),
                strict=True,
            )
            sentences = tuple(
                SentenceHit(
                    start=start,
                    end=end,
                    line=line,
                    score=score,
                    dense=cosine,
                    lexical=coverage,
                    answers=tuple((start + a, start + b) for a, b in ranked.spans[place]),
                    reading=ranked.readings.get(place),
                    page=_page(document, start),
                )
                for place, (start, end, line, cosine, score, coverage) in enumerate(columns, row)
            )
            row += last - first
            start, end = int(self._columns.start[passage]), int(self._columns.end[passage])
            yield Hit(
                source=document.source,
                title=document.title,
                heading=self._columns.headings[self._columns.heading[passage]],
                page=_page(document, start),
                start=start,
                end=end,
                text=document.text[start:end],
                language=candidate.match.language,
                score=candidate.fused,
                dense=float(candidate.cosines.max()),
                lexical=candidate.bm25,
                sentences=sentences,
                url=document.url,
            )


def _page(document: Document, offset: int) -> int | None:
    """1-based; None where the document has no pages."""
    return bisect_right(document.pages, offset) or None
