"""What holds for all words that stand for a question's own: short forms, translations."""

from __future__ import annotations

from retrieval.lexical import K1, Bm25
from retrieval.match import Match


def only_add(bm25: Bm25, found: Match, sentences: int) -> None:
    """Substitutes raise scores and what ``sentences`` hold, and no score passes what the question could reach."""
    scores = bm25.scores([found])
    plain = Match(found.language, found.terms, found.names, found.ids, found.idf)
    assert (scores >= bm25.scores([plain]) - 1e-4).all()
    assert (scores <= found.idf.sum() * (K1 + 1) + 1e-4).all()
    every = slice(0, sentences)
    assert (bm25.held([every], found) >= bm25.held([every], plain)).all()
