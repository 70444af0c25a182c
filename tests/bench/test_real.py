"""The folder of real text that a benchmark makes."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.bench import real


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    line = "A line of the documentation that is long enough to count.\n"
    (folder / "a.rst").write_text("One.\n" + line * 40, encoding="utf-8")
    (folder / "b.txt.gz").write_bytes(gzip.compress(("Two.\n" + line * 40).encode()))
    (folder / "deep" / "c.md").write_text("# Three\n\n" + line * 10, encoding="utf-8")
    (folder / "deep" / "same.txt").write_text("# Three\n\n" + line * 10, encoding="utf-8")
    (folder / "d.html").write_text(f"<p>{line * 20}</p>", encoding="utf-8")
    (folder / "large.html").write_text(f"<p>{line * 400}</p>", encoding="utf-8")
    (folder / "short.txt").write_text("Too short.", encoding="utf-8")
    (folder / "latin.txt").write_bytes(b"\xe9" * 1000)
    (folder / "broken.txt.gz").write_bytes(b"\x1f\x8bnothing")
    (folder / "picture.png").write_bytes(b"\x89PNG" * 1000)
    return folder


def test_text_is_taken_once_and_cut_between_lines(source: Path, tmp_path: Path) -> None:
    assert real.collect([source], tmp_path / "made", 100, 1000) == 4
    made = sorted((tmp_path / "made").rglob("*.*"))
    assert len({path.read_bytes() for path in made}) == 4
    assert sorted(path.suffix for path in made if path.suffix != ".md")[:1] == [".html"]
    for path in made:
        content = path.read_text(encoding="utf-8")
        assert path.suffix == ".html" or (len(content) <= 1000 and content.endswith("\n"))


def test_the_same_folders_give_the_same_files_and_a_folder_is_not_made_twice(source: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert real.collect([source], tmp_path / name, 2, 1000) == 2
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    assert real.collect([source], tmp_path / "one", 100, 1000) == 2
