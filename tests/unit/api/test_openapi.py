"""The description of the API: valid OpenAPI 3.1, and complete."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31

from kastor import api
from kastor.api import contract, own
from kastor.api.description.openapi import build_openapi
from kastor.api.http.operation import Operation
from kastor.api.operations import OPERATIONS
from kastor.auth.roles import READER, Permission

DESCRIPTION = build_openapi("https://twins.example")
SCHEMAS = DESCRIPTION["components"]["schemas"]
BY_ID = [pytest.param(each, id=each.id) for each in OPERATIONS]


def _described(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = DESCRIPTION["paths"][operation.path][operation.method.lower()]
    return found


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_references(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(each) for each in value))
    return set()


def test_it_is_valid_openapi_3_1() -> None:
    document = json.loads(json.dumps(DESCRIPTION))
    faults = [
        f"{'/'.join(map(str, each.absolute_path))}: {each.message}"
        for each in Draft202012Validator(OPENAPI_31).iter_errors(document)
    ]
    assert faults == []
    assert DESCRIPTION["openapi"].startswith("3.1")


def test_the_validator_would_notice_a_fault() -> None:
    broken = json.loads(json.dumps(DESCRIPTION))
    broken["paths"]["/models"]["get"]["responses"] = []
    assert list(Draft202012Validator(OPENAPI_31).iter_errors(broken)) != []


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_is_one_and_is_used(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert f"#/components/schemas/{name}" in _references(DESCRIPTION)


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in SCHEMAS}
    assert _references(DESCRIPTION) <= known


def test_operation_ids_and_routes_are_unique() -> None:
    assert len({each.id for each in OPERATIONS}) == len(OPERATIONS)
    routes = {(each.method, re.sub(r"\{\w+\}", "{}", each.path.lower())) for each in OPERATIONS}
    assert len(routes) == len(OPERATIONS)


def test_handlers_speak_to_services_and_not_to_their_store() -> None:
    for module in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
        source = inspect.getsource(importlib.import_module(module.name))
        names = {
            each.attr for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Attribute)
        }
        assert "store" not in names, module.name


def test_every_row_stands_beside_its_handler_and_is_in_the_table() -> None:
    rows: list[Operation] = []
    for package in (contract, own):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            beside = getattr(module, "OPERATIONS", ())
            assert {each.handler.__module__ for each in beside} <= {found.name}
            rows += beside
    assert sorted(rows, key=lambda row: row.id) == sorted(OPERATIONS, key=lambda row: row.id)


@pytest.mark.parametrize("operation", BY_ID)
class TestOperation:
    def test_it_names_its_permission(self, operation: Operation) -> None:
        assert operation.permission in Permission
        assert f"`{operation.permission.value}`" in _described(operation)["description"]

    def test_it_has_success_and_the_errors_that_all_have(self, operation: Operation) -> None:
        responses = _described(operation)["responses"]
        assert {str(operation.status), "400", "401", "403", "429", "503"} <= set(responses)
        assert all(each["description"] for each in responses.values())
        success = responses[str(operation.status)]
        assert ("content" in success) is (operation.status != 204)
        assert ("ETag" in success.get("headers", {})) is operation.etag

    def test_it_has_every_error_of_its_row(self, operation: Operation) -> None:
        responses = _described(operation)["responses"]
        for status, codes in operation.errors.items():
            described = responses[str(status)]["description"].split(", ")
            assert set(codes) <= set(described)
            assert len(set(described)) == len(described)

    def test_a_body_comes_with_its_errors(self, operation: Operation) -> None:
        described = _described(operation)
        assert ("requestBody" in described) is (operation.body is not None)
        assert ({"413", "415"} <= set(described["responses"])) is (operation.body is not None)
        if operation.versioned and operation.method in ("PUT", "PATCH"):
            assert operation.body is not None

    def test_its_parameters_are_those_of_its_path_and_row(self, operation: Operation) -> None:
        parameters = _described(operation)["parameters"]
        keys = [(each["in"], each["name"]) for each in parameters]
        assert len(set(keys)) == len(keys)
        in_path = [name for place, name in keys if place == "path"]
        assert in_path == re.findall(r"\{(\w+)\}", operation.path)
        version = [each for each in parameters if each["name"] == "api-version"]
        assert [each["required"] for each in version] == ([False] if operation.versioned else [])


def test_under_adt_the_version_has_to_be_given_and_what_is_beyond_it_is_not_there() -> None:
    paths = build_openapi("https://twins.example", strict=True)["paths"]
    assert "/health" in DESCRIPTION["paths"]
    assert "/health" not in paths
    parameters = paths["/digitaltwins/{id}"]["get"]["parameters"]
    assert [each["required"] for each in parameters if each["name"] == "api-version"] == [True]


@pytest.mark.parametrize("operation", BY_ID)
class TestConditions:
    def test_conditions_are_offered_where_the_contract_has_them(self, operation: Operation) -> None:
        conditional = re.match(r"DigitalTwins_(Update|Delete|Add)", operation.id)
        expected: set[str] = set()
        if conditional is not None:
            expected = {"If-None-Match" if conditional[1] == "Add" else "If-Match"}
        elif operation.id == "Kastor_ResolvedModels":  # a read that may have nothing new to say
            assert "304" in _described(operation)["responses"]
            return
        elif re.fullmatch(r"Kastor_(Put|Delete)(Saved|SceneFile)", operation.id):
            expected = {"If-Match"} | ({"If-None-Match"} if operation.method == "PUT" else set())
        assert {each for each in operation.headers if each.startswith("If-")} == expected
        assert (412 in operation.errors) is bool(expected)


def test_the_contracts_operations_are_all_there_and_need_a_version() -> None:
    ours = {each.id for each in OPERATIONS if not each.versioned}
    assert all(each.startswith("Kastor_") for each in ours)
    named = [each for each in OPERATIONS if each.id.startswith(("DigitalTwin", "Query_"))]
    twins = [each for each in named if each.in_adt]
    assert len(twins) == 20
    assert all(each.versioned for each in twins)


def test_writing_operations_need_writing_permissions() -> None:
    words = {"PUT": "write", "PATCH": "write", "DELETE": "delete", "GET": "read"}
    for operation in OPERATIONS:
        if operation.id.startswith("DigitalTwin") and operation.method in words:
            assert operation.permission.value.endswith(f"/{words[operation.method]}"), operation.id
        # Questions that are too long for an address are read with a body.
        if operation.method != "GET" and operation.id != "DigitalTwinModels_Search":
            assert operation.permission not in READER or operation.permission is Permission.QUERY


def test_deleting_all_models_needs_the_permission_to_delete_models() -> None:
    [row] = [each for each in OPERATIONS if (each.method, each.path) == ("DELETE", "/models")]
    assert (row.permission, row.versioned, row.in_adt) == (Permission.MODELS_DELETE, True, False)
