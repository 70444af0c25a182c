"""Python and the installed packages."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from bot.doctor import environment
from tests.bot.doctor.conftest import statuses

NEEDS = [
    "faiss-cpu<2,>=1.12",
    "numpy<3,>=2",
    "asyncpg<1,>=0.30; extra == 'postgres'",
    "pytest>=8; extra == 'dev'",
    "fonte[postgres]; extra == 'dev'",
    "colorama>=1; sys_platform == 'no such system'",
]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Package -> version, as the metadata would have it."""
    found = {"faiss-cpu": "1.15.1", "numpy": "2.3"}

    def version(name: str) -> str:
        if name not in found:
            raise PackageNotFoundError(name)
        return found[name]

    def distribution(name: str) -> Any:
        return version(name)

    monkeypatch.setattr(environment, "requires", lambda _: NEEDS)
    monkeypatch.setattr(environment, "version", version)
    monkeypatch.setattr("retrieval.distributions.distribution", distribution)
    return found


def test_this_environment_fits(doctor) -> None:
    assert statuses(doctor("python")) == ["ok"]
    assert statuses(doctor("packages")) == ["ok"]


def test_an_old_python_is_wrong(doctor, monkeypatch) -> None:
    monkeypatch.setattr(environment.platform, "python_version", lambda: "3.10.4")
    [line] = doctor("python")
    assert (line["status"], line["detail"]) == ("wrong", "Python 3.10.4, but >=3.11 is needed.")
    assert doctor.status == 1


def test_what_fits_is_one_line(doctor, installed) -> None:
    [line] = doctor("packages")
    assert (line["status"], line["detail"]) == ("ok", "All 2 packages are there in versions that fit.")


def test_a_missing_and_an_old_package_are_wrong(doctor, installed) -> None:
    installed.pop("faiss-cpu")
    installed["numpy"] = "1.26.4"
    faiss, numpy = doctor("packages")
    assert faiss == {
        "check": "packages",
        "status": "wrong",
        "detail": "faiss-cpu is not installed.",
        "remedy": 'Run `pip install "faiss-cpu<2,>=1.12"`.',
    }
    assert (numpy["status"], numpy["detail"]) == ("wrong", "numpy 1.26.4 is installed, but <3,>=2 is needed.")


def test_an_extra_is_looked_at_only_where_it_is_installed(doctor, installed) -> None:
    installed["asyncpg"] = "0.20"
    installed["pytest"] = "1"
    [line] = doctor("packages")
    assert (line["status"], line["detail"]) == ("warning", "asyncpg 0.20 is installed, but <1,>=0.30 is needed.")


def test_faiss_for_gpus_takes_the_place_of_that_for_cpus(doctor, installed) -> None:
    installed["faiss-gpu"] = installed.pop("faiss-cpu")
    assert statuses(doctor("packages")) == ["ok"]


def test_faiss_installed_twice_is_wrong(doctor, installed) -> None:
    installed["faiss-gpu"] = "1.15.1"
    [line] = doctor("packages")
    assert line["status"] == "wrong"
    assert "overwrite each other" in line["detail"]


def test_a_program_that_is_not_installed_is_a_warning(doctor, monkeypatch) -> None:
    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment, "requires", missing)
    monkeypatch.setattr(environment, "metadata", missing)
    assert statuses(doctor("python")) == statuses(doctor("packages")) == ["warning"]
