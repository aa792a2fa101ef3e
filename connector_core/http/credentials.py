"""What of a text is a credential by its name alone: the headers and parameters that hold one wherever they are used.

A service may quote a request, or an address that somebody has signed. What stands there is often no secret of the
account, but made from one: a signature, a token that holds for a minute, a code.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

__all__ = ["HEADERS", "PARAMETERS", "without_credentials"]

HEADERS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "set-cookie", "x-amz-security-token"}
    | {"api-key", "apikey", "x-access-token", "x-api-key", "x-auth-token", "x-csrf-token", "x-session-token"}
)
"""Names of headers, in lower case."""
PARAMETERS = frozenset(
    {"access_token", "api_key", "apikey", "assertion", "auth", "client_assertion", "client_secret", "code"}
    | {"code_verifier", "id_token", "key", "oauth_signature", "oauth_token", "passwd", "password", "refresh_token"}
    | {"secret", "sessionid", "sid", "sig", "sign", "signature", "state", "token"}
    | {"x-amz-credential", "x-amz-security-token", "x-amz-signature"}
    | {"x-goog-credential", "x-goog-signature"}
    | {"awsaccesskeyid"}
)
"""Names of parameters in a query or a form, in lower case."""

_INSTEAD = r"\1***"


def without_credentials(text: str, headers: Collection[str] = (), parameters: Collection[str] = ()) -> str:
    """The text with `***` for the value of each such header and parameter; more names may be given.

    A header's value ends with its line, or with the quotes that it stands in; a parameter's with the next one.
    """
    for pattern in _patterns(frozenset(map(str.lower, headers)), frozenset(map(str.lower, parameters))):
        text = pattern.sub(_INSTEAD, text)
    return text


@lru_cache(256)
def _patterns(headers: frozenset[str], parameters: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    """In each, the first group is what stays."""
    fields, names = _any(HEADERS | headers), _any(PARAMETERS | parameters)
    begins = r"(?:(?<![\w-])|(?<=\\[nrt])|(?<=%0A))"  # a line's end may be written in JSON or a URL
    return tuple(
        re.compile(pattern, re.IGNORECASE)
        for pattern in (
            rf"""{begins}((?:{fields})(?:\\*["'])?[ \t]*(?::|=>|,)[ \t]*\\*["'])(?:\\+[^"'\\]|[^"'\\\r\n])+""",
            rf"""{begins}((?:{fields})[ \t]*:[ \t]*)(?!\\*["'])(?:(?!\\{{1,4}}[nr])[^\r\n<])+""",
            rf"""{begins}((?:{fields})%3A(?:%20|\+)*)(?:(?!%0A|%0D)[^&\s"'<>\\])+""",
            rf"""((?:[?&;]|\\u0026)(?:{names})=)[^&#;\s"'<>\\]+""",
            rf"""((?:%3F|%26)(?:{names})%3D)(?:(?!%26|%23)[^&#;\s"'<>\\])+""",
        )
    )


def _any(names: Collection[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))
