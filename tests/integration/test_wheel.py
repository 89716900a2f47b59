"""What is shipped: the wheel runs by itself and has every file that the checkout has."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from console import __version__

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """What a program prints; it must succeed and complain of nothing."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment: the wheel, and of this one only what it depends on."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
    ]
    # As root pip warns that it is root: only what follows must be silent.
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, timeout=100)
    # A path file takes no notice of path files in the folder that it names, so the checkout is not on the path.
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def data_files() -> Iterator[str]:
    """Every file of the checkout that is not code, by the name that it has in the wheel."""
    for folder, prefix in (("console", ""), ("themes", "console/"), ("migrations", "console/")):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".py":
                yield prefix + file.relative_to(ROOT).as_posix()


def test_the_wheel_has_every_file_that_is_not_code(wheel: Path) -> None:
    expected = set(data_files())
    assert {Path(name).suffix for name in expected} >= {".sql", ".toml", ".tcss"}
    assert expected <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_has_nothing_of_the_tests(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"console", f"dbconsole-{__version__}.dist-info"}


def test_the_installed_program_runs(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "dbconsole", "--version", cwd=tmp_path) == f"dbconsole {__version__}\n"
    assert "Exit codes" in run(installed / "dbconsole", "--help", cwd=tmp_path)


def test_the_installed_program_finds_its_files(installed: Path, tmp_path: Path) -> None:
    where = "from console.resources import folder; print(folder('themes'), folder('migrations'))"
    themes, migrations = map(Path, run(installed / "python", "-c", where, cwd=tmp_path).split())
    assert installed.parent in themes.parents
    assert {file.name for file in themes.iterdir()} == {file.name for file in (ROOT / "themes").iterdir()}
    assert migrations.is_dir()
