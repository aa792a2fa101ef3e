"""Where a service is: the forms of its address, and all that it can't be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector_core.exceptions import ConfigError
from connector_core.request import BaseUrl, RequestKeys

SCOPE = {
    "config": {
        "url": "https://a.example/v2/",
        "team": "acme",
        "n": 7,
        "yes": True,
        "tags": ["x", None, "y"],
        "null": None,
        "object": {"a": 1},
        "crlf": "a\r\nSet-Cookie: b=c",
    },
    "input": {"id": 12, "name": "Zoë/../", "items": [{"sku": "a"}], "flag": False, "nothing": None},
}


@pytest.mark.parametrize(
    "source, url",
    [
        ("https://api.example", "https://api.example"),
        ("https://api.example/", "https://api.example"),
        ("https://api.example/v1/", "https://api.example/v1"),
        ("http://api.example:8080/v1", "http://api.example:8080/v1"),
        ("HTTPS://API.Example/V1", "https://api.example/V1"),
        ("https://[::1]:8443/v1", "https://[::1]:8443/v1"),
        ("https://api.example/caf\u00e9 %2F{x}".replace(" ", ""), "https://api.example/caf%C3%A9%2F%7Bx%7D"),
        ("{{ config.url }}", "https://a.example/v2"),
        ("{{ config.url }}/api", "https://a.example/v2/api"),
        ("{{ config.url }}/{{ config.team }}/", "https://a.example/v2/acme"),
        ("{{ config.other | default('https://b.example') }}/api", "https://b.example/api"),
        ("https://{{ config.team }}.shop.example/v1", "https://acme.shop.example/v1"),
        ("https://api-{{config.team}}{{ config.n }}.example", "https://api-acme7.example"),
        ("https://api.example:{{ config.n }}", "https://api.example:7"),
        ("https://api.example/{{ config.team }}/x", "https://api.example/acme/x"),
        ("https://api.example/v{{ config.n }}", "https://api.example/v7"),
        ("https://api.example/{{ input.name | replace('/', '') | replace('.', '') }}", "https://api.example/Zo%C3%AB"),
    ],
)
def test_an_address_has_several_forms(source, url):
    """A literal, a leading template (with its own path), a label of the host and a path segment all make one URL."""
    assert BaseUrl(source).render(SCOPE) == url


NOT_ABSOLUTE = "must be an absolute URL that begins with https:// or http://"
PASSWORD = "must not hold a user name or password; sign in with `auth`"
QUERY = "must not hold a query or fragment; fixed parameters stand under `params`"
NO_URL = "is not a URL: there is a space, control character, backslash or bad port in it"
HOST = "must have a host of letters, digits, hyphens and dots (other scripts are written xn--…)"
BEGIN = "must begin with https://, http:// or one whole template"
WHOLE = "must be one whole template, or have a slash after it"
CLIMBS = "a segment of the path is . or ..; write the path that is meant"


@pytest.mark.parametrize(
    "source, why",
    [
        ("", BEGIN),
        ("api.example", BEGIN),
        ("//api.example", BEGIN),
        ("/v1", BEGIN),
        ("ftp://api.example", BEGIN),
        (" https://api.example", BEGIN),
        ("http{{ config.s }}://api.example", BEGIN),
        ("https://", NOT_ABSOLUTE),
        ("https:///v1", NOT_ABSOLUTE),
        ("https://ann:pw@api.example", PASSWORD),
        ("https://ann@api.example", PASSWORD),
        ("https://{{ config.user }}@api.example", PASSWORD),
        ("https://api.example?key=1", QUERY),
        ("https://api.example/?", QUERY),
        ("https://api.example/#top", QUERY),
        ("https://api.example/?key={{ config.n }}", QUERY),
        ("{{ config.url }}/x?key=1", QUERY),
        ("https://api.example/a b", NO_URL),
        ("https://api.example/a\n", NO_URL),
        ("https://api.example\\v1", NO_URL),
        ("https://api.example:0", NO_URL),
        ("https://api.example:", NO_URL),
        ("https://api.example:99999", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://caf\u00e9.example", HOST),
        ("https://api..example", HOST),
        ("https://api.example/../v1", CLIMBS),
        ("https://api.example/%2E%2e/v1", CLIMBS),
        ("{{ config.url }}api", WHOLE),
        ("{{ config.url }}{{ config.team }}", WHOLE),
        ("{{ config.scheme }}://api.example", WHOLE),
        (
            "https://api.example/{{ config.team",
            "{{ is never closed; write {{ name }}, and {{ '{{' }} for the two braces themselves",
        ),
        (
            "https://api.example/{{ config.team | url }}",
            "`config.team | url`: a path encodes its values itself; leave out | url",
        ),
    ],
)
def test_a_wrong_address_is_refused_when_it_is_written(source, why):
    """What can't become the address of a service is refused at load, whatever its templates will give."""
    with pytest.raises(ValueError) as wrong:  # noqa: PT011 - the exact text is compared
        BaseUrl(source)
    assert str(wrong.value) == why
    with pytest.raises(ValidationError) as told:
        RequestKeys.model_validate({"base_url": source})
    assert str(told.value.errors()[0].get("ctx", {}).get("error")) == why


@pytest.mark.parametrize(
    "value, why",
    [
        ("a.example", NOT_ABSOLUTE),
        ("ftp://a.example", NOT_ABSOLUTE),
        ("javascript:alert(1)", NOT_ABSOLUTE),
        ("", NOT_ABSOLUTE),
        (7, NOT_ABSOLUTE),
        (["https://a.example"], NOT_ABSOLUTE),
        ("https://ann:s3cr3t@a.example", PASSWORD),
        ("https://a.example?x", QUERY),
        ("https://a.example#x", QUERY),
        ("https://a.example/../x", "must not hold . or .. segments"),
        ("https://a.example/%2e%2E", "must not hold . or .. segments"),
        ("https://a.example ", NO_URL),
        ("https://a.example/\x00", NO_URL),
        ("https://a.example\\@b.example", PASSWORD),
        ("https://a.example\r\nHost: b", "is not a URL"),
        ("https://[a", "is not a URL"),
        ("https://\u2024.example", HOST),
        ("https://a%2eexample", HOST),
        ("https://a.example{{ secrets.token }}", NO_URL),
    ],
)
def test_a_wrong_address_from_the_user_is_refused_when_it_is_given(value, why):
    """A value of config that is no address is refused with the spec's text, and is itself never shown."""
    with pytest.raises(ConfigError) as wrong:
        BaseUrl("{{ config.url }}").render({"config": {"url": value}})
    assert str(wrong.value) == (
        f"base_url {why} — {{{{ config.url }}}} — it is an address such as https://api.example.com/v1"
    )


@pytest.mark.parametrize("config", [{}, {"url": None}])
def test_an_address_without_a_value(config):
    """A missing optional value is told as missing."""
    with pytest.raises(ConfigError) as wrong:
        BaseUrl("{{ config.url }}/v1").render({"config": config})
    assert str(wrong.value) == ("base_url has no value — {{ config.url }}/v1 — give it where the connector is opened")


@pytest.mark.parametrize(
    "value",
    ["", "a.b", "a/b", "a:1", "a@b", "-a", "a-", "a\n", "caf\u00e9", "..", "%2e", "a" * 64, None, True, ["a"], {}],
)
def test_what_stands_in_a_host_is_one_label(value):
    """A value in a host name can't lead to another host: it is letters, digits and hyphens."""
    with pytest.raises(ConfigError) as wrong:
        BaseUrl("https://{{ config.team }}.shop.example").render({"config": {"team": value}})
    assert str(wrong.value) == (
        "{{ config.team }} must be one label of a host name: letters, digits and hyphens "
        "— base_url: https://{{ config.team }}.shop.example "
        "— pass only the part that stands for it, without dots, slashes or scheme"
    )


@given(st.text())
def test_no_text_leads_a_label_elsewhere(value):
    """Whatever the text, the host ends as the spec says or nothing is called."""
    try:
        url = BaseUrl("https://{{ config.team }}.shop.example/v1").render({"config": {"team": value}})
    except ConfigError:
        return
    assert url == f"https://{value.lower()}.shop.example/v1"


@given(st.text() | st.builds("https://{}".format, st.text()))
def test_no_text_crashes_an_address(value):
    """Whatever the text, an address is a plain URL or a ConfigError."""
    try:
        url = BaseUrl("{{ config.url }}/v1").render({"config": {"url": value}})
    except ConfigError:
        return
    assert url.startswith(("https://", "http://"))
    assert url.isascii()
    assert url.isprintable()
    assert url.endswith("/v1")


def test_a_path_in_the_address_is_encoded_segment_by_segment():
    """A value in base_url's path is one segment, and can't climb."""
    base = BaseUrl("https://api.example/{{ config.team }}/x")
    assert base.render({"config": {"team": "a/b c"}}) == "https://api.example/a%2Fb%20c/x"
    for value in ("..", ".", "%2e%2e", "", None):
        with pytest.raises(ConfigError, match="it must have a value that can stand in a path"):
            base.render({"config": {"team": value}})
