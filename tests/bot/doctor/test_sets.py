"""The knowledge sets."""

from __future__ import annotations

from tests.bot.doctor.conftest import statuses


def test_without_sets_everything_is_shown(doctor) -> None:
    [line] = doctor("sets")
    assert (line["status"], line["detail"]) == ("ok", "None: every document is shown everywhere.")
    [line] = doctor("sets", SLACK_SETS='{"C0123ABCD": "default"}')
    assert (line["status"], line["detail"]) == ("warning", "SLACK_SETS does nothing, as SETS defines no set.")


def test_sets_are_counted_and_folders_without_documents_named(doctor) -> None:
    (doctor.seeds / "personnel").mkdir()
    (doctor.seeds / "hq").mkdir()
    for name in ("hr/pay.txt", "HQ/plan.txt"):
        (doctor.seeds / name).parent.mkdir()
        (doctor.seeds / name).write_text(f"{name} is worth reading.\n", encoding="utf-8")
    lines = doctor("sets", SETS='{"hr": ["hr", "personnel"], "hq": "hq"}')
    assert statuses(lines) == ["ok", "warning", "warning", "warning"]
    assert lines[0]["detail"] == "default holds 1 document, hq holds 0 documents, hr holds 1 document."
    assert 'the set "hr" the folder "personnel", which holds no document' in lines[1]["detail"]
    assert 'the set "hq" the folder "hq"' in lines[2]["detail"]
    assert lines[3]["detail"] == "1 document in no set, and so shown nowhere but in the terminal."
    assert doctor.status == 0


def test_a_folder_that_is_not_there_is_wrong(doctor) -> None:
    (doctor.seeds / "hr").mkdir()
    lines = doctor("sets", SETS='{"hr": ["hr", "personel"]}')
    assert statuses(lines) == ["ok", "wrong"]
    assert lines[1]["detail"].startswith('SETS gives the set "hr" the folder "personel", which is not in ')
    assert doctor.status == 1


def test_an_accent_is_found_however_it_is_written(doctor) -> None:
    (doctor.seeds / "citta\u0300").mkdir()
    lines = doctor("sets", SETS='{"towns": "citt\u00e0"}')
    assert statuses(lines) == ["ok", "warning"]


def test_wrong_sets_are_told_once(doctor) -> None:
    lines = doctor("settings", SETS='{"hr": ["/hr"]}', SLACK_SETS='{"C0123ABCD": "hr"}')
    assert [line["detail"].split()[0] for line in lines] == ["SETS"]
    [line] = [line for line in doctor.report["checks"] if line["check"] == "sets"]
    assert line["detail"] == "Not looked at, as it depends on SETS."
