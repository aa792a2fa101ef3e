"""hishel's machine for RFC 9111 as the oracle of the cache: what is kept, and for how long it is used without asking.

Where the RFC leaves a choice, ours is written down here: no lifetime is guessed from `Last-Modified` (§4.2.2), and an
answer that says nothing is kept to be asked about. `Age` (§4.2.3), `Vary: *` (§4.1) and `no-cache="field"` are not
compared: hishel does not look at them.
"""

from __future__ import annotations

import uuid
from email.utils import formatdate
from typing import Any
from unittest.mock import patch

import hishel
from hypothesis import given
from hypothesis import strategies as st

from connector_core.cache import Kept, Terms, keep
from connector_core.http import Headers, Request, Response

NOW = 1_700_000_000.0
URL = "https://api.example/orders"
OPTIONS = hishel.CacheOptions(shared=False, allow_stale=False)
NEVER = Terms(None, 0.0)
"""What a spec says that leaves everything to the service."""

seconds = st.integers(0, 200)
directives = st.lists(
    st.one_of(
        st.sampled_from(["no-store", "no-cache", "must-revalidate", "private", "public", "immutable", "x=y"]),
        seconds.map("max-age={}".format),
        seconds.map("s-maxage={}".format),
    ),
    unique_by=lambda text: text.partition("=")[0],
    max_size=4,
)


@st.composite
def answers(draw: Any) -> dict[str, str]:
    """The fields of an answer that came at NOW."""
    found: dict[str, str] = {}
    if said := draw(directives):
        found["cache-control"] = ", ".join(said)
    if draw(st.booleans()):
        found["date"] = formatdate(NOW - draw(seconds), usegmt=True)
    if draw(st.booleans()):
        found["expires"] = draw(st.one_of(st.just("0"), seconds.map(lambda more: formatdate(NOW + more, usegmt=True))))
    if draw(st.booleans()):
        found["etag"] = '"a1"'
    return found


def ours(fields: dict[str, str]) -> Kept | None:
    asked = Request("GET", URL)
    return keep(Response(200, Headers(fields), b"[]", asked), asked, NOW)


def theirs(fields: dict[str, str], later: int) -> Any:
    """The state that hishel comes to when it is asked so many seconds later; None: it has not kept the answer."""
    request, client = hishel.Request("GET", URL), hishel.IdleClient(options=OPTIONS)
    with patch("time.time", lambda: NOW):
        miss = client.next(request, [])
        assert isinstance(miss, hishel.CacheMiss)
        stored = miss.next(hishel.Response(200, hishel.Headers(fields)))
    if isinstance(stored, hishel.CouldNotBeStored):
        return None
    assert isinstance(stored, hishel.StoreAndUse)
    with patch("time.time", lambda: NOW + later):
        return client.next(request, [hishel.Entry(uuid.uuid4(), request, stored.response)])


@given(answers(), st.integers(0, 400))
def test_what_is_kept_and_used(fields, later):
    """What hishel keeps we keep, and what it uses without asking, at any moment after, we do."""
    found, state = ours(fields), theirs(fields, later)
    assert (found is None) is (state is None)
    if found is None:
        return
    if "date" not in fields:  # hishel does not know then how old it is; ours is as old as it lies here
        state = theirs({**fields, "date": formatdate(NOW, usegmt=True)}, later)
    assert found.fresh(NEVER, NOW + later) is isinstance(state, hishel.FromCache)


@given(answers(), st.integers(0, 400), seconds)
def test_a_spec_only_makes_it_shorter(fields, later, ttl):
    """With `ttl`, nothing is used that hishel would ask about, where the service says how long it holds."""
    found = ours(fields)
    if found is None or found.lifetime is None:
        return
    dated = {"date": formatdate(NOW, usegmt=True), **fields}
    if found.fresh(Terms(float(ttl), 0.0), NOW + later):
        assert isinstance(theirs(dated, later), hishel.FromCache)
        assert later < ttl


@given(st.booleans(), st.booleans())
def test_how_it_is_asked_about(tagged, dated):
    """The fields that ask whether it still holds are hishel's."""
    fields = {"cache-control": "no-cache"}
    fields |= {"etag": '"a1"'} if tagged else {}
    fields |= {"last-modified": formatdate(NOW - 500, usegmt=True)} if dated else {}
    found, state = ours(fields), theirs(fields, 1)
    assert found is not None
    assert isinstance(state, hishel.NeedRevalidation)
    asked = {name: value for name, value in state.request.headers.items() if name.lower().startswith("if-")}
    assert {name.lower(): value for name, value in found.conditions().items()} == asked


@given(answers(), answers(), st.integers(0, 200), st.integers(0, 400))
def test_not_modified_makes_it_new(fields, said, asked_after, later):
    """After "not modified" it is as fresh as hishel says, from what the second answer says over the first."""
    fields = {"cache-control": "max-age=0", **fields, "etag": '"a1"', "date": formatdate(NOW, usegmt=True)}
    said = {**said, "etag": '"a1"', "date": formatdate(NOW + asked_after, usegmt=True)}
    found, state = ours(fields), theirs(fields, asked_after)
    if found is None or not isinstance(state, hishel.NeedRevalidation):
        return
    with patch("time.time", lambda: NOW + asked_after):
        updated = state.next(hishel.Response(304, hishel.Headers(said)))
    assert isinstance(updated, hishel.NeedToBeUpdated)
    confirmed = found.confirmed(Headers(said), NOW + asked_after)
    if confirmed is None:  # what is forbidden now is not kept any longer; hishel goes on keeping it
        assert "no-store" in said["cache-control"]
        return
    entry = updated.updating_entries[-1]
    with patch("time.time", lambda: NOW + asked_after + later):
        again = hishel.IdleClient(options=OPTIONS).next(hishel.Request("GET", URL), [entry])
    assert confirmed.fresh(NEVER, NOW + asked_after + later) is isinstance(again, hishel.FromCache)
