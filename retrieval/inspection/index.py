"""The published index: whether it is whole, and whether it is one of these documents and settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from retrieval.assemble import collect, tell_shortfall
from retrieval.build import differing, index_folder, target_manifest
from retrieval.embedders.bundle import INT8_SUFFIX
from retrieval.errors import IndexCorrupt, IndexMissing, IndexStale, IndexTypeError, SourceError
from retrieval.inspection.finding import Finding, Status, count, ok, told, warning
from retrieval.manifest import EmbedderSpec, Manifest, VectorSearch
from retrieval.publish import last_good
from retrieval.sharing import held
from retrieval.storage import MANIFEST, load_manifest, verify_checksums, versions
from retrieval.stores.plan import AUTO, FLAT
from retrieval.types import Document, Skipped

INDEX = "index"
UPDATE = "Run `python -m bot index`."


def inspect_index(
    data_dir: Path,
    found: Sequence[Document | Skipped] | SourceError,
    spec: EmbedderSpec | None,
    wanted: VectorSearch,
    *,
    model: str,
) -> Iterator[Finding]:
    """The current version, read as a whole, beside what a build would make of ``found`` now.

    ``spec`` is the model's vector space, None where it is not known; then the names of models are compared.
    """
    root = index_folder(data_dir)
    yield from _type(wanted, spec)
    try:
        folder, manifest = load_manifest(root)
        verify_checksums(folder, manifest)
    except IndexMissing as error:
        yield told(INDEX, Status.WARNING, error)
        return
    except IndexStale as error:
        yield told(INDEX, Status.WARNING, error)
        return
    except IndexCorrupt as error:
        yield told(INDEX, Status.WRONG, error)
        yield _fallback(last_good(root, None), served=False)
        return
    yield ok(INDEX, f"Version {folder.name} is whole: {_content(manifest)}.")
    changes = _changes(manifest, found, spec, wanted, model)
    if changes:
        yield warning(INDEX, f"It is stale: {'; '.join(changes)}.", UPDATE)
    elif not isinstance(found, SourceError):
        yield ok(INDEX, "It is of these documents and settings.")
    yield from _search(manifest.search)
    fallback = last_good(root, folder)
    yield _fallback(fallback, served=True)
    yield from _older(root, (folder, fallback))


def _type(wanted: VectorSearch, spec: EmbedderSpec | None) -> Iterator[Finding]:
    """What a build would end with, told before it is begun."""
    if spec is None or wanted.store == "milvus" or wanted.asked in (AUTO, FLAT):
        return
    from retrieval.stores.training import check_type

    try:
        check_type(wanted.asked, spec.dimension)
    except IndexTypeError as error:
        yield told(INDEX, Status.WRONG, error)


def _content(manifest: Manifest) -> str:
    parts = ((len(manifest.sources), "document"), (manifest.chunks, "passage"), (manifest.sentences, "sentence"))
    return ", ".join(count(number, noun) for number, noun in parts)


def _changes(
    manifest: Manifest,
    found: Sequence[Document | Skipped] | SourceError,
    spec: EmbedderSpec | None,
    wanted: VectorSearch,
    model: str,
) -> list[str]:
    read: list[Document] = []
    skipped: list[Skipped] = []
    if not isinstance(found, SourceError):
        with suppress(SourceError):  # there are none, as the check of the seeds tells
            read, skipped = collect(found, "", lambda *_: None)
    target = target_manifest(read, skipped, spec or manifest.embedder, wanted)
    names = differing(manifest, target)
    told_of = []
    if "embedder" in names or (spec is None and manifest.embedder.model != model):
        told_of.append(f"it was made with the model {_named(manifest.embedder)}, not with {_named(spec) or model}")
    if "chunking" in names:
        told_of.append("it was made by another version of this program")
    if "search" in names:
        told_of.append("it was made for another VECTOR_STORE, INDEX_TYPE or INDEX_RECALL")
    if read and {"sources", "skipped", "refused"} & set(names):
        told_of.append(_documents(manifest, target))
    return told_of


def _named(spec: EmbedderSpec | None) -> str:
    """The model, and enough of its revision to tell two of one name apart."""
    if spec is None:
        return ""
    form = INT8_SUFFIX if spec.revision.endswith(INT8_SUFFIX) else ""
    return f"{spec.model} ({spec.revision[:8]}{form})"


def _documents(manifest: Manifest, target: Manifest) -> str:
    old, new = manifest.sources, target.sources
    changed = sum(new[source] != old[source] for source in old.keys() & new.keys())
    counts = {"added": len(new.keys() - old.keys()), "changed": changed, "removed": len(old.keys() - new.keys())}
    listed = [f"{number} {what}" for what, number in counts.items() if number]
    return f"of the documents, {', '.join(listed)}" if listed else "other files are skipped now"


def _search(how: VectorSearch) -> Iterator[Finding]:
    short: list[str] = []
    tell_shortfall(how, short.append)
    for sentence in short:
        yield told(INDEX, Status.WARNING, sentence)
    if how.store == "milvus":
        yield ok(INDEX, "Milvus searches its vectors.")
    elif how.type == FLAT:
        yield ok(INDEX, "All vectors are compared: recall 1.")
    elif not short:
        yield ok(INDEX, f"{how.type} nominates: recall@10 {how.recall[0]:.4g}, INDEX_RECALL asks for {how.target:.4g}.")


def _older(root: Path, kept: Sequence[Path | None]) -> Iterator[Finding]:
    """Versions beyond those that are always kept."""
    older = [folder for folder in versions(root) if folder not in kept]
    read = sum(held(folder / MANIFEST) for folder in older)
    if read:
        yield ok(INDEX, f"{count(read, 'older version')} kept because in use: some bot or command reads it.")
    if len(older) > read:
        left = count(len(older) - read, "older version")
        yield ok(INDEX, f"{left} left over, which nobody reads; the next build, or a bot that serves, removes it.")


def _fallback(whole: Path | None, *, served: bool) -> Finding:
    if whole is not None:
        return ok(INDEX, f"The last good version to fall back on is {whole.name}.")
    if served:
        return ok(INDEX, "There is no earlier version to fall back on, as after a first build.")
    return warning(INDEX, "There is no good version to fall back on.", "Run `python -m bot index --rebuild`.")
