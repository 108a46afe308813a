"""What stands in packaging/container goes together with the rest: settings, versions, ports.

Whether the image can be built and runs, tests/system/test_image.py tries.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from kastor import __version__
from kastor.config import Settings
from kastor.dsn import fault_of, has_password

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packaging" / "container"
PAGE = (ROOT / "docs" / "how-to" / "run-in-a-container.md").read_text(encoding="utf-8")
CONTAINERFILE = (FOLDER / "Containerfile").read_text(encoding="utf-8")
COMPOSE = ("compose.yaml", "compose.sqlite.yaml")
TEXTS = ("Containerfile", *COMPOSE, ".env.example")
PORT = Settings.model_fields["port"].default
OF_COMPOSE = {"KASTOR_VERSION", "KASTOR_PUBLISH"}
"""Variables of ours that compose itself reads."""
DEFAULTED = re.compile(r"\$\{(\w+):-([^}]*)\}")


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions, each with what it says, in order."""
    lines = [line for line in CONTAINERFILE.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    words = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(name, said) for name, said in words]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    start = max(place for place, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def compose(name: str) -> dict[str, Any]:
    """A compose file as it is read without any variable set."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    found = yaml.safe_load(DEFAULTED.sub(lambda match: match[2], text))
    assert isinstance(found, dict)
    return found


def services() -> list[Any]:
    return [
        pytest.param(each, id=f"{file}-{name}")
        for file in COMPOSE
        for name, each in compose(file)["services"].items()
    ]


class TestContainerfile:
    def test_who_runs_it_is_nobody_of_the_machine(self) -> None:
        users = [said for name, said in last_stage() if name == "USER"]
        assert users == ["10001:10001"]
        after = last_stage()[last_stage().index(("USER", users[0])) :]
        assert not {name for name, _ in after} & {"RUN", "COPY", "ADD"}

    def test_signals_reach_the_server_itself(self) -> None:
        said = dict(last_stage())
        assert said["ENTRYPOINT"] == '["kastor"]'
        assert said["CMD"].startswith('["serve",')
        assert said["STOPSIGNAL"] == "SIGTERM"
        assert said["HEALTHCHECK"].endswith('CMD ["kastor", "health"]')

    def test_it_opens_the_port_that_the_server_listens_on(self) -> None:
        assert dict(last_stage())["EXPOSE"] == str(PORT)

    def test_nothing_is_taken_that_is_not_locked_or_named(self) -> None:
        bases = [said for name, said in instructions() if name == "FROM"]
        assert bases == ["${BASE} AS build", "${BASE}"]
        assert not [name for name, _ in instructions() if name == "ADD"]
        installs = [said for name, said in instructions() if name == "RUN" and " install " in said]
        assert len(installs) == 2
        assert "--require-hashes" in installs[0]
        assert "--only-binary :all:" in installs[0]
        assert all("--no-deps" in each for each in installs)

    def test_what_is_copied_gets_past_the_ignore_file(self) -> None:
        ignored = (FOLDER / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        kept = {each[1:] for each in ignored if each.startswith("!")}
        copied = {
            word
            for name, said in instructions()
            if name == "COPY" and not said.startswith("--from")
            for word in said.split()[:-1]
        }
        assert copied == kept
        assert "*" in ignored
        assert all((ROOT / each).exists() for each in copied)

    def test_what_is_left_out_is_in_no_extra_that_a_server_uses(self) -> None:
        (pattern,) = re.findall(r"\^\(([\w|-]+)\)", CONTAINERFILE)
        lock = (ROOT / "locks" / "run.txt").read_text(encoding="utf-8")
        left_out = {
            n for n in re.findall(r"^([\w-]+)==", lock, re.MULTILINE) if re.match(pattern, n)
        }
        assert left_out == {"polars", "polars-runtime-32", "openpyxl", "et-xmlfile"}


class TestCompose:
    @pytest.mark.parametrize("service", services())
    def test_a_service_may_do_nothing_but_its_work(self, service: dict[str, Any]) -> None:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}
        assert service.get("restart") == "unless-stopped"

    @pytest.mark.parametrize("file", COMPOSE)
    def test_nobody_else_reaches_it_unless_that_is_said(self, file: str) -> None:
        found = compose(file)["services"]
        assert found["kastor"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
        assert all("ports" not in each for name, each in found.items() if name != "kastor")

    def test_passwords_are_in_files_alone(self) -> None:
        found = compose("compose.yaml")
        variables = {
            k: v for each in found["services"].values() for k, v in each["environment"].items()
        }
        assert fault_of(variables["KASTOR_DB"]) is None
        assert not has_password(variables["KASTOR_DB"])
        secret = f"/run/secrets/{next(iter(found['secrets']))}"
        assert variables["KASTOR_DB_PASSWORD_FILE"] == secret
        assert variables["POSTGRES_PASSWORD_FILE"] == secret
        ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        assert {"/packaging/container/secrets/", "/packaging/container/.env"} <= set(ignored)

    def test_kastor_waits_for_a_database_that_answers(self) -> None:
        found = compose("compose.yaml")["services"]
        assert found["kastor"]["depends_on"] == {"db": {"condition": "service_healthy"}}
        assert "pg_isready" in found["db"]["healthcheck"]["test"]
        assert "healthcheck" not in found["kastor"]  # that of the image

    def test_every_volume_network_and_secret_is_declared(self) -> None:
        for file in COMPOSE:
            found = compose(file)
            for service in found["services"].values():
                named = {each.split(":")[0] for each in service.get("volumes", ())}
                assert {each for each in named if "/" not in each} <= found["volumes"].keys()
                assert set(service.get("networks", ())) <= found.get("networks", {}).keys()
                assert set(service.get("secrets", ())) <= found.get("secrets", {}).keys()

    def test_the_example_shows_the_defaults_and_all_of_them(self) -> None:
        text = (FOLDER / ".env.example").read_text(encoding="utf-8")
        shown = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
        used = {
            name: default
            for file in COMPOSE
            for name, default in DEFAULTED.findall((FOLDER / file).read_text(encoding="utf-8"))
        }
        assert shown == used

    def test_a_grace_is_longer_than_the_server_takes_to_end(self) -> None:
        for file in COMPOSE:
            grace = compose(file)["services"]["kastor"]["stop_grace_period"]
            assert int(grace.rstrip("s")) > Settings.model_fields["shutdown_seconds"].default + 10


@pytest.mark.parametrize("file", TEXTS)
class TestBoth:
    def test_every_variable_is_a_setting(self, file: str) -> None:
        text = (FOLDER / file).read_text(encoding="utf-8")
        variables = set(re.findall(r"\bKASTOR_[A-Z_]+\b", text)) - OF_COMPOSE
        known = {f"KASTOR_{name.upper()}" for name in Settings.model_fields}
        assert variables <= known

    def test_versions_are_named_and_ours_is_this_one(self, file: str) -> None:
        text = (FOLDER / file).read_text(encoding="utf-8")
        assert ":latest" not in text
        pattern = r"(?:^ARG VERSION|^KASTOR_VERSION|KASTOR_VERSION:)[=-]+([\d.]+)"
        assert set(re.findall(pattern, text, re.MULTILINE)) == {__version__}


def test_the_page_names_every_file() -> None:
    for path in FOLDER.iterdir():
        if path.name not in ("secrets", ".env"):
            assert path.name in PAGE, path.name
