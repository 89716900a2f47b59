"""Which migrations are meant: what config files say, in the words that Alembic understands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from console import resources
from console.data.migrations.sources import find_source
from console.errors import BadMigrations
from console.models.migrations import SourceKind


def files(root: Path, *names: str, text: str = "") -> None:
    """Creates files of that text."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with Alembic's `db/env.py` and revisions in two folders, and nothing that names them."""
    root = tmp_path / "project"
    files(
        root,
        "db/env.py",
        "db/versions/a.py",
        "db/versions/deep/er/b.py",
        "db/versions/__pycache__/c.py",
        "more/d.py",
    )
    monkeypatch.chdir(tmp_path)
    return root


def alembics_directories(config: Config) -> list[Path]:
    return list(ScriptDirectory.from_config(config)._version_locations)


@pytest.mark.parametrize(
    "options",
    [
        "script_location = %(here)s/db",
        "script_location = db",
        "script_location = %(here)s/db\nversion_locations = %(here)s/more %(here)s/db/versions\npath_separator = space",
        f"script_location = db\nversion_locations = more{os.pathsep}db/versions\npath_separator = os",
        "script_location = db\nversion_locations =\n  more\n  db/versions\npath_separator = newline",
    ],
)
def test_an_ini_file_as_alembic_reads_it(
    project: Path, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(
        project, "alembic.ini", text=f"[alembic]\n{options}\nsqlalchemy.url = postgresql://secret@host/db\n"
    )
    monkeypatch.chdir(project)
    source = find_source(None, project)
    assert source is not None
    assert (source.kind, source.directory) == (SourceKind.ALEMBIC, project / "db")
    assert source.config_file == project / "alembic.ini"
    assert list(source.version_directories) == alembics_directories(Config(str(project / "alembic.ini")))


@pytest.mark.parametrize("separator", ["", "version_path_separator = space"])
def test_locations_as_older_versions_of_alembic_split_them(project: Path, separator: str) -> None:
    files(
        project,
        "alembic.ini",
        text=f"[alembic]\nscript_location = db\nversion_locations = more db/versions\n{separator}\n",
    )
    source = find_source(Path("alembic.ini"), project)
    assert source is not None
    assert source.version_directories == (project / "more", project / "db/versions")


def test_folders_below_where_that_is_asked_for(project: Path) -> None:
    files(
        project, "alembic.ini", text="[alembic]\nscript_location = db\nrecursive_version_locations = true\n"
    )
    source = find_source(None, project)
    assert source is not None
    versions = project / "db/versions"
    assert source.version_directories == (versions, versions / "deep", versions / "deep/er")


def test_a_pyproject_as_alembic_reads_it(project: Path) -> None:
    toml = '[tool.alembic]\nscript_location = "%(here)s/db"\nversion_locations = ["%(here)s/more", "%(here)s/db/versions"]\n'
    files(project, "pyproject.toml", text=toml)
    source = find_source(None, project)
    assert source is not None
    assert source.config_file == project / "pyproject.toml"
    assert list(source.version_directories) == alembics_directories(
        Config(toml_file=str(project / "pyproject.toml"))
    )


def test_migrations_in_a_package_whose_code_is_not_run(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = project.parent / "site"
    files(installed, "shop/db/migrations/env.py", "shop/db/migrations/versions/a.py")
    files(installed, "shop/__init__.py", "shop/db/__init__.py", text="raise SystemExit")
    monkeypatch.setattr(sys, "path", [*sys.path, str(installed)])
    files(project, "alembic.ini", text="[alembic]\nscript_location = shop.db:migrations\n")
    source = find_source(None, project)
    assert source is not None
    assert source.directory == installed / "shop/db/migrations"
    assert "shop" not in sys.modules


@pytest.mark.parametrize("path", [".", "alembic.ini", "db", "../project/db"])
def test_every_way_to_name_a_project(project: Path, path: str) -> None:
    files(project, "alembic.ini", text="[alembic]\nscript_location = db\n")
    source = find_source(Path(path), project)
    assert source is not None
    assert source.directory.resolve() == project / "db"
    assert [directory.resolve() for directory in source.version_directories] == [project / "db/versions"]


def test_a_config_file_in_another_folder_than_the_working_directory(project: Path) -> None:
    """Alembic would look for `db` in the working directory; who names the file means the folder beside it."""
    files(project, "alembic.ini", text="[alembic]\nscript_location = db\n")
    source = find_source(project / "alembic.ini", project.parent)
    assert source is not None
    assert source.directory == project / "db"


def test_the_platforms_own() -> None:
    source = find_source(Path("platform"), Path("/"))
    assert source is not None
    assert source.directory == resources.folder("migrations")
    assert source.version_directories == (source.directory / "versions",)


@pytest.mark.parametrize(
    ("env", "table", "schema"),
    [
        ("context.configure(connection=c)", "alembic_version", None),
        ('context.configure(version_table="versions", version_table_schema="ops")', "versions", "ops"),
        ('T = "versions"\ncontext.configure(version_table=T, **rest)', "versions", None),
        ("context.configure(version_table=table(), version_table_schema=None)", "alembic_version", None),
        ("this is (no Python version_table", "alembic_version", None),
    ],
)
def test_the_version_table_that_env_py_names(project: Path, env: str, table: str, schema: str | None) -> None:
    (project / "db/env.py").write_text(env)
    source = find_source(Path("db"), project)
    assert source is not None
    assert (source.version_table, source.version_schema) == (table, schema)


def test_a_folder_of_sql_files(project: Path) -> None:
    files(project / "pairs", "001_users.sql", "001_rollback.sql")
    files(project / "migrations", "001_users.up.sql", "001_users.down.sql")
    pairs, golang = find_source(Path("pairs"), project), find_source(None, project)
    assert pairs is not None
    assert golang is not None
    assert (pairs.kind, pairs.directory) == (SourceKind.SQL_PAIRS, project / "pairs")
    assert (golang.kind, golang.version_table) == (SourceKind.GOLANG_MIGRATE, "schema_migrations")


def test_a_directory_without_migrations(project: Path) -> None:
    files(project, "pyproject.toml", text='[project]\nname = "shop"\n')
    assert find_source(None, project) is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("missing", None, "There are no migrations at .*missing: it does not exist"),
        ("more", None, "more has no migrations: no alembic.ini"),
        ("pyproject.toml", "[project]\n", "pyproject.toml has no migrations"),
        ("pyproject.toml", "[tool.alembic\n", "pyproject.toml cannot be read: Expected"),
        ("alembic.ini", "no section\n", "alembic.ini cannot be read: File contains no section headers"),
        ("alembic.ini", "[other]\n", r"alembic.ini has no section \[alembic\]"),
        ("alembic.ini", "[alembic]\n", "alembic.ini does not say where the migrations are"),
        ("alembic.ini", "[alembic]\nscript_location = 100%\n", "alembic.ini cannot be read: "),
        ("alembic.ini", "[alembic]\nscript_location = more\n", "in .*more, where there is no env.py"),
        (
            "alembic.ini",
            "[alembic]\nscript_location = no_such_package:db\n",
            "package no_such_package, which is",
        ),
        ("pyproject.toml", '[tool.alembic]\nscript_location = "100%"\n', "has a % that stands for nothing"),
    ],
)
def test_what_leads_to_no_migrations(project: Path, name: str, text: str | None, words: str) -> None:
    if text is not None:
        (project / name).write_text(text)
    with pytest.raises(BadMigrations, match=words):
        find_source(Path(name), project)


def test_a_config_file_beside_env_py_that_was_written_for_another_place(tmp_path: Path) -> None:
    """As MLflow ships it: `env.py` reads its logging from there, and the revisions are where they are."""
    folder = tmp_path / "installed"
    files(folder, "env.py", "versions/a.py")
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = mlflow/store/db_migrations\n")
    source = find_source(folder, tmp_path)
    assert source is not None
    assert (source.directory, source.config_file) == (folder, folder / "alembic.ini")
    assert source.version_directories == (folder / "versions",)
