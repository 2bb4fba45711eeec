"""What every part of the client does: requests, and answers as the API's own models."""

import json
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from outdial.client.transport import Answer, NotReached, Refused, Transport

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")


class Requests:
    """Asks one server."""

    _transport: Transport

    def _list(self, model: type[Model], name: str) -> list[Model]:
        return self._parse(TypeAdapter(list[model]), self._json("GET", f"/{name}")[name])  # type: ignore[valid-type]

    def _get(self, model: type[Model], path: str) -> Model:
        return self._parse(TypeAdapter(model), self._json("GET", path))

    def _parse_one(self, model: type[Model], answer: Answer) -> Model:
        return self._parse(TypeAdapter(model), self._loads(answer))

    def _post(self, model: type[Model], path: str, body: Any = None) -> Model:
        return self._parse(TypeAdapter(model), self._json("POST", path, body))

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        return self._loads(self._send(method, path, body))

    def _send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        return self._transport.send(method, path, content, {"Content-Type": "application/json", **(headers or {})})

    def _loads(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise NotReached("what answers is no server of outdial") from error

    def _parse(self, adapter: "TypeAdapter[T]", value: Any) -> T:
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            raise NotReached(f"the server is of another version: {error.errors()[0]['msg']}") from error


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def dbid(self) -> int: ...


Named = TypeVar("Named", bound=_Named)


def find(what: str, which: str | int, known: list[Named]) -> Named:
    """By name, else by DBID.

    Raises:
        Refused: there is none.
    """
    for each in known:
        if each.name == which:
            return each
    for each in known:
        if str(each.dbid) == str(which):
            return each
    names = ", ".join(each.name for each in known) or "none"
    raise Refused(404, "not_found", f"there is no {what} {which}; there are: {names}")


def query(pairs: Iterable[tuple[str, object]]) -> str:
    """The end of an address: `?name=value&…`. What is None is left out; truth values are as JSON has them."""
    said = [(name, str(value).lower() if isinstance(value, bool) else value) for name, value in pairs]
    text = urllib.parse.urlencode([(name, value) for name, value in said if value is not None])
    return f"?{text}" if text else ""


def part(name: str) -> str:
    """A name as one part of a path."""
    return urllib.parse.quote(name, safe="")
