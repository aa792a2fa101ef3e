"""`connector plan`: an endpoint with all that it inherits, and its first request, without a secret in sight."""

from __future__ import annotations

import json
import re

import pytest

URL = ("--config", "shop_url=https://shop.example")


def test_an_endpoint_with_what_it_inherits(run):
    """What the connector says is there, and so are defaults."""
    done = run("plan", "shop", "orders", "--json")
    assert done.exit_code == 0
    orders = json.loads(done.stdout)["orders"]
    assert orders["get"] == "/orders"
    assert orders["base_url"] == "{{ config.shop_url }}/api/v1"
    assert orders["pagination"]["max_pages"] == 100_000


def test_the_first_request(run):
    """It is exact, needs no secret, shows none that is there, and nothing is sent."""
    done = run("plan", "shop", "orders", "--dry-run", "--json", *URL, env={"CONNECTOR_SHOP_TOKEN": "s3cret-token"})
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "method": "GET",
        "url": "https://shop.example/api/v1/orders?limit=100",
        "headers": {"Accept": "application/json", "Authorization": "Bearer ***"},
    }
    assert "s3cret" not in done.output


def test_the_first_request_of_a_call(run):
    """What a call sends is shown with its body."""
    done = run(
        "plan", "shop", "create_order", "--dry-run", "--json", *URL, "--input", "customer_id=7", "--input", "items=[1]"
    )
    sent = json.loads(done.stdout)
    assert sent["body"] == '{"customer_id":7,"items":[1]}'
    assert sent["headers"] == {
        "Accept": "application/json",
        "Authorization": "Bearer ***",
        "Content-Type": "application/json",
    }


@pytest.mark.parametrize(
    "body, headers, content_type",
    [
        ("{form: {a: b}}", "", "application/x-www-form-urlencoded"),
        ("{text: a}", "", "text/plain; charset=utf-8"),
        ("{xml: {a: b}}", "", "application/xml"),
        ("{multipart: {a: b}}", "", "multipart/form-data; boundary="),
        ("{json: {a: b}}", "{content-type: application/vnd.shop+json}", "application/vnd.shop+json"),
    ],
)
def test_the_type_of_a_body(run, folder, body, headers, content_type):
    """The Content-Type is the one that goes out, whatever form the body has, and there is one alone."""
    path = folder / "specs" / "shop.yaml"
    more = f"  make:\n    post: /things\n    headers: {headers or '{}'}\n    body: {body}\n"
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    sent = json.loads(run("plan", "shop", "make", "--dry-run", "--json", *URL).stdout)
    types = [value for name, value in sent["headers"].items() if name.lower() == "content-type"]
    assert len(types) == 1
    assert types[0].startswith(content_type)


@pytest.mark.parametrize(
    "auth, header",
    [
        ("{type: aws_sigv4, service: s3, access_key: id, secret_key: '{{ secrets.token }}'}", "AWS4-HMAC-SHA256 Cred"),
        ("{type: jwt, algorithm: ES256, key: '{{ secrets.token }}'}", "Bearer eyJ"),
        (
            "{type: hmac, secret: '{{ secrets.token }}', secret_encoding: base64, sign: a, put: header.Authorization}",
            "4ffc",
        ),
    ],
)
def test_a_request_that_is_signed(run, folder, auth, header):
    """A signature is shown as one would be, by a key of nobody where it takes a key."""
    path = folder / "specs" / "shop.yaml"
    written = re.sub(r"^auth: .*$", lambda _: f"auth: {auth}", path.read_text("utf-8"), flags=re.MULTILINE)
    path.write_text(written, "utf-8")
    done = run("plan", "shop", "orders", "--dry-run", "--json", *URL)
    assert json.loads(done.stdout)["headers"]["Authorization"].startswith(header)


def test_what_is_missing_is_told(run):
    """A request that can't be made says what it lacks."""
    done = run("plan", "shop", "orders", "--dry-run")
    assert done.exit_code == 2
    assert "config shop_url is missing (Address of the shop)" in done.stderr


def test_an_unknown_endpoint(run):
    """A misspelt endpoint is told with what is near."""
    done = run("plan", "shop", "ordrs")
    assert (done.exit_code, "did you mean 'orders'?" in done.stderr) == (2, True)
