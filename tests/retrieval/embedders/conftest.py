"""Tiny sentence-transformers models, made on the fly, and the packaged one, exported once a session."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from retrieval.embedders import load_embedder, worker
from retrieval.embedders.bundle import Bundle, read_bundle
from retrieval.embedders.onnx import OnnxEmbedder
from retrieval.embedders.sources import Source, revision
from retrieval.embedders.worker import Made

TEXTS = (
    "Who signed the treaty?",
    "The treaty was signed in Vienna by the two foreign ministers.",
    "Bread rises because yeast turns sugar into carbon dioxide.",
    "",
    "L'azienda ha 57 dipendenti, di cui 12 a tempo parziale.",
    "ok",
    "Il contratto è stato firmato dall'amministratrice delegata, e nessuno ha mai saputo perché.",
    "Поезд прибывает \ud83d на третью платформу.",
    "A licence costs 49.90 euros a year, taxes included. " * 30,
    "Whales are mammals; they breathe air and nurse their young.",
)

MakeModel = Callable[..., Path]


@pytest.fixture
def texts() -> list[str]:
    """Short, long, empty, hostile; in several languages."""
    return list(TEXTS)


@dataclass(frozen=True)
class Variant:
    """How a tiny model differs from BERT with mean pooling and unit length."""

    pooling: str = "mean"
    normalize: bool = True
    dense: bool = False
    prompts: dict[str, str] | None = None
    default_prompt: str | None = None
    include_prompt: bool = True
    lower: bool = False
    left_padding: bool = False


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Saves a model of two layers of 32 units; equal variants are made once."""
    made: dict[str, Path] = {}
    bert = _bert(tmp_path_factory.mktemp("bert"))

    def make(**how: Any) -> Path:
        variant = Variant(**how)
        if repr(variant) not in made:
            made[repr(variant)] = _save(variant, bert, tmp_path_factory.mktemp("model"))
        return made[repr(variant)]

    return make


def _save(variant: Variant, bert: Path, folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

        torch.set_num_threads(1)  # the models are too small for more
        torch.manual_seed(7)
        transformer = Transformer(str(bert), max_seq_length=40, do_lower_case=variant.lower)
        modules: list[Any] = [
            transformer,
            Pooling(32, pooling_mode=variant.pooling, include_prompt=variant.include_prompt),
        ]
        if variant.dense:
            modules.append(Dense(32, 12, activation_function=torch.nn.Tanh()))
        if variant.normalize:
            modules.append(Normalize())
        model = SentenceTransformer(modules=modules, device="cpu")
        model.save(str(folder), create_model_card=False)
    prompts = {"prompts": variant.prompts or {}, "default_prompt_name": variant.default_prompt}
    _configure(folder / "config_sentence_transformers.json", prompts)
    _configure(folder / "tokenizer_config.json", {"padding_side": "left" if variant.left_padding else "right"})
    return folder


def _bert(folder: Path) -> Path:
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    texts = [text.encode("utf-8", "replace").decode() for text in TEXTS]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))],
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True))
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.6,  # enough that different texts get clearly different vectors
    )
    torch.manual_seed(7)
    wrapped.save_pretrained(str(folder))
    BertModel(config).save_pretrained(str(folder))
    return folder


def _configure(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets load_embedder export in this process, which spares seconds; lists the names of the models exported."""
    from retrieval.embedders.export import prepare

    exported: list[str] = []

    def export_here(source: Source, workspace: Path, sample: Any) -> Made:
        exported.append(source.name)
        target = workspace / "target"
        target.mkdir()
        answer = prepare(source, target, sample)
        return Made(target, answer["revision"], Path(answer["folder"]))

    monkeypatch.setattr(worker, "export_in_child", export_here)
    return exported


@pytest.fixture
def rounding_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets load_embedder make 8-bit forms in this process, where tests can change how near they must be."""
    from retrieval.embedders.quantize import make_int8

    def make_here(model: str, folder: Path, _workspace: Path, sample: Sequence[str]) -> None:
        bundle = read_bundle(folder)
        assert isinstance(bundle, Bundle)
        make_int8(model, folder, bundle, sample)

    monkeypatch.setattr(worker, "make_int8_in_child", make_here)


@pytest.fixture
def tiny(make_model: MakeModel, tmp_path: Path) -> Path:
    """A copy of a tiny model, to be changed at will."""
    return shutil.copytree(make_model(), tmp_path / "tiny")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def tiny_bundle(make_model: MakeModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of the tiny model, in a folder named by its revision."""
    from retrieval.embedders.export import prepare

    folder = make_model()
    target = tmp_path_factory.mktemp("bundles") / revision(folder)
    target.mkdir()
    prepare(Source("tiny", folder), target, ())
    return target


@pytest.fixture
def prepared(cache: Path, tiny_bundle: Path) -> Path:
    """A cache folder with the export of ``tiny``, and no note of where ``tiny`` is."""
    shutil.copytree(tiny_bundle, cache / tiny_bundle.name)
    return cache


@pytest.fixture
def copying(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets load_embedder copy the export of ``tiny`` instead of making one; lists the models it was asked for."""
    exported: list[str] = []

    def export_by_copying(source: Source, workspace: Path, _sample: object) -> Made:
        exported.append(source.name)
        folder = source.folder or Path("gone")
        return Made(shutil.copytree(tiny_bundle, workspace / "target"), tiny_bundle.name, folder)

    monkeypatch.setattr(worker, "export_in_child", export_by_copying)
    return exported


@pytest.fixture(scope="session")
def default_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which the default model has been prepared, by the child process that users get."""
    cache = tmp_path_factory.mktemp("cache")
    load_embedder("all-MiniLM-L6-v2", cache)
    return cache


@pytest.fixture(scope="session")
def default_model(default_cache: Path) -> OnnxEmbedder:
    embedder = load_embedder("all-MiniLM-L6-v2", default_cache)
    assert isinstance(embedder, OnnxEmbedder)
    return embedder
