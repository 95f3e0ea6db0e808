"""What is said of a value that its schema refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from yamldag.syntax.check.judge import value_judge
from yamldag.syntax.check.wanted import (
    as_written,
    both,
    choices,
    cut,
    either,
    empty,
    found,
    shown,
    types,
    wanted,
)
from yamldag.syntax.diagnostic import Diagnostic, Fix, Place, Related, at
from yamldag.syntax.nearest import Known, likely, nearest
from yamldag.syntax.tree import Map, Node, Scalar

_FEW = 8
_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


Schema: TypeAlias = Mapping[str, Any]


class Owner:
    """Who is spoken of: the value of a key, an item of the list below a key, or the whole document."""

    __slots__ = ("in_list", "title")

    def __init__(self, schema: Schema, in_list: bool) -> None:
        self.title = str(schema.get("title", "the document"))
        self.in_list = in_list

    def name(self, key: Scalar | None) -> str:
        if key is None:
            return self.title
        return f"an item of `{cut(key.text)}`" if self.in_list else f"`{cut(key.text)}`"

    def inside(self, key: Scalar | None) -> str:
        return "at the top level" if key is None else f"in {self.name(key)}"

    def place(self, node: Node, key: Scalar | None) -> Place:
        """Of a value; of its key, where nothing is written behind it."""
        return at(key) if key is not None and empty(node) and not self.in_list else at(node)


def bad_value(code: str, schema: Schema, owner: Owner, node: Node, key: Scalar | None) -> Diagnostic:
    """A value of a wrong type, form, range or size."""
    place = owner.place(node, key)
    hint, fix = None, None
    if code == "YD404":
        hint = _choices(schema, node)
    elif code == "YD405" and "x-longest" in schema:
        hint = "no duration is longer than a hundred years"
    elif code == "YD403" and type(node) is Scalar and not empty(node):
        hint, fix = _retype(schema, node, place)
    message = f"{owner.name(key)} must {_demand(code, schema, node)}"
    return Diagnostic(schema.get("x-code", code), message, place, hint or schema.get("x-help"), fix=fix)


def unknown_key(
    owner: Owner, above: Scalar | None, key: Scalar, known: Known, missing: list[str]
) -> Diagnostic:
    """A key that the mapping below `above` does not know; one of the missing is the likeliest to be meant."""
    meant = likely(key.text, Known(missing)) or likely(key.text, known)
    said = [f"did you mean `{meant}`?"] if meant else []
    if 0 < len(known.names) <= _FEW and known.names != [meant]:
        said.append(f"known here: {both(f'`{name}`' for name in known.names)}")
    message = f"unknown key `{cut(key.text)}` {owner.inside(above)}"
    return Diagnostic("YD401", message, at(key), " ".join(said) or None)


def missing_key(owner: Owner, above: Scalar | None, node: Map, name: str) -> Diagnostic:
    """A key that must be there and is not: at the key of what lacks it, else at the first key."""
    if above is not None and not owner.in_list:
        place = at(above)
    else:
        first = next((key for key, _ in node.items.values()), None)
        place = at(first) if first else Place(node.source, node.start, min(node.start + 1, node.end))
    return Diagnostic("YD402", f"the key `{name}` is missing {owner.inside(above)}", place)


def bad_name(code: str, schema: Schema, owner: Owner, above: Scalar | None, key: Scalar) -> Diagnostic:
    """A key whose text is none of those that the mapping takes."""
    name = Scalar(key.text, key.text, key.start, key.end, key.style, key.source)
    message = f"a key {owner.inside(above)} must {_demand(code, schema, name)}"
    return Diagnostic(schema.get("x-code", code), message, at(key), schema.get("x-help"))


def repeated_item(owner: Owner, key: Scalar | None, first: Node, again: Node) -> Diagnostic:
    message = f"{owner.name(key)} holds {found(again)} twice"
    return Diagnostic("YD405", message, at(again), related=(Related("the first is here", at(first)),))


def template_key(key: Scalar) -> Diagnostic:
    """`{{` in a key."""
    message = f"a key can't be a template, found {found(key)}"
    return Diagnostic("YD505", message, at(key), "write the key out; only values are rendered")


def no_template(owner: Owner, node: Scalar, key: Scalar | None) -> Diagnostic:
    """`{{` in a value that is never rendered."""
    message = f"{owner.name(key)} can't be a template, found {found(node)}"
    return Diagnostic("YD505", message, at(node), "write it out: it must be known before anything runs")


def _demand(code: str, schema: Schema, node: Node) -> str:
    """`be a whole number, found the text `"3"``."""
    if code == "YD405" and not (type(node) is Scalar and not isinstance(node.value, str)):
        return _size(schema, node)
    return f"be {_wanted(code, schema)}, found {_kind(schema, node)}{found(node)}"


def _wanted(code: str, schema: Schema) -> str:
    many = choices(schema)
    if code == "YD404" and len(many) > _FEW and "x-wanted" not in schema:
        return f"one of {len(many)} values"
    if code == "YD406" and "x-wanted" not in schema:
        return "text of another form"
    return wanted(schema)


def _kind(schema: Schema, node: Node) -> str:
    """Names the type where the writing alone may not tell it: `"3"` is text, `3` is not."""
    if type(node) is not Scalar or empty(node) or not types(schema):
        return ""
    if isinstance(node.value, str):
        quoted = node.style and node.source.text.startswith(node.style, node.start)
        return "the text " if quoted and "string" not in types(schema) else ""
    if "string" not in types(schema) or isinstance(node.value, bool) or node.value is None:
        return ""
    return "the number "


def _choices(schema: Schema, node: Node) -> str | None:
    many = choices(schema)
    texts = [value for value in many if isinstance(value, str)]
    near = nearest(node.text, texts) if type(node) is Scalar else None
    if not near and "x-help" in schema:
        return None
    said = [f"did you mean `{near}`?"] if near else []
    told = str(schema.get("x-wanted", "")) or (wanted(schema) if len(many) <= _FEW else "")
    if not all(shown(value).strip("`") in told for value in many):
        said.append(f"it takes {either(shown(value) for value in many)}")
    return " ".join(said) or None


def _retype(schema: Schema, node: Scalar, place: Place) -> tuple[str | None, Fix | None]:
    """How the value can be given the wanted type, where that is plain to see."""
    names, text = types(schema), as_written(node)
    if place.source.text[place.start : place.end] != text or "\n" in text:
        return None, None
    meant = _BOOLEANS.get(text.lower())
    is_text, is_number = isinstance(node.value, str), isinstance(node.value, int | float)
    if "string" in names and is_number and value_judge(schema)(text) is None:
        return f'put it in quotes: `"{text}"`', Fix("put it in quotes", place, f'"{text}"')
    in_seconds = schema.get("x-code") == "YD407" and is_number and not isinstance(node.value, bool)
    if in_seconds and value_judge(schema)(f"{text}s") is None:
        return f"say the unit: `{text}s`, `{text}m` or `{text}h`", None
    if {"integer", "number"} & set(names) and node.style and _is_number(node.text):
        return "take the quotes off", Fix("take the quotes off", place, node.text)
    if "boolean" in names and is_text and meant:
        return f"write `{meant}`", Fix(f"write `{meant}`", place, meant)
    if names == ["array"] and node.value is not None:
        return f"write it as a list: `[{cut(text)}]`", None
    return None, None


def _is_number(text: str) -> bool:
    return text.isascii() and text.lstrip("+-").replace(".", "", 1).isdigit()


def _size(schema: Schema, node: Node) -> str:
    """`be at most 200 characters long, found 243`."""
    if "x-longest" in schema:
        return f"be at most `{schema['x-longest']}` long, found {found(node)}"
    what, low, high = ("item", "minItems", "maxItems")
    if type(node) is Scalar:
        what, low, high = "character", "minLength", "maxLength"
    elif type(node) is Map:
        what, low, high = "key", "minProperties", "maxProperties"
    size = len(node.text) if isinstance(node, Scalar) else len(node.items)
    if size == 0 and schema.get(low) == 1:
        return "not be empty"
    few = size < schema.get(low, 0)
    bound = schema[low] if few else schema[high]
    noun = f"at {'least' if few else 'most'} {bound} {what}{'' if bound == 1 else 's'}"
    return f"be {noun} long, found {size}" if type(node) is Scalar else f"hold {noun}, found {size}"
