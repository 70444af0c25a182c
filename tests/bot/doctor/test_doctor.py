"""The command as a whole: what it prints, how it ends, and that it leaves everything as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.doctor import report, runner
from bot.doctor.subject import Check
from bot.settings import variables
from retrieval.build import build_index
from retrieval.documents import read_documents
from retrieval.embedders.hashing import HashingEmbedder
from retrieval.inspection.finding import Finding, Status, ok, told, warning, wrong
from tests.bot.doctor.conftest import contents, statuses

ROOT = Path(__file__).parents[3]


def test_a_fresh_folder_is_looked_at_and_nothing_is_made(doctor) -> None:
    before = contents(doctor.folder)
    lines = doctor()
    assert doctor.status == 0
    assert contents(doctor.folder) == before
    assert not doctor.data.exists()
    assert list(dict.fromkeys(line["check"] for line in lines)) == [
        "python", "packages", "settings", "disk", "gpu", "model", "reader", "seeds", "sets", "index", "ledger", "slack",
        "discord",
    ]  # fmt: skip
    assert "wrong" not in statuses(lines)
    assert doctor.report["status"] == "warning", "the index is missing"


def test_everything_there_is_is_left_as_it_was(doctor) -> None:
    build_index(read_documents(doctor.seeds), doctor.data, HashingEmbedder(), where="docs")
    before = contents(doctor.folder)
    doctor()
    assert doctor.status == 0
    assert contents(doctor.folder) == before


def test_each_line_has_four_fields_and_what_is_not_ok_has_a_remedy(doctor) -> None:
    (doctor.seeds / "image.png").write_bytes(b"\x89PNG")
    for line in doctor(SEEDS_EXCLUDE="*.old", INDEX_RECALL="2"):
        assert set(line) == {"check", "status", "detail", "remedy"}
        assert bool(line["remedy"]) == (line["status"] != "ok")
        assert "\n" not in line["detail"] + line["remedy"]
    assert doctor.status == 1
    assert doctor.report["status"] == "wrong"


def test_a_check_that_fails_is_one_line_and_the_others_are_done(doctor, monkeypatch) -> None:
    def fails(_: object) -> list[Finding]:
        raise ZeroDivisionError("over\nxoxb-1-2-secret")

    def misses(_: object) -> list[Finding]:
        raise ModuleNotFoundError("No module named 'rich'")

    first, *others = runner.CHECKS
    broken = (replace(first, look=fails), Check("more", (), misses), *others)
    monkeypatch.setattr(runner.examine, "__kwdefaults__", {"checks": broken})
    lines = doctor()
    assert doctor.status == 1
    [failed] = [line for line in lines if line["check"] == "disk"]
    assert failed["status"] == "wrong"
    assert failed["detail"] == "This check itself failed (ZeroDivisionError: over xoxb-***)."
    [missing] = [line for line in lines if line["check"] == "more"]
    assert missing["detail"] == "A package is missing or broken (No module named 'rich')."
    assert lines[-1]["check"] == "discord"
    assert "Traceback" not in doctor.said


def process(folder: Path, *arguments: str, code: str = "", **settings: str) -> tuple[int, str, str]:
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "deal.txt").write_text("The deal is worth 38 billion dollars.\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in variables()} | {
        "SEEDS_DIR": "docs",
        "EMBEDDING_MODEL": "hashing",
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
    }
    program = f"import sys\n{code}\nfrom bot.cli import main\nsys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "doctor", *arguments],
        cwd=folder,
        env=environment | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_prints_plain_lines_where_nobody_watches(tmp_path: Path) -> None:
    status, out, err = process(tmp_path, "--offline", LOG_LEVEL="loud")
    assert (status, err) == (1, "")
    assert "\x1b" not in out
    lines = out.splitlines()
    at = lines.index("wrong    settings  LOG_LEVEL must be debug, info, warning or error, not 'loud'.")
    assert lines[at + 1].startswith("                   -> Correct it in .env")
    assert lines[-1].endswith("1 wrong.")
    assert not (tmp_path / "data").exists()


def test_torch_is_not_imported(tmp_path: Path) -> None:
    code = "import atexit\natexit.register(lambda: print('torch' in sys.modules, file=sys.stderr))"
    status, _, err = process(tmp_path, "--offline", code=code, EMBEDDING_MODEL="all-MiniLM-L6-v2")
    assert (status, err) == (0, "False\n")


def test_packages_that_are_missing_are_findings_and_no_end(tmp_path: Path) -> None:
    gone = "for name in ('numpy', 'pydantic', 'rich', 'sqlalchemy', 'packaging'): sys.modules[name] = None"
    status, out, err = process(tmp_path, "--json", "--offline", code=gone)
    assert (status, err) == (1, "")
    found = {line["check"]: line for line in json.loads(out)["checks"]}
    assert found["settings"]["status"] == "wrong"
    assert "A package is missing or broken" in found["settings"]["detail"]
    assert "A package is missing or broken" in found["packages"]["detail"]


def test_help_names_the_command_and_its_exit_statuses(tmp_path: Path) -> None:
    status, out, _ = process(tmp_path, "--help")
    assert status == 0
    assert "0 nothing wrong" in out
    assert "--offline" in out


FOUND = (
    ok("seeds", "docs: [bold]1 document\x1b[2J."),
    warning("index", "Stale.", "Run it."),
    wrong("model", "Damaged.", "Delete it."),
)


def test_a_terminal_gets_colours_and_no_control_characters_of_others(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    report.print_findings(FOUND, as_json=False)
    out = capsys.readouterr().out
    assert "\x1b[1;31mwrong" in out
    assert "\x1b[32mok" in out
    assert "[bold]1 document" in out
    assert "\x1b[2J" not in out
    assert "1 ok, 1 warning, 1 wrong." in out
    monkeypatch.setitem(sys.modules, "rich.console", None)
    report.print_findings(FOUND, as_json=False)
    assert capsys.readouterr().out.startswith("ok       seeds     docs: [bold]1 document")


def test_the_sentence_of_an_error_is_parted_into_what_is_and_what_to_do() -> None:
    made = told("index", Status.WRONG, "The file C:\\x is damaged: rebuild it with `a: b`.")
    assert (made.detail, made.remedy) == ("The file C:\\x is damaged.", "Rebuild it with `a: b`.")
    assert told("milvus", Status.WRONG, "It needs more: pip install x.").remedy == "Run pip install x."
    assert told("ledger", Status.WRONG, "DATABASE_URL: ssl must be one.").detail == "DATABASE_URL: ssl must be one."
    assert told("index", Status.WRONG, "It is gone.").remedy
    assert told("index", Status.WRONG, "It is: gone.", "Look.") == wrong("index", "It is: gone.", "Look.")


def test_the_worst_decides_the_status(capsys) -> None:
    assert report.worst(()) is Status.OK
    assert report.worst(FOUND) is Status.WRONG
    assert report.worst(FOUND[:2]) is Status.WARNING
    report.print_findings(FOUND[:1], as_json=False)
    assert capsys.readouterr().out.endswith("\n1 ok, 0 warnings, nothing wrong.\n")


@pytest.mark.parametrize("name", ["python", "packages", "settings"])
def test_even_the_first_checks_may_fail(doctor, monkeypatch, name: str) -> None:
    def fails() -> list[Finding]:
        raise RuntimeError("no")

    target = "inspect_configuration" if name == "settings" else f"inspect_{name}"
    monkeypatch.setattr(f"bot.doctor.runner.{target}", fails)
    [line] = doctor(name)
    assert line["detail"] == "This check itself failed (RuntimeError: no)."
    assert doctor.report["checks"][-1]["check"] == "discord"
