"""Where a service is and how one signs in: servers and security schemes as base_url, environments, auth, secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connector_core.importers.openapi.document import Document
from connector_core.importers.openapi.names import address, identifier, unique
from connector_core.importers.openapi.notes import Notes, sentence
from connector_core.request.base_url import checked_url

__all__ = ["Access"]

MOST_ENVIRONMENTS = 10
BARE = ("the secret is all of Authorization", "whether the service wants a prefix such as Token before it")
_VARIABLE = re.compile(r"\{([^{}]*)\}")
_LONGEST = 1000
"""Characters of an address, and of what stands in for a variable: thousands of long ones would be no address anyway."""


class Access:
    """The service's address and its ways to sign in; `config` and `secrets` grow with what is asked for."""

    def __init__(self, document: Document, notes: Notes) -> None:
        self._document, self._notes = document, notes
        self.config: dict[str, dict[str, Any]] = {}
        self.secrets: dict[str, dict[str, Any]] = {}
        self._settled = False  # what only some endpoints need later on may be left out
        self.environments: dict[str, dict[str, Any]] = {}
        self.base_url = self._base_url()
        components = document.mapping(document.data.get("components"))
        self._schemes = document.mapping(components.get("securitySchemes"))
        self._made: dict[str, Any] = {}
        self.auth = self.signing(document.data.get("security"), "security") or "none"
        doubts = []
        if document.data.get("security") is None and self._schemes:
            first = next(iter(self._schemes))
            self.auth = self._scheme(first, "components.securitySchemes") or "none"
            if self.auth != "none":
                what = f"the document names the scheme {sentence(first, 40)} and not where it is needed"
                doubts = [(what, "that requests are signed so")]
        self.question(("auth",), self.auth, doubts)
        self._settled = True
        self.docs = self._docs()

    # ── servers ───────────────────────────────────────────────────────────────────────────────────

    def _base_url(self) -> str:
        servers = [self._document.mapping(server) for server in self._document.list(self._document.data.get("servers"))]
        servers = [server for server in servers if isinstance(server.get("url"), str)]
        first = self._address(servers[0], keep=True) if servers else None
        for server in servers[1 : MOST_ENVIRONMENTS + 1]:
            self._environment(server, first)
        if len(servers) > MOST_ENVIRONMENTS + 1:
            self._notes.left("servers", f"all but the first {MOST_ENVIRONMENTS + 1}")
        if first is not None:
            return first
        path = servers[0]["url"].rstrip("/") if servers else ""
        if not re.fullmatch(r"(/[\w.~-]+)*", path, re.ASCII) or "/.." in path or "/./" in f"{path}/":
            self._notes.left("servers.0", f"its url, {sentence(path, 80)}")
            path = ""
        self.config["base_url"] = {"type": "string", "format": "uri", "description": "Address of the service"}
        return "{{ config.base_url }}" + path

    def _address(self, server: Mapping[str, Any], *, keep: bool) -> str | None:
        """The address with its variables as config values, or with their defaults; None where it is no such thing."""
        url = server["url"]
        if len(url) > _LONGEST:
            return None
        variables = self._document.mapping(server.get("variables"))
        defaults = _VARIABLE.sub(lambda found: self._default(variables, found[1]), url)
        if not _is_address(defaults):
            return None
        if not keep or not _VARIABLE.search(url):
            return defaults.rstrip("/")
        names = [found for found in _VARIABLE.findall(url) if self._fits(found, url, variables)]
        if not re.match(r"https?://", url, re.IGNORECASE) or len(names) < len(_VARIABLE.findall(url)):
            self._notes.left("servers.0.variables", f"they stand for more than a label or a part of the path of {url}")
            return defaults.rstrip("/")
        return _VARIABLE.sub(lambda found: self._as_config(found[1], variables), url).rstrip("/")

    def _fits(self, name: str, url: str, variables: Mapping[str, Any]) -> bool:
        """Whether every value of the variable is a label of the host or a segment of the path."""
        variable = self._variable(variables, name)
        values = [variable.get("default"), *self._document.list(variable.get("enum"))]
        label = all(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", str(value)) for value in values)
        segment = all(re.fullmatch(r"(?!\.+$)[\w.~-]+", str(value), re.ASCII) for value in values)
        host = re.match(r"https?://([^/]*)", url, re.IGNORECASE)
        return label if host and f"{{{name}}}" in host[1] else segment

    def _variable(self, variables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        return self._document.mapping(variables.get(name))

    def _default(self, variables: Mapping[str, Any], name: str) -> str:
        return str(self._variable(variables, name).get("default", ""))[:_LONGEST]

    def _as_config(self, name: str, variables: Mapping[str, Any]) -> str:
        variable = self._variable(variables, name)
        schema: dict[str, Any] = {"type": "string"}
        choices = [str(value) for value in self._document.list(variable.get("enum"))]
        default = str(variable.get("default"))
        if choices:
            schema["enum"] = list(dict.fromkeys([*choices, default]))
        schema["default"] = default
        schema["description"] = sentence(variable.get("description")) or f"The part {name} of the address"
        own = identifier(name)
        self.config[own] = schema
        return f"{{{{ config.{own} }}}}"

    def _environment(self, server: Mapping[str, Any], first: str | None) -> None:
        found = self._address(server, keep=False)
        where = f"servers: {sentence(server['url'], 80)}"
        if found is None:
            self._notes.left(where, "it is no address")
        elif found != first:
            if _VARIABLE.search(server["url"]):
                self._notes.left(where, "its variables; their defaults stand in for them")
            words = identifier(sentence(server.get("description"), 40).rstrip("."), "server").strip("_")
            name = unique(words[:30].strip("_") or "server", self.environments)
            self.environments[name if name[0].isalpha() else f"server_{name}"] = {"base_url": found}

    # ── security ──────────────────────────────────────────────────────────────────────────────────

    def signing(self, requirements: Any, where: str) -> Any:
        """The auth for a list of alternatives; "none" where nothing is needed, None where nothing is said."""
        if not isinstance(requirements, list):
            return None
        alternatives = [self._document.mapping(one) for one in requirements]
        if not alternatives:
            return "none"
        for names in alternatives:
            made = [auth for name in names if (auth := self._scheme(name, where)) is not None]
            if made:
                if len(names) > 1:
                    more = ", ".join(sentence(name, 40) for name in list(names)[1:])
                    self._notes.left(where, f"the further scheme that is needed at the same time: {more}")
                others = [sentence(name, 40) for one in alternatives for name in one if name not in names]
                if others:
                    self._notes.left(where, f"the other ways to sign in: {', '.join(dict.fromkeys(others))}")
                return made[0]
        return "none" if {} in alternatives else None

    def question(self, path: tuple[str, ...], auth: Any, doubts: list[tuple[str, str]]) -> None:
        """Marks the auth at `path` as a guess, where it is one: for the reasons given, each with what to check."""
        if isinstance(auth, dict) and str(auth.get("put")).lower() == "header.authorization":
            doubts = [*doubts, BARE]
        if doubts:
            self._notes.guess(path, "; ".join(what for what, _ in doubts), " and ".join(check for _, check in doubts))

    def _scheme(self, name: str, where: str) -> Any:
        if name not in self._made:
            scheme = self._document.mapping(self._schemes.get(name))
            self._made[name] = self._auth(name, scheme)
            if self._made[name] is None:
                kind = " ".join(sentence(scheme.get(key), 30) for key in ("type", "scheme") if scheme.get(key))
                self._notes.left(
                    f"{where}.{sentence(name, 40)}", f"the sign-in of the type {kind or 'that is unknown'}"
                )
        return self._made[name]

    def _auth(self, name: str, scheme: Mapping[str, Any]) -> Any:
        about = sentence(scheme.get("description"))
        match scheme.get("type"), str(scheme.get("scheme")).lower():
            case "http", "bearer":
                return {"type": "bearer", "token": self._secret("token", name, about or "The access token")}
            case "http", "basic":
                user = self._secret("username", name, "The user's name")
                return {"type": "basic", "username": user, "password": self._secret("password", name, "The password")}
            case "apiKey", _:
                return self._api_key(name, scheme, about)
            case ("oauth2" | "openIdConnect") as kind, _:
                self._oauth(kind, name, scheme)
                return {"type": "bearer", "token": self._secret("access_token", name, about or "An access token")}
        return None

    def _api_key(self, name: str, scheme: Mapping[str, Any], about: str) -> Any:
        place, key = scheme.get("in"), scheme.get("name")
        if place not in ("header", "query", "cookie") or not isinstance(key, str) or not re.fullmatch(r"[!-~]+", key):
            return None
        value = self._secret("api_key", name, about or "The API key")
        return {"type": "api_key", "put": address(place, key), "value": value}

    def _oauth(self, kind: str, name: str, scheme: Mapping[str, Any]) -> None:
        flows = ", ".join(
            f"{flow} at {sentence(said.get('tokenUrl') or said.get('authorizationUrl'), 100)}"
            for flow, said in self._document.items(scheme.get("flows"))
            if not flow.startswith("x-")
        )
        where = f"components.securitySchemes.{sentence(name, 40)}"
        what = f"how a token is got ({kind}: {flows or sentence(scheme.get('openIdConnectUrl'), 100)})"
        self._notes.left(where, f"{what}; the spec takes a token that was got elsewhere")

    def _secret(self, name: str, scheme: str, about: str) -> str:
        own = name if name not in self.secrets else unique(f"{identifier(scheme)}_{name}", self.secrets)
        self.secrets[own] = {"description": about, **({"optional": True} if self._settled else {})}
        return f"{{{{ secrets.{own} }}}}"

    def _docs(self) -> dict[str, Any]:
        info = self._document.mapping(self._document.data.get("info"))
        contact = self._document.mapping(info.get("contact"))
        further = self._document.mapping(self._document.data.get("externalDocs"))
        found = {
            "purpose": sentence(info.get("summary")) or sentence(info.get("description")),
            "support": sentence(further.get("url") or contact.get("url") or contact.get("email")),
        }
        return {key: value for key, value in found.items() if value}


def _is_address(url: str) -> bool:
    try:
        checked_url(url)
    except ValueError:
        return False
    return re.fullmatch(r"https?://[\w.:\[\]-]+(/[\w.~%:@!$&'*+,;=-]+)*/?", url, re.ASCII | re.IGNORECASE) is not None
