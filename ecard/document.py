"""The API document (OpenAPI 3.1): what Litestar generates, made exact.

Litestar describes paths and parameters well. Of msgspec's Structs it forgets the docstrings, the
refusal of unknown fields and what tells a union's members apart, and of our callers, signatures and
errors it knows nothing. So the schemas of bodies are msgspec's own, and what an operation may answer
follows from what its handler takes (`_RULES`) and what it names in its `opt`:

| in a handler's `opt` | |
|---|---|
| `public` | anyone may call |
| `role` | the operator's role, which `ecard.guards` demands |
| `signed_by` | "key": public, but signed by a registered key itself |
| `errors` | the errors of its own |
| `also` | media types of the answer beside JSON |
| `media` | the media type of an answer that is not JSON |

What no code says stands in `document.toml`: examples, headers, how to sign.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from litestar import Litestar, Response
from litestar.routes import HTTPRoute, WebSocketRoute

from ecard import problems
from ecard.callers import SessionInvalid
from ecard.cards.errors import PasswordLocked
from ecard.catalogue.model import Catalogue
from ecard.catalogue.schemas import view
from ecard.errors import EcardError, Invalid, NotFound, TooLarge, TooMany, Unavailable
from ecard.guards import DEPENDENCIES, KeyRevoked, WrongCaller, WrongRole
from ecard.idempotency import InFlight, KeyMissing, KeyReused
from ecard.requests import DuplicateName, NotJson
from ecard.signatures import SignatureClock, SignatureMissing, SignatureWrong

Errors = tuple[type[EcardError], ...]
Json = dict[str, Any]

_SIGNED: Errors = (SignatureMissing, SignatureWrong, SignatureClock, TooLarge, Unavailable)
_SESSION: Errors = (*_SIGNED, SessionInvalid, KeyRevoked, WrongCaller)
_RULES: Mapping[str, Errors] = {
    "holder": _SESSION,
    "terminal": _SESSION,
    "channel": _SESSION,
    "operator": (*_SESSION, WrongRole),
    "creation": (KeyMissing, KeyReused),
    "data": (NotJson, DuplicateName, Invalid, TooLarge),
}
"""What can go wrong because a handler takes a parameter of this name."""
_COME_BACK: Errors = (TooMany, InFlight, PasswordLocked, Unavailable)
"""These say by `Retry-After` when to come back."""
_METHODS = frozenset({"DELETE", "GET", "PATCH", "POST", "PUT"})
_WRITTEN = Path(__file__).with_suffix(".toml")
_REQUEST_ID = "0198c2d1f0a37c4e9b1d5a6e7f809b1c"


class Route(NamedTuple):
    """One operation: where it is found (OpenAPI's names of path and method), and its handler."""

    path: str
    method: str
    handler: Any

    @property
    def operation(self) -> str:
        """The operation's name: of a socket, that of its handler."""
        return str(getattr(self.handler, "operation_id", None) or self.handler.name)

    @property
    def takes(self) -> Mapping[str, Any]:
        """The handler's parameters by name."""
        parameters: Mapping[str, Any] = self.handler.parsed_fn_signature.parameters
        return parameters


def routes(app: Litestar) -> Iterator[Route]:
    """Yield the operations of `app`, without the OPTIONS that Litestar adds."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods & _METHODS):
                    yield Route(route.path_format, method.lower(), handler)


def sockets(app: Litestar) -> Iterator[Route]:
    """Yield the WebSockets of `app`: doors as well, which OpenAPI has no words for."""
    for route in app.routes:
        if isinstance(route, WebSocketRoute):
            yield Route(route.path_format, "ws", route.route_handler)


def caller_of(route: Route) -> str | None:
    """Return the kind of caller that a handler admits, None when it is public.

    "key" is a registered key itself, "bridge" a token that a bridge's key has signed.
    """
    named = (name for name in DEPENDENCIES if name in route.takes)
    return next(named, route.handler.opt.get("signed_by"))


def document(app: Litestar, catalogue: Catalogue, rules: Mapping[str, Errors]) -> Json:
    """Return the OpenAPI document of `app`, in an order that depends on the code alone.

    `rules` adds the errors that come with a parameter which the composition alone knows. The scopes of
    items and their purposes come from the `catalogue`, and so do the examples of items.
    """
    made: Json = app.openapi_schema.to_schema()
    found = [route for route in routes(app) if route.handler.resolve_include_in_schema()]
    written = tomllib.loads(_WRITTEN.read_text("utf-8"))
    made["info"] |= written.pop("about")
    made["tags"] = [{"name": name, "description": text} for name, text in written.pop("tags").items()]
    written["examples"] |= {type(one).__name__: msgspec.to_builtins(one) for one in map(view, catalogue.items[::-1])}
    describe = _Describer(found, made["components"]["schemas"], written["examples"], {**_RULES, **rules})
    for route in found:
        operation = describe.operation(route, made["paths"][route.path][route.method])
        if "desk" in route.takes:
            operation["x-scopes"] = {item.scope: f"{item.purpose.zh} · {item.purpose.en}" for item in catalogue.items}
        made["paths"][route.path][route.method] = operation
    made["paths"] = dict(sorted(made["paths"].items()))
    made["components"] = {**written, "schemas": describe.schemas, "examples": describe.examples()}
    return made


class _Describer:
    """Describes one operation after another, and remembers which errors they may answer."""

    def __init__(
        self,
        found: Sequence[Route],
        litestar: Mapping[str, Json],
        examples: Mapping[str, Any],
        rules: Mapping[str, Errors],
    ) -> None:
        self._examples = examples
        self._rules = rules
        self._errors: set[type[EcardError]] = set()
        types = dict.fromkeys(wanted for route in found for wanted in _types(route))
        schemas, exact = msgspec.json.schema_components(
            [*types, problems.Problem], ref_template="#/components/schemas/{name}"
        )
        self._schema_of = dict(zip(types, schemas, strict=False))
        # Litestar keeps an enumeration in its order, which means something; msgspec sorts it.
        self.schemas = {name: litestar[name] if "enum" in one else one for name, one in sorted(exact.items())}

    def examples(self) -> Json:
        """Return the components' examples: of bodies by schema, of problems by code."""
        shown = {name: {"value": value} for name, value in self._examples.items()}
        for error in self._errors:
            value = problems.document(error(), _REQUEST_ID)
            shown[f"problem.{error.code}"] = {"summary": error.title.zh, "value": value}
        return dict(sorted(shown.items()))

    def operation(self, route: Route, made: Json) -> Json:
        """Return the operation that Litestar `made`, completed."""
        caller, role = caller_of(route), route.handler.opt.get("role")
        parameters = [_parameter(one) for one in made.get("parameters", ())]
        errors = self._errors_of(route, parameters)
        self._errors |= errors
        if KeyMissing in errors:
            parameters.append({"$ref": "#/components/parameters/Idempotency-Key"})
        described: Json = {
            "operationId": made["operationId"],
            "tags": made["tags"],
            # The first clause of the docstring, unless the handler says it otherwise.
            "summary": route.handler.summary or re.split(r":\s|\.$", made["description"])[0],
            "description": made["description"],
            "security": [{caller: [role] if role else []}] if caller else [],
        }
        if caller:
            described["x-caller"] = caller
        if role:
            described["x-role"] = role
        if parameters:
            described["parameters"] = parameters
        if route.handler.parsed_data_field is not None:
            content = {"application/json": self._content(route.handler.parsed_data_field.annotation)}
            described["requestBody"] = {"required": True, "content": content}
        answers = {**_problems(errors), **self._answers(route, made["responses"], replays=InFlight in errors)}
        described["responses"] = dict(sorted(answers.items()))
        return described

    def _errors_of(self, route: Route, parameters: Sequence[Json]) -> set[type[EcardError]]:
        errors = {EcardError, *route.handler.opt.get("errors", ())}
        for name in route.takes:
            errors.update(self._rules.get(name, ()))
        if "signed_by" in route.handler.opt:
            errors.update(_SIGNED)
        if any(one["in"] == "query" for one in parameters):
            errors.add(Invalid)
        if any(one["in"] == "path" and "format" in one["schema"] for one in parameters):
            errors.add(NotFound)
        return errors

    def _answers(self, route: Route, made: Json, *, replays: bool) -> Json:
        answers = {}
        for status, (wanted, said) in _given(route).items():
            headers = {**made[str(status)].get("headers", {}), **_header("Request-Id")}
            if replays:
                headers |= _header("Idempotency-Replayed")
            answers[str(status)] = {"description": said, "headers": headers}
            if wanted is not None:
                content = {"application/json": self._content(wanted)}
                content |= {kind: {"schema": {"type": "string"}} for kind in route.handler.opt.get("also", ())}
                answers[str(status)]["content"] = content
            elif "media" in route.handler.opt:
                answers[str(status)]["content"] = {route.handler.opt["media"]: {"schema": {"type": "string"}}}
        return answers

    def _content(self, wanted: Any) -> Json:
        """Return a body of this type with an example of each Struct that it may be."""
        schema = self._schema_of[wanted]
        inner = schema.get("items", schema)
        names = [str(one.get("$ref")).rpartition("/")[2] for one in inner.get("anyOf", [inner])]
        if inner is schema:
            return {"schema": schema, "examples": {one: {"$ref": f"#/components/examples/{one}"} for one in names}}
        return {"schema": schema, "examples": {"list": {"value": [self._examples[one] for one in names]}}}


def _types(route: Route) -> Iterator[Any]:
    if route.handler.parsed_data_field is not None:
        yield route.handler.parsed_data_field.annotation
    yield from (wanted for wanted, _ in _given(route).values() if wanted is not None)


def _given(route: Route) -> dict[int, tuple[Any, str]]:
    """Return the answers that are no problems, by status: the body's type (None for no body) and what it is."""
    returned = route.handler.parsed_return_field
    if returned.is_subclass_of(Response):
        returned = returned.inner_types[0]
    other = "media" in route.handler.opt
    wanted = None if other or returned.is_none_type else returned.annotation
    said = (getattr(wanted, "__doc__", "") or "").partition("\n")[0] if isinstance(wanted, type) else ""
    status = route.handler.status_code
    given = {status: (wanted, said or HTTPStatus(status).phrase)}
    for also, spec in (route.handler.responses or {}).items():
        given[also] = (spec.data_container, spec.description)
    return given


def _parameter(made: Json) -> Json:
    """Return a parameter without defaults; one in a query or header that is optional is absent, never null."""
    schema = {key: value for key, value in made["schema"].items() if key != "description"}
    kinds = [kind for kind in schema.pop("oneOf", []) if kind != {"type": "null"}]
    schema = {**(kinds[0] if kinds else {}), **schema}
    kept: Json = {key: made[key] for key in ("name", "in", "description", "required") if key in made}
    return {**kept, "schema": schema}


def _problems(errors: set[type[EcardError]]) -> Json:
    """Return the problem responses of these errors, one for each status."""
    by_status: dict[int, list[type[EcardError]]] = {}
    # Two features may share a code, which then means the same.
    for _, error in sorted({error.code: error for error in errors}.items()):
        by_status.setdefault(error.status, []).append(error)
    return {str(status): _problem(status, alike) for status, alike in by_status.items()}


def _problem(status: int, errors: Sequence[type[EcardError]]) -> Json:
    own = {"status": {"const": status}, "code": {"type": "string", "enum": [error.code for error in errors]}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "object", "properties": own}]}
    examples = {error.code: {"$ref": f"#/components/examples/problem.{error.code}"} for error in errors}
    wait = any(issubclass(error, _COME_BACK) for error in errors)
    return {
        "description": "\n".join(f"- `{error.code}` {error.title.zh} · {error.title.en}" for error in errors),
        "headers": _header("Request-Id") | (_header("Retry-After") if wait else {}),
        "content": {problems.MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _header(name: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"}}
