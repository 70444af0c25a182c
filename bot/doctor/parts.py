"""What answers questions: model, reader, documents, index, and what they need of the machine."""

from __future__ import annotations

from collections.abc import Iterator

from bot.doctor.subject import Check, Subject
from retrieval.errors import DeviceError
from retrieval.inspection.finding import Finding
from retrieval.manifest import Precision


def _disk(subject: Subject) -> Iterator[Finding]:
    from retrieval.inspection.disk import inspect_disk

    yield inspect_disk(subject.settings.data_dir)


def _gpu(subject: Subject) -> Iterator[Finding]:
    from retrieval.inspection.devices import inspect_gpu

    chosen = subject.settings.embedding
    return inspect_gpu(chosen.device, chosen.precision, subject.settings.index.device)


def _gpu_alone() -> Iterator[Finding]:
    from retrieval.inspection.devices import inspect_gpu

    return inspect_gpu("auto", "float32", "auto")


def _model(subject: Subject) -> Iterator[Finding]:
    from retrieval.inspection.model import inspect_model

    chosen = subject.settings.embedding
    return inspect_model(chosen.model, subject.models, _precision(subject))


def _precision(subject: Subject) -> Precision:
    from retrieval.embedders import embeds_on_gpu
    from retrieval.embedders.precision import settled

    chosen = subject.settings.embedding
    try:
        gpu = embeds_on_gpu(chosen.device, chosen.precision)
    except DeviceError:  # told among the checks of the GPU
        gpu = False
    return settled(chosen.precision, chosen.model, gpu=gpu)


def _reader(subject: Subject) -> Iterator[Finding]:
    from retrieval.inspection.reader import inspect_reader

    yield inspect_reader(wanted=subject.settings.answer.reader)


def _reader_alone() -> Iterator[Finding]:
    from retrieval.inspection.reader import inspect_reader

    yield inspect_reader(wanted=True)


def _seeds(subject: Subject) -> Iterator[Finding]:
    from retrieval.inspection.seeds import inspect_seeds

    return inspect_seeds(subject.settings.seeds.dir, subject.seeds)


def _sets(subject: Subject) -> Iterator[Finding]:
    from bot.doctor.sets import inspect_sets

    return inspect_sets(subject.settings, subject.seeds)


def _index(subject: Subject) -> Iterator[Finding]:
    from bot.library import wanted_search
    from retrieval.inspection.index import inspect_index
    from retrieval.inspection.model import spec_of

    settings, chosen = subject.settings, subject.settings.embedding
    spec = spec_of(chosen.model, subject.models, _precision(subject))
    return inspect_index(settings.data_dir, subject.seeds, spec, wanted_search(settings), model=chosen.model)


def _milvus(subject: Subject) -> Iterator[Finding]:
    from bot.library import milvus_of
    from retrieval.inspection.milvus import inspect_milvus

    milvus = milvus_of(subject.settings)
    if subject.settings.vector_store == "milvus" and milvus is not None:
        yield from inspect_milvus(milvus, subject.settings.data_dir, offline=subject.offline)


PARTS = (
    Check("disk", ("DATA_DIR",), _disk),
    Check("gpu", ("EMBEDDING_DEVICE", "EMBEDDING_PRECISION", "INDEX_DEVICE"), _gpu, _gpu_alone),
    Check("model", ("DATA_DIR", "EMBEDDING_MODEL", "EMBEDDING_PRECISION"), _model),
    Check("reader", ("ANSWER_READER",), _reader, _reader_alone),
    Check("seeds", ("SEEDS_", "DATA_DIR"), _seeds),
    Check("sets", ("SEEDS_", "DATA_DIR", "SETS", "SLACK_SETS", "DISCORD_SETS"), _sets),
    Check(
        "index",
        ("SEEDS_", "DATA_DIR", "EMBEDDING_MODEL", "EMBEDDING_PRECISION", "INDEX_TYPE", "INDEX_RECALL", "VECTOR_STORE"),
        _index,
    ),
    Check("milvus", ("VECTOR_STORE", "MILVUS_", "DATA_DIR"), _milvus),
)
