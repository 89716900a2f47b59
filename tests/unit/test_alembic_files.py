"""What the console reads in revision files without running them is what Alembic finds when it imports them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from alembic.script import Script, ScriptDirectory
from alembic.util import to_tuple

from console import resources
from console.data.migrations.alembic_files import AlembicFiles
from console.data.migrations.sources import find_source
from console.errors import BadMigrations
from console.models.migrations import Revision, Source, SourceKind

USUAL = '''"""Add users

Revision ID: 1a2b3c4d
Revises: 00ff
Create Date: 2026-11-02 14:10:31.123456

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

# revision identifiers, used by Alembic.
revision: str = '1a2b3c4d'
down_revision: Union[str, Sequence[str], None] = '00ff'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    op.execute("""
revision of what is there
""")
'''

FILES = {
    "usual.py": USUAL,
    "old_template.py": USUAL.replace(": str", "").replace(": Union[str, Sequence[str], None]", ""),
    "with_comments.py": '# -*- coding: utf-8 -*-\n"""What for."""\n'
    "revision = 'c0'  # mine\ndown_revision = None  # first\n",
    "merge.py": '"""Merge"""\nrevision = "m1"\ndown_revision = ("a1", "b1")\nbranch_labels = ("x", "y")\n'
    "depends_on = ['d1', 'd2']\n",
    "over_lines.py": '"""Merge"""\nrevision = "m2"\ndown_revision = (\n    "a1",\n    "b1",\n)\ndepends_on = "z1"\n',
    "a_set.py": 'revision = "s1"\ndown_revision = {"a1"}\n',
    "no_docstring.py": "from alembic import op\nrevision = 'n1'\ndown_revision = None\n",
    "raw.py": "r'''A raw\ntitle \\d\n\nmore'''\nrevision = 'r1'\ndown_revision = None\n",
    "escapes.py": '"""Caf\\u00e9 \\\n au lait"""\nrevision = "e1"\ndown_revision = None\n',
    "twice.py": '"""Twice"""\nrevision = "t0"\ndown_revision = None\nrevision = "t1"\n',
    "in_a_text.py": '"""revision = "no"\ndown_revision = "no"\n"""\nrevision = "i1"\ndown_revision = None\n',
    "chained.py": '"""Chained"""\nrevision = name = "h1"\ndown_revision = None\n',
    "deadbeef.py": '"""From Alembic 0.1"""\ndown_revision = None\n',
    "windows.py": USUAL.replace("1a2b3c4d", "w1").replace("\n", "\r\n"),
    "utf8_mark.py": "\ufeff" + USUAL.replace("1a2b3c4d", "u1"),
    "empty_names.py": '"""Empty"""\nrevision = "v1"\ndown_revision = ()\nbranch_labels = []\n',
    ".hidden.py": '"""A dot-file"""\nrevision = "p1"\ndown_revision = None\n',
}

NO_REVISIONS = (
    "__init__.py",
    ".#locked.py",
    "notes.txt",
    "compiled.pyc",
    "__pycache__/cached.py",
    "below/deeper.py",
)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "versions").mkdir()
    return Source(SourceKind.ALEMBIC, tmp_path, version_directories=(tmp_path / "versions",))


def write(source: Source, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = source.version_directories[0] / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())


def theirs(script: Script) -> Revision:
    return Revision(
        id=script.revision,
        down=script._versioned_down_revisions,
        depends_on=to_tuple(script.dependencies, default=()),
        labels=tuple(script._orig_branch_labels),
        message=" ".join(script.doc.split()),
        path=Path(script.path),
        checksum=hashlib.sha256(Path(script.path).read_bytes()).hexdigest(),
    )


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_what_alembic_finds_in_it(source: Source, name: str) -> None:
    write(source, {name: FILES[name]})
    (revision,), problems = AlembicFiles().read(source)
    script = Script._from_path(ScriptDirectory(str(source.directory)), source.version_directories[0] / name)
    assert script is not None
    expected = theirs(script)
    created = datetime(2026, 11, 2, 14, 10, 31, 123456) if "Create Date" in FILES[name] else None
    for field in ("id", "down", "depends_on", "labels", "message", "path", "checksum"):
        assert getattr(revision, field) == getattr(expected, field), field
    assert revision.created == created
    assert all("which no file describes" in problem for problem in problems)


def test_what_is_no_revision_is_not_read(source: Source) -> None:
    write(source, dict.fromkeys(NO_REVISIONS, "raise SystemExit"))
    assert AlembicFiles().read(source) == ((), ())


def test_the_platforms_own_revisions() -> None:
    folder = resources.folder("migrations")
    source = find_source(Path("platform"), Path())
    assert source is not None
    revisions, problems = AlembicFiles().read(source)
    assert problems == ()
    script = ScriptDirectory(str(folder))
    expected = {found.revision: theirs(found) for found in script.walk_revisions()}
    assert {revision.id: replace(revision, created=None) for revision in revisions} == expected
    assert all(revision.created is not None for revision in revisions)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"""No"""\nrevision = make()\ndown_revision = None\n', "x.py, line 2: revision is no literal"),
        ('"""No"""\nrevision = "a"\n', "x.py declares no down_revision."),
        ('"""No"""\ndown_revision = None\n', "x.py declares no revision."),
        ('"""No"""\nrevision = 7\ndown_revision = None\n', "x.py declares a revision that is no text."),
        ('"""No"""\nrevision = "a"\ndown_revision = 7\n', "x.py declares a down_revision that names no"),
        ("revision = (\n", "x.py, line 1 is no Python that this Python understands."),
    ],
)
def test_a_file_that_cannot_be_read_is_left_out_and_told(source: Source, text: str, words: str) -> None:
    write(source, {"x.py": text, "good.py": FILES["with_comments.py"]})
    revisions, problems = AlembicFiles().read(source)
    assert [revision.id for revision in revisions] == ["c0"]
    assert len(problems) == 1
    assert problems[0].startswith(words)


def test_contradictions_are_told_and_the_rest_is_shown(source: Source) -> None:
    def text(id_: str, rest: str = "down_revision = None") -> str:
        return f'"""One"""\nrevision = "{id_}"\n{rest}\n'

    write(
        source,
        {
            "a.py": text("aaaa", 'down_revision = None\nbranch_labels = "core"'),
            "b.py": text("aaaa", 'down_revision = None\nbranch_labels = "core"'),
            "c.py": text(
                "cccc", 'down_revision = "gone"\ndepends_on = ("core", "lost")\nbranch_labels = "core"'
            ),
            "d.py": text("bad-one"),
        },
    )
    revisions, problems = AlembicFiles().read(source)
    assert [revision.id for revision in revisions] == ["aaaa", "aaaa", "cccc", "bad-one"]
    assert problems == (
        "Revision aaaa is there twice: the one in b.py counts.",
        "The revision 'bad-one' in d.py has a character that Alembic does not allow: -",
        "The branch label 'core' of cccc is that of aaaa already.",
        "Revision cccc follows gone, which no file describes.",
        "Revision cccc depends on lost, which no file describes.",
    )


def test_only_a_changed_file_is_read_again(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    write(source, {"a.py": FILES["with_comments.py"], "b.py": FILES["merge.py"]})
    files = AlembicFiles()
    before, _ = files.read(source)
    changed = source.version_directories[0] / "a.py"
    text = changed.read_text()
    changed.write_text(text.replace("What for.", "For whom."))
    os.utime(changed, ns=(1, 1))
    read: list[str] = []
    original = Path.read_bytes

    def noted(path: Path) -> bytes:
        read.append(path.name)
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    after, _ = files.read(source)
    assert read == ["a.py"]
    assert [revision.message for revision in after] == ["For whom.", "Merge"]
    assert after[1] is before[1]
    changed.unlink()
    assert [revision.id for revision in files.read(source)[0]] == ["m1"]


def test_directories_in_their_order_and_none_twice(tmp_path: Path) -> None:
    for name in ("second", "first"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "r.py").write_text(FILES["usual.py"].replace("1a2b3c4d", name))
    (tmp_path / "again").symlink_to(tmp_path / "first")
    directories = tuple(tmp_path / name for name in ("second", "first", "again", "missing"))
    source = Source(SourceKind.ALEMBIC, tmp_path, version_directories=directories)
    assert [revision.id for revision in AlembicFiles().read(source)[0]] == ["second", "first"]


def test_a_source_without_its_directory(tmp_path: Path) -> None:
    source = Source(SourceKind.ALEMBIC, tmp_path, version_directories=(tmp_path / "versions",))
    with pytest.raises(
        BadMigrations, match=r"There is no directory .*versions, where the revisions should be\."
    ):
        AlembicFiles().read(source)


def test_what_a_file_would_do_is_not_done(source: Source, tmp_path: Path) -> None:
    write(source, {"x.py": f"{FILES['with_comments.py']}\nopen({str(tmp_path / 'done')!r}, 'w')\n"})
    assert len(AlembicFiles().read(source)[0]) == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["versions", "x.py"]
