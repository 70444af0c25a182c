"""Knowledge sets: named parts of a library, by folder. Pure.

Whether a document lies in a set depends on its name and on nothing else. So what was resolved for one version of an
index holds for every other: a document that came later is in no scope that was made before.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from itertools import chain

DEFAULT = "default"
"""The set of the documents that lie in no other, unless it is defined itself."""
_DEFAULT = frozenset({DEFAULT})

Groups = Mapping[frozenset[str], Collection[str]]
"""Names of sets -> the documents that lie in these and in no other."""


class Sets:
    """Which documents lie in which sets."""

    def __init__(self, folders: Mapping[str, Collection[str]]) -> None:
        """``folders``: for each set folders or single files, POSIX paths relative to the seeds folder; "." is all."""
        self.folders = {name: tuple(map(_path, paths)) for name, paths in folders.items()}
        self.names = frozenset(folders) | {DEFAULT}
        self._of: dict[str, set[str]] = {}
        """Folder or file -> the sets that name it."""
        for name, paths in self.folders.items():
            for path in paths:
                self._of.setdefault(path, set()).add(name)
        self._claimed = frozenset(map(_folded, self._of))
        self._known: dict[str, tuple[frozenset[str], bool]] = {}
        """Folder -> the sets that name it or one above it, and whether what is in it may be of the default."""

    def of(self, source: str) -> frozenset[str]:
        """The names of the sets that a document lies in: of none where its folder is named, but in other letters."""
        folder = source.rpartition("/")[0]
        known = self._known.get(folder)
        if known is None:
            known = self._known[folder] = self._of_folder(folder)
        named, free = known
        own = self._of.get(_nfc(source))
        if own:
            return named | own
        return _DEFAULT if free and _folded(source) not in self._claimed else named

    def sources(self, names: Collection[str], sources: Iterable[str]) -> frozenset[str]:
        """Those of the documents that lie in at least one of the sets. Raises KeyError for a name that is not known."""
        return self.within(names, self.grouped(sources))

    def grouped(self, sources: Iterable[str]) -> Groups:
        """The documents by the sets that they lie in, for ``within``: one look at each serves for all names."""
        groups: dict[frozenset[str], list[str]] = {}
        for source in sources:
            groups.setdefault(self.of(source), []).append(source)
        return groups

    def within(self, names: Collection[str], groups: Groups) -> frozenset[str]:
        """As ``sources``, of documents that were ``grouped``."""
        if unknown := set(names) - self.names:
            raise KeyError(*unknown)
        return frozenset(chain.from_iterable(group for own, group in groups.items() if not own.isdisjoint(names)))

    def empty(self, sources: Iterable[str]) -> list[tuple[str, str]]:
        """Each set with each of its folders that holds none of the documents."""
        seen: set[str] = set()
        for source in map(_nfc, sources):
            seen.update(("", source))
            at = source.find("/")
            while at >= 0:
                seen.add(source[:at])
                at = source.find("/", at + 1)
        return [(name, path or ".") for name, paths in self.folders.items() for path in paths if path not in seen]

    def _of_folder(self, folder: str) -> tuple[frozenset[str], bool]:
        paths = ["", *_above(_nfc(folder))]
        named = frozenset(name for path in paths for name in self._of.get(path, ()))
        return named, DEFAULT not in self.folders and self._claimed.isdisjoint(map(_folded, paths))


def _above(folder: str) -> list[str]:
    """A folder and those that it lies in."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]


def _path(path: str) -> str:
    """As sources are written; the folder of all documents is the empty text."""
    return "/".join(part for part in _nfc(path).split("/") if part not in ("", "."))


def _nfc(text: str) -> str:
    """macOS writes an accent as a letter of its own, keyboards do not."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _folded(path: str) -> str:
    """Where "HR" and "hr" may be the same folder, what is meant to be private must not be public for its spelling."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFKC", path).casefold()
