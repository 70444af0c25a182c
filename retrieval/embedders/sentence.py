"""Any sentence-transformers model, run by torch: the original that exports are made from and measured against.

Alone imports torch, transformers and sentence_transformers, together with retrieval.embedders.export.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import huggingface_hub
import numpy as np
import torch
import transformers
from sentence_transformers import SentenceTransformer

from retrieval.embedders.arrays import encodable, unit_rows
from retrieval.embedders.sources import Source, check_weights
from retrieval.errors import ModelError
from retrieval.manifest import EmbedderSpec
from retrieval.protocols import Floats

_CPU_BATCH = 8
_GPU_BATCH = 64
TRANSFORMER = "Transformer"
_UNSTATED_LIMIT = 512
"""Tokens read where neither the tokenizer nor the transformer states a limit: attention is quadratic."""
_NO_LIMIT = 1_000_000
"""Stands for models that read texts of any length, such as static embeddings."""
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""Names models give to the prompt for what is searched, in the order sentence-transformers tries them."""


class SentenceTransformerEmbedder:
    """An Embedder over a loaded model."""

    def __init__(self, model: SentenceTransformer, name: str, revision: str, prompts: tuple[str, str]) -> None:
        """``prompts`` for queries and documents; see open_model and prompts_of."""
        self.model = model
        max_tokens = _limit(model)
        dimension = int(_encode(model, name, [""], prompts[1], "document").shape[1])
        self._spec = EmbedderSpec(name, revision, dimension, max_tokens, *prompts)

    @property
    def spec(self) -> EmbedderSpec:
        return self._spec

    def embed_documents(self, texts: Sequence[str]) -> Floats:
        return self._embed(texts, self._spec.document_prompt, "document")

    def embed_queries(self, texts: Sequence[str]) -> Floats:
        return self._embed(texts, self._spec.query_prompt, "query")

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        tokenizer: Any = self.model.tokenizer
        prompted = [self._spec.document_prompt + encodable(text) for text in texts]
        if hasattr(tokenizer, "encode_batch"):  # tokenizers.Tokenizer, of static embeddings
            return [len(encoding) for encoding in tokenizer.encode_batch(prompted, add_special_tokens=False)]
        if callable(tokenizer):
            return [len(ids) for ids in tokenizer(prompted, truncation=False, verbose=False)["input_ids"]]
        return [len(tokenizer.tokenize(text)) for text in prompted]

    def _embed(self, texts: Sequence[str], prompt: str, task: str) -> Floats:
        if not texts:
            return np.zeros((0, self._spec.dimension), dtype=np.float32)
        vectors = _encode(self.model, self._spec.model, [encodable(text) for text in texts], prompt, task)
        return unit_rows(vectors, self._spec.model)


def _encode(model: SentenceTransformer, name: str, texts: list[str], prompt: str, task: str) -> Floats:
    encode = model.encode_query if task == "query" else model.encode_document
    batch = _CPU_BATCH if model.device.type == "cpu" else _GPU_BATCH
    try:
        vectors = encode(texts, prompt=prompt, batch_size=batch, show_progress_bar=False)
    except Exception as error:  # whatever a model's own modules raise
        raise ModelError(f"The model {name} failed on a text ({first_line(error)}).") from error
    return np.ascontiguousarray(vectors, dtype=np.float32)


def load_sentence_transformer(
    source: Source, folder: Path, revision: str, *, threads: int = 0, device: Literal["cpu", "cuda", "auto"] = "auto"
) -> SentenceTransformerEmbedder:
    """The embedder of a model whose files are in ``folder``; with "auto" on a GPU if torch finds one.

    ``threads`` of torch on the CPU, for the whole process; 0 leaves them as they are. Raises ModelError.
    """
    check_weights(source)
    if threads:
        torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError(f"PyTorch {torch.__version__} finds no NVIDIA GPU: install its build for CUDA.")
    model = open_model(source.name, folder, device=None if device == "auto" else device)
    return SentenceTransformerEmbedder(model, source.name, revision, prompts_of(folder))


def open_model(
    name: str, folder: Path | None, *, for_export: bool = False, device: str | None = None
) -> SentenceTransformer:
    """Load a model from a folder, or from the hub where ``folder`` is None; ``device`` None leaves it to torch.

    ``for_export`` keeps it on the CPU, with the attention that the exporter can trace. Weights are float32 always,
    however they were saved. Code that comes with a model is never run. Raises ModelError.
    """
    options: dict[str, Any] = {"dtype": torch.float32}
    if for_export:
        options["attn_implementation"] = "eager"
    with quiet():
        try:
            model = SentenceTransformer(
                name if folder is None else str(folder),
                device="cpu" if for_export else device,
                model_kwargs=options,
                trust_remote_code=False,
                local_files_only=folder is not None,
            )
        except Exception as error:  # OSError, ValueError, httpx's, safetensors': anything the loaders meet
            raise _load_error(name, folder, error) from error
    return model.eval()


def _load_error(name: str, folder: Path | None, error: Exception) -> ModelError:
    if folder is None:
        return ModelError(
            f"The model {name!r} could not be fetched from the Hugging Face hub ({first_line(error)}): check its name "
            "and the network, or set a folder that holds it."
        )
    return ModelError(f"The model in {folder} could not be loaded ({first_line(error)}).")


def hub_folder(name: str) -> Path:
    """Where the hub's cache keeps the files of a model that was loaded by name. Raises ModelError."""
    cache = os.environ.get("SENTENCE_TRANSFORMERS_HOME")  # where SentenceTransformer puts them, if it is set
    candidates = [name, f"sentence-transformers/{name}"] if "/" not in name else [name]
    for repository in candidates:
        for file in ("modules.json", "config.json"):
            path = huggingface_hub.try_to_load_from_cache(repository, file, cache_dir=cache)
            if isinstance(path, str):
                return Path(path).parent
    raise ModelError(
        f"The model {name!r} was fetched but is not in the Hugging Face cache: set a folder that holds it."
    )


def prompts_of(folder: Path) -> tuple[str, str]:
    """The prompts a model's configuration wants before queries and before documents, "" for none.

    A prompt named for the purpose comes first; where none is named, the one called ``default_prompt_name``. Leaving it
    to encode_query and encode_document would not do: in sentence-transformers 6.2 an unset "document" hides a
    "passage", and the default is never used. Raises ModelError when the configuration cannot be read.
    """
    path = folder / "config_sentence_transformers.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        prompts: Mapping[str, str] = {
            key: text for key, text in (config.get("prompts") or {}).items() if text is not None
        }
        default = prompts.get(config.get("default_prompt_name"), "")
    except FileNotFoundError:
        return "", ""
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"The model file {path} cannot be read as JSON.") from error
    return _named(prompts, ("query",), default), _named(prompts, _DOCUMENT_PROMPTS, default)


def _named(prompts: Mapping[str, str], names: Sequence[str], default: str) -> str:
    found = [prompts[name] for name in names if name in prompts]
    # An empty prompt that is configured means "none", unless another of the names has a text.
    return next((text for text in found if text), "") if found else default


def _limit(model: SentenceTransformer) -> int:
    """Tokens the model reads; made finite, in the model too, where it would read on without end."""
    limit = model.max_seq_length
    if isinstance(limit, int) and 0 < limit < _NO_LIMIT:
        return limit
    if kind_of(model[0]) != TRANSFORMER:
        return _NO_LIMIT
    model.max_seq_length = _UNSTATED_LIMIT
    return _UNSTATED_LIMIT


def kind_of(module: object) -> str:
    """Class name of a module of sentence-transformers, "" for one that came with the model."""
    # By name: the classes' places have moved from release to release.
    kind = type(module)
    return kind.__name__ if kind.__module__.startswith("sentence_transformers.") else ""


def first_line(error: BaseException) -> str:
    """What of a library's error fits into a sentence."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' progress bars, log lines and warnings from the terminal."""
    bars = transformers.utils.logging.is_progress_bar_enabled()
    names = ("transformers", "sentence_transformers", "huggingface_hub", "torch.onnx", "httpx")
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in names}
    try:
        transformers.utils.logging.disable_progress_bar()
        for logger in levels:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
        if bars:
            transformers.utils.logging.enable_progress_bar()
