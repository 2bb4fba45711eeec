"""From text to terms. Every mistake has its place.

    state in ("TX", "FL") and attempts < 3 and not (segment = "gold" or last_result = "Busy")
    [first name] like "A%" and email is not empty and balance > 100.5

Columns are names, or anything in square brackets. `and` binds stronger than `or`, `not` stronger than both.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from outdial.core.records import RecordType
from outdial.core.results import CallResult
from outdial.selection.terms import (
    KNOWN,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Empty,
    Kind,
    Like,
    Not,
    Operator,
    OrderKey,
    Term,
    Value,
)

CHARACTERS_MAX = 4_000
DEPTH_MAX = 30
"""Parentheses and `not` inside each other."""
COMPARISONS_MAX = 500
"""Values in lists count, too."""
WILDCARDS_MAX = 5
"""% in one pattern: each may look through the whole text anew."""
KEYS_MAX = 8
"""Columns of one order."""
COLUMN_CHARACTERS_MAX = 255
DIGITS_MAX = 15

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[+-]?[0-9]+(?:\.[0-9]+)?(?![\w.]))
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<column>\[[^\]\[]+\])
  | (?P<word>[^\W\d]\w*)
  | (?P<sign><=|>=|<>|!=|==|[=<>(),])
)""",
    re.VERBOSE,
)
_OPERATORS = {"==": Operator.EQUAL, "!=": Operator.UNEQUAL} | {each.value: each for each in Operator}
_WORDS = frozenset({"and", "or", "not", "in", "like", "is", "empty"})


class FilterError(Exception):
    """A text is no filter.

    Attributes:
        column: place of the mistake. Range: ≥ 1.
        wrong: what is wrong.
    """

    def __init__(self, column: int, wrong: str) -> None:
        super().__init__(f"column {column}: {wrong}")
        self.column = column
        self.wrong = wrong


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words, in any case."""
        return self.kind == "word" and self.text.lower() in words


def parse_filter(text: str) -> Term:
    """Read a filter.

    Raises:
        FilterError: it is none.
    """
    if len(text) > CHARACTERS_MAX:
        raise FilterError(CHARACTERS_MAX + 1, f"longer than {CHARACTERS_MAX:,} characters")
    reader = _Reader(_tokens(text), len(text) + 1)
    term = reader.any_of(0)
    reader.expect_end()
    return term


def parse_order(text: str) -> OrderKey:
    """Read one key: a column, then optionally `asc` or `desc`.

    Raises:
        FilterError: it is none.
    """
    if len(text) > CHARACTERS_MAX:
        raise FilterError(CHARACTERS_MAX + 1, f"longer than {CHARACTERS_MAX:,} characters")
    reader = _Reader(_tokens(text), len(text) + 1)
    column = reader.column()
    token = reader.take()
    if token is not None and not token.is_word("asc", "desc"):
        raise FilterError(token.place, f"{token.text!r} where asc or desc may stand")
    reader.expect_end()
    return OrderKey(column, token is not None and token.is_word("desc"))


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            start = place + len(text[place:]) - len(text[place:].lstrip())
            quote = text[start] in "\"'"
            raise FilterError(start + 1, "a text without its closing quote" if quote else _unexpected(text[start:]))
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        place = match.end()
    return found


def _unexpected(rest: str) -> str:
    if rest[0] == "[":
        return "a column in brackets without its closing bracket"
    if rest[0].isdigit():
        return f"no number: {rest.split()[0][:20]!r}"
    return f"{rest[0]!r} has no meaning here"


class _Reader:
    """Recursive descent over tokens."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._end = end
        self._next = 0
        self._comparisons = 0

    # --- tokens ------------------------------------------------------------------------------------------------

    def peek(self) -> _Token | None:
        """The next token. None: there is none."""
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def take(self) -> _Token | None:
        """Go past the next token."""
        token = self.peek()
        self._next += token is not None
        return token

    def skip_word(self, *words: str) -> _Token | None:
        """Go past the next token if it is one of these words."""
        token = self.peek()
        return self.take() if token is not None and token.is_word(*words) else None

    def skip_sign(self, sign: str) -> bool:
        """Go past the next token if it is this sign. Returns whether it is."""
        token = self.peek()
        return token is not None and token.kind == "sign" and token.text == sign and self.take() is not None

    def expect_sign(self, sign: str, why: str) -> None:
        """Go past a sign that must be there."""
        if not self.skip_sign(sign):
            self.fail(f"{sign!r} expected {why}")

    def expect_end(self) -> None:
        """Nothing follows."""
        if self.peek() is not None:
            self.fail("and, or, or the end expected")

    def fail(self, wrong: str) -> None:
        """The next token, or the end, is wrong."""
        token = self.peek()
        found = "the end" if token is None else repr(token.text[:40])
        raise FilterError(self._end if token is None else token.place, f"{wrong}, not {found}")

    # --- terms -------------------------------------------------------------------------------------------------

    def any_of(self, depth: int) -> Term:
        """`a or b or c`."""
        return self._several(depth, self._all_of, "or", AnyOf)

    def _all_of(self, depth: int) -> Term:
        return self._several(depth, self._one, "and", AllOf)

    def _several(
        self, depth: int, part: Callable[[int], Term], word: str, make: Callable[[tuple[Term, ...]], Term]
    ) -> Term:
        terms = [part(depth)]
        while self.skip_word(word):
            terms.append(part(depth))
        return terms[0] if len(terms) == 1 else make(tuple(terms))

    def _one(self, depth: int) -> Term:
        if depth > DEPTH_MAX:
            self.fail(f"at most {DEPTH_MAX} parentheses and nots inside each other expected")
        if self.skip_word("not"):
            return Not(self._one(depth + 1))
        if self.skip_sign("("):
            term = self.any_of(depth + 1)
            self.expect_sign(")", "after what is in parentheses")
            return term
        return self._comparison()

    def column(self) -> Column:
        """A column's name."""
        token = self.peek()
        if token is None or token.kind not in ("word", "column") or token.text.lower() in _WORDS:
            self.fail("a column expected")
        assert token is not None
        self.take()
        name = token.text[1:-1].strip() if token.kind == "column" else token.text
        if not name or len(name) > COLUMN_CHARACTERS_MAX or '"' in name:
            raise FilterError(token.place, f"no column is called {name[:40]!r}")
        return KNOWN.get(name) or Column(name, Kind.CUSTOM)

    def _comparison(self) -> Term:
        column = self.column()
        if self.skip_word("is"):
            is_not = self.skip_word("not")
            if not self.skip_word("empty"):
                self.fail("empty expected after is")
            self._count(1)
            return Not(Empty(column)) if is_not else Empty(column)
        is_not = self.skip_word("not")
        if self.skip_word("in"):
            found: Term = self._in(column)
        elif self.skip_word("like"):
            found = self._like(column)
        elif is_not:
            self.fail("in or like expected after not")
            raise AssertionError
        else:
            return self._compare(column)
        return Not(found) if is_not else found

    def _compare(self, column: Column) -> Term:
        token = self.peek()
        operator = _OPERATORS.get(token.text) if token is not None and token.kind == "sign" else None
        if token is None or operator is None:
            self.fail("=, <>, <, <=, >, >=, in, like or is expected after a column")
            raise AssertionError
        self.take()
        if column.kind in (Kind.RESULT, Kind.TYPE) and operator not in (Operator.EQUAL, Operator.UNEQUAL):
            raise FilterError(token.place, f"{column.name} has no order: =, <> or in expected")
        self._count(1)
        return Compare(column, operator, self._value(column))

    def _in(self, column: Column) -> Term:
        self.expect_sign("(", "after in")
        terms: list[Term] = []
        while not terms or self.skip_sign(","):
            self._count(1)
            terms.append(Compare(column, Operator.EQUAL, self._value(column)))
        self.expect_sign(")", "or a comma after a value")
        return terms[0] if len(terms) == 1 else AnyOf(tuple(terms))

    def _like(self, column: Column) -> Term:
        token = self.peek()
        if column.kind not in (Kind.TEXT, Kind.CUSTOM):
            self.fail(f"{column.name} is no text: a comparison expected")
        if token is None or token.kind != "text":
            self.fail("a pattern in quotes expected after like")
        assert token is not None
        self.take()
        pattern = _unquoted(token.text)
        if pattern.count("%") > WILDCARDS_MAX:
            raise FilterError(token.place, f"more than {WILDCARDS_MAX} % in one pattern")
        self._count(1)
        return Like(column, pattern)

    def _count(self, comparisons: int) -> None:
        self._comparisons += comparisons
        if self._comparisons > COMPARISONS_MAX:
            self.fail(f"at most {COMPARISONS_MAX} comparisons expected")

    def _value(self, column: Column) -> Value:
        token = self.peek()
        if token is None or token.kind not in ("text", "number"):
            self.fail("a number or a text in quotes expected")
        assert token is not None
        self.take()
        if token.kind == "number":
            if column.kind is Kind.TEXT:
                raise FilterError(token.place, f"{column.name} is a text: write {token.text} in quotes")
            if sum(character.isdigit() for character in token.text) > DIGITS_MAX:
                raise FilterError(token.place, f"a number of more than {DIGITS_MAX} digits")
            return float(token.text)
        text = _unquoted(token.text)
        if column.kind is Kind.WHOLE:
            raise FilterError(token.place, f"{column.name} is a number: write one without quotes")
        if column.kind in (Kind.RESULT, Kind.TYPE):
            return float(_named(column.kind, text, token.place))
        return text


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _named(kind: Kind, text: str, place: int) -> int:
    """The number of a call result or a record type."""
    name = text.strip().upper().replace(" ", "_").replace("-", "_")
    names: dict[str, int] = {}
    for each in CallResult if kind is Kind.RESULT else RecordType:
        names[each.name] = int(each)
    if name not in names:
        what = "call result" if kind is Kind.RESULT else "record type"
        raise FilterError(place, f"there is no {what} {text[:40]!r}")
    return names[name]
