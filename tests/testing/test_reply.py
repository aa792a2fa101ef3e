from __future__ import annotations

import pytest

from connector_core.address import AnswerPath
from connector_core.testing.reply import headers_of, placed


@pytest.mark.parametrize(
    "address, value, body",
    [
        ("body", [1], [1]),
        ("body.data", [1], {"data": [1]}),
        ("body.a.b", None, {"a": {"b": None}}),
        ('body."@odata.nextLink"', "x", {"@odata.nextLink": "x"}),
        ("body.entries.*.item", [1, 2], {"entries": [{"item": 1}, {"item": 2}]}),
        ("body.*", [1, 2], [1, 2]),
        ("body.0.rows", [1], [{"rows": [1]}]),
        ("body.2", 5, [{}, {}, 5]),
        ("body.meta.-1.next", "x", {"meta": [{"next": "x"}]}),
    ],
)
def test_placed_is_found_again(address, value, body):
    """A value is placed where the client's address takes it from."""
    path = AnswerPath(address)
    assert placed(None, path, value) == body
    assert path.take({"body": body}) == value


def test_values_beside_each_other():
    """Values at several addresses share one body, and what was placed before stays."""
    body = placed(placed({"data": {"rows": [1]}}, AnswerPath("body.data.next"), "x"), AnswerPath("body.total"), 1)
    assert body == {"data": {"rows": [1], "next": "x"}, "total": 1}


def test_values_inside_of_records():
    """What each record says is placed where it stands already, or beside it; what it does not say has no room."""
    body = {"data": [{"id": 1}, {"id": 2}]}
    assert placed(body, AnswerPath("body.data.*.id"), [1, 2]) == body
    assert placed(body, AnswerPath("body.data.*.at"), [3, 4]) == {"data": [{"id": 1, "at": 3}, {"id": 2, "at": 4}]}
    with pytest.raises(ValueError, match=r"something else stands at body\.data\.\*\.id already"):
        placed(body, AnswerPath("body.data.*.id"), [1, 3])
    with pytest.raises(ValueError, match="runs over a list which something else fills"):
        placed(body, AnswerPath("body.data.*.id"), [1, 2, 3])


@pytest.mark.parametrize(
    "body, address, message",
    [
        ([1], "body.next", "body.next has no room, since a list or a single value stands above it"),
        ({"data": [1]}, "body.data", "something else stands at body.data already"),
        ({"data": {}}, "body.data.0.x", "body.data.0.x has no room: there is no list that long"),
        (None, "body.1000.x", "body.1000.x has no room: there is no list that long"),
        ([1], "body.*.next", "body.*.next runs over a list which something else fills"),
    ],
)
def test_no_room(body, address, message):
    """Two things at one place are an error that names the address, not a body that holds half of them."""
    with pytest.raises(ValueError, match="body") as caught:
        placed(body, AnswerPath(address), "x")
    assert str(caught.value) == message


def test_headers():
    """Header values are text: null sends none, false sends an empty one."""
    values = {"header.Link": "<x>", "header.X-Total": 3, "header.X-More": False, "header.X-Next": None, "body.a": 1}
    assert headers_of(values) == {"Link": "<x>", "X-Total": "3", "X-More": ""}
