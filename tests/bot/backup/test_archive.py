"""The file of a backup: what is written is read; what is damaged, foreign or hostile is refused, and writes nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.backup import archive
from bot.backup.archive import BadArchive, Contents
from bot.errors import BotError, ConfigError

ROOM = 10**9
VERSION = "000001-0123456789abcdef"
INDEX = f"index/{VERSION}"
FILES = {
    "ledger.db": b"SQLite format 3\0" + bytes(range(256)) * 20,
    f"{INDEX}/manifest.json": b"{}",
    f"{INDEX}/empty.npy": b"",
    "models/0123/deep/model.onnx": b"x" * 1000,
}


def contents(files: dict[str, bytes], **changes: Any) -> Contents:
    members = {name: (len(raw), hashlib.sha256(raw).hexdigest()) for name, raw in files.items()}
    fields = {"program": "0.1", "created": "2026-11-27", "vectors": "faiss"}
    fields["ledger"] = "0001" if "ledger.db" in files else ""
    fields["index"] = VERSION if any(name.startswith("index/0") for name in files) else ""
    return Contents(**(fields | {"members": members} | changes))


def make(folder: Path, files: dict[str, bytes] | None = None, *, zipped: bool = False) -> Path:
    files = FILES if files is None else files
    for name, raw in files.items():
        (folder / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "from" / name).write_bytes(raw)
    members = [archive.member(name, folder / "from" / name) for name in files]
    path = folder / ("made.tar.gz" if zipped else "made.tar")
    with path.open("wb") as file:
        archive.write(file, contents(files), members, zipped=zipped)
    return path


def forge(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], listed: Contents, **options: Any) -> Path:
    """An archive of a hand that knows the format: its manifest is right, and the rest is as given."""
    with tarfile.open(path, "w", **options) as tar:
        raw = archive._sealed(listed)
        header = tarfile.TarInfo("manifest.json")
        header.size = len(raw)
        tar.addfile(header, io.BytesIO(raw))
        for header, content in members:
            tar.addfile(header, io.BytesIO(content))
    return path


def plain(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    header = tarfile.TarInfo(name)
    header.size = len(content)
    return header, content


def extracted(path: Path, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    archive.extract(path, folder)
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("zipped", [False, True])
def test_what_is_written_is_read(tmp_path: Path, zipped: bool) -> None:
    path = make(tmp_path, zipped=zipped)
    assert archive.verify(path, ROOM) == contents(FILES)
    assert extracted(path, tmp_path / "to") == FILES
    with tarfile.open(path) as tar:  # any tar program can read it
        assert tar.getnames() == ["manifest.json", *FILES]
        assert {member.mode for member in tar.getmembers()} == {0o600}


@given(size=st.integers(0, 1 << 50))
def test_a_member_may_have_any_size(size: int) -> None:
    header = archive._header("index/000007-0123456789abcdef/vectors.faiss", size).tobuf(archive.TAR)
    assert archive._next(Path("a.tar"), io.BytesIO(header).read) == (
        "index/000007-0123456789abcdef/vectors.faiss",
        size,
    )


def test_a_name_that_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(BotError, match="too long a name"):
        archive._header("models/" + "a" * 94, 1)
    assert archive._header("models/" + "a" * 93, 1).tobuf(archive.TAR)[156:157] == tarfile.REGTYPE


def test_a_file_that_changes_while_it_is_written_ends_it(tmp_path: Path) -> None:
    make(tmp_path)
    members = [archive.member(name, tmp_path / "from" / name) for name in FILES]
    (tmp_path / "from" / "ledger.db").write_bytes(b"y" * len(FILES["ledger.db"]))
    with pytest.raises(BotError, match=r"ledger\.db changed or cannot be read whole"):
        archive.write(io.BytesIO(), contents(FILES), members, zipped=False)


# --- damage --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[False, True])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("whole"), zipped=request.param)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_or_does_no_harm(whole: Path, place: float, bit: int) -> None:
    raw = bytearray(whole.read_bytes())
    raw[int(place * len(raw))] ^= 1 << bit
    damaged = whole.with_name("flipped")
    damaged.write_bytes(raw)
    said = ""
    try:
        found = archive.verify(damaged, ROOM)
    except ConfigError as error:
        said = str(error)
    if said:
        assert said.startswith(f"{damaged} ")
        assert "\n" not in said
    else:
        assert found == contents(FILES), "in bytes that mean nothing, as between two files"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.floats(0, 1, exclude_max=True))
def test_a_truncated_one_is_found(whole: Path, place: float) -> None:
    raw = whole.read_bytes()
    cut = raw[: int(place * len(raw))]
    damaged = whole.with_name("cut")
    damaged.write_bytes(cut)
    if whole.suffix == ".tar" and not raw[len(cut) :].strip(b"\0"):
        assert archive.verify(damaged, ROOM) == contents(FILES), "only the zeros at the end are missing"
        return
    with pytest.raises(BadArchive, match=r"^\S+ is damaged or no backup of this program \(.+\): use another backup"):
        archive.verify(damaged, ROOM)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(raw=st.binary(max_size=3000), zipped=st.booleans())
def test_anything_else_is_foreign(tmp_path: Path, raw: bytes, zipped: bool) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    with pytest.raises(BadArchive):
        archive.verify(path, ROOM)


# --- malice --------------------------------------------------------------------------------------------------------

EVIL = [
    "../escape",
    "/etc/passwd",
    "models/../../escape",
    "models/a/../../../escape",
    "models/.hidden",
    "models//x",
    "models/x\\y",
    "models/C:x",
    "models/new\nline",
    f"{INDEX}/../../escape",
    "index/CURRENT",
    "index/000001-0123456789abcdef",
    "history",
    ".env",
    "ledger.db/x",
    "ledger.db-wal",
    "manifest.json",
    "",
]


@pytest.mark.parametrize("name", EVIL)
def test_a_name_that_no_backup_has_is_refused(tmp_path: Path, name: str) -> None:
    path = forge(tmp_path / "evil.tar", [plain(name, b"evil")], contents({name: b"evil"}))
    with pytest.raises(BadArchive):
        archive.verify(path, ROOM)
    with pytest.raises(BadArchive):
        extracted(path, tmp_path / "to")
    assert not list((tmp_path / "to").iterdir())
    assert sorted(item.name for item in tmp_path.iterdir()) == ["evil.tar", "to"]


def special(kind: bytes, target: str = "") -> Callable[[], tuple[tarfile.TarInfo, bytes]]:
    def made() -> tuple[tarfile.TarInfo, bytes]:
        header = tarfile.TarInfo("models/a")
        header.type, header.linkname = kind, target
        return header, b""

    return made


@pytest.mark.parametrize(
    "made",
    [
        special(tarfile.SYMTYPE, "/etc/passwd"),
        special(tarfile.LNKTYPE, "ledger.db"),
        special(tarfile.CHRTYPE),
        special(tarfile.BLKTYPE),
        special(tarfile.FIFOTYPE),
        special(tarfile.DIRTYPE),
        special(tarfile.GNUTYPE_SPARSE),
        special(b"Z"),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, made: Any) -> None:
    path = forge(tmp_path / "evil.tar", [made()], contents({"models/a": b""}))
    with pytest.raises(BadArchive, match=r"'models/a/?' is no plain file"):
        archive.verify(path, ROOM)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_extended_headers_are_refused(tmp_path: Path, form: int) -> None:
    name = "models/" + "a" * 150
    path = forge(tmp_path / "evil.tar", [plain(name, b"x")], contents({name: b"x"}), format=form)
    with pytest.raises(BadArchive, match="is no plain file"):
        archive.verify(path, ROOM)


def test_members_that_the_manifest_does_not_tell_of_are_refused(tmp_path: Path) -> None:
    listed, other = {"models/a": b"1"}, plain("models/b", b"2")
    for members, why in [
        ([plain("models/a", b"1"), other], "more follows"),
        ([other, plain("models/a", b"1")], "no such member as 'models/b'"),
        ([plain("models/a", b"12")], "no such member as 'models/a'"),
        ([plain("models/a", b"3")], "models/a has been changed"),
        ([], "ends too early"),
    ]:
        path = forge(tmp_path / "evil.tar", members, contents(listed))
        with pytest.raises(BadArchive, match=why):
            archive.verify(path, ROOM)
    path = forge(tmp_path / "twice.tar", [plain("models/a", b"1")] * 2, contents({**listed, "models/c": b"1"}))
    with pytest.raises(BadArchive, match="no such member as 'models/a'"):
        archive.verify(path, ROOM)


def test_more_than_there_is_room_for_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = make(tmp_path)
    with pytest.raises(ConfigError, match=r"there is room for 0\.00: make room"):
        archive.verify(path, 1000)
    bomb = gzip.compress(b"\0" * 10**7)
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(bomb)
    with pytest.raises(BadArchive):
        archive.verify(path, ROOM)
    listed = contents({"models/a": b"1"})
    path = forge(tmp_path / "tail.tar", [plain("models/a", b"1")], listed)
    with path.open("ab") as file:
        file.write(b"\0" * 3 * archive.CHUNK)
    with pytest.raises(BadArchive, match="more follows"):
        archive.verify(path, ROOM)


@pytest.mark.parametrize("change", [{"index": "../../../elsewhere"}, {"index": ""}, {"ledger": ""}])
def test_a_manifest_that_contradicts_its_members_is_refused(tmp_path: Path, change: dict[str, str]) -> None:
    path = forge(tmp_path / "evil.tar", [plain(*item) for item in FILES.items()], contents(FILES, **change))
    with pytest.raises(BadArchive, match="contradicts itself"):
        archive.verify(path, ROOM)
    more = {**FILES, "index/000002-0123456789abcdef/manifest.json": b"{}"}
    path = forge(tmp_path / "two.tar", [plain(*item) for item in more.items()], contents(more))
    with pytest.raises(BadArchive, match="contradicts itself"):
        archive.verify(path, ROOM)


@pytest.mark.parametrize("change", [{"format": 2}, {"members": []}, {"more": 1}, {"members": {"models/a": [1]}}])
def test_a_manifest_of_another_shape_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    fields = json.loads(archive._sealed(contents({}))) | change
    fields.pop("checksum")
    fields["checksum"] = hashlib.sha256(archive._plain(fields)).hexdigest()
    path = tmp_path / "other.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(*((header := plain("manifest.json", archive._plain(fields)))[0], io.BytesIO(header[1])))
    with pytest.raises(ConfigError, match="another version of this program" if "format" in change else "manifest"):
        archive.verify(path, ROOM)


def test_what_is_not_there_or_no_file_is_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.tar", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            archive.verify(path, ROOM)
