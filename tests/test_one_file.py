"""Adding a kind touches one file: counted for every family, in the package itself and through a plug-in's door."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import connector_core.spec  # noqa: F401 - the families are known once the spec's keys are
from connector_core.component import families

ROOT = Path(__file__).parents[1]
MODULE = "of_this_test"

KINDS: dict[str, str] = {
    "auth": '''"""The kind where a name stands in a header."""

from typing import Literal

from connector_core.auth import Auth, Session, Text
from connector_core.auth.credentials import compared, credential, expected, fields
from connector_core.http import Request


class OfThisTest(Auth):
    """A name in a header.

    Example: `auth: {type: of_this_test, name: "{{ secrets.name }}"}`
    """

    type: Literal["of_this_test"] = "of_this_test"
    name: Text
    """Who is asking."""

    def sign(self, session: Session, request: Request, now: float) -> Request:
        """The name put into the header."""
        return request.with_header("X-Name", credential(self.name, session, "auth.name"))

    def refusal(self, session: Session, request: Request) -> str | None:
        """Compares the name."""
        return compared(fields(request, "x-name"), expected(self.name, session), "the X-Name header")
''',
    "cache": '''"""Answers that are kept for a minute."""

from typing import Literal

from connector_core.cache import Cache, Terms


class OfThisTest(Cache):
    """A cache that has a name.

    Example: `cache: {type: of_this_test, name: brief}`
    """

    type: Literal["of_this_test"] = "of_this_test"
    name: str = ""
    """What it is called."""

    def terms(self) -> Terms:
        """A minute."""
        return Terms(60.0)
''',
    "circuit_breaker": '''"""One failure is enough."""

from typing import Literal

from connector_core.circuit_breaker import CountWindow


class OfThisTest(CountWindow):
    """A breaker that has a name.

    Example: `circuit_breaker: {type: of_this_test, name: quick}`
    """

    type: Literal["of_this_test"] = "of_this_test"
    name: str = ""
    """What it is called."""
''',
    "decode": '''"""JSON, turned around."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from connector_core.decode import Decode, UndecodableError, decode_json


class OfThisTest(Decode):
    """JSON whose bytes come from the last to the first.

    Example: `decode: {type: of_this_test, name: backwards}`
    """

    type: Literal["of_this_test"] = "of_this_test"
    name: str = ""
    """What it is called."""

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """The value."""
        return decode_json(content[::-1])

    def write(self, body: Any, names: Sequence[str] = ()) -> bytes:
        """The bytes."""
        return json.dumps(body).encode()[::-1]
''',
    "fallback": '''"""Nothing, but only where nobody answers."""

from typing import Literal

from connector_core.fallback import Failure, Fallback, FromValue


class OfThisTest(Fallback):
    """A name in place of what can't be had.

    Example: `fallback: [{type: of_this_test, name: nobody}]`
    """

    type: Literal["of_this_test"] = "of_this_test"
    name: str = ""
    """What it is called."""

    def source(self, failure: Failure) -> FromValue | None:
        """The name, unless somebody answered."""
        return FromValue([{"name": self.name}]) if failure.category == "connection" else None
''',
    "pagination": '''"""Two records to a page, from a position on."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.pagination import Answer, Pagination, Served, Stop


class OfThisTest(Pagination):
    """Pages of two records.

    Example: `pagination: {type: of_this_test, name: from}`
    """

    counts: ClassVar[bool] = True
    type: Literal["of_this_test"] = "of_this_test"
    name: str
    """The query parameter."""

    def at(self, request: Request, position: Any) -> Request:
        """The request with the position."""
        if type(position) is not int and position is not None:
            raise ConfigError("the position is no number")
        return request.with_query(self.name, str(position or 0))

    def next(self, answer: Answer) -> Any:
        """Two further on, or Stop where the page is short."""
        if type(answer.position) is not int and answer.position is not None:
            raise ConfigError("the position is no number")
        return Stop("the page is short") if answer.count < 2 else (answer.position or 0) + 2

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """Two records."""
        start = dict(request.query).get(self.name, "0")
        if not (start.isascii() and start.isdigit() and len(start) < 9):
            raise ValueError(f"{self.name} must be a number")
        return Served(dataset[int(start) : int(start) + 2])
''',
    "rate_limit": '''"""One pace for everything."""

from typing import Literal

from connector_core.rate_limit import ExactWindow


class OfThisTest(ExactWindow):
    """A limit that has a name.

    Example: `rate_limit: {type: of_this_test, name: slow}`
    """

    type: Literal["of_this_test"] = "of_this_test"
    name: str = ""
    """What it is called."""
''',
    "retry": '''"""One wait for all."""

from typing import Literal

from connector_core.retry import Retry


class OfThisTest(Retry):
    """Waits that are all the same.

    Example: `retry: {type: of_this_test, name: patient}`
    """

    type: Literal["of_this_test"] = "of_this_test"
    name: str = ""
    """What it is called."""

    def pause(self, attempt: int, dice: float) -> float:
        """A second."""
        return 1.0
''',
    "transform": '''"""A field with a mark."""

from collections.abc import Iterator
from typing import Literal

from connector_core.transform import NO_HOOKS, Hooks, Transform
from connector_core.transform.family import Record, Scope, Step


class OfThisTest(Transform):
    """Marks every record.

    Example: `transform: [{type: of_this_test, name: mark}]`
    """

    type: Literal["of_this_test"] = "of_this_test"
    name: str
    """The field with the mark."""

    def apply(self, record: Record, scope: Scope, hooks: Hooks = NO_HOOKS) -> Record:
        """A copy with the mark."""
        return {**record, self.name: True}

    def steps(self, hooks: Hooks) -> Iterator[Step]:
        """One."""

        def run(records: list[Record], scope: Scope) -> None:
            for record in records:
                record[self.name] = True

        yield run
''',
}
"""By family, a module with one kind, `of_this_test`: its whole text, which works wherever it stands."""

USED: dict[str, Any] = {
    "auth": {"type": "of_this_test", "name": "{{ secrets.name }}"},
    "cache": {"type": "of_this_test", "name": "brief"},
    "circuit_breaker": {"type": "of_this_test", "window": 5},
    "decode": "of_this_test",
    "fallback": [{"type": "of_this_test", "name": "nobody"}],
    "pagination": {"type": "of_this_test", "name": "from"},
    "rate_limit": {"type": "of_this_test", "concurrency": 2},
    "retry": {"type": "of_this_test", "attempts": 2},
    "transform": [{"type": "of_this_test", "name": "mark"}],
}
"""How a spec says it."""

PROGRAM = """
import json, sys
from click.testing import CliRunner
from connector_core.cli import connector
from connector_core.component import families
from connector_core.schema import json_schema
from connector_core.testing import contracts
from tests.docs import reference

key, good, bad = sys.argv[1:]

def run(*arguments):
    done = CliRunner().invoke(connector, arguments)
    return [done.exit_code, done.output]

schema = json.dumps(json_schema())
kind = families()[key].kinds["of_this_test"]
contracts.check(kind)
print(json.dumps({
    "module": kind.__module__,
    "file": sys.modules[kind.__module__].__file__,
    "schema": '"const": "of_this_test"' in schema,
    "kinds": run("kinds", key, "--json"),
    "page": "\\n".join(reference.PARTS["kinds"](key)),
    "good": run("validate", good),
    "lint": run("lint", good),
    "bad": run("validate", bad),
    "read": run("read", good, "things", "--simulate", "--limit", "5", "--json"),
}))
"""


def test_every_family_is_counted():
    """A family that is new needs its kind here."""
    assert KINDS.keys() == USED.keys() == families().keys()


def files(folder: Path) -> dict[str, str]:
    found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def copied(folder: Path) -> Path:
    """The package as it stands, with what it finds beside it."""
    for name in ("connector_core", "connectors", "specs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def in_the_package(key: str, folder: Path) -> Path:
    """The kind as a file of the family's package; at the end of its module where it has none yet."""
    home = importlib.import_module(f"connector_core.{key}").__file__
    assert home is not None
    inside = copied(folder) / Path(home).relative_to(ROOT)
    path = inside.parent / f"{MODULE}.py" if inside.name == "__init__.py" else inside
    path.write_text((path.read_text("utf-8") if path.exists() else "") + "\n\n" + KINDS[key], "utf-8")
    return path


def as_a_plug_in(key: str, folder: Path) -> Path:
    """The kind as a module of a distribution, installed as pip would leave it."""
    path = folder / f"{MODULE}.py"
    path.write_text(KINDS[key], "utf-8")
    told = folder / f"{MODULE}-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1\n", "utf-8")
    (told / "entry_points.txt").write_text(f"[connector_core]\n{MODULE} = {MODULE}\n", "utf-8")
    return path


def spec(key: str, folder: Path, name: str, value: Any) -> Path:
    thing = {"get": "/things", "records": "body", "primary_key": "id", "schema": {"id": {"type": "integer"}}}
    document = {
        "connector": "1",
        "name": name,
        "title": "Things",
        "version": "1.0.0",
        "description": "Things that are listed.",
        "base_url": "https://api.shop.example",
        "secrets": {"name": {"description": "Who you are"}},
        "auth": {"type": "bearer", "token": "{{ secrets.name }}"},
        "endpoints": {"things": {"description": "All of them.", **thing}},
        key: value,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def tried(key: str, folder: Path, path: str) -> dict[str, Any]:
    """What a fresh process makes of the kind."""
    specs = folder / "of_users"
    specs.mkdir()
    good = spec(key, specs, "good", USED[key])
    mistaken = {"type": "of_this_test", "nam": 1}
    bad = spec(key, specs, "bad", [mistaken] if isinstance(USED[key], list) else mistaken)
    program = [sys.executable, "-c", PROGRAM, key, str(good), str(bad)]
    environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    done = subprocess.run(program, cwd=specs, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def works(found: dict[str, Any], where: Path) -> None:
    """The kind is in the schema, the list of kinds and the page; it is validated and simulated; mistakes are told."""
    assert Path(found["file"]) == where
    assert found["schema"]
    assert [json.loads(line)["module"] for line in found["kinds"][1].splitlines() if "of_this_test" in line] == [
        found["module"]
    ]
    assert "### `of_this_test`" in found["page"]
    assert "| `name` |" in found["page"]
    assert found["good"][0] == 0, found["good"]
    assert found["lint"][0] == 0, found["lint"]
    assert found["bad"][0] == 3
    assert "unknown key 'nam', did you mean 'name'?" in found["bad"][1]
    assert found["read"][0] == 0, found["read"]
    assert len([line for line in found["read"][1].splitlines() if line.startswith("{")]) == 5


@pytest.mark.parametrize("key", KINDS)
def test_in_the_package(key, tmp_path):
    """One file is new in the whole package, and the kind is everywhere."""
    before = files(copied(tmp_path / "before"))
    path = in_the_package(key, tmp_path / "after")
    after = files(tmp_path / "after")
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {path.relative_to(tmp_path / "after").as_posix()}
    assert before.keys() <= after.keys()
    works(tried(key, tmp_path, f"{tmp_path / 'after'}:{ROOT}"), path)


@pytest.mark.parametrize("key", KINDS)
def test_as_a_plug_in(key, tmp_path):
    """One module and its entry point, and nothing of ours changed: the same text as in the package."""
    door = tmp_path / "door"
    door.mkdir()
    path = as_a_plug_in(key, door)
    assert [name for name in files(door) if name.endswith(".py")] == [path.name]
    works(tried(key, tmp_path, f"{door}:{ROOT}"), path)
