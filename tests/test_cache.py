"""How long an answer may be used again: what a spec says, and RFC 9111 for a private cache."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connector_core.cache import Cache, Kept, Terms, keep
from connector_core.cache.private import Private
from connector_core.http import Headers, Request, Response

NOW = 1_700_000_000.0
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"  # the same moment
ASKED = Request("GET", "https://api.example/orders", (), {"Accept-Language": "de"})


def answer(status: int = 200, request: Request = ASKED, **headers: Any) -> Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, Headers(fields), b"[]", request)


def kept(**headers: Any) -> Kept:
    found = keep(answer(**headers), ASKED, NOW)
    assert found is not None
    return found


def test_the_kind_may_be_left_out():
    """`cache: {ttl: 5m}` means the private cache, and `none` none."""
    assert Cache.resolve({"ttl": "5m", "stale_if_error": "1h"}) == Private.resolve(
        {"type": "private", "ttl": "5m", "stale_if_error": "1h"}
    )
    assert Cache.resolve({"ttl": "5m"}).terms() == Terms(300.0, 0.0)
    assert Cache.resolve("none").terms() is None


@pytest.mark.parametrize("ttl", [5, "300", "-5m", "soon", True])
def test_a_time_has_a_unit(ttl: Any):
    """A bare number, a negative time and a word are refused."""
    with pytest.raises(ValidationError):
        Cache.resolve({"ttl": ttl})


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache_Control": "no-store"},
        {"Cache_Control": 'private="a, b", No-Store'},
        {"Vary": "*"},
        {"Vary": "Accept, *"},
    ],
)
def test_what_may_not_be_kept_is_not(headers: dict[str, Any]):
    """`no-store`, in whatever spelling, and an answer that varies with anything, are not kept."""
    assert keep(answer(**headers), ASKED, NOW) is None


@pytest.mark.parametrize("status", [201, 203, 204, 206, 301, 304, 404, 500])
def test_only_a_whole_answer_is_kept(status: int):
    """What is no 200 is not kept."""
    assert keep(answer(status), ASKED, NOW) is None


def test_what_was_redirected_is_not_kept():
    """An answer from another address says nothing of how long the redirect holds."""
    moved = Request("GET", "https://api.example/elsewhere")
    assert keep(answer(request=moved), ASKED, NOW) is None


@pytest.mark.parametrize(
    "vary, sent, is_kept",
    [
        ("Accept-Language", {"Accept-Language": "de"}, True),
        ("accept-language", {"ACCEPT-LANGUAGE": "de"}, True),
        ("Accept-Language", {"Accept-Language": "fr"}, False),
        ("X-Tenant", {"Accept-Language": "de", "X-Tenant": "7"}, False),
        ("Authorization, Accept-Encoding", {"Authorization": "Bearer x"}, True),
        ("Accept", {"Accept-Language": "de"}, True),
    ],
)
def test_what_varies_with_something_unknown_is_not_kept(vary: str, sent: dict[str, str], is_kept: bool):
    """A field that a hook changed, and that the answer varies with, is not in the key; who asks is."""
    signed = Request("GET", ASKED.url, (), sent)
    assert (keep(answer(request=signed, Vary=vary), ASKED, NOW) is not None) == is_kept


@pytest.mark.parametrize(
    "headers, ttl, seconds",
    [
        ({}, None, 0),
        ({}, 300, 300),
        ({"Cache_Control": "max-age=60"}, None, 60),
        ({"Cache_Control": "max-age=60"}, 300, 60),
        ({"Cache_Control": "max-age=600"}, 300, 300),
        ({"Cache_Control": 'private, MAX-AGE="60"'}, 300, 60),
        ({"Cache_Control": "max-age=60, max-age=600"}, None, 60),
        ({"Cache_Control": "max-age=soon"}, 300, 0),
        ({"Cache_Control": "max-age=-1"}, 300, 0),
        ({"Cache_Control": "s-maxage=60"}, None, 0),
        ({"Cache_Control": "s-maxage=0"}, 300, 300),
        ({"Cache_Control": "max-age=99999999999999999999"}, None, 2**31),
        ({"Cache_Control": "no-cache"}, 300, 0),
        ({"Cache_Control": "no-cache, max-age=60"}, 300, 0),
        ({"Expires": "Tue, 14 Nov 2023 22:14:20 GMT", "Date": DATE}, None, 60),
        ({"Expires": "Tue, 14 Nov 2023 22:14:20 GMT"}, None, 60),
        ({"Expires": "0"}, 300, 0),
        ({"Expires": "Tue, 14 Nov 2023 22:14:20 GMT", "Cache_Control": "max-age=5"}, None, 5),
        ({"Cache_Control": "max-age=60", "Age": "50"}, None, 10),
        ({"Cache_Control": "max-age=60", "Date": "Tue, 14 Nov 2023 22:12:50 GMT"}, None, 30),
        ({"Cache_Control": "max-age=60", "Date": "yesterday", "Age": "?"}, None, 60),
    ],
)  # fmt: skip
def test_for_how_long_it_is_fresh(headers: dict[str, Any], ttl: float | None, seconds: float):
    """The shorter of what the service and the spec say, less the time that it took to come here."""
    found, terms = kept(**headers), Terms(ttl)
    assert not found.fresh(terms, NOW + seconds)
    assert not seconds or found.fresh(terms, NOW + seconds - 0.1)


@pytest.mark.parametrize(
    "said, usable", [("max-age=60", True), ("max-age=60, must-revalidate", False), ("no-cache", False)]
)
def test_how_long_it_is_used_in_need(said: str, usable: bool):
    """`stale_if_error` counts from when it ceased to be fresh; the service may forbid it."""
    found, terms = kept(Cache_Control=said), Terms(None, 100.0)
    assert found.usable_in_need(terms, NOW + 159) == usable
    assert not found.usable_in_need(terms, NOW + 160)
    assert not kept(Cache_Control="max-age=60").usable_in_need(Terms(None), NOW + 61)


def test_a_clock_that_goes_back_makes_nothing_younger():
    """An age is never less than it was when the answer came."""
    assert kept(Age="10").age(NOW - 500) == 10.0


def test_how_the_service_is_asked_whether_it_holds():
    """By the ETag and by the date of the last change, whichever there is."""
    assert kept(ETag='W/"a"', Last_Modified=DATE).conditions() == {"If-None-Match": 'W/"a"', "If-Modified-Since": DATE}
    assert kept().conditions() == {}


@pytest.mark.parametrize("tag", ['"a\x01b"', '"\xe9"', f'"{"x" * 2000}"', '"a\r\nEvil: 1"'])
def test_a_tag_that_cannot_be_sent_back_asks_nothing(tag: str):
    """A service that sends a tag which no request may hold is asked without one, and not never again."""
    assert kept(ETag=tag, Last_Modified="\x7f").conditions() == {}


def test_not_modified_makes_it_new():
    """A 304's fields take the place of the old ones, apart from those that speak of a body; its age begins anew."""
    old = kept(ETag='"a"', Cache_Control="max-age=60", Content_Type="application/json", Date=DATE, Age="40")
    new = old.confirmed(
        Headers({"Cache-Control": "max-age=90", "Content-Type": "text/html", "ETag": 'W/"a"'}), NOW + 1000
    )
    assert new is not None
    assert (new.age(NOW + 1000), new.lifetime, new.content) == (0.0, 90.0, b"[]")
    assert new.response(ASKED).headers["content-type"] == "application/json"


@pytest.mark.parametrize("said", [{"ETag": '"b"'}, {"ETag": '"a"', "Cache-Control": "no-store"}])
def test_what_is_confirmed_is_what_is_kept(said: dict[str, str]):
    """A 304 with another ETag speaks of another answer, and one that forbids keeping ends it."""
    assert kept(ETag='"a"').confirmed(Headers(said), NOW) is None


def test_it_answers_the_request_that_is_made():
    """It is a 200 to whoever asks now, and holds no cookie and no credential of who asked first."""
    signed = Request("GET", ASKED.url, (("key", "s3cret"),), {"Authorization": "Bearer s3cret", **ASKED.headers})
    found = keep(answer(request=signed, Set_Cookie="sid=s3cret", ETag='"a"'), ASKED, NOW)
    assert found is not None
    response = found.response(ASKED)
    assert (response.status, response.request, response.headers["etag"]) == (200, ASKED, '"a"')
    assert "s3cret" not in repr((found.headers, found.url, found.content))
    assert found.size > len(found.content)
