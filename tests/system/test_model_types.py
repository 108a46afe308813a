"""`kastor models json-schema` and `kastor models generate`: the page about them, and what it says."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from .program import PART, ROOM, VERSION, environment, invoked, refused, room, serving
from .test_pages_run import ADDRESS, Reader, blocks

PAGE = "how-to/types-from-models"
STYLES = ("dataclasses", "pydantic", "typeddict")
IDS = {"dtmi:system:Room;1", "dtmi:system:Part;1"}

NAMES = [
    "class", "list", "json", "model_config", "int", "copy", "None", "match", "self", "Address",
    "Literal", "field", "Room", "value", "type", "mro", "dataclass", "schema", "metadata", "items",
]  # fmt: skip
"""Names that are hard to have in Python: keywords, types, and what classes have themselves."""
V4 = "dtmi:dtdl:context;4"
HARD: list[dict[str, Any]] = [
    {
        "@context": V4,
        "@id": "dtmi:com:one:Room;1",
        "@type": "Interface",
        "displayName": 'A """room"""',
        "description": "with \\ and\na second line",
        "extends": "dtmi:com:one:Space;1",
        "schemas": [
            {
                "@id": "dtmi:com:one:Address;1",
                "@type": "Object",
                "fields": [
                    {"name": name, "schema": schema}
                    for name, schema in {
                        "street": "string",
                        "inner": "dtmi:com:one:Address;1",
                        "list": {"@type": "Array", "elementSchema": "unsignedByte"},
                    }.items()
                ],
            }
        ],
        "contents": [
            *(
                {"@type": "Property", "name": name, "schema": "dtmi:com:one:Address;1"}
                for name in NAMES
            ),
            {
                "@type": "Property",
                "name": "state",
                "schema": {
                    "@type": "Enum",
                    "valueSchema": "integer",
                    "enumValues": [
                        {"name": name, "enumValue": value}
                        for value, name in enumerate(
                            ["on", "None", "mro", "name", "value", "title", "real"], -1
                        )
                    ],
                },
            },
            {
                "@type": "Property",
                "name": "tags",
                "schema": {
                    "@type": "Map",
                    "mapKey": {"name": "k", "schema": "string"},
                    "mapValue": {
                        "name": "v",
                        "schema": {"@type": "Array", "elementSchema": "dtmi:com:one:Address;1"},
                    },
                },
            },
            {"@type": "Property", "name": "place", "schema": "point"},
            {"@type": "Property", "name": "since", "schema": "dateTime"},
            {"@type": "Component", "name": "part", "schema": "dtmi:com:two:Room;2"},
        ],
    },
    {
        "@context": V4,
        "@id": "dtmi:com:one:Space;1",
        "@type": "Interface",
        "contents": [
            {"@type": "Relationship", "name": "contains"},
            {"@type": "Property", "name": "inherited", "schema": "decimal"},
        ],
    },
    {"@context": V4, "@id": "dtmi:com:one:SpaceContains;1", "@type": "Interface"},
    {"@context": V4, "@id": "dtmi:com:two:Room;1", "@type": "Interface"},
    {"@context": V4, "@id": "dtmi:com:two:Room;2", "@type": "Interface"},
    {"@context": V4, "@id": "dtmi:com:two:room;2", "@type": "Interface"},
    {"@context": V4, "@id": "dtmi:com:two:PropertyTimes;1", "@type": "Interface"},
]


def mypy(folder: Path, *files: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", *files],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


def upload(url: str, models: Any) -> None:
    httpx2.post(f"{url}/models?{VERSION}", json=models).raise_for_status()


def write(path: Path, models: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(models))
    return path


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def test_the_page(tmp_path: Path) -> None:
    (models,) = blocks(PAGE, "json")
    schemas, classes = blocks(PAGE, "sh")
    (script,) = blocks(PAGE, "python")
    reader = Reader(tmp_path)
    write(tmp_path / "models" / "room.json", json.loads(models))
    reader.run(schemas)
    reader.run(classes)
    (tmp_path / "script.py").write_text(script)
    wrong = script.replace("temperature=temperature", 'temperature="warm"').replace(
        "RoomMetadata", "SpaceMetadata"
    )
    (tmp_path / "wrong.py").write_text(wrong)
    told = mypy(tmp_path, "plant.py", "script.py", "wrong.py")
    assert [line.partition(":")[0] for line in told.splitlines()[:-1]] == ["wrong.py"] * 2, told
    with serving(tmp_path / "data") as served:
        upload(served.url, json.loads(models))
        (tmp_path / "script.py").write_text(script.replace(ADDRESS, served.url))
        done = subprocess.run(
            [sys.executable, "-W", "error", "script.py"],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert done.stdout == "21.5 office 20.5\n"
        for key in ("digitaltwins/room-21", "digitaltwins/room-21/relationships/to-22"):
            body = httpx2.get(f"{served.url}/{key}?{VERSION}").json()
            _assert_described(tmp_path, body)


def _assert_described(folder: Path, body: dict[str, Any]) -> None:
    """What the server answers is taken by the schemas that the page made."""
    schema = json.loads((folder / "schemas" / "dtmi.com.example.Room-1.json").read_text())
    if "$relationshipName" in body:
        key = "dtmi:com:example:Room;1.relationship.contains"
        schema = {"$ref": f"#/$defs/{key}", "$defs": schema["$defs"]}
    else:
        Draft202012Validator(json.loads((folder / "twins.json").read_text())).validate(body)
    Draft202012Validator(schema).validate(body)
    assert not Draft202012Validator(schema).is_valid({**body, "other": 1})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module of each style."""
    folder = tmp_path_factory.mktemp("classes")
    models = write(folder / "hard.json", HARD)
    for style in STYLES:
        made = invoked("models", "generate", "python", "--style", style, models)
        assert made.returncode == 0, made
        assert made.stderr == ""
        (folder / f"hard_{style}.py").write_text(made.stdout)
    return folder


class TestClasses:
    def test_a_type_checker_has_nothing_to_say(self, folder: Path) -> None:
        assert mypy(folder, *(f"hard_{style}.py" for style in STYLES)).startswith("Success")

    def test_names_tell_models_apart(self, folder: Path) -> None:
        module = loaded(folder / "hard_dataclasses.py")
        ids = {
            module.OneRoomMetadata: "dtmi:com:one:Room;1",
            module.SpaceMetadata: "dtmi:com:one:Space;1",
            module.SpaceContainsMetadata: "dtmi:com:one:SpaceContains;1",
        }
        for kind, identifier in ids.items():
            assert kind().model_ == identifier
        given = {each().model_ for name, each in vars(module).items() if name.endswith("Metadata")}
        assert given == {each["@id"] for each in HARD}
        # The model has the name, and the relationship another.
        assert module.SpaceContains2(target_id_="x").relationship_name_ == "contains"
        assert "dtmi:com:one:Room;1" in module.OneRoom.__doc__
        assert 'A """room"""\n' in module.OneRoom.__doc__

    def body(self) -> dict[str, Any]:
        address = {"street": "s", "inner": {"list": [1, 2]}}
        return {
            "$dtId": "r",
            "$etag": "e",
            "$metadata": {
                "$model": "dtmi:com:one:Room;1",
                "$lastUpdateTime": "2024-01-01T00:00:00Z",
                "class": {"lastUpdateTime": "2024-01-01T00:00:00Z"},
            },
            **dict.fromkeys(NAMES, address),
            "state": 1,
            "tags": {"a": [address]},
            "place": {"type": "Point", "coordinates": [1.5, 2.0]},
            "since": "2024-01-01T00:00:00.10+01:00",
            "inherited": "1.50",
            "part": {"$metadata": {}},
        }

    def test_dataclasses_there_and_back(self, folder: Path) -> None:
        module = loaded(folder / "hard_dataclasses.py")
        made = module.from_body(module.OneRoom, self.body())
        assert made.class_.inner.list_ == [1, 2]
        assert made.tags["a"][0].street == "s"
        assert made.state is module.OneRoomState(1)
        assert made.metadata_.class_.lastUpdateTime == "2024-01-01T00:00:00Z"
        assert made == module.from_body(module.OneRoom, module.to_body(made))
        assert module.to_body(made) == self.body()
        with pytest.raises(ValueError, match="99"):
            module.from_body(module.OneRoom, {**self.body(), "state": 99})
        with pytest.raises(TypeError, match="metadata_"):
            module.from_body(module.OneRoom, {"part": {"$metadata": {}}})
        with pytest.raises(TypeError, match="no twin"):
            module.to_body(1)

    def test_pydantic_there_and_back(self, folder: Path) -> None:
        module = loaded(folder / "hard_pydantic.py")
        made = module.OneRoom.model_validate(self.body())
        assert made.class_.inner.list_ == [1, 2]
        dumped = made.model_dump(by_alias=True, exclude_none=True, mode="json")
        assert dumped == self.body()
        for wrong in ({"since": "noon"}, {"inherited": 1}, {"unknown": 1}, {"state": 99}):
            with pytest.raises(ValueError, match=next(iter(wrong))):
                module.OneRoom.model_validate({**self.body(), **wrong})


class TestCommands:
    @pytest.fixture
    def models(self, tmp_path: Path) -> Path:
        return write(tmp_path / "models.json", [ROOM, PART])

    def test_a_file_for_each_model(self, models: Path, tmp_path: Path) -> None:
        done = invoked("models", "json-schema", models, "--folder", tmp_path / "new" / "out")
        assert done.stdout == f"Wrote 2 schemas to {tmp_path / 'new' / 'out'}.\n"
        names = {each.name for each in (tmp_path / "new" / "out").iterdir()}
        assert names == {"dtmi.system.Room-1.json", "dtmi.system.Part-1.json"}

    def test_of_one_model_alone(self, models: Path) -> None:
        done = invoked("models", "json-schema", models, "--model", "dtmi:system:Part;1")
        made = json.loads(done.stdout)
        assert not any("Room" in each for each in made["$defs"])
        validator = Draft202012Validator(made)
        assert validator.is_valid({"$metadata": {"$model": "dtmi:system:Part;1"}})
        assert not validator.is_valid(room())

    def test_profiles(self, tmp_path: Path) -> None:
        timed = {**PART, "contents": [{"@type": "Property", "name": "at", "schema": "time"}]}
        models = write(tmp_path / "timed.json", timed)
        body = {"$metadata": {"$model": "dtmi:system:Part;1"}, "at": "12:00:00"}
        taken = []
        for flags in ((), ("--profile", "adt")):
            schema = json.loads(invoked("models", "json-schema", models, *flags).stdout)
            taken.append(Draft202012Validator(schema).is_valid(body))
        assert taken == [True, False]

    def test_of_a_server(self, tmp_path: Path) -> None:
        with serving(tmp_path / "data") as served:
            said = refused("models", "json-schema", "--url", served.url, status=3)
            assert said.startswith(
                "There are no models on the server; `kastor models upload` brings some"
            )
            upload(served.url, [ROOM, PART])
            done = invoked("models", "json-schema", "--url", served.url)
            Draft202012Validator(json.loads(done.stdout)).validate(room())
            made = invoked("models", "generate", "python", KASTOR_URL=served.url)
            assert "class Room:" in made.stdout

    def test_what_cannot_be(
        self, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = invoked("models", "json-schema", models, "--model", "dtmi:a:b;1")
        assert (other.returncode, other.stdout) == (3, "")
        assert other.stderr == "kastor: There is no model dtmi:a:b;1 among these.\n"
        blocked = invoked("models", "json-schema", models, "--folder", models / "x")
        assert blocked.returncode == 1
        assert "cannot be written" in blocked.stderr
        monkeypatch.setitem(sys.modules, "datamodel_code_generator", None)
        missing = invoked("models", "generate", "python", models)
        assert (missing.returncode, missing.stdout) == (1, "")
        assert "pip install '.[codegen]'" in missing.stderr
