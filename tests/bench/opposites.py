"""Makes retrieval/opposites/wordnet.txt from the files of WordNet 3.0.

``python -m tests.bench.opposites FOLDER``, where FOLDER holds WordNet's data.noun, data.verb, data.adj and data.adv
(Debian: the package wordnet-base, /usr/share/wordnet). Needs the extra "reader", for its word frequencies.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from wordfreq import zipf_frequency

import retrieval
from retrieval.language import stem

FILES = {"n": "data.noun", "v": "data.verb", "a": "data.adj", "s": "data.adj", "r": "data.adv"}
ANTONYM = "!"
COMMON = 2.8
"""Least frequency of either word, wordfreq's Zipf scale (log10 of occurrences in a billion words)."""
CONVERSE = frozenset(
    """
    answer ask back borrow bride bridegroom buy buyer child come cause conquer converse creditor customer day defeat
    defendant disciple doctor effect employee employer even follow follower give go groom guest host husband lead leader
    leave lend lender left lose loser man master men mistress nephew niece night odd off on parent patient plaintiff
    predecessor purchase receive right sell seller send student sub sue take teach teacher tenant victory win winner
    wife woman women
    """.split()
)
"""Who buys and who sells are told by the same sentence, and the others here have other senses that are commoner."""
VAGUE = frozenset("all here in live now out over recorded some there under".split())


def main() -> None:
    """Read, choose, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, help="WordNet's own files")
    lines = sorted({" | ".join(sorted(pair)) for pair in antonyms(arguments.parse_args().folder) if usable(*pair)})
    head = "# Antonyms of WordNet 3.0, Copyright 2006 by Princeton University; see LICENSE.md."
    path = Path(retrieval.__file__).parent / "opposites" / "wordnet.txt"
    path.write_text("\n".join([head, *lines]) + "\n", "utf-8")
    print(f"{len(lines)} pairs")


def antonyms(folder: Path) -> Iterator[tuple[str, str]]:
    """Every antonym pointer between two words; see wndb(5WN) for the layout of the lines."""
    words: dict[tuple[str, str], list[str]] = {}
    pointers: list[tuple[tuple[str, str], int, tuple[str, str], int]] = []
    for name in dict.fromkeys(FILES.values()):
        for line in (folder / name).read_text("utf-8").splitlines():
            if line.startswith("  "):  # the licence
                continue
            fields = line.split(" | ")[0].split()
            count = int(fields[3], 16)
            key = (name, fields[0])
            words[key] = [word.partition("(")[0].lower() for word in fields[4 : 4 + 2 * count : 2]]
            rest = fields[5 + 2 * count :]
            for symbol, offset, other, ends in zip(rest[::4], rest[1::4], rest[2::4], rest[3::4], strict=False):
                if symbol == ANTONYM:
                    pointers.append((key, int(ends[:2], 16), (FILES[other], offset), int(ends[2:], 16)))
    for one, place, other_key, other_place in pointers:
        yield words[one][place - 1], words[other_key][other_place - 1]


def usable(one: str, other: str) -> bool:
    """Whether both are single words in common use that exclude each other."""
    return (
        one.isalpha()
        and other.isalpha()
        and not {one, other} & (CONVERSE | VAGUE)
        and stem(one, "en") != stem(other, "en")
        and min(zipf_frequency(one, "en"), zipf_frequency(other, "en")) >= COMMON
    )


if __name__ == "__main__":
    main()
