"""From a model's name to an embedder: what is kept, what is made anew, and what a hot start imports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrieval.embedders import load_embedder, worker
from retrieval.embedders.bundle import EXPORT, MODEL, TOKENIZER
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.embedders.onnx import OnnxEmbedder
from retrieval.embedders.sentence import SentenceTransformerEmbedder, hub_folder
from retrieval.embedders.sources import locate, recall
from retrieval.embedders.worker import Made
from retrieval.errors import ModelError

MakeModel = Callable[..., Path]


def bundle_of(cache: Path) -> Path:
    (export,) = cache.glob(f"*/{EXPORT}")
    return export.parent


def test_the_model_is_prepared_once_and_announced(tiny: Path, cache: Path, in_process: list[str]) -> None:
    said: list[str] = []
    first = load_embedder(str(tiny), cache, notify=said.append)
    assert said == [f"Preparing the model {tiny}, once ..."]
    second = load_embedder(str(tiny), cache, notify=said.append, threads=1)
    assert len(said) == len(in_process) == 1
    assert isinstance(second, OnnxEmbedder)
    assert first.spec == second.spec
    np.testing.assert_allclose(first.embed_queries(["ok"]), second.embed_queries(["ok"]), atol=1e-6)
    assert sorted(path.name for path in cache.iterdir() if path.name != ".lock") == sorted(
        [bundle_of(cache).name, next(cache.glob("*.json")).name]
    )


def truncate(folder: Path) -> None:
    (folder / MODEL).write_bytes((folder / MODEL).read_bytes()[:-100])


def empty_the_tokenizer(folder: Path) -> None:
    (folder / TOKENIZER).write_bytes(b"")


def lose_the_graph(folder: Path) -> None:
    (folder / MODEL).unlink()


def lose_the_description(folder: Path) -> None:
    (folder / EXPORT).unlink()


def garble_the_description(folder: Path) -> None:
    (folder / EXPORT).write_text((folder / EXPORT).read_text()[:-40])


def forget_a_field(folder: Path) -> None:
    content = json.loads((folder / EXPORT).read_text())
    del content["max_tokens"]
    (folder / EXPORT).write_text(json.dumps(content))


def come_from_another_version(folder: Path) -> None:
    content = json.loads((folder / EXPORT).read_text())
    (folder / EXPORT).write_text(json.dumps(content | {"format": 0}))


def overwrite_the_graph(folder: Path) -> None:
    (folder / MODEL).write_bytes(b"\xff" * (folder / MODEL).stat().st_size)


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        empty_the_tokenizer,
        lose_the_graph,
        lose_the_description,
        garble_the_description,
        forget_a_field,
        come_from_another_version,
        overwrite_the_graph,
        shutil.rmtree,
    ],
)
def test_a_damaged_export_is_made_anew(
    tiny: Path, prepared: Path, copying: list[str], damage: Callable[[Path], None]
) -> None:
    damage(bundle_of(prepared))
    embedder = load_embedder(str(tiny), prepared)
    assert isinstance(embedder, OnnxEmbedder)
    embedder.verify()
    assert len(copying) == 1
    load_embedder(str(tiny), prepared)
    assert len(copying) == 1


def test_flipped_bits_are_found_by_the_full_check(tiny: Path, prepared: Path) -> None:
    path = bundle_of(prepared) / MODEL
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    embedder = load_embedder(str(tiny), prepared)
    assert isinstance(embedder, OnnxEmbedder)
    with pytest.raises(ModelError, match=r"model\.onnx is damaged: delete .* to have it made anew"):
        embedder.verify()
    path.unlink()
    with pytest.raises(ModelError, match=r"model\.onnx cannot be read"):
        embedder.verify()


def test_a_changed_model_gets_another_revision_and_the_old_export_goes(
    tiny: Path, cache: Path, in_process: list[str]
) -> None:
    before = load_embedder(str(tiny), cache).spec
    (cache / "somebody's").mkdir()
    config = tiny / "sentence_bert_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"max_seq_length": 20}))
    after = load_embedder(str(tiny), cache).spec
    assert (before.max_tokens, after.max_tokens) == (40, 20)
    assert before.revision != after.revision
    assert bundle_of(cache).name == after.revision
    assert len(in_process) == 2
    assert (cache / "somebody's").is_dir()


def test_a_copy_of_a_model_elsewhere_needs_no_export(tiny: Path, prepared: Path, copying: list[str]) -> None:
    copy = shutil.copytree(tiny, tiny.with_name("copy"))
    assert isinstance(load_embedder(str(copy), prepared), OnnxEmbedder)
    assert copying == []
    assert recall(locate(str(copy)), prepared) is not None


def test_lost_notes_need_no_export(tiny: Path, prepared: Path, copying: list[str]) -> None:
    load_embedder(str(tiny), prepared)
    (note,) = prepared.glob("*.json")
    note.write_text("{")
    assert isinstance(load_embedder(str(tiny), prepared), OnnxEmbedder)
    assert copying == []


def test_two_first_calls_at_once_export_once(
    tiny: Path, cache: Path, copying: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, waiting = threading.Event(), threading.Event()
    export = worker.export_in_child

    def export_while_another_waits(source, workspace: Path, sample) -> Made:
        entered.set()
        assert waiting.wait(20)
        return export(source, workspace, sample)

    monkeypatch.setattr(worker, "export_in_child", export_while_another_waits)
    said: list[str] = []

    def tell(sentence: str) -> None:
        said.append(sentence)
        waiting.set()

    found: list[object] = []
    first = threading.Thread(target=lambda: found.append(load_embedder(str(tiny), cache)))
    first.start()
    assert entered.wait(20)
    found.append(load_embedder(str(tiny), cache, notify=tell))
    first.join(20)
    assert [type(embedder) for embedder in found] == [OnnxEmbedder] * 2
    assert len(copying) == 1
    assert said == ["Another process is preparing a model; waiting until it has finished."]


def test_two_processes_that_start_together_both_end_well(tiny: Path, cache: Path, tiny_bundle: Path) -> None:
    code = """
import shutil, sys
from pathlib import Path
from retrieval.embedders import load_embedder, worker
tiny, cache, made = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
def export(source, workspace, sample):
    print("exported")
    return worker.Made(shutil.copytree(made, workspace / "target"), made.name, source.folder)
worker.export_in_child = export
assert type(load_embedder(tiny, cache)).__name__ == "OnnxEmbedder"
"""
    root = str(Path(worker.__file__).parents[2])
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tiny), str(cache), str(tiny_bundle)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": root},
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sorted(out for out, _ in outputs) == ["", "exported\n"]


def test_what_a_killed_export_left_is_removed(tiny: Path, cache: Path, copying: list[str]) -> None:
    (cache / ".making-dead" / "target").mkdir(parents=True)
    load_embedder(str(tiny), cache)
    assert list(cache.glob(".making-*")) == []


def test_a_child_that_dies_leaves_the_model_to_sentence_transformers(
    tiny: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    killed = tiny.with_name("python")
    killed.write_text("#!/bin/sh\necho out of memory\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    embedder = load_embedder(str(tiny), cache)
    assert isinstance(embedder, SentenceTransformerEmbedder)
    assert "its export broke off (out of memory)" in caplog.text
    assert embedder.embed_documents(["ok"]).shape == (1, 32)
    assert capfd.readouterr() == ("", "")


def test_what_the_child_met_is_what_is_raised(tiny: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tiny.with_name("python")
    code = "import json, sys; json.dump({'error': 'It is gone.'}, open(json.load(sys.stdin)['answer'], 'w'))"
    child.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}"\n')
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(ModelError, match=r"^It is gone\.$"):
        load_embedder(str(tiny), cache)
    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_a_broken_model_is_one_sentence(tiny: Path, cache: Path, in_process: list[str]) -> None:
    (tiny / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match=f"The model in {tiny} could not be loaded") as caught:
        load_embedder(str(tiny), cache)
    assert "\n" not in str(caught.value)


def test_a_hub_name_without_a_network_is_one_sentence(
    cache: Path, in_process: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # as HF_HUB_OFFLINE=1 does in the child
    said: list[str] = []
    with pytest.raises(ModelError, match=r"'nobody/nothing' could not be fetched .* check its name and the network"):
        load_embedder("nobody/nothing", cache, notify=said.append)
    assert said == ["Fetching the model nobody/nothing from the Hugging Face hub and preparing it, once ..."]


def test_a_hub_name_is_served_from_what_was_fetched_even_when_the_original_is_gone(
    tiny: Path, cache: Path, copying: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    export = worker.export_in_child
    monkeypatch.setattr(worker, "export_in_child", lambda *request: replace(export(*request), folder=tiny))
    load_embedder("someone/something", cache)
    assert load_embedder("someone/something", cache).spec.query_prompt == ""
    shutil.rmtree(tiny)
    embedder = load_embedder("someone/something", cache)
    assert copying == ["someone/something"]
    assert embedder.spec.model == "someone/something"
    assert embedder.spec.revision == bundle_of(cache).name


def test_a_fetched_model_is_found_in_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "models--sentence-transformers--some-model" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "modules.json").write_text("[]")
    refs = tmp_path / "models--sentence-transformers--some-model" / "refs"
    refs.mkdir()
    (refs / "main").write_text("0" * 40)
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    assert hub_folder("some-model") == hub_folder("sentence-transformers/some-model") == snapshot
    with pytest.raises(ModelError, match="'other' was fetched but is not"):
        hub_folder("other")


def test_a_cache_that_cannot_be_written_is_one_sentence(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"prepared models .*file cannot be used \(File exists\)"):
        load_embedder(str(tiny), tmp_path / "file")


def test_hashing_needs_nothing(tmp_path: Path) -> None:
    assert isinstance(load_embedder("hashing", tmp_path / "never made"), HashingEmbedder)
    assert list(tmp_path.iterdir()) == []


def test_a_negative_number_of_threads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="-1"):
        load_embedder("hashing", tmp_path, threads=-1)
