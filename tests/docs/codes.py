"""The stable codes of exceptions: found in the source, and told here in words, for docs/reference/exceptions.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from connector_core import exceptions

__all__ = ["CODES", "VARYING", "Code", "in_source", "raised"]


class Code(NamedTuple):
    """What stands in one line of the table."""

    mended_by: str
    """`caller`: what was passed to this call. `account`: config and secrets. `app`: the set-up. `spec`: it
    does not fit the service. `service`: that, or the way to it. `time`: waiting helps. `tests`: only there."""
    words: str
    """What happened, and what to do."""


CODES: dict[str, Code] = {
    "input.invalid": Code(
        "caller", "The input of a call does not fit its declaration. Show the text to whoever gave it."
    ),
    "endpoint.unknown": Code("caller", "The spec has no endpoint of that name."),
    "endpoint.not_readable": Code("caller", "The endpoint is called, not read: use `call`."),
    "endpoint.partitioned": Code("caller", "An endpoint with `for_each` was to begin at a position: leave it out."),
    "position.invalid": Code("caller", "What was passed as a position is none. Pass the `following` of a page."),
    "position.changed": Code("caller", "A kept position leads beyond what is there now: read from an earlier one."),
    "job.changed": Code(
        "caller", "A kept position names a part that the job's result no longer has: read it from the start."
    ),
    "body.invalid": Code("caller", "The body cannot be written in its form, such as XML with two roots."),
    "body.unreadable": Code("caller", "An input that should be a file cannot be read, or is none."),
    "body.changed": Code("caller", "A file changed while it was sent; the service got an incomplete request."),
    "auth.unsigned": Code("account", "The text that is to be signed has no value."),
    "auth.body": Code(
        "caller", "A file in the body would have to be read to be signed: pass bytes, or send it unsigned."
    ),
    "body.spent": Code("caller", "A file that can be read once was passed twice: pass bytes or a path."),
    "idempotency.missing": Code("caller", "The key that the spec makes from the input is empty."),
    "idempotency.invalid": Code(
        "caller", "The key that the spec makes from the input has characters with no room in its form."
    ),
    "request.header": Code(
        "caller", "A header's value cannot be sent, such as a secret or an input with a line break."
    ),
    "request.cookie": Code("caller", "A cookie's value has a semicolon in it."),
    "request.url": Code("caller", "The address that came out of config and input is none that can be called."),
    "config.invalid": Code("account", "Config is missing or wrong; the text names all of it."),
    "secret.invalid": Code("account", "Secrets are missing or wrong; the text names all of it."),
    "connections.busy": Code("account", "Another process sets up an account in the same file, and takes long."),
    "connections.exists": Code("account", "A connection of that name is set up already."),
    "connections.unreadable": Code("account", "The file of connections is not there, or cannot be read."),
    "connections.unwritable": Code(
        "account", "The file of connections is written so that none can be added: it is to be written in by hand."
    ),
    "secret.exposed": Code("account", "The file with a secret may be read or written by others: take that away."),
    "secret.refused": Code("account", "Where a secret is kept, whoever asks for it may not read it."),
    "secret.missing": Code("account", "There is no secret where one is referred to, such as in a variable not set."),
    "secret.reference": Code("account", "A reference to a secret is none, or leads where it may not."),
    "secret.unreadable": Code("account", "What a reference to a secret leads to cannot be read as one."),
    "store.busy": Code("time", "Others write the store of secrets for long, or give it a new key."),
    "store.empty": Code("account", "Nothing is kept in the store of secrets yet, so that no key can be replaced."),
    "store.exposed": Code("app", "The file of the store may be read or written by others: take that away."),
    "store.key": Code("app", "The master key of the store is not there, is no key, or is another one."),
    "store.name": Code("account", "A connection or a field cannot be called that in the store of secrets."),
    "store.plain": Code("app", "The file holds tokens as they are, of an earlier version. Remove it; sign in again."),
    "store.rolled_back": Code("app", "An old version stands in the store: somebody has put it back. Find out who."),
    "store.tampered": Code("app", "What stands in the store is not what was written there. Find out who did that."),
    "store.unavailable": Code("time", "The database that the store of secrets is in does not answer."),
    "store.unknown": Code("app", "Secrets cannot be kept at that address."),
    "store.unusable": Code("app", "The store of secrets cannot be read or written, or is none."),
    "store.value": Code("account", "What should be kept as a secret is empty, too large or no text."),
    "secret.unavailable": Code("time", "Where a secret is kept, nobody answers, and nothing is known yet."),
    "forbidden_address": Code(
        "account", "The address is private or loopback, and `network` allows public ones alone. Nothing was sent."
    ),
    "connection.closed": Code(
        "app",
        "`ConfigError`: used outside its `async with`. `ConnectionError`: the service closed without an answer.",
    ),
    "connection.loop": Code("app", "Used in another event loop, thread or process than it was opened in."),
    "plugin.invalid": Code("app", "A plug-in, or the Python beside a spec, cannot be used."),
    "plugin.failed": Code("app", "A plug-in's hook failed, or gave something else than its hook is for."),
    "plugin.duplicate": Code(
        "app", "Two plug-ins have one name or bring a function of one name, or one is there twice."
    ),
    "sdk.client": Code("app", "No plug-in brings the client of an SDK, or it cannot be made."),
    "hook.unknown": Code("app", "A transform names a function that no plug-in provides."),
    "extra.missing": Code("app", "A package is needed that is not installed; the text says which."),
    "auth.certificate": Code(
        "account", "A client certificate is none, does not hold at this time, or was to be shown over plain http."
    ),
    "auth.key": Code("account", "A secret is not the key that requests are signed with, or is written another way."),
    "buckets.unknown": Code("app", "Buckets cannot be kept at that address."),
    "secret.failed": Code("app", "A backend of secrets of the app's own failed; the text says where."),
    "secret.backend": Code("app", "A backend of secrets is none, or is not told where to ask, and as whom."),
    "metrics.unreadable": Code("app", "The file of `connector metrics` cannot be read."),
    "metrics.unwritable": Code("app", "The file of `connector metrics` cannot be removed."),
    "digest.unknown": Code("spec", "The service asks for a digest of a sort that nobody here can make."),
    "session.refused": Code("account", "The service refuses a login, or cannot take one now."),
    "session.no_token": Code("account", "The answer to a login has no session where `auth.token.access` says."),
    "session.expires": Code("spec", "The end of a session is written in another form than `auth.token.expires` says."),
    "session.too_large": Code("spec", "The answer to a login is far too large for one."),
    "sign_in.incomplete": Code("account", "The account has the secrets of none of the ways of signing in."),
    "sign_in.unknown": Code("app", "The spec offers no way of signing in of that name."),
    "sign_in.lost": Code("account", "Somebody came back from a sign-in that is not theirs, or has ended. Begin again."),
    "sign_in.none": Code("caller", "A person cannot sign in like that; the text says how, or that nobody has to."),
    "sign_in.port": Code("app", "`connector login` cannot listen at the port that the browser comes back to."),
    "oauth.sign_in": Code(
        "account", "Only a person can go on: nobody has signed in, or the sign-in has ended for good."
    ),
    "oauth.state": Code("account", "Somebody came back from a sign-in who was not sent there. Begin again."),
    "oauth.issuer": Code("account", "Another service sent a person back than the one that they were sent to."),
    "oauth.nonce": Code("account", "The service answers another sign-in. Begin again."),
    "oauth.expired_token": Code("account", "Nobody signed in before the code for another device ended. Begin again."),
    "oauth.*": Code(
        "account",
        "By the name of the error (RFC 6749 §5.2): `oauth.invalid_client`; `oauth.refused` where it has no usual name.",
    ),
    "oauth.no_token": Code("spec", "There is no token where `auth.token.access` says, or nothing to sign with."),
    "oauth.no_code": Code("spec", "A person came back from the sign-in without a code."),
    "oauth.expires": Code("spec", "The end of a token is written in another form than `auth.token.expires` says."),
    "oauth.undecodable": Code("spec", "The answer to a sign-in is neither JSON nor a form."),
    "oauth.too_large": Code("spec", "The answer to a sign-in is far too large for one."),
    "oauth.device": Code("spec", "There is no code for another device in the answer, or no address to type it in."),
    "oauth.id_token": Code("service", "The identity that came with a token cannot be read."),
    "metrics.uncounted": Code("app", "`metrics()` was asked for, and no listener counts."),
    "switches.unreadable": Code("app", "The file of switches cannot be read."),
    "tokens.dropped": Code("account", "Somebody signed out while the token was renewed. Sign in again."),
    "tokens.unknown": Code("app", "Tokens cannot be kept at that address."),
    "tokens.unusable": Code("app", "What is kept as a token is none. Sign in again."),
    "switches.unwritable": Code("app", "The file of switches cannot be written."),
    "spool.failed": Code("app", "A large answer does not fit into the folder of temporary files: make room."),
    "health.undeclared": Code("spec", "The spec does not say how its health is checked."),
    "rate_limit.cost": Code("spec", "An endpoint's cost is no number, or more than its limit can ever give."),
    "capture.missing": Code("spec", "The service did not tell a fact that `capture` asks for."),
    "batch.results": Code("spec", "The answer to a list does not have one result for each item."),
    "sdk.method": Code("spec", "The client of an SDK has no such method."),
    "sdk.value": Code("spec", "What a method of an SDK gives is no value, or an iterator where one value is expected."),
    "output.unfit": Code("spec", "`output` cannot be made from the answer; the request was acted on."),
    "schema.violation": Code("spec", "A record does not fit its schema, and `on_invalid` says `fail`."),
    "skip.midway": Code("spec", "A rule says `skip` to a later page than the first: say `stop`."),
    "job.done": Code("spec", "Whether a job is done cannot be told from the answer."),
    "pagination.flag": Code("spec", "`has_more` cannot be told from the answer."),
    "pagination.flag_missing": Code("spec", "What `has_more` reads is not in the answer."),
    "pagination.link": Code("spec", "What should be the link to the next page is none."),
    "pagination.loop": Code("spec", "A token, a link or a page came twice."),
    "pagination.max_pages": Code("spec", "There are more pages than `max_pages`."),
    "pagination.page_info": Code("spec", "The answer has no `pageInfo`: the query has to ask for it."),
    "pagination.short": Code("spec", "The pages end before the total that the answer tells."),
    "pagination.token": Code("spec", "What should be the token of the next page is none that can be sent."),
    "pagination.token_missing": Code(
        "spec", "The answer says that pages follow, and gives nothing to ask for them with."
    ),
    "redirect.invalid": Code(
        "spec", "A redirect leads to what is no address, or has a segment `.` or `..` in its path."
    ),
    "redirect.loop": Code("spec", "There are too many redirects."),
    "redirect.write": Code("spec", "What was sent would get lost in a redirect: write the new address into the spec."),
    "host.invalid": Code("spec", "A link or a redirect of the service leads to what is no address."),
    "host.not_allowed": Code("spec", "A link or a redirect leads to a host that `hosts` does not name."),
    "response.columns": Code("spec", "A record has more or fewer values than there are columns."),
    "response.undecodable": Code("spec", "The body is not what `decode` says."),
    "transform.cast": Code("spec", "A value has no form as what `cast` says."),
    "transform.depth": Code("spec", "A record is nested too deeply to be transformed."),
    "transform.hook": Code("spec", "A function that a transform names failed on a record."),
    "transform.set": Code("spec", "A field cannot be set: its template reads what is not there."),
    "transform.zip": Code("spec", "There are more or fewer values than names to put them under."),
    "http.*": Code(
        "service", "The service answered with this status, and no rule of `errors` gave it a code of its own."
    ),
    "sdk.*": Code("service", "An SDK raised this exception, and no rule of `errors` gave it a code of its own."),
    "batch.refused": Code("service", "The service refused some items; `results` has its reasons. The others are done."),
    "job.failed": Code("service", "The service's job failed."),
    "response.encoding": Code("service", "The body is not compressed as it claims to be."),
    "response.headers": Code("service", "The headers of the answer are too large."),
    "response.malformed": Code("service", "What came is no HTTP."),
    "response.too_large": Code("service", "The answer is larger than the limit: ask for less at a time."),
    "response.unasked": Code("service", "An answer came before anything was asked."),
    "connection.certificate": Code("service", "The certificate is not accepted."),
    "connection.client_certificate": Code(
        "service", "The service asks for a client certificate, or does not accept the one that it was shown."
    ),
    "connection.tls": Code("service", "TLS could not be agreed on."),
    "connection.dns": Code("service", "There is no such host, or names cannot be looked up."),
    "connection.refused": Code("service", "Nothing listens there."),
    "connection.unreachable": Code("service", "There is no way to the host."),
    "connection.reset": Code("service", "The connection broke after something was sent."),
    "connection.truncated": Code("service", "The answer broke off."),
    "connection.failed": Code("service", "The exchange failed in an unforeseen way: please report it."),
    "timeout.connect": Code("time", "No connection came about in time."),
    "timeout.read": Code("time", "Nothing came for too long."),
    "timeout.total": Code("time", "The answer was not complete in time."),
    "timeout.invalid": Code("caller", "A `timeout` was passed that is no number of seconds."),
    "timeout.deadline": Code("time", "The time that the caller gave was over before it was sent."),
    "timeout.health": Code("time", "A check of health took too long; only in its report."),
    "job.timeout": Code("time", "The service's job was not done in time."),
    "rate_limit.wait": Code("time", "The turn would come too late; `retry_after` says when."),
    "rate_limit.store": Code("time", "The Redis that counts does not answer. Nothing was sent."),
    "circuit.open": Code("time", "The service is left alone for `retry_after` seconds. Nothing was sent."),
    "unavailable.switch.disabled": Code("time", "An operator has switched it off."),
    "unavailable.switch.maintenance": Code("time", "An operator has announced maintenance."),
    "unavailable.maintenance": Code("time", "The spec announces maintenance by the provider."),
    "unavailable.flag": Code("time", "The app's feature flag is off."),
    "simulator.impossible": Code("tests", "The simulator cannot make up what the spec needs."),
    "simulator.invalid": Code("app", "What the simulator is given makes no sense."),
    "simulator.unknown_host": Code("tests", "A request went to a host that the simulator does not stand for."),
    "auth.unique": Code("tests", "A `Session` that a test makes needs `unique=…` for this kind of sign-in."),
    "fake.invalid": Code("tests", "A fake was given what its spec could never give."),
    "fake.missing": Code("tests", "A fake was asked for what it was not given."),
    "faults.invalid": Code("tests", "A list of faults is written wrong."),
    "faults.upstream": Code("tests", "`Chaos` was given no origin of a service over http."),
}
VARYING = {
    "*.unknown": ["buckets.unknown", "tokens.unknown"],
    "sdk.*": ["sdk.*"],
    "*.invalid": ["config.invalid", "secret.invalid", "input.invalid"],
    "http.*": ["http.*"],
    "oauth.*": ["oauth.*"],
    "timeout.*": ["timeout.read", "timeout.total"],
    "unavailable.*": [code for code in CODES if code.startswith("unavailable.")],
}
"""Codes that the source puts together, and what they become."""
_UNNAMED = {  # codes that stand in a variable, or are handed to a function that makes the exception
    "http.*": "by status",
    "oauth.*": "by name",
    "oauth.no_token": "ResponseError",
    "oauth.expires": "ResponseError",
    "oauth.undecodable": "ResponseError",
    "oauth.too_large": "ResponseError",
    "session.refused": "by status",
    "sdk.*": "by exception",
    "position.changed": "ResponseError",
    "response.undecodable": "ResponseError",
    "secret.exposed": "ConfigError",
    "secret.unreadable": "ConfigError",
    "schema.violation": "ResponseError",
    "transform.depth": "ResponseError",
}


def raised(code: str) -> list[str]:
    """The exceptions that have the code."""
    if code in _UNNAMED:
        return [_UNNAMED[code]]
    found = {
        kind for written, kinds in in_source().items() if code in VARYING.get(written, [written]) for kind in kinds
    }
    named = {kind for kind in found if kind in exceptions.__all__}
    if "" in found and code.startswith("connection."):
        named.add("ConnectionError")
    return sorted(named)


PACKAGE = Path(__file__).resolve().parents[2] / "connector_core"


@cache
def in_source() -> dict[str, set[str]]:
    """Each code that the package writes, with the names of what is raised with it; `*` stands for what varies."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for code, kind in _codes(ast.parse(path.read_text("utf-8"))):
            if "." in code or code in CODES:  # others are codes of validation, which no exception has
                found.setdefault(code, set()).add(kind)
    return found


def _codes(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "code":
                    yield from ((code, ast.unparse(node.func)) for code in _texts(keyword.value))
        elif isinstance(node, ast.Assign):
            for target, value in _assigned(node):
                if isinstance(target, ast.Name) and target.id == "code":
                    yield from ((code, "") for code in _texts(value))


def _assigned(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    [target, *_] = node.targets
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        yield from zip(target.elts, node.value.elts, strict=True)
    else:
        yield target, node.value


def _texts(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)
        case ast.BoolOp(values=values):
            for part in values:
                yield from _texts(part)
