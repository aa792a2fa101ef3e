from __future__ import annotations

from connector_core.load import load
from connector_core.types import written


def test_stdout(run, folder):
    """The module is written as it is, with nothing around it."""
    done = run("types", "shop")
    assert done.exit_code == 0
    assert done.stdout == written(load(folder / "specs" / "shop.yaml"))


def test_file(run, folder):
    """With --output it becomes a file, in the place of the one before, and nothing else is left or said."""
    (folder / "shop_types.py").write_text("old", "utf-8")
    done = run("types", "shop", "--output", "shop_types.py")
    assert (done.exit_code, done.output) == (0, "")
    assert (folder / "shop_types.py").read_text("utf-8") == run("types", "shop").stdout
    assert sorted(path.name for path in folder.iterdir()) == ["shop_types.py", "specs"]


def test_where_it_cannot_be_written(run, folder):
    """A folder that is not there is told in one line."""
    done = run("types", "shop", "--output", "missing/shop_types.py")
    assert done.exit_code == 2
    assert done.stderr == ("error: the types cannot be written: No such file or directory — missing/shop_types.py\n")


def test_a_wrong_spec(run, folder):
    """A spec that does not load has no types, and the file stays as it is."""
    (folder / "specs" / "shop.yaml").write_text('connector: "1"\nname: shop\npaging: 1\n', "utf-8")
    (folder / "shop_types.py").write_text("old", "utf-8")
    assert run("types", "shop", "--output", "shop_types.py").exit_code == 3
    assert (folder / "shop_types.py").read_text("utf-8") == "old"
