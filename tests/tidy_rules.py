"""The house rules as functions over source text; test_tidy.py runs them over the tree.

Every rule takes text and returns its findings, one sentence each, which name the replacement.
Nothing here reads a file, so a rule can be tried on a planted violation.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import PurePosixPath

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
CORE_LINES_MAX = 8_500
"""Lines of code, without docstrings, comments and blank lines."""

LAYERS = ("core", "sim", "drivers", "api")
# What a layer may import of the package. "root" is outdial/__init__.py: the version, nothing else.
MAY_IMPORT = {
    "core": {"core"},
    "sim": {"core", "sim", "root"},
    "drivers": {"core", "drivers", "root"},
    "api": {"core", "api", "root"},
    "root": {"core", "root"},
    "composition": {*LAYERS, "root", "composition"},
}
INSTEAD = {
    "core": "the core knows nobody; pass the value in through an event or a constructor",
    "sim": "the simulator knows only the core; let a composition module (cli, demo, ...) join the two",
    "drivers": "drivers know only the core; let a composition module (server, demo, ...) join the two",
    "api": "the API knows only the core; take a callable that server.py hands over",
    "root": "outdial/__init__.py holds public names, nothing else",
}

CORE_STDLIB = {
    *("__future__", "bisect", "collections", "dataclasses", "datetime", "enum", "fractions", "functools"),
    *("heapq", "itertools", "math", "operator", "typing"),
}
SIM_BANNED = {
    "asyncio": "the heap of sim/clock.py",
    "time": "the virtual clock of sim/clock.py",
    "threading": "the heap of sim/clock.py",
    "socket": "a simulated node",
    "secrets": "a named stream of sim/draws.py",
    "uuid": "a counter, or a named stream of sim/draws.py",
    "logging": "the trace",
}

BANNED_METHODS = {
    "now": "take `now` as an argument",
    "today": "take `now` as an argument",
    "utcnow": "take `now` as an argument",
}
BANNED_IN_DECISIONS = {
    "hash": "order by an id or a counter: hash() differs between processes",
    "id": "order by an id or a counter: id() is an address",
}
BANNED_IN_CORE = {
    **BANNED_IN_DECISIONS,
    "ZoneInfo": "zone rules are read from disk: load them at the edge and pass the object in",
    "print": "return a command; a step is its own log line",
    "open": "let a driver read the file and pass the content in as an event",
    "input": "pass the value in as an event",
}

MUTABLE_CALLS = {"dict", "list", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict", "ChainMap"}
MUTABLE_NODES = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
CONSTANT_ANNOTATIONS = {"Final", "Mapping"}

FILE_NAMES_BANNED = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "base"}

# Put together from pieces, so that this file passes its own rule.
TEXT_BANNED = {
    rf"\b(?:{'TO' + 'DO'}|{'FIX' + 'ME'}|{'X' * 3})\b": "finish it, or write it down in an issue",
    "/wo" + "rk/": "use a path relative to the repository",
    r"\bpy" + r"pi\.(?:org|python\.org)\b": "name the package, not the address of a registry",
    r"\bpython" + r"hosted\.org\b": "name the package, not the address of a registry",
    r"\b(?:registry\.)?npm" + r"js\.(?:org|com)\b": "name the package, not the address of a registry",
    r"\bregistry\.yarn" + r"pkg\.com\b": "name the package, not the address of a registry",
    r"file:///opt/" + "py": "name the package, not the address of a registry",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


# --- layers ----------------------------------------------------------------------------------


def layer_of(module: str) -> str | None:
    """Layer of a dotted name; None outside the package. What is in no layer composes the others."""
    parts = module.split(".")
    if parts[0] != "outdial":
        return None
    if len(parts) == 1:
        return "root"
    return parts[1] if parts[1] in LAYERS else "composition"


def module_name(path: PurePosixPath) -> str:
    """Dotted name of `src/outdial/core/ports.py`."""
    parts = [*path.parts[1:-1], path.stem]
    return ".".join(parts[:-1] if path.stem == "__init__" else parts)


def check_layers(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """Who may import whom, and what of the standard library the core and the simulator may use."""
    layer = layer_of(module)
    if layer is None:
        return []
    findings = []
    for line, target in _imports(ast.parse(source), module, is_package=is_package):
        there = layer_of(target)
        if there is None:
            reason = _foreign_import(layer, target.split(".")[0])
        elif there in MAY_IMPORT[layer]:
            reason = None
        else:
            reason = f"{layer} must not import {there}: {INSTEAD[layer]}"
        if reason:
            findings.append(f"line {line}: import of {target}: {reason}")
    return findings


def _foreign_import(layer: str, name: str) -> str | None:
    if layer == "core" and name not in CORE_STDLIB:
        return f"the core is pure; it may use {', '.join(sorted(CORE_STDLIB))}"
    if layer == "sim" and name in SIM_BANNED:
        return f"use {SIM_BANNED[name]}"
    if layer == "sim" and name not in sys.stdlib_module_names:
        return "the simulator needs only the standard library; let a composition module use it"
    return None


def _imports(tree: ast.Module, module: str, *, is_package: bool) -> Iterator[tuple[int, str]]:
    """Each import as (line, dotted target); `from outdial import x` points at the module outdial.x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                parts = module.split(".")
                keep = len(parts) - node.level + (1 if is_package else 0)
                origin = ".".join([*parts[:keep], *([origin] if origin else [])])
            for alias in node.names:
                if origin == "outdial" and not alias.name.startswith("__"):
                    yield node.lineno, f"outdial.{alias.name}"
                else:
                    yield node.lineno, origin


# --- calls -----------------------------------------------------------------------------------


def check_calls(source: str, module: str) -> list[str]:
    """No clock, no dice, no output in the core; no clock and no shared dice in sim; sleep only in drivers."""
    layer = layer_of(module)
    findings = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name, owner, method = _called(node)
            reason = _banned_call(layer, name, owner, method=method)
            if reason:
                findings.append(f"line {node.lineno}: {name}(): {reason}")
        elif layer == "core" and isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            findings.append(f"line {node.lineno}: async in the core: return a command and await its event")
    return findings


def _called(call: ast.Call) -> tuple[str, str, bool]:
    """(name, owner, whether it is a method): `random.choice(x)` is ("choice", "random", True)."""
    if isinstance(call.func, ast.Attribute):
        owner = call.func.value
        return call.func.attr, owner.id if isinstance(owner, ast.Name) else "", True
    return (call.func.id if isinstance(call.func, ast.Name) else ""), "", False


def _banned_call(layer: str | None, name: str, owner: str, *, method: bool) -> str | None:
    if name == "sleep" and layer != "drivers":
        return "wait for an event or a deadline; only drivers may sleep"
    if layer in ("core", "sim"):
        if method and name in BANNED_METHODS:
            return BANNED_METHODS[name]
        if not method and name in BANNED_IN_DECISIONS:
            return BANNED_IN_DECISIONS[name]
    if layer == "core" and name in BANNED_IN_CORE and (not method or name == "ZoneInfo"):
        return BANNED_IN_CORE[name]
    if layer == "core" and owner in ("logging", "log", "logger"):
        return "return a command; a step is its own log line"
    if layer == "sim" and owner == "random" and name != "Random":
        return "the module's dice are shared: draw from a named stream of sim/draws.py"
    return None


# --- order and state -------------------------------------------------------------------------


def check_set_order(source: str) -> list[str]:
    """The order of a set is not the same in two processes, so nothing in the core may follow it."""
    findings = []
    for node in ast.walk(ast.parse(source)):
        iterated: list[ast.expr] = []
        if isinstance(node, ast.For | ast.comprehension):
            iterated = [node.iter]
        elif isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute):
            iterated = node.args[:1] if _called(node)[0] in ("list", "tuple", "iter", "enumerate", "zip") else []
        elif isinstance(node, ast.Starred):
            iterated = [node.value]
        for expression in iterated:
            if _is_set(expression):
                findings.append(f"line {expression.lineno}: iteration over a set: iterate over sorted(...) or a dict")
    return findings


def _is_set(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_set(node.left) or _is_set(node.right)
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return isinstance(node, ast.Set | ast.SetComp) or (is_call and _called(node)[0] in ("set", "frozenset"))


def check_module_state(source: str) -> list[str]:
    """Nothing in the core outlives a Dialer: no mutable module variable, no `global`, no shared cache."""
    tree = ast.parse(source)
    findings = []
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _is_mutable(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
            if not _is_constant(names, annotation):
                findings.append(
                    f"line {node.lineno}: {', '.join(names)}: module-level mutable state: keep it on the Dialer, "
                    "or name a constant IN_CAPITALS or annotate it Final or Mapping"
                )
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            findings.append(f"line {node.lineno}: global {', '.join(node.names)}: keep it on the Dialer")
        elif isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if {"cache", "lru_cache"} & _names_in(decorator):
                    findings.append(
                        f"line {node.lineno}: {node.name}: cache outlives the Dialer: keep it on the Dialer"
                    )
    return findings


def _is_mutable(node: ast.expr) -> bool:
    return isinstance(node, MUTABLE_NODES) or (isinstance(node, ast.Call) and _called(node)[0] in MUTABLE_CALLS)


def _is_constant(names: list[str], annotation: ast.expr | None) -> bool:
    if annotation is not None and CONSTANT_ANNOTATIONS & _names_in(annotation):
        return True
    return bool(names) and all(name == "__all__" or name.isupper() for name in names)


def _names_in(node: ast.expr) -> set[str]:
    inside = list(ast.walk(node))
    return {n.id for n in inside if isinstance(n, ast.Name)} | {n.attr for n in inside if isinstance(n, ast.Attribute)}


# --- size and names --------------------------------------------------------------------------


def check_size(source: str) -> list[str]:
    """A module and a function that one can read at a sitting."""
    findings = []
    lines = len(source.splitlines())
    if lines > MODULE_LINES_MAX:
        findings.append(f"{lines} lines, at most {MODULE_LINES_MAX}: split it by its nouns")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                findings.append(
                    f"line {node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES_MAX}: "
                    "keep the control flow, move the leaves into pure functions"
                )
    return findings


def code_lines(source: str) -> int:
    """Lines that hold code: no docstrings, comments or blank lines."""
    tree = ast.parse(source)
    prose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - prose)


_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def check_core_size(lines_by_module: dict[str, int]) -> list[str]:
    """The whole core is read in an afternoon."""
    total = sum(lines_by_module.values())
    if total <= CORE_LINES_MAX:
        return []
    biggest = sorted(lines_by_module.items(), key=lambda item: -item[1])[:3]
    remedy = f"biggest: {biggest}: move out what decides nothing"
    return [f"the core has {total} lines of code, at most {CORE_LINES_MAX}; {remedy}"]


def check_path(path: PurePosixPath) -> list[str]:
    """No file or folder whose name says nothing."""
    return [
        f"{part}: a name that says nothing: a function lives with its noun; name the file after it"
        for part in path.parts
        if part.split(".")[0].strip("_").lower() in FILE_NAMES_BANNED
    ]


# --- any text --------------------------------------------------------------------------------


def check_text(text: str) -> list[str]:
    """No promises to oneself, no paths of one machine, no address of a package registry."""
    findings = []
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, instead in TEXT_BANNED.items():
            found = re.search(pattern, line)
            if found:
                findings.append(f"line {number}: {found.group()!r}: {instead}")
    return findings


def check_title(markdown: str) -> list[str]:
    """Exactly one level-1 title, counting neither code blocks nor their comments."""
    titles, fence, above = [], "", ""
    for number, line in enumerate(markdown.splitlines(), start=1):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark.group(1)
        elif mark and mark.group(1).startswith(fence) and line.strip() == mark.group(1):
            fence = ""
        elif not fence and (re.match(r" {0,3}# +\S", line) or (re.fullmatch(r"=+\s*", line) and above.strip())):
            titles.append(number)
        above = line
    if len(titles) == 1:
        return []
    if not titles:
        return ["no level-1 title: begin with `# What this page is about`"]
    return [f"level-1 titles on lines {titles}: keep the first, make the others `##`"]
