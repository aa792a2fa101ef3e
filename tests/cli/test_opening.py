from __future__ import annotations

import pytest

READ = ("read", "shop", "orders")


def test_unknown_spec(run):
    """A name that no folder has is told with the nearest that one has; a path that leads nowhere is told as a path."""
    done = run("read", "shpo", "orders")
    assert done.exit_code == 2
    assert done.stderr == (
        "error: there is no spec named 'shpo', did you mean 'shop'? — "
        "name one of these, or give the path of a .yaml or .json file\n"
    )
    done = run("read", "other/shop.yaml", "orders")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: there is no such spec — other/shop.yaml — a path leads to a .yaml or .json file\n",
    )


def test_folders_come_first(run, folder):
    """A name is looked up in --specs before ./specs; a path needs neither."""
    given = folder / "mine"
    given.mkdir()
    text = (folder / "specs" / "shop.yaml").read_text("utf-8")
    (given / "shop.yaml").write_text(text.replace("orders:", "parcels:"), "utf-8")
    assert run("read", "shop", "parcels", "--simulate", "--limit", "1", "--specs", "mine").exit_code == 0
    assert run("read", "mine/shop.yaml", "parcels", "--simulate", "--limit", "1").exit_code == 0
    assert run("read", "shop", "parcels", "--simulate", "--limit", "1").exit_code == 2


def test_everything_missing(run):
    """Missing config and secrets are told at once, with how each is passed."""
    done = run(*READ)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "error: config shop_url is missing (Address of the shop); "
        "secret token is missing (API token from Settings → API) — shop — pass --config shop_url=…; "
        "set CONNECTOR_SHOP_TOKEN in the environment, or name another variable: --secret token=env:VARIABLE\n"
    )


def test_missing_config(run):
    """A missing config value is told with its description and its option."""
    done = run(*READ, env={"CONNECTOR_SHOP_TOKEN": "t"})
    assert (done.exit_code, done.stderr) == (
        2,
        "error: config shop_url is missing (Address of the shop) — shop — pass --config shop_url=…\n",
    )


def test_missing_secret(run):
    """A missing secret names the variable that would be read."""
    done = run(*READ, "--config", "shop_url=https://shop.example")
    assert done.exit_code == 2
    assert done.stderr == (
        "error: secret token is missing (API token from Settings → API) — shop — set CONNECTOR_SHOP_TOKEN in the "
        "environment, or name another variable: --secret token=env:VARIABLE\n"
    )


@pytest.mark.parametrize("variables, how", [({}, "not set"), ({"SHOP": ""}, "empty")])
def test_secret_from_an_unset_variable(run, variables, how):
    """A variable that --secret names and that holds nothing is told by its name."""
    done = run(*READ, "--config", "shop_url=https://shop.example", "--secret", "token=env:SHOP", env=variables)
    assert (done.exit_code, done.stderr) == (
        2,
        f"error: secret token: the environment variable SHOP is {how} — export SHOP first\n",
    )


def test_a_secret_that_looks_like_a_number(run):
    """A secret is text where its schema has no type."""
    given = ["--simulate", "--limit", "1", "--secret", "token=env:SHOP"]
    assert run(*READ, *given, env={"SHOP": "12345"}).exit_code == 0


def test_config_without_a_type(run, folder):
    """A config value whose schema has no type is read as JSON, and as text where it is none."""
    path = folder / "specs" / "shop.yaml"
    text = path.read_text("utf-8").replace("page_size: {type: integer,", "page_size: {")
    path.write_text(
        text.replace("get: /orders", "get: /orders\n    params: {n: '{{ config.page_size + 1 }}'}"), "utf-8"
    )
    plan = ("plan", "shop", "orders", "--dry-run", "--config", "shop_url=https://shop.example")
    assert "n=8" in run(*plan, "--config", "page_size=7").stdout
    assert "+ takes numbers, not text" in run(*plan, "--config", "page_size=seven").stderr


def test_misspelt_names(run):
    """A config value or secret that the spec does not declare is told with the nearest that it does."""
    given = ["--config", "shop_ulr=https://shop.example", "--secret", "tokn=env:SHOP"]
    done = run(*READ, *given, env={"SHOP": "t"})
    assert done.exit_code == 2
    assert "'shop_ulr' is not a declared config, did you mean 'shop_url'?" in done.stderr
    assert "'tokn' is not a declared secret, did you mean 'token'?" in done.stderr


def test_prefix_is_mandatory(run):
    """A secret is only looked for under the prefix and the spec's name: TOKEN and SHOP_TOKEN are not read."""
    done = run(*READ, "--config", "shop_url=https://shop.example", env={"TOKEN": "a", "SHOP_TOKEN": "b"})
    assert "secret token is missing" in done.stderr


def test_wrong_type(run):
    """A config value of another type than declared is refused, and nothing is sent."""
    done = run(*READ, "--config", "page_size=many", "--config", "strict=yes", "--simulate")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        'error: config page_size: must be a whole number, not "many"; config strict: must be true or false, not "yes"\n'
    )


def test_environment(run):
    """--environment lays the spec's environment over it; one that it lacks is told with those that it has."""
    secret = {"CONNECTOR_SHOP_TOKEN": "t"}
    done = run(*READ, "--environment", "sandbox", env=secret)
    assert done.exit_code == 1
    assert "loopback" in done.stderr  # the sandbox's address, which needs --network
    done = run(*READ, "--environment", "sandbax", env=secret)
    assert (done.exit_code, done.stderr) == (
        2,
        "error: there is no environment 'sandbax', did you mean 'sandbox'? — specs/shop.yaml\n",
    )


def test_spec_that_is_wrong(run, folder):
    """Every mistake of a spec is a line with its place, whatever the command; exit code 3."""
    endpoints = "endpoints:\n  things: {gte: /things}\n  x: {get: x}\n"
    (folder / "bad.yaml").write_text(f'connector: "1"\nname: bad\nbase_url: https://bad.example\n{endpoints}', "utf-8")
    for command in (["read", "bad.yaml", "things"], ["check", "bad.yaml"], ["simulate", "bad.yaml"]):
        done = run(*command)
        assert (done.exit_code, done.stdout) == (3, "")
        places = [line.partition(" ")[0] for line in done.stderr.splitlines()]
        assert [place.rpartition(":")[0] for place in places] == ["bad.yaml:5", "bad.yaml:6"]
