"""The component mechanism: families, their kinds, and what a spec's value becomes."""

from __future__ import annotations

import compileall
import importlib
import pkgutil
import subprocess
import sys
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field, ValidationError, model_validator

from connector_core import component
from connector_core.component import (
    Component,
    Model,
    NeverNull,
    alternatives,
    descriptions,
    exactly_one,
    example,
    families,
    few_suggestions,
    nearest,
    suggestion,
)
from connector_core.spec import Spec

EVERY_MODEL = """
import importlib, pkgutil, connector_core
from connector_core.component import Model
for module in pkgutil.iter_modules(connector_core.__path__, "connector_core."):
    if module.name.rpartition(".")[2] not in ("__main__", "cli", "testing"):
        importlib.import_module(module.name)
models = Model.__subclasses__()
for model in models:
    models.extend(model.__subclasses__())
assert len(models) > 20, models
print(sorted(model.__qualname__ for model in models if model.__pydantic_complete__))
"""


@pytest.fixture(autouse=True)
def families_of_their_own(monkeypatch):
    """What a test defines is gone when it ends."""
    monkeypatch.setattr(component, "_FAMILIES", dict(component._FAMILIES))


def shapes() -> tuple[type[Component], type[Model]]:
    """A family with two kinds, and a model that was built with it."""

    class Shape(Component, key="shape"):
        """What it looks like."""

        note: str = ""
        """Anything."""

        def area(self) -> float:
            raise NotImplementedError

    class Circle(Shape):
        """Round."""

        type: Literal["circle"] = "circle"
        radius: Annotated[int, Field(ge=1)] = 1
        """Half of its width."""

        def area(self) -> float:
            return 3.0 * self.radius**2

    class Square(Shape):
        """Not round."""

        type: Literal["square"] = "square"
        side: int

    class Drawing(Model):
        """Shapes on paper."""

        shape: Shape | None = None
        shapes: list[Shape] = []
        by_name: dict[str, Shape] = {}

    Drawing.model_rebuild(_types_namespace={"Shape": Shape})
    return Shape, Drawing


def errors(model: Any, value: Any) -> list[tuple[tuple[Any, ...], str]]:
    with pytest.raises(ValidationError) as wrong:
        model.model_validate(value)
    return [(error["loc"], error["msg"]) for error in wrong.value.errors()]


# ── kinds ─────────────────────────────────────────────────────────────────────────────────────────


def test_type_picks_the_kind():
    """`type:` names the kind, whose fields are the other keys."""
    _, drawing = shapes()
    found: Any = drawing.model_validate({"shape": {"type": "circle", "radius": 2}})
    assert (type(found.shape).__name__, found.shape.area()) == ("Circle", 12.0)


def test_a_bare_name_is_a_kind_without_fields():
    """`shape: circle` is `shape: {type: circle}`."""
    _, drawing = shapes()
    assert drawing.model_validate({"shape": "circle"}) == drawing.model_validate({"shape": {"type": "circle"}})


def test_a_component_stands_for_itself():
    """Python code may pass what the spec's value would become."""
    shape, drawing = shapes()
    circle = shape.resolve("circle")
    found: Any = drawing.model_validate({"shape": circle})
    assert found.shape is circle


def test_a_family_may_have_a_default_kind():
    """Where the family names one, `type` may be left out."""

    class Pace(Component, key="pace", default="steady"):
        pass

    class Steady(Pace):
        type: Literal["steady"] = "steady"
        speed: int = 1

    assert Pace.resolve({"speed": 3}) == Steady(speed=3)
    assert Pace.resolve({}) == Pace.resolve("steady") == Steady()


def test_a_kind_that_is_defined_later_works_in_models_built_before():
    """A plug-in's kind needs no rebuilding, in any position, and its errors have their path."""
    shape, drawing = shapes()
    assert drawing.__pydantic_complete__

    class Star(shape):  # type: ignore[misc, valid-type]  # a class like any other
        """With points."""

        type: Literal["star"] = "star"
        points: int

    found: Any = drawing.model_validate({"shapes": ["circle", {"type": "star", "points": 5}]})
    assert found.shapes[1] == Star(points=5)
    assert errors(drawing, {"by_name": {"a": {"type": "star"}}}) == [(("by_name", "a", "points"), "Field required")]
    assert "With points." in str(drawing.model_json_schema())


def test_a_kind_is_defined_once():
    """The second class of a name fails where it is defined, names both, and changes nothing."""
    shape, _ = shapes()
    first = shape.kinds["circle"]
    with pytest.raises(TypeError) as twice:

        class Round(shape):  # type: ignore[misc, valid-type]  # a class like any other
            type: Literal["circle"] = "circle"

    here = f"{__name__}.test_a_kind_is_defined_once.<locals>.Round"
    assert str(twice.value) == (
        f"shape: the kind 'circle' is defined twice, by {__name__}.shapes.<locals>.Circle and {here}"
    )
    assert shape.kinds["circle"] is first


def test_a_family_is_defined_once():
    """Nobody takes over a key of the language."""
    with pytest.raises(TypeError) as twice:

        class Mine(Component, key="pagination"):
            pass

    assert str(twice.value).startswith(
        "the key 'pagination' has two families, by connector_core.pagination.family.Pagination and "
    )
    assert families()["pagination"].__name__ == "Pagination"


def test_a_module_that_runs_again_replaces_its_own():
    """Reloading a module, as notebooks do, is no second definition."""
    before, _ = shapes()
    after, _ = shapes()
    assert before is not after
    assert families()["shape"] is after


def test_families_are_known_by_their_key():
    """Every key with kinds is listed, in alphabetical order."""
    assert list(families()) == sorted(families())
    assert {"auth", "pagination", "rate_limit"} <= families().keys() & Spec.model_fields.keys()
    assert {"api_key", "basic", "bearer", "none"} <= {*families()["auth"].kinds}


def _families_with_late_kinds() -> list[tuple[str, str]]:
    return [(key, name) for key, family in families().items() for name in family.kinds.late]


@pytest.mark.parametrize("key, name", _families_with_late_kinds())
def test_a_late_kind_stands_where_its_family_says(key, name):
    """Looking one up imports its module, which defines it; no other built-in kind is missing in the list."""
    kinds = families()[key].kinds
    assert kinds[name].__module__ == kinds.late[name]
    assert kinds[name].kind() == name


LATE = """
import sys
from typing import Literal
from connector_core.decode import Decode
import connector_core.spec

print([name for name in sys.modules if name.rpartition(".")[2] in ("csv_body", "xml_body", "cast", "shape", "relay")])
try:
    class Mine(Decode):
        type: Literal["csv"] = "csv"
except TypeError as error:
    print(error)
print(sorted(Decode.kinds) == list(Decode.kinds), "csv" in Decode.kinds, len(Decode.kinds))
"""


def test_late_kinds():
    """They cost nothing where no spec names them, and are there all the same: nobody takes their name."""
    lines = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == [
        "[]",
        "decode: the kind 'csv' is defined twice, by connector_core.decode.csv_body.Csv and __main__.Mine",
        f"True True {len(families()['decode'].kinds)}",
    ]


KIND = '''"""A kind."""

from typing import Literal

from decoys import Shape


class Circle(Shape):
    """Round."""

    type: Literal["circle"] = "circle"
'''


def test_a_file_in_the_familys_package_is_found_by_itself(tmp_path, monkeypatch):
    """A module's kinds are known by its text, and imported when one of them is looked up; a name is there once."""
    package = tmp_path / "decoys"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from connector_core.component import Component\n\n\n"
        'class Shape(Component, key="decoy"):\n    """A family."""\n\n\nShape.live_in(__name__)\n'
    )
    (package / "round.py").write_text(KIND)
    monkeypatch.syspath_prepend(tmp_path)
    family = importlib.import_module("decoys").Shape
    assert list(family.kinds) == ["circle"]
    assert "decoys.round" not in sys.modules
    assert family.resolve("circle").kind() == "circle"
    (package / "again.py").write_text(KIND)
    family.live_in("decoys")
    with pytest.raises(TypeError, match=r"the kind 'circle' is defined twice, in decoys\.\w+ and in decoys\.\w+"):
        list(family.kinds)
    for name in [name for name in sys.modules if name.partition(".")[0] == "decoys"]:
        monkeypatch.delitem(sys.modules, name)


WITHOUT_TEXT = """
from decoys import Shape
print(list(Shape.kinds), Shape.resolve("circle").kind())
"""


def test_kinds_are_found_without_their_text(tmp_path):
    """Where only compiled modules are installed, a family's are imported to see what is in them."""
    package = tmp_path / "decoys"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from connector_core.component import Component\n\n\n"
        'class Shape(Component, key="decoy"):\n    """A family."""\n\n\nShape.live_in(__name__)\n'
    )
    (package / "round.py").write_text(KIND)
    (package / "square.py").write_text(KIND.replace("ircle", "ube"))
    compileall.compile_dir(package, quiet=2, legacy=True)
    for path in package.glob("*.py"):
        path.unlink()
    program = [sys.executable, "-c", WITHOUT_TEXT]
    done = subprocess.run(program, cwd=tmp_path, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("['circle', 'cube'] circle\n", "")


@pytest.mark.parametrize("key", [key for key, family in families().items() if family.kinds.late])
def test_every_kind_of_a_package_is_found_by_its_text(key):
    """Importing all its modules brings no kind that was not known before."""
    family = families()[key]
    home = importlib.import_module(f"connector_core.{key}")
    for module in pkgutil.iter_modules(home.__path__, f"{home.__name__}."):
        importlib.import_module(module.name)
    defined = {name for name, kind in family.kinds._defined.items() if kind.__module__.startswith("connector_core.")}
    assert defined <= family.kinds.late.keys()


def test_the_example_of_a_kind():
    """The line of YAML in a docstring, and None where there is none."""
    assert example(families()["pagination"].kinds["none"]) == "pagination: none"
    assert example(Model) is None


# ── errors ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "value, path, message",
    [
        ({"shape": {"type": "circl"}}, ("shape",), "unknown type 'circl', did you mean 'circle'?"),
        ({"shape": "zzz"}, ("shape",), "unknown type 'zzz' (one of: circle, square, or what a plug-in brings)"),
        ({"shape": {"type": 3}}, ("shape",), "unknown type 3 (one of: circle, square)"),
        ({"shape": {"type": ["circle"]}}, ("shape",), None),
        ({"shape": {"radius": 3}}, ("shape",), "missing key 'type' (one of: circle, square)"),
        ({"shape": {"type": None}}, ("shape",), "missing key 'type' (one of: circle, square)"),
        ({"shape": 3}, ("shape",),
         "must be a mapping with a 'type', or the bare name of a kind (known: circle, square)"),
        ({"shape": ["circle"]}, ("shape",),
         "must be a mapping with a 'type', or the bare name of a kind (known: circle, square)"),
        ({"shape": "square"}, ("shape", "side"), "Field required"),
        ({"shape": {"type": "circle", "radius": 0}}, ("shape", "radius"),
         "Input should be greater than or equal to 1"),
        ({"shape": {"type": "circle", "side": 1}}, ("shape", "side"), "Extra inputs are not permitted"),
        ({"shapes": ["circle", {"type": "square", "side": "2"}]}, ("shapes", 1, "side"),
         "Input should be a valid integer"),
        ({"by_name": {"a": {"type": "oval"}}}, ("by_name", "a"),
         "unknown type 'oval' (one of: circle, square, or what a plug-in brings)"),
    ],
)  # fmt: skip
def test_errors_keep_their_whole_path(value, path, message):
    """A mistake is told at the place where it stands, however deep, in words that say what would be right."""
    _, drawing = shapes()
    [(found, said)] = errors(drawing, value)
    assert found == path
    if message is not None:
        assert said == message


def test_several_mistakes_are_told_at_once():
    """One wrong component does not hide another."""
    _, drawing = shapes()
    found = errors(drawing, {"shape": "ovl", "shapes": [{"type": "square"}], "colour": "red"})
    assert [path for path, _ in found] == [("shape",), ("shapes", 0, "side"), ("colour",)]


def test_errors_never_show_the_value():
    """What stands in a spec may be secret by mistake."""
    _, drawing = shapes()
    with pytest.raises(ValidationError) as wrong:
        drawing.model_validate({"shape": {"type": "circle", "radius": "S3CRET"}})
    assert "S3CRET" not in str(wrong.value)


def test_suggestions():
    """The nearest known name, or all of them; nothing where there are none."""
    assert suggestion("curser", ["cursor", "none"]) == ", did you mean 'cursor'?"
    assert suggestion("zzz", ["b", "a"]) == " (one of: a, b)"
    assert suggestion("zzz", []) == ""


def test_suggestions_among_many():
    """Of many names those are compared that begin and end alike; none of too many or too long ones is near."""
    many = [f"endpoint_{number}" for number in range(1000)]
    assert suggestion("endpiont_77", many) == ", did you mean 'endpoint_77'?"
    assert suggestion("zzz", many).endswith("endpoint_132, endpoint_133 and 960 more)")
    assert nearest("endpoint_77", [*many, *(f"other_{number}" for number in range(1001))]) is None
    assert nearest("x" * 41, ["x" * 42]) is None


def test_few_suggestions():
    """Where many mistakes are told, only the first of them come with names."""
    with few_suggestions(1):
        assert suggestion("curser", ["cursor"]) == ", did you mean 'cursor'?"
        assert suggestion("curser", ["cursor"]) == ""
    assert suggestion("curser", ["cursor"]) == ", did you mean 'cursor'?"


# ── models ────────────────────────────────────────────────────────────────────────────────────────


class Point(Model):
    """A place."""

    x: int
    """To the right."""
    y: int = 0
    name: str | None = None
    """How it is called,
    in words."""


class NamedPoint(Point):
    """A place with a name."""

    name: str | None = "origin"
    """Its own words."""


@pytest.mark.parametrize(
    "value, path, message",
    [
        ({"x": "1"}, ("x",), "Input should be a valid integer"),
        ({"x": 1.0}, ("x",), "Input should be a valid integer"),
        ({"x": True}, ("x",), "Input should be a valid integer"),
        ({"x": 1, "name": 5}, ("name",), "Input should be a valid string"),
        ({"x": 1, "z": 2}, ("z",), "Extra inputs are not permitted"),
        ({"x": 1, "X-team": "maps"}, ("X-team",), "Extra inputs are not permitted"),
        ({}, ("x",), "Field required"),
    ],
)
def test_a_mapping_is_taken_as_it_is(value, path, message):
    """Nothing is converted silently, and no unknown key passes."""
    assert errors(Point, value) == [(path, message)]


def test_keys_of_the_authors_own():
    """`x-…` keys pass, at any depth, in kinds as well, and are not kept."""
    _, drawing = shapes()
    assert Point.model_validate({"x": 1, "x-team": {"any": ["thing"]}}) == Point(x=1)
    found: Any = drawing.model_validate({"x-a": 1, "shape": {"type": "circle", "x-b": 2}})
    assert found == drawing.model_validate({"shape": "circle"})


def test_a_model_does_not_change():
    """What a spec says stays said."""
    with pytest.raises(ValidationError, match="frozen"):
        Point(x=1).x = 2  # type: ignore[misc]  # that is the point


def test_descriptions_are_the_docstrings_under_the_fields():
    """Read from the source, those of the class above included; a field without one has none."""
    assert descriptions(Point) == {"x": "To the right.", "name": "How it is called,\nin words."}
    assert descriptions(NamedPoint) == {"x": "To the right.", "name": "Its own words."}


def test_a_schema_says_what_the_models_say():
    """Class and field docstrings, kinds, bare names and the author's own keys are in the JSON Schema."""
    _, drawing = shapes()
    written = drawing.model_json_schema()
    circle = written["$defs"]["Circle"]
    assert circle["description"] == "Round."
    assert circle["properties"]["type"] == {"const": "circle", "description": "Picks this kind of shape."}
    assert circle["properties"]["radius"]["description"] == "Half of its width."
    assert (circle["required"], written["$defs"]["Square"]["required"]) == (["type"], ["type", "side"])
    assert circle["patternProperties"] == {"^x-": {}}
    assert {"enum": ["circle"]} in written["properties"]["shapes"]["items"]["anyOf"]


class Sign(Model):
    """A model of what must not be null, and of which there is one."""

    size: Annotated[int | None, NeverNull("leave it out")] = None
    text: str | None = None
    picture: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        return exactly_one(cls, value, ("text", "picture"), "a sign has")


@pytest.mark.parametrize(
    "value, told",
    [
        ({"size": 3, "text": "a", "x-own": None}, []),
        ({"text": None}, []),
        ({"text": "a", "size": None}, [(("size",), "is empty: leave it out")]),
        ({"size": 3}, [((), "a sign has exactly one of: text, picture")]),
        ({"x-text": "a"}, [((), "a sign has exactly one of: text, picture")]),
        ({"txt": "a"}, [(("txt",), "Extra inputs are not permitted")]),
        ({"text": "a", "picture": 3}, [((), "a sign has exactly one of: text, picture")]),
    ],
)
def test_what_is_left_out_and_what_excludes_another(value, told):
    """Null is not written, two where there is one are told before what is wrong with them; JSON Schema says both."""
    written = Sign.model_json_schema() | alternatives(("text", "picture"))
    assert Draft202012Validator(written).is_valid(value) == (not told)
    if not told:
        assert Sign.model_validate(value).size == value.get("size")
        return
    with pytest.raises(ValidationError) as wrong:
        Sign.model_validate(value)
    assert [(error["loc"], error["msg"]) for error in wrong.value.errors()] == told


def test_importing_builds_nothing():
    """Every module of the language can be imported without building a model: that costs milliseconds each."""
    found = subprocess.run([sys.executable, "-c", EVERY_MODEL], capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr) == ("[]\n", "")
