# SPDX-License-Identifier: GPL-3.0-or-later
"""contract - openapi.yaml as tests use it: each operation, what it takes and what it may answer."""
import functools
import re
import subprocess

import jsonschema
import yaml

from http_api import BASE
from sealpost import BIN_FAST, ROOT

METHODS = ("get", "post", "put", "patch", "delete")
NO_MAIL = "0190a8a0-0000-7000-8000-00000000dead"


@functools.lru_cache(maxsize=1)
def document():
    return yaml.safe_load((ROOT / "ui-backend" / "openapi.yaml").read_text())


def resolved(part):
    """What stands behind a $ref."""
    while "$ref" in part:
        at = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            at = at[name]
        part = at
    return part


class Operation:
    def __init__(self, path, method, item):
        self.path = path
        self.method = method.upper()
        self.spec = item[method]
        self.name = self.spec["operationId"]
        self.right = self.spec["x-right"]
        self.parameters = [resolved(p) for p in item.get("parameters", []) + self.spec.get("parameters", [])]

    def __repr__(self):
        return f"{self.method} {self.path}"

    @property
    def is_open(self):
        """For anybody, without a log-in."""
        return self.right == "none"

    @property
    def changes(self):
        return self.method != "GET"

    def body_schema(self):
        """Of a JSON body; None: it takes none."""
        body = resolved(self.spec.get("requestBody", {}))
        return body.get("content", {}).get("application/json", {}).get("schema")

    def filled(self, **values):
        """The path with an example in each place: VALUES, else one that names nothing that is there."""
        def example(match):
            name = match.group(1)
            if name in values:
                return str(values[name])
            schema = resolved(next(p for p in self.parameters if p["name"] == name)["schema"])
            if "enum" in schema:
                return schema["enum"][-1]
            if schema.get("format") == "uuid":
                return NO_MAIL
            return "999999" if schema["type"] == "integer" else "nothing-of-this-name"

        return re.sub(r"{(\w+)}", example, self.path)

    def query(self):
        """What must be asked for, with an example each."""
        return {p["name"]: "x" for p in self.parameters if p["in"] == "query" and p.get("required")}

    def check(self, answer):
        """The answer is one that the contract knows: status, media type, and every field."""
        spec = self.spec["responses"].get(str(answer.status))
        if spec is None:
            assert answer.status >= 400, f"{self}: {answer}"
            spec = self.spec["responses"]["default"]
        content = resolved(spec).get("content")
        if content is None:
            assert answer.body == b"", f"{self}: {answer}"
            return
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in content or "application/octet-stream" in content, f"{self}: {kind}"
        if kind.endswith("json"):
            validate(content[kind]["schema"], answer.json, f"{self}")


def validate(schema, value, what):
    whole = {**schema, "components": document()["components"]}
    errors = list(jsonschema.Draft202012Validator(whole, format_checker=None).iter_errors(value))
    assert not errors, f"{what}: " + "; ".join(f"{e.json_path}: {e.message}" for e in errors[:5])


def undocumented(schema, value, path="$"):
    """Fields of an answer that the contract does not name."""
    schema = resolved(schema)
    found = []
    if isinstance(value, list):
        for one in value:
            found += undocumented(schema.get("items", {}), one, path + "[]")
    if isinstance(value, dict):
        known = properties(schema)
        if known is not None:
            found += [f"{path}.{name}" for name in value if name not in known]
            for name, inner in value.items():
                found += undocumented(known.get(name, {}), inner, f"{path}.{name}")
    return found


def properties(schema):
    """All that an object may have; None: anything."""
    schema = resolved(schema)
    known = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []) + schema.get("oneOf", []):
        known.update(properties(part) or {})
    return known if known and not schema.get("additionalProperties") else None


@functools.lru_cache(maxsize=1)
def operations():
    return [Operation(path, method, item) for path, item in document()["paths"].items()
            for method in METHODS if method in item]


@functools.lru_cache(maxsize=1)
def served():
    """What the server says it answers: {(method, path): (right, body, name)}."""
    told = subprocess.run([f"{BIN_FAST}-api", "--routes"], capture_output=True, text=True, check=True).stdout
    return {tuple(line.split()[:2]): tuple(line.split()[2:5]) for line in told.splitlines()}


def operation(name):
    return next(o for o in operations() if o.name == name)


def broken_bodies(schema):
    """Bodies that SCHEMA refuses, each with what is wrong about it."""
    schema = resolved(schema)
    yield "no JSON", b"{"
    yield "no object", b"[]"
    yield "no UTF-8", b'{"name": "\xff"}'
    yield "a duplicate of everything, far too deep", b'{"a":' * 500 + b"1" + b"}" * 500
    wrong = {"string": 7, "integer": "seven", "boolean": "yes", "array": {}, "object": []}
    for name, field in schema.get("properties", {}).items():
        kind = resolved(field).get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind in wrong:
            yield f"{name} of a wrong type", {**sample(schema), name: wrong[kind]}
        if kind == "string" and "maxLength" in resolved(field):
            yield f"{name} too long", {**sample(schema), name: "x" * (resolved(field)["maxLength"] + 1)}
    for name in schema.get("required", []):
        yield f"{name} missing", {k: v for k, v in sample(schema).items() if k != name}
    if schema.get("additionalProperties") is False:
        yield "a field that nobody knows", {**sample(schema), "surprise": 1}


def sample(schema):
    """The least that SCHEMA takes."""
    schema = resolved(schema)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: sample(schema["properties"][name]) for name in schema.get("required", [])}
    if kind == "array":
        return [sample(schema["items"])] * schema.get("minItems", 0)
    if kind == "integer":
        return schema.get("minimum", 1)
    if kind == "boolean":
        return False
    return NO_MAIL if schema.get("format") == "uuid" else "x" * max(1, schema.get("minLength", 1))


def url(operation_, **values):
    return BASE + operation_.filled(**values)
