"""The index as commands need it: brought up to date with the seeds folder, or the last one where that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path

from bot.errors import ConfigError
from bot.messages import Messages
from bot.scopes import apart_by
from bot.settings import Settings
from retrieval.build import build_index, index_folder, open_index, open_next, refresh
from retrieval.documents import read_documents
from retrieval.embedders import load_embedder, remove_leftovers
from retrieval.errors import (
    DeviceError,
    IndexCorrupt,
    IndexMissing,
    IndexStale,
    ModelError,
    RetrievalError,
    SourceError,
)
from retrieval.index import Index
from retrieval.manifest import Milvus, VectorSearch
from retrieval.outcome import BuildReport
from retrieval.progress import Progress, Step
from retrieval.protocols import Embedder
from retrieval.reader import load_reader
from retrieval.reuse import known_documents, known_refusals
from retrieval.sharing import remove_abandoned
from retrieval.storage import versions
from retrieval.stores import served_from
from retrieval.tidying import tidy
from retrieval.types import Document, Skipped

SAMPLE = 64
"""Lines of the documents on which an exported model is compared with the original."""

RESTORING = ".restoring-"
"""How the names of folders in DATA_DIR begin in which a backup is unpacked."""

Notify = Callable[[str], None]


def open_library(
    settings: Settings, words: Messages, notify: Notify, progress: Progress, *, models: Path | None = None
) -> Index:
    """The index of the seeds folder, built or brought up to date first; waits for another writer.

    ``models`` is where prepared models lie, by default in DATA_DIR.

    Where it cannot be brought up to date (the documents are gone, the disk is full, Milvus is out of reach) the last
    one serves, and ``notify`` is told why. Raises RetrievalError when there is none, ConfigError when the model cannot
    be loaded.
    """
    try:
        documents = _read(settings, words, progress, known=_known(settings, refusals=True))
    except SourceError as error:
        if not versions(index_folder(settings.data_dir)):
            # Before the model is prepared: nobody should wait for it to be told that there is nothing to read.
            raise
        embedder = load_model(settings, [], notify, models)
        return serving(settings, _last(settings, embedder, error, words, notify), notify)
    embedder = load_model(settings, documents, notify, models)
    try:
        index, _ = refresh(
            documents,
            settings.data_dir,
            embedder,
            where=str(settings.seeds.dir),
            search=wanted_search(settings),
            milvus=milvus_of(settings),
            wait=True,
            progress=progress,
            notify=notify,
        )
    except ModelError:
        raise
    except RetrievalError as error:
        index = _last(settings, embedder, error, words, notify)
    return serving(settings, index, notify)


def serving(settings: Settings, index: Index, notify: Notify) -> Index:
    """The index with what serves beside it: the reader, if one is wanted, and the GPU, if one is to search.

    Where there is no such GPU the processor searches, and ``notify`` is told. Raises ConfigError when the reader cannot
    be loaded.
    """
    try:
        index = index.searched_in(served_from(settings.index.device, index.store, notify))
    except DeviceError as error:
        notify(str(error))
    try:
        if not settings.answer.reader:
            return index
        return index.read_by(load_reader(settings.embedding.threads), partial(load_reader, 1))
    except ModelError as error:
        raise ConfigError(str(error)) from error


def next_index(settings: Settings, index: Index, notify: Notify) -> Index:
    """The version that is current now, verified, to serve in the place of ``index``, whose model it shares.

    Raises RetrievalError where it does not open, ConfigError when the reader cannot be loaded; ``index`` is as it was.
    """
    return serving(settings, open_next(settings.data_dir, index, milvus=milvus_of(settings)), notify)


def update_library(
    settings: Settings, words: Messages, notify: Notify, progress: Progress, *, rebuild: bool, wait: bool = False
) -> BuildReport:
    """Bring the index up to date, or make all of it anew, and say what changed; damage is looked for and repaired.

    ``wait`` waits for another writer, as a running bot's updates do; those try no file again that could not be read.
    Raises SourceError when there is nothing to read, IndexLocked when another process writes the index and is not
    waited for, ConfigError when the model cannot be loaded, else RetrievalError.
    """
    # For a person what could not be read is tried again: it lacked time perhaps, or its reader is newer now.
    known = _known(settings, refusals=wait)
    documents = _read(settings, words, progress, known={} if rebuild else known)
    embedder = load_model(settings, documents, notify)
    return build_index(
        documents,
        settings.data_dir,
        embedder,
        where=str(settings.seeds.dir),
        search=wanted_search(settings),
        milvus=milvus_of(settings),
        rebuild=rebuild,
        verify=True,
        progress=progress,
        wait=wait,
        notify=notify,
    )


def _known(settings: Settings, *, refusals: bool) -> dict[str, Document | Skipped]:
    root = index_folder(settings.data_dir)
    return {**(known_refusals(root) if refusals else {}), **known_documents(root)}


def _read(
    settings: Settings, words: Messages, progress: Progress, *, known: Mapping[str, Document | Skipped]
) -> list[Document | Skipped]:
    def tell(done: int, total: int) -> None:
        progress(Step("read", done, total))

    folder = settings.seeds.dir
    documents: list[Document | Skipped] = []
    if folder.exists():
        documents += read_documents(folder, settings.seeds.exclude, known, apart=apart_by(settings), progress=tell)
    if not documents:
        raise SourceError(words.no_seeds.format(folder=folder))
    return documents


def tidy_library(settings: Settings, notify: Notify) -> None:
    """Remove from DATA_DIR what killed processes left and what nobody reads any more; never what is in use.

    ``notify`` is told where Milvus keeps what should go.
    """
    tidy(settings.data_dir, milvus=milvus_of(settings), notify=notify)
    with suppress(OSError):  # not there yet, or read-only: whoever writes there does it
        remove_abandoned(settings.data_dir, RESTORING)
        remove_leftovers(models_folder(settings.data_dir))


def load_model(
    settings: Settings, documents: Sequence[Document | Skipped], notify: Notify, models: Path | None = None
) -> Embedder:
    """The embedding model that is set; ``models`` as for open_library. Raises ConfigError when it cannot be loaded."""
    try:
        return load_embedder(
            settings.embedding.model,
            models or models_folder(settings.data_dir),
            threads=settings.embedding.threads,
            device=settings.embedding.device,
            precision=settings.embedding.precision,
            notify=notify,
            sample=_sample(documents),
        )
    except (DeviceError, ModelError) as error:
        raise ConfigError(str(error)) from error


def wanted_search(settings: Settings) -> VectorSearch:
    """What VECTOR_STORE, INDEX_TYPE and INDEX_RECALL ask for."""
    return VectorSearch(asked=settings.index.type, target=settings.index.recall, store=settings.vector_store)


def milvus_of(settings: Settings) -> Milvus | None:
    """The Milvus that is set, whether or not VECTOR_STORE asks for it: the last index may have its vectors there."""
    milvus = settings.milvus
    if not milvus.uri:
        return None
    token = milvus.token.get_secret_value() if milvus.token else ""
    return Milvus(milvus.uri, token, milvus.timeout, milvus.consistency, milvus.collection)


def models_folder(data_dir: Path) -> Path:
    """Where in DATA_DIR prepared models lie."""
    return data_dir / "models"


def _sample(documents: Sequence[Document | Skipped]) -> list[str]:
    texts = (document.text for document in documents if isinstance(document, Document))
    return list(islice((line for text in texts for line in text.splitlines() if line.strip()), SAMPLE))


def _last(settings: Settings, embedder: Embedder, why: RetrievalError, words: Messages, notify: Notify) -> Index:
    try:
        index = open_index(settings.data_dir, embedder, notify, milvus=milvus_of(settings))
    except (IndexMissing, IndexStale, IndexCorrupt):
        raise why from None
    notify(str(why))
    notify(words.last_index)
    return index
