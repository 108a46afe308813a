"""A server that lets in by tokens of issuers: over its socket, from its start to its end."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from kastor.testing import KastorServer
from tests.attacks.watch import watched
from tests.system.program import Served, refused

from .attacks import ATTACKS, Scene
from .issuer import APPLICATION, AUDIENCE, OWNER, READER, Issuer, Tenant
from .keys import encoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODELS = "/models?api-version=2023-10-31"


def flags(*urls: str) -> tuple[str, ...]:
    named = [flag for url in urls for flag in ("--oidc-issuer", url)]
    audiences = ("--oidc-audience", AUDIENCE, "--oidc-audience", APPLICATION)
    return ("--auth", "oidc", *named, *audiences)


def bearer(token: str) -> dict[bytes, bytes]:
    return {b"Authorization": b"Bearer " + token.encode("latin-1", "replace")}


def ask(url: str, token: str, path: str = MODELS) -> httpx2.Response:
    return httpx2.get(url + path, headers=bearer(token))


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Issuer("/realms/plant") as issuer, Issuer("/") as other, Issuer() as evil:
        yield Scene(issuer, other, evil)


@pytest.fixture(scope="module")
def tenant() -> Iterator[Tenant]:
    with Tenant() as tenant:
        yield tenant


@pytest.fixture(scope="module")
def server(scene: Scene, tenant: Tenant) -> Iterator[KastorServer]:
    named = flags(scene.issuer.url, scene.other.url, tenant.v1.url, tenant.v2.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KASTOR_FAILED_ACCESS_LIMIT", "0")  # here it is tokens that are refused
        with KastorServer(("--auth", "tokens", *named)) as server:
            yield server


def test_no_attack_gets_in_or_disturbs_those_who_may(scene: Scene, server: KastorServer) -> None:
    good = scene.issuer.token(roles=[READER])
    with httpx2.Client(base_url=server.url) as client:
        for name, (make, _) in ATTACKS.items():
            refusal = client.get(MODELS, headers=bearer(make(scene)))
            assert refusal.status_code == 401, name
            assert AUDIENCE not in refusal.text
            answer = client.get(MODELS, headers=bearer(good))
            assert answer.status_code == 200, name
        assert client.get("/healthz").status_code == 200
    assert scene.evil.requests == []
    assert scene.issuer.asked_for_keys() <= 2
    assert "Traceback" not in server.output
    assert good not in server.output


def test_roles_decide_and_static_tokens_go_on(scene: Scene, server: KastorServer) -> None:
    model = [{"@id": "dtmi:auth:Room;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}]
    for roles, read, write in (
        ([OWNER], 200, 201),
        ([READER], 200, 403),
        ([OWNER.lower()], 403, 403),
        ([], 403, 403),
        (None, 403, 403),
    ):
        token = scene.issuer.token(roles=roles)
        assert ask(server.url, token).status_code == read, roles
        made = httpx2.post(server.url + MODELS, json=model, headers=bearer(token))
        assert made.status_code == write, roles
    me = ask(server.url, scene.issuer.token(roles=[READER]), "/kastor/v1/me").json()
    assert me["id"] == f"oidc:{scene.issuer.url}|someone"
    assert [each["role"] for each in me["roles"]] == ["reader"]
    assert ask(server.url, server.token("reader")).status_code == 200
    assert ask(server.url, "kst_unknown").status_code == 401
    assert httpx2.get(server.url + MODELS).status_code == 401


def test_the_log_says_why_and_not_with_what(scene: Scene, server: KastorServer) -> None:
    token = scene.other.token(aud="https://elsewhere.example")
    assert ask(server.url, token).status_code == 401
    deadline = time.monotonic() + 10
    while "elsewhere.example" not in server.output and time.monotonic() < deadline:
        time.sleep(0.05)
    lines = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    (told,) = [each for each in lines if each.get("audience") == "https://elsewhere.example"]
    assert told["reason"] == "it is meant for another audience"
    assert told["issuer"] == scene.other.url
    assert token.rpartition(".")[2] not in server.output


def test_a_flood_of_unknown_keys_costs_the_issuer_and_others_next_to_nothing(
    scene: Scene, server: KastorServer
) -> None:
    asked = scene.issuer.asked_for_keys()
    good = scene.issuer.token(roles=[READER])
    assert ask(server.url, good).status_code == 200
    scene.issuer.seconds = 0.5
    statuses: list[int] = []

    def flood(sender: int) -> None:
        with httpx2.Client(base_url=server.url) as client:
            for number in range(100):
                header = scene.issuer.header(kid=f"flood-{sender}-{number}")
                parts = (header, scene.claims())
                token = ".".join([encoded(json.dumps(each).encode()) for each in parts])
                answer = client.get(MODELS, headers=bearer(f"{token}.c2lnbmVk"))
                statuses.append(answer.status_code)

    with watched(server):
        senders = [threading.Thread(target=flood, args=(number,)) for number in range(8)]
        for each in senders:
            each.start()
        for each in senders:
            each.join()
        assert ask(server.url, good).status_code == 200
    scene.issuer.seconds = 0.0
    assert statuses == [401] * 800
    assert scene.issuer.asked_for_keys() - asked <= 2


def test_a_tenant_of_entra_with_tokens_of_both_versions(
    tenant: Tenant, server: KastorServer
) -> None:
    for token, status in (
        (tenant.v1_user(), 200),
        (tenant.v1_application(), 200),
        (tenant.v2_user(), 200),
        (tenant.v2_application(aud=AUDIENCE), 200),
        (tenant.v2_user(roles=None), 403),
        (tenant.v2_user(iss=tenant.v1.url), 200),  # the keys are the tenant's
        (tenant.v2_user(aud=tenant.v2.url), 401),
    ):
        assert ask(server.url, token).status_code == status
    assert f"{tenant.v1.url} or {tenant.v2.url}" in server.output


def test_a_server_starts_before_its_issuer_does() -> None:
    with Issuer() as issuer:
        issuer.stop()
        token = issuer.token(roles=[READER])
        with KastorServer(flags(issuer.url)) as server:
            answer = ask(server.url, token)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert httpx2.get(f"{server.url}/readyz").status_code == 200
            assert "nobody with a token of it gets in yet" in server.output
            issuer.start()
            deadline = time.monotonic() + 30
            while (status := ask(server.url, token).status_code) == 503:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            assert status == 200
            issuer.stop()
            assert ask(server.url, issuer.token(sub="x", roles=[READER])).status_code == 200


GOOD = ("--oidc-issuer", "https://login.example.org", "--oidc-audience", "kastor")


class TestStart:
    """What is refused before anything begins, and what the start says."""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--auth", "oidc"), "add --oidc-issuer URL"),
            (("--auth", "oidc", *GOOD[:2]), "Give --oidc-issuer and --oidc-audience together"),
            (("--auth", "oidc", *GOOD[2:]), "add --oidc-issuer URL"),
            (("--auth", "tokens", *GOOD), "go with --auth oidc"),
            (GOOD, "go with --auth oidc"),
            (("--oidc-client-id", "x"), "go with --auth oidc"),
            (("--auth", "oidc", *GOOD, "--oidc-audience", "*"), "there is no word for any"),
            (("--auth", "oidc", *GOOD, *GOOD[:2]), "An issuer is given twice"),
            (("--auth", "oidc", "--auth", "none", *GOOD), "Give none alone"),
            *(
                (("--auth", "oidc", "--oidc-issuer", url, *GOOD[2:]), said)
                for url, said in (
                    ("http://login.example.org", "Give an https URL"),
                    ("http://10.0.0.1", "Give an https URL"),
                    ("http://127.0.0.1.example.org", "Give an https URL"),
                    ("ftp://login.example.org", "Give an issuer's URL"),
                    ("login.example.org", "Give an issuer's URL"),
                    ("https://", "Give an issuer's URL"),
                    ("https://user:secret@login.example.org", "Give an issuer's URL"),
                    ("https://login.example.org?x=1", "Give an issuer's URL"),
                )
            ),
        ],
    )
    def test_what_would_let_in_by_tokens_of_nobody_or_of_anybody(
        self, tmp_path: Path, arguments: tuple[str, ...], said: str
    ) -> None:
        from kastor.cli.serve import _FLAGS
        from kastor.config import SettingsError, load_settings

        named: dict[str, Any] = {"data": tmp_path}
        for flag, value in zip(arguments[::2], arguments[1::2], strict=True):
            name = _FLAGS[flag.removeprefix("--").replace("-", "_")]
            named.setdefault(name, []).append(value)
        if "oidc_client_id" in named:
            (named["oidc_client_id"],) = named["oidc_client_id"]
        with pytest.raises(SettingsError) as told:
            load_settings(named)
        assert said in str(told.value)

    def test_the_command_says_what_to_do(self, tmp_path: Path) -> None:
        text = refused("serve", "--data", tmp_path / "data", "--auth", "oidc", status=2)
        assert "--oidc-issuer URL" in text
        assert "kastor docs how-to/use-oidc" in text
        assert not (tmp_path / "data").exists()

    def test_issuers_of_a_file(self, tmp_path: Path) -> None:
        with Issuer("/a") as first, Issuer("/b/") as second:
            second.answers["openid-configuration"] = (404, {}, b"")
            file = tmp_path / "kastor.toml"
            file.write_text(
                f'auth = "oidc"\n[[issuers]]\nissuer = "{first.url}"\naudience = ["one"]\n'
                f'client_id = "explorer"\n[[issuers]]\nissuer = "{second.url}"\n'
                f'audience = ["two"]\njwks_uri = "{second.url}keys"\nname = "partner"\n'
            )
            served = Served(tmp_path / "data", "--config", str(file))
            try:
                for issuer, audience, status in (
                    (first, "one", 200),
                    (first, "two", 401),
                    (second, "two", 200),
                    (second, "one", 401),
                ):
                    token = issuer.token(aud=audience, roles=[READER])
                    assert ask(served.url, token).status_code == status
                me = ask(served.url, second.token(aud="two"), "/kastor/v1/me").json()
                assert me["name"] == "oidc (someone, partner)"
                lines = "\n".join(served.lines)
                assert f"with a token of {first.url} or {second.url}" in lines
                assert "client id    explorer" in lines
            finally:
                served.stop()

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ('issuer = "https://a.example"', "issuers.0.audience: Field required"),
            ('issuer = "https://a.example"\naudience = []', "issuers.0.audience"),
            ('issuer = "https://a.example"\naudience = [""]', "Name each audience"),
            ('issuer = "http://a.example"\naudience = ["x"]', "Give an https URL"),
            ('issuer = "https://a.example"\naudience = ["x"]\ncolour = 1', "issuers.0.colour"),
            (
                'issuer = "https://a.example"\naudience = ["x"]\njwks_uri = "http://a.example"',
                "Give an https URL",
            ),
        ],
    )
    def test_a_table_that_is_wrong(self, tmp_path: Path, table: str, said: str) -> None:
        from kastor.config import SettingsError, load_settings

        file = tmp_path / "kastor.toml"
        file.write_text(f'auth = "oidc"\n[[issuers]]\n{table}\n')
        with pytest.raises(SettingsError) as told:
            load_settings({}, file)
        assert said in str(told.value)

    def test_variables_have_several_with_commas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from kastor.config import load_settings

        for name in [each for each in os.environ if each.startswith("KASTOR_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("KASTOR_AUTH", "tokens,oidc")
        monkeypatch.setenv("KASTOR_OIDC_ISSUER", "https://a.example, http://localhost:8081/b")
        monkeypatch.setenv("KASTOR_OIDC_AUDIENCE", "x,y")
        settings = load_settings({})
        assert settings.auth == ("tokens", "oidc")
        assert [(each.issuer, each.audience) for each in settings.all_issuers] == [
            ("https://a.example", ("x", "y")),
            ("http://localhost:8081/b", ("x", "y")),
        ]
