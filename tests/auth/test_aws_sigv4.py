"""AWS's signatures: as its own suite has them, as its own library makes them, and as the provider checks them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connector_core.auth import Session
from connector_core.auth.aws_sigv4 import AwsSigv4, signed
from connector_core.exceptions import ConfigError
from connector_core.http import Headers, Multipart, Part, Request, Response
from connector_core.load import load

KEYS = {"id": "AKIDEXAMPLE", "key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
SHARED = [folder / "shared" / "vectors" for folder in Path(__file__).resolve().parents[3:5]]
SUITE = next((found for folder in SHARED if (found := folder / "aws-signing-test-suite" / "v4").exists()), None)
CASES = sorted(folder.name for folder in SUITE.iterdir()) if SUITE is not None else []
needs_suite = pytest.mark.skipif(SUITE is None, reason="AWS's test suite is not beside the checkout")


def kind(**keys: Any) -> AwsSigv4:
    given = {"service": "service", "access_key": "{{ secrets.id }}", "secret_key": "{{ secrets.key }}"}
    return AwsSigv4.model_validate({"type": "aws_sigv4", **given, **keys})


def session(**more: str) -> Session:
    return Session({"secrets": {**KEYS, **more}}, {})


def signature(request: Request) -> str:
    found = re.search(r"Signature=([0-9a-f]{64})", request.headers.get("Authorization", "") or request.target)
    assert found is not None
    return found[1]


# ── published examples ────────────────────────────────────────────────────────────────────────────


def test_the_example_of_the_iam_guide():
    """ListUsers, as the guide to signing worked it out step by step."""
    request = Request(
        "GET",
        "https://iam.amazonaws.com/",
        (("Action", "ListUsers"), ("Version", "2010-05-08")),
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    assert kind(service="iam").sign(session(), request, NOW).headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


S3_KEYS = {"id": "AKIAIOSFODNN7EXAMPLE", "key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
S3_NOW = datetime(2013, 5, 24, tzinfo=UTC).timestamp()
BUCKET = "https://examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    "request_, expected",
    [
        (
            Request("GET", f"{BUCKET}/test.txt", (), {"Range": "bytes=0-9"}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            Request("GET", f"{BUCKET}/", (("lifecycle", ""),)),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            Request("GET", f"{BUCKET}/", (("max-keys", "2"), ("prefix", "J"))),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_examples_of_the_s3_reference(request_, expected):
    """An object, its bucket's lifecycle and a list, as the reference of S3 signs them."""
    assert signature(kind(service="s3").sign(session(**S3_KEYS), request_, S3_NOW)) == expected


def test_the_presigned_example_of_the_s3_reference():
    """An object's URL for a day."""
    auth = kind(service="s3", query=True, expires="1d")
    found = auth.sign(session(**S3_KEYS), Request("GET", f"{BUCKET}/test.txt"), S3_NOW)
    assert dict(found.query)["X-Amz-Signature"] == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"


# ── the official suite ────────────────────────────────────────────────────────────────────────────


def case(name: str) -> tuple[Request, dict[str, Any], Path]:
    assert SUITE is not None
    folder = SUITE / name
    head, _, content = (folder / "request.txt").read_text("utf-8").partition("\n\n")
    line, *lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
    method, rest = line.split(" ", 1)
    path, _, query = rest.rsplit(" ", 1)[0].partition("?")
    headers: dict[str, str] = {}
    for field in filter(None, lines):
        title, _, value = field.partition(":")
        headers[title] = f"{headers[title]},{value.strip()}" if title in headers else value.strip()
    host = headers.pop("Host")
    request = Request(method, f"https://{host}{path}", tuple(parse_qsl(query, keep_blank_values=True)), headers)
    if content:
        request = replace(request, body=content.encode(), encoding="bytes")
    return request, json.loads((folder / "context.json").read_text()), folder


def as_the_case_says(name: str, **keys: Any) -> tuple[Request, Path]:
    request, context, folder = case(name)
    own = context["credentials"]
    here = session(id=own["access_key_id"], key=own["secret_access_key"], token=own.get("token", ""))
    auth = kind(service=context["service"], region=context["region"], session_token="{{ secrets.token }}", **keys)
    terms = replace(
        auth.terms(here, datetime.fromisoformat(context["timestamp"]).timestamp()),
        normalised=context["normalize"],
        tells_hash=context["sign_body"],
        token_signed=not context.get("omit_session_token", False),
    )
    return signed(request, terms), folder


@needs_suite
@pytest.mark.parametrize("name", CASES)
def test_the_official_suite_in_a_header(name):
    """Each of the suite's signatures in a header."""
    found, folder = as_the_case_says(name)
    assert signature(found) == (folder / "header-signature.txt").read_text().strip()


@needs_suite
@pytest.mark.parametrize("name", CASES)
def test_the_official_suite_in_the_query(name):
    """Each of the suite's signatures in the query."""
    found, folder = as_the_case_says(name, query=True, expires="1h")
    assert dict(found.query)["X-Amz-Signature"] == (folder / "query-signature.txt").read_text().strip()


@needs_suite
def test_the_suite_is_whole():
    """All 38 cases were there to be tried."""
    assert len(CASES) == 38


# ── AWS's own library ─────────────────────────────────────────────────────────────────────────────

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
NAME = st.from_regex(r"X-[A-Z][a-z]{1,5}", fullmatch=True)
WORDS = st.from_regex(r"[!-~]([ -~]{0,10}[!-~])?", fullmatch=True)
BODIES = st.one_of(
    st.none(),
    st.tuples(st.just("json"), st.dictionaries(TEXT, TEXT, max_size=2)),
    st.tuples(st.just("form"), st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)),
    st.tuples(st.just("text"), TEXT),
    st.tuples(st.just("bytes"), st.binary(max_size=20)),
)


@given(
    st.sampled_from(["GET", "POST", "PUT"]),
    st.lists(TEXT.filter(lambda text: text not in (".", "..")), max_size=3),
    st.lists(st.tuples(TEXT, TEXT), max_size=3, unique_by=lambda pair: pair[0]),
    st.dictionaries(NAME, WORDS, max_size=2),
    BODIES,
    st.sampled_from(["s3", "execute-api"]),
    st.sampled_from(["", "a/session+token=="]),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_signatures_are_those_of_botocore(method, segments, query, headers, body, service, token, presigned):
    """Whatever the path, the query, the headers and the body: AWS's own library signs the same way."""
    botocore = pytest.importorskip("botocore.auth", reason="botocore came into the dev extra later")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    url = "https://Api.example:8443/" + "/".join(quote(segment, safe="~") for segment in segments)
    request = Request(method, url, tuple(query), headers)
    if presigned:
        body = None  # botocore would put it into the query
    if body is not None:
        request = replace(request, encoding=body[0], body=body[1])
    auth = kind(service=service, region="eu-central-1", session_token="{{ secrets.token }}", query=presigned)
    found = auth.sign(session(token=token), request, NOW)

    classes = {("s3", False): "S3SigV4Auth", ("s3", True): "S3SigV4QueryAuth"}
    signer = getattr(botocore, classes.get((service, presigned), "SigV4QueryAuth" if presigned else "SigV4Auth"))
    written = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)  # as botocore does
    theirs = AWSRequest(
        method=method, url=f"{url}?{written}", data=request.content or b"",
        headers={**headers, **({"Content-Type": request.content_type} if body is not None else {})},
    )  # fmt: skip
    theirs.headers["Host"] = request.host
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore, "get_current_datetime", lambda *_, **__: datetime(2015, 8, 30, 12, 36))  # noqa: DTZ001
        options = {"expires": 300} if presigned else {}
        signer(Credentials(KEYS["id"], KEYS["key"], token or None), service, "eu-central-1", **options).add_auth(theirs)
    expected = re.search(r"Signature=([0-9a-f]{64})", theirs.headers.get("Authorization", "") or theirs.url)
    assert expected is not None
    assert signature(found) == expected[1]


# ── both sides ────────────────────────────────────────────────────────────────────────────────────

PLAIN = Request("GET", "https://a.example/b/c%20d", (("q", "x y"), ("a", "")), {"X-Kept": " a  b "})
POST = replace(PLAIN, method="POST", body={"n": "ü"}, encoding="json")
WAYS: list[dict[str, Any]] = [
    {},
    {"service": "s3"},
    {"query": True},
    {"service": "s3", "query": True},
    {"service": "s3", "unsigned_payload": True},
    {"unsigned_payload": True},
    {"session_token": "{{ secrets.token }}"},
    {"session_token": "{{ secrets.token }}", "query": True},
]


@pytest.mark.parametrize("request_", [PLAIN, POST], ids=["GET", "POST"])
@pytest.mark.parametrize("way", WAYS, ids=repr)
def test_the_provider_checks_it_all(way, request_):
    """The provider accepts what is signed, and nothing that was changed on the way or signed by somebody else."""
    auth, here = kind(**way), session(token="temporary")
    sent = auth.sign(here, request_, NOW)
    assert auth.refusal(here, sent) is None
    changed = [
        replace(sent, method="DELETE"),
        replace(sent, url=sent.url + "x"),
        replace(sent, query=(*sent.query, ("more", "1"))),
        sent.with_header("X-Kept", "other"),
        sent.with_header("Host", "b.example"),
        request_,
    ]
    if request_ is POST and not way.get("unsigned_payload") and way != {"service": "s3", "query": True}:
        changed.append(replace(sent, body={"n": "u"}))
    for request in changed:
        assert auth.refusal(here, request) is not None
    for name, secrets in (("the access key", {"id": "other"}), ("the signature", {"key": "other"})):
        assert str(auth.refusal(session(token="temporary", **secrets), sent)).startswith(name)
    if "session_token" in way:
        assert auth.refusal(session(token="other"), sent) == "the session token is missing or wrong"
    elsewhere = kind(**way, region="eu-west-1").refusal(here, sent)
    assert str(elsewhere).startswith("the signature is for 20150830/us-east-1/")


def test_what_is_signed_already_is_signed_anew():
    """An attempt that is repeated an hour later has one signature, its own, and everything else as it was."""
    for way in WAYS:
        auth, here = kind(**way), session(token="temporary")
        again = auth.sign(here, auth.sign(here, POST, NOW), NOW + 3600)
        assert again == auth.sign(here, POST, NOW + 3600)
        assert again.headers["X-Kept"] == " a  b "
        assert ("a", "") in again.query


def test_a_link_is_signed_as_it_is_written():
    """The query of a link that is followed is sent as it is, and signed as the service reads it."""
    auth = kind(service="s3")
    for link in ("token=a%2Fb%2bc+d", "b=2&a=1&flag", "q=%C3%BC", "q=ü"):
        sent = auth.sign(session(), Request("GET", "https://a.example/").followed(f"https://a.example/x?{link}"), NOW)
        assert unquote(sent.target).endswith(unquote(link))
        assert auth.refusal(session(), sent) is None


def test_the_derived_key_is_kept_for_its_day():
    """One key serves a day; the next day, another region and another secret have their own."""
    here = session()
    first = kind().terms(here, NOW).key
    assert kind().terms(here, NOW + 3600).key is first
    assert kind().terms(here, NOW + 86400).key != first
    assert kind(region="eu-west-1").terms(here, NOW).key != first
    assert kind().terms(replace(here, scope={"secrets": {**KEYS, "key": "other"}}), NOW).key != first


# ── what cannot be signed ─────────────────────────────────────────────────────────────────────────


def test_a_file_is_signed_only_where_bodies_need_not_be():
    """A file is told, with what can be done; with `unsigned_payload` it is sent without being read."""
    for request in (
        Request("PUT", "https://a.example/x", body=Multipart((Part("f", Path("x.bin")),)), encoding="multipart"),
        Request("PUT", "https://a.example/x", body=Path("x.bin"), encoding="bytes"),
    ):
        with pytest.raises(ConfigError) as wrong:
            kind(service="s3").sign(session(), request, NOW)
        assert str(wrong.value) == (
            "a file in the body cannot be signed — PUT https://a.example/x — pass bytes; or, where the service takes "
            "bodies that are not signed, say so in `auth`"
        )
    sent = kind(service="s3", unsigned_payload=True).sign(session(), request, NOW)
    assert sent.headers["X-Amz-Content-Sha256"] == "UNSIGNED-PAYLOAD"


def test_only_a_signature_in_the_query_expires():
    """`expires` without `query` says nothing, and is told at load."""
    auth = {"type": "aws_sigv4", "service": "s3", "access_key": "a", "secret_key": "b", "expires": "1h"}
    document = {"connector": "1", "name": "x", "base_url": "https://a.example", "auth": auth, "endpoints": {}}
    with pytest.raises(Exception, match="only a signature in the query expires: add query: true"):
        load(document)
    for wrong in ("8d", "0s"):
        with pytest.raises(Exception, match="'expires' is from 1s to 7d"):
            kind(service="s3", query=True, expires=wrong)


def test_a_wrong_clock_is_found_out():
    """A refusal by a service whose clock is far off is signed anew by that clock; one that is near is no reason."""
    here, auth = session(), kind()
    for query in (False, True):
        auth, here = kind(query=query), session()
        sent = auth.sign(here, PLAIN, NOW)
        near = Response(403, Headers({"Date": "Sun, 30 Aug 2015 12:38:00 GMT"}), b"", sent)
        assert not auth.challenged(here, near)
        assert not auth.challenged(here, replace(near, headers=Headers({})))
        assert auth.challenged(here, replace(near, headers=Headers({"Date": "Sun, 30 Aug 2015 13:36:00 GMT"})))
        again = auth.sign(here, PLAIN, NOW)
        assert "20150830T133600Z" in {*dict(again.query).values(), *again.headers.values()}
        assert not auth.challenged(here, Response(403, Headers({"Date": "Sun, 30 Aug 2015 13:36:00 GMT"}), b"", again))
