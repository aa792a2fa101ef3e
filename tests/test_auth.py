"""Signing, and the provider's check of it; each proves the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connector_core.address import Put
from connector_core.auth import Auth, NoAuth, Session
from connector_core.auth.api_key import ApiKey
from connector_core.auth.basic import Basic
from connector_core.auth.bearer import Bearer
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.template import MissingError, Template

SESSION = Session(
    {"secrets": {"key": "s3cret", "user": "ann", "password": "p:w", "empty": "  ", "bytes": "a\udcff"}, "config": {}}
)
REQUEST = Request("GET", "https://a.example/x", (("q", "1"),), {"Accept": "a"})
KEY = Template("Token {{ secrets.key }}")
VECTORS = Path(__file__).resolve().parents[2] / "shared" / "vectors" / "auth_vectors.json"

SCHEMES: list[Auth] = [
    Bearer(token=Template("{{ secrets.key }}")),
    Basic(username=Template("{{ secrets.user }}"), password=Template("{{ secrets.password }}")),
    Basic(username=Template("{{ secrets.key }}")),
    *(
        ApiKey(put=Put(place), value=KEY)
        for place in ("header.X-Key", "header.Authorization", "query.key", "cookie.sid")
    ),
]


def signed(auth: Auth, request: Request = REQUEST) -> Request:
    """Runs the flow to its end; these kinds ask nothing first."""
    flow = auth.flow(SESSION, request, 0.0)
    with pytest.raises(StopIteration) as done:
        next(flow)
    found: Request = done.value.value
    return found


@pytest.mark.parametrize("auth", SCHEMES, ids=repr)
def test_what_is_signed_is_accepted(auth):
    """The provider accepts what the client signs, and the client changes nothing else."""
    request = signed(auth)
    assert auth.refusal(SESSION, request) is None
    assert (request.method, request.url, request.headers["Accept"]) == ("GET", REQUEST.url, "a")
    assert ("q", "1") in request.query


@pytest.mark.parametrize("auth", SCHEMES, ids=repr)
def test_what_is_not_signed_is_refused(auth):
    """Missing and wrong credentials are refused, with a reason that shows neither."""
    wrong = Session({"secrets": {"key": "other-s3cret", "user": "bob", "password": "x"}, "config": {}})
    for request in (REQUEST, signed(auth)):
        reason = auth.refusal(SESSION if request is REQUEST else wrong, request)
        assert reason is not None
        assert "s3cret" not in reason


def test_a_doubled_key_is_refused():
    """Two values for one key are no key."""
    auth = ApiKey(put=Put("query.key"), value=KEY)
    request = signed(auth)
    doubled = replace(request, query=(*request.query, ("key", "Token s3cret")))
    assert auth.refusal(SESSION, doubled) == "query.key is there 2 times"


@pytest.mark.parametrize("auth", SCHEMES, ids=repr)
def test_a_doubled_credential_is_refused(auth):
    """Two fields, parameters or cookies for one credential are none, even where both are right."""
    request = signed(auth)
    fields = {name.upper(): value for name, value in request.headers.items() if name not in REQUEST.headers}
    query = (*request.query, *request.query[len(REQUEST.query) :])
    reason = auth.refusal(SESSION, replace(request, query=query, headers={**request.headers, **fields}))
    assert str(reason).endswith(" is there 2 times")


@pytest.mark.parametrize(
    "sent, reason",
    [
        ({}, "is missing"),
        ({"Authorization": "Bearer s3cret"}, "is not Basic"),
        ({"Authorization": "Basic"}, "is wrong"),
        ({"Authorization": "Basic !!!"}, "is not base64"),
        ({"Authorization": "Basic é"}, "is not base64"),
        ({"Authorization": "Basic //8="}, "is not base64"),
        ({"Authorization": "Basic czNjcmV0"}, "is wrong"),
        ({"Authorization": "Basic czNjcmV0Og==", "authorization": "Basic czNjcmV0Og=="}, "is there 2 times"),
        ({"Authorization": "Basic czNjcmV0Og==, Basic czNjcmV0Og=="}, "is not base64"),
    ],
)
def test_basic_refuses_in_words(sent, reason):
    """Whatever stands in the header, the provider says what is wrong with it."""
    auth = Basic(username=Template("{{ secrets.key }}"))
    assert auth.refusal(SESSION, replace(REQUEST, headers=sent)) == f"the Authorization header {reason}"


@pytest.mark.parametrize(
    "place, encoding, body",
    [
        ("body.key", "json", {"a": 1}),
        ("body.auth.key", "json", {"a": 1}),
        ('body."a.b"', "json", None),
        ("body.key", "form", (("a", "1"),)),
        ('query."api[key]"', None, None),
        ('header."X.Key"', None, None),
    ],
)
def test_keys_at_other_places(place, encoding, body):
    """A key may stand inside a body or a form, and its name may need quotes."""
    auth = ApiKey(put=Put(place), value=KEY)
    request = replace(REQUEST, method="POST", body=body, encoding=encoding)
    assert auth.refusal(SESSION, request) == f"{place} is missing"
    assert auth.refusal(SESSION, signed(auth, request)) is None
    wrong = ApiKey(put=Put(place), value=Template("Token wrong"))
    assert auth.refusal(SESSION, signed(wrong, request)) == f"{place} is wrong"


def test_nothing_is_never_a_credential():
    """A provider without a secret lets nobody in, whatever they send."""
    nobody = Session({"secrets": {"empty": ""}, "config": {}})
    for auth in (Bearer(token=Template("{{ secrets.key }}")), Bearer(token=Template("{{ secrets.empty }}"))):
        for sent in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer MISSING"}):
            with pytest.raises(MissingError):
                auth.refusal(nobody, replace(REQUEST, headers=sent))


def test_signing_twice_is_signing_once():
    """An attempt that is repeated is signed anew, without a trace of the one before."""
    for auth in SCHEMES:
        assert signed(auth, signed(auth)) == signed(auth)


def test_the_forms_on_the_wire():
    """The header, parameter and cookie are what the schemes write."""
    assert signed(SCHEMES[0]).headers["Authorization"] == "Bearer s3cret"
    assert signed(SCHEMES[1]).headers["Authorization"] == "Basic YW5uOnA6dw=="
    assert signed(SCHEMES[2]).headers["Authorization"] == "Basic czNjcmV0Og=="
    assert signed(SCHEMES[5]).query == (("q", "1"), ("key", "Token s3cret"))
    assert signed(SCHEMES[6]).headers["Cookie"] == "sid=Token s3cret"
    assert signed(NoAuth()) is REQUEST
    everybody: Auth = NoAuth()
    assert everybody.refusal(SESSION, REQUEST) is None


@pytest.mark.parametrize(
    "user, password, field",
    [
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617 §2
        ("test", "123\u00a3", "Basic dGVzdDoxMjPCow=="),  # RFC 7617 §2.1
    ],
)
def test_basic_is_what_the_rfc_writes(user, password, field):
    """The examples of RFC 7617, the second in UTF-8."""
    assert signed(Basic(username=Template(user), password=Template(password))).headers["Authorization"] == field


@pytest.mark.skipif(not VECTORS.exists(), reason="the published vectors are not beside the checkout")
def test_basic_against_the_published_vectors():
    """Every published Basic vector comes out as written."""
    vectors = [vector for vector in json.loads(VECTORS.read_text())["vectors"] if vector["kind"] == "basic"]
    assert vectors
    for vector in vectors:
        auth = Basic(username=Template(vector["user"]), password=Template(vector["password"]))
        assert signed(auth).headers["Authorization"] == vector["header"]


@given(st.text(min_size=1).filter(lambda text: ":" not in text and text.strip()), st.text())
def test_any_name_and_password_come_through(user, password):
    """Basic carries any text without a colon in the name, unless it has no form in UTF-8."""
    session = Session({"secrets": {"u": user, "p": password}})
    auth = Basic(username=Template("{{ secrets.u }}"), password=Template("{{ secrets.p }}"))
    if not password.strip():
        return
    flow = auth.flow(session, REQUEST, 0.0)
    with pytest.raises(StopIteration) as done:
        next(flow)
    assert auth.refusal(session, done.value.value) is None


@pytest.mark.parametrize(
    "auth, message",
    [
        (
            Bearer(token=Template("{{ secrets.empty }}")),
            "the credential is empty — auth.token: {{ secrets.empty }} — p",
        ),
        (
            Bearer(token=Template("{{ secrets.nothing }}")),
            "the credential is empty — auth.token: {{ secrets.nothing }}",
        ),
        (ApiKey(put=Put("query.k"), value=Template("{{ secrets.empty }}")), "the credential is empty — auth.value: "),
        (
            ApiKey(put=Put("query.k"), value=Template("Token {{ secrets.empty }}")),
            "the credential is empty — auth.value: Token {{ secrets.empty }} — pass the secret it reads",
        ),
        (
            ApiKey(put=Put("query.k"), value=Template("Token {{ secrets.nothing }}")),
            "the credential is empty — auth.value: Token {{ secrets.nothing }} — pass the secret it reads",
        ),
        (
            Basic(username=Template("a"), password=Template("{{ secrets.empty }}")),
            "the credential is empty — auth.password: {{ secrets.empty }} — pass the secret it reads",
        ),
        (
            Bearer(token=Template("{{ secrets.key + 1 }}")),
            "the credential cannot be made: ",
        ),
        (
            Bearer(token=Template("{{ secrets.bytes }}")),
            "the credential holds bytes that are no text — auth.token: {{ secrets.bytes }} — it was read from",
        ),
        (Basic(username=Template("a:b")), "the user name for basic sign-in has a colon in it — RFC 7617 has no way"),
    ],
)
def test_a_credential_that_cannot_be_sent_is_told(auth, message):
    """An empty credential and an impossible one are errors here rather than a 401 there."""
    with pytest.raises(ConfigError) as wrong:
        signed(auth)
    assert str(wrong.value).startswith(message)
