"""The commands that ask a service: read, call, check; against the simulator and against services that fail."""

from __future__ import annotations

import json

import pytest


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_read_simulated(run):
    """A simulated service needs neither config nor secrets; stdout is JSON Lines and nothing else."""
    done = run("read", "shop", "orders", "--simulate")
    assert (done.exit_code, done.stderr) == (0, "")
    assert [record["id"] for record in lines(done.stdout)] == list(range(1, 251))


@pytest.mark.parametrize("limit", [1, 5, 100, 101, 1000])
def test_limit(run, limit):
    """--limit ends after so many records, wherever a page ends."""
    done = run("read", "shop", "orders", "--simulate", "--limit", str(limit))
    assert [record["id"] for record in lines(done.stdout)] == list(range(1, min(limit, 250) + 1))


def test_trace(run):
    """--trace tells every request, every page, and why the last one was the last."""
    done = run("read", "shop", "orders", "--simulate", "--trace")
    told = done.stderr.splitlines()
    assert sum(line.startswith("GET https://shop.example/api/v1/orders 200 ") for line in told) == 3
    assert [line for line in told if line.startswith("page ")] == [
        "page 1: 100 records",
        "page 2: 100 records",
        "page 3: 50 records",
    ]
    assert told[-1].startswith("end: ")
    assert told[-1].endswith(" (250 records on 3 pages)")
    assert "simulated-token" not in done.stderr


def test_values_stay_exact(live):
    """Characters and integers of any size come through; what was NaN is null, and a warning says so."""
    body = '{"data": [{"id": 123456789012345678901, "text": "Größe \\u2028 茶", "price": NaN}]}'.encode()
    done = live(200, body, "read", "shop", "orders")
    assert done.exit_code == 0
    assert done.stdout == '{"id":123456789012345678901,"text":"Größe \u2028 茶","price":null}\n'
    assert done.stderr == (
        "warning: orders: the service sends invalid JSON, which was read all the same: NaN became null\n"
    )


def test_records_missing(live):
    """A page without its records is a warning, not a silent nothing."""
    done = live(200, b'{"items": []}', "read", "shop", "orders")
    assert (done.exit_code, done.stdout, done.stderr) == (
        0,
        "",
        "warning: orders: nothing is at body.data, where the records should be; the page was read as empty\n",
    )


def test_nothing_is_kept(live, folder):
    """A filter that lets nothing through is told, and the trace says how many came."""
    spec = folder / "specs" / "shop.yaml"
    spec.write_text(
        spec.read_text("utf-8").replace("primary_key: id", "primary_key: id\nfilter: record.status != 'open'"), "utf-8"
    )
    done = live(200, b'{"data": [{"id": 1}, {"id": 2}], "meta": {}}', "read", "shop", "orders", "--trace")
    lines = done.stderr.splitlines()
    assert "page 1: 0 of 2 records" in lines
    assert (
        "warning: orders: none of the 2 records that came is kept (filter, on_invalid); "
        "a comparison with a field that is not there is false"
    ) in lines
    assert (done.exit_code, done.stdout) == (0, "")


NUMBERED = "pagination: {type: offset, total: body.meta.total, size: {put: query.limit, value: 100}}"


def test_a_total_that_is_not_there(live, folder):
    """A declared total that the first page does not have is a warning."""
    path = folder / "specs" / "shop.yaml"
    head, _, tail = path.read_text("utf-8").partition("pagination:")
    path.write_text(head + NUMBERED + tail[tail.index("\nrecords:") :], "utf-8")
    for command in (("read", "shop", "orders"), ("check", "shop")):
        done = live(200, b'{"data": [{"id": 1}]}', *command)
        assert done.exit_code == 0
        assert done.stderr == (
            "warning: orders: no number is at body.meta.total, where pagination.total should be; "
            "the end of the pages is told without it\n"
        )


NO_TOKEN = (
    "warning: orders: nothing is at body.meta.next_cursor, where pagination looks for the next page; "
    "if this is not the only page, correct pagination.take\n"
)


@pytest.mark.parametrize("command, said", [(("read", "shop", "orders"), ""), (("check", "shop"), NO_TOKEN)])
def test_a_token_that_is_not_there(live, command, said):
    """A full first page without a token is told where the spec is tried; it may be right, so a reading says nothing."""
    body = json.dumps({"data": [{"id": number} for number in range(100)]}).encode()
    done = live(200, body, *command)
    assert (done.exit_code, done.stderr) == (0, said)


@pytest.mark.parametrize("on_invalid, become, written", [("keep", "kept", 3), ("reject", "left out", 1)])
def test_records_that_do_not_fit(live, folder, on_invalid, become, written):
    """What does not fit the schema is a warning that is said once for each way of not fitting, without the value."""
    path = folder / "specs" / "shop.yaml"
    path.write_text(path.read_text("utf-8") + f"on_invalid: {on_invalid}\n", "utf-8")
    done = live(200, b'{"data": [{"id": 1}, {"id": "hunter2"}, {"id": "hunter3"}]}', "read", "shop", "orders")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, written)
    assert done.stderr == (
        f"warning: orders: records do not fit the schema and are {become}: id: must be a whole number\n"
    )


def test_unknown_endpoint(run):
    """An endpoint that is not there is told with the nearest, before anything else is asked for."""
    done = run("read", "shop", "ordres")
    assert (done.exit_code, done.stderr) == (2, "error: shop has no endpoint 'ordres', did you mean 'orders'?\n")


def test_read_of_a_call(run):
    """An endpoint that is called is not read."""
    done = run("read", "shop", "create_order", "--simulate")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: shop.create_order is called, not read — a read is a get with records, and without input or output\n",
    )


def test_no_server(run):
    """Where nothing listens, the line names the address; exit code 1."""
    words = ["--config", "shop_url=http://127.0.0.1:9", "--network", "loopback"]
    done = run("check", "shop", *words, env={"CONNECTOR_SHOP_TOKEN": "t0p-secret"})
    assert (done.exit_code, done.stdout) == (1, "shop: no answer\n")
    assert done.stderr == (
        "error: cannot connect to 127.0.0.1:9: connection refused — GET http://127.0.0.1:9/api/v1/orders — "
        "is the service up, and is the address right? — gave up after 4 attempts\n"
    )


def test_loopback_is_refused(run, service):
    """An address on this machine is refused unless --network allows it, and the line says how."""
    url = service(200, b"{}")
    done = run("read", "shop", "orders", "--config", f"shop_url={url}", env={"CONNECTOR_SHOP_TOKEN": "t"})
    assert done.exit_code == 1
    assert done.stderr == (
        "error: 127.0.0.1 is a loopback address, and this connection may only reach public ones — "
        f'GET {url}/api/v1/orders — allow it with network="loopback" (command line: --network loopback)\n'
    )


def test_html(live):
    """A page for people where JSON is expected is told as that."""
    done = live(200, b"<!doctype html><title>Sign in</title>", "read", "shop", "orders")
    assert done.exit_code == 1
    assert "the body is an HTML page (its title: Sign in), where JSON is expected" in done.stderr


# ── check ─────────────────────────────────────────────────────────────────────────────────────────


def test_check_simulated(run):
    """A connection that works is a line that says how it signed in and what came."""
    done = run("check", "shop", "--simulate")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("shop: signed in with bearer; the first page of orders has 100 records (")


def test_check_refused(live):
    """Credentials that are refused: a verdict on stdout, the service's words on stderr, and never the secret."""
    done = live(401, b'{"message": "bad token t0p-secret\\u001b[31m"}', "check", "shop")
    assert (done.exit_code, done.stdout) == (1, "shop: sign-in failed\n")
    assert done.stderr.startswith("error: shop answered 401: bad token *** [31m — orders: GET http://127.0.0.1:")
    assert done.stderr.endswith(" — check the secrets that were passed\n")


@pytest.mark.parametrize(
    "status, verdict", [(403, "signed in, but not allowed"), (404, "reached, but the page could not be read")]
)
def test_check_verdicts(live, status, verdict):
    """What failed is told apart: signing in, being allowed, and the rest."""
    assert live(status, b"{}", "check", "shop").stdout == f"shop: {verdict}\n"


def test_check_endpoint(run):
    """Only reads are tried: another endpoint is refused, and one that is not there told with the nearest."""
    done = run("check", "shop", "--endpoint", "create_order", "--simulate")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: shop.create_order is called, not read — check tries reads only\n",
    )
    assert run("check", "shop", "--endpoint", "orders", "--simulate").exit_code == 0
    done = run("check", "shop", "--endpoint", "order", "--simulate")
    assert (done.exit_code, done.stderr) == (2, "error: shop has no endpoint 'order', did you mean 'orders'?\n")


def test_check_without_reads(run, folder):
    """A spec that has nothing to read has nothing harmless to try."""
    (folder / "mute.yaml").write_text(
        'connector: "1"\nname: mute\nbase_url: https://mute.example\nendpoints: {push: {post: /push}}\n', "utf-8"
    )
    done = run("check", "mute.yaml", "--simulate")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: mute has no endpoint that can be read, so there is nothing harmless to try\n",
    )


# ── call ──────────────────────────────────────────────────────────────────────────────────────────

CALL = ("call", "shop", "create_order", "--simulate")


def test_call(run):
    """Inputs are read by their declared type, and what the call gives is a line of JSON."""
    done = run(*CALL, "--input", "customer_id=7", "--input", "items=[]", "--input", "note=12")
    assert (done.exit_code, done.stderr) == (0, "")
    assert isinstance(json.loads(done.stdout), dict)
    assert done.stdout.count("\n") == 1


def test_call_from_a_file_and_stdin(run, folder):
    """Inputs come from a file or from stdin as well, and the later ones win."""
    (folder / "order.json").write_text('{"customer_id": "nobody", "items": []}', "utf-8")
    assert run(*CALL, "--input", "@order.json").exit_code == 2
    assert run(*CALL, "--input", "@order.json", "--input", "customer_id=7").exit_code == 0
    assert run(*CALL, "--input", "-", input='{"customer_id": 7, "items": [1]}').exit_code == 0


@pytest.mark.parametrize(
    "words, said",
    [
        (["--input", "@none.json"], "the input cannot be read: No such file or directory — none.json"),
        (["--input", "-"], "the input is not JSON: Expecting value — standard input:1:1"),
        (["--input", "@list.json"], 'the input is not an object — list.json — write {"name": value, …}'),
        (["--input", "@nan.json"], "the input holds NaN, which is no JSON — write null, or leave it out"),
        (["--input", "@long.json"], "the input holds a number of thousands of digits — long.json"),
        (["--input", "items=[]"], "input customer_id is missing"),
        (
            ["--input", "items=[]", "--input", "customer=7", "--input", "customer_id=7"],
            "'customer' is not a declared input, did you mean 'customer_id'?",
        ),
    ],
)
def test_call_with_wrong_input(run, folder, words, said):
    """What is wrong with an input is told in a line; exit code 2."""
    (folder / "list.json").write_text("[1]", "utf-8")
    (folder / "nan.json").write_text('{"customer_id": NaN}', "utf-8")
    (folder / "long.json").write_text('{"customer_id": %s}' % ("1" * 5000), "utf-8")
    done = run(*CALL, *words)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"error: {said}\n")


UNSENT = "POST https://shop.example/api/v1/photos — pass bytes, the path of a file, or a file opened in binary mode"
PHOTOS = ("call", "photos.yaml", "add", "--simulate")
PHOTOS_SPEC = """\
connector: "1"
name: photos
base_url: https://shop.example/api/v1
endpoints:
  add:
    post: /photos
    input:
      photo: {type: string, format: binary}
      more: {type: array, items: {type: string, format: binary}, optional: true}
      note: {type: string, optional: true}
    body: {multipart: {photo: {file: "{{ input.photo }}"}, more: {file: "{{ input.more }}"}, note: "{{ input.note }}"}}
"""


@pytest.fixture
def photos(folder):
    """The folder, with a spec that takes files."""
    (folder / "photos.yaml").write_text(PHOTOS_SPEC, "utf-8")
    return folder


def test_call_with_files(run, photos):
    """What is declared as a file is one: NAME=@FILE, again for each of a list, and @- is stdin; other text is text."""
    (photos / "a.png").write_bytes(b"\x89PNG\r\n\xff")
    (photos / "b.png").write_bytes(b"xy")
    done = run(
        *PHOTOS, *("--input", "photo=@a.png", "--input", "more=@a.png", "--input", "more=@b.png"), "--input", "note=@b"
    )
    assert (done.exit_code, done.stderr) == (0, "")
    made = json.loads(done.stdout)
    assert made["photo"] == {"filename": "a.png", "type": "application/octet-stream", "size": 7}
    assert made["more"] == {"filename": "b.png", "type": "application/octet-stream", "size": 2}
    assert made["note"] == "@b"
    done = run(*PHOTOS, "--input", "photo=@-", input=b"piped")
    assert json.loads(done.stdout)["photo"]["size"] == 5


@pytest.mark.parametrize(
    "words, said",
    [
        (["photo=a.png"], "input photo is a file — write photo=@PATH, or photo=@- for standard input"),
        (["photo=@"], "input photo is a file — write photo=@PATH, or photo=@- for standard input"),
        (["photo=@a", "more=b"], "input more is a file — write more=@PATH, or more=@- for standard input"),
        (
            ["photo=@none.png"],
            f"none.png cannot be sent: No such file or directory — {UNSENT}",
        ),
        (
            ["photo=@specs"],
            f"specs cannot be sent: it is a folder — {UNSENT}",
        ),
    ],
)
def test_call_with_no_file(run, photos, words, said):
    """Text in place of a file, and a file that is not there, are told in a line; exit code 2."""
    done = run(*PHOTOS, *(part for word in words for part in ("--input", word)))
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"error: {said}\n")


def test_call_of_a_read(run):
    """A readable endpoint that is called gives the records of its first page."""
    done = run("call", "shop", "orders", "--simulate")
    assert len(json.loads(done.stdout)) == 100


def test_a_saved_trace_tells_the_story(run, folder):
    """Each event is a line: why each request was made, and why the last page was the last; no query is in it."""
    done = run("read", "shop", "orders", "--simulate", "--save-trace", "story.jsonl")
    assert done.exit_code == 0
    first, *events = [json.loads(line) for line in (folder / "story.jsonl").read_text("utf-8").splitlines()]
    assert {"connector_core", "python", "spec", "version", "endpoint"} == set(first)
    whys = [event["why"] for event in events if event["event"] == "RequestFinished"]
    assert whys == ["first page", "page at 'after-100'", "page at 'after-200'"]
    assert events[-1]["reason"] == "there is no token at body.meta.next_cursor"
    assert "limit=100" not in str(events)
    assert (folder / "story.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_trace_that_cannot_be_saved(run):
    """It is told before anything is sent."""
    done = run("read", "shop", "orders", "--simulate", "--save-trace", "no/such/folder/story.jsonl")
    assert (done.exit_code, "the trace cannot be written: No such file or directory" in done.stderr) == (2, True)


def test_call_of_a_download(run, folder):
    """Bytes are written as they are, and no line of JSON is made of them."""
    spec = (folder / "specs" / "shop.yaml").read_text("utf-8")
    invoice = "  invoice: {get: /invoice, decode: bytes, records: null, schema: {id: {type: integer}}}\n"
    (folder / "specs" / "shop.yaml").write_text(spec + invoice, "utf-8")
    done = run("call", "shop", "invoice", "--simulate")
    assert (done.exit_code, done.stdout, done.stderr) == (0, '{"id": 1}', "")
