"""A program for Azure Digital Twins, unchanged, with the credential of azure-identity.

The page docs/how-to/entra-sample.md is run as it is written: by a Python of its own, which knows
the server's address and the variables of Azure, as it would in the cloud.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import httpx2
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.digitaltwins.core import DigitalTwinsClient
from azure.digitaltwins.core.aio import DigitalTwinsClient as AsyncDigitalTwinsClient
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential

from kastor.pages import all_pages
from kastor.testing import KastorServer, StaticCredential
from tests.auth.entra_authority import Application, EntraAuthority
from tests.auth.issuer import APPLICATION, AUDIENCE, Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

PAGE = "how-to/entra-sample"
OWNER = Application(
    "11111111-1111-4111-8111-111111111111",
    "secret of the owner",
    "aaaaaaaa-0000-4000-8000-000000000001",
    ("Azure Digital Twins Data Owner",),
)
READER = Application(
    "22222222-2222-4222-8222-222222222222",
    "secret of the reader",
    "aaaaaaaa-0000-4000-8000-000000000002",
    ("Azure Digital Twins Data Reader",),
)
STRANGER = Application(
    "33333333-3333-4333-8333-333333333333",
    "secret of the stranger",
    "aaaaaaaa-0000-4000-8000-000000000003",
    (),
)


class Cloud(NamedTuple):
    """The server, the authority, and a file of all certificates that programs trust."""

    server: KastorServer
    authority: EntraAuthority
    tenant: Tenant
    ca_file: Path

    def environment(self, application: Application) -> dict[str, str]:
        """All that a program is told."""
        own = self.authority.environment(application.client_id)
        trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(self.ca_file))
        return {**own, **trust, "AZURE_URL": self.server.url}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("entra")
    with (
        Tenant() as tenant,
        EntraAuthority(tenant, [OWNER, READER, STRANGER], folder / "authority") as authority,
        KastorServer(
            (
                *("--auth", "oidc", "--oidc-issuer", tenant.v1.url),
                *("--oidc-audience", AUDIENCE, "--oidc-audience", APPLICATION),
            ),
            tls=True,
        ) as server,
    ):
        ca_file = folder / "trusted.pem"
        ca_file.write_text(server.ca_file.read_text() + authority.ca_file.read_text())
        yield Cloud(server, authority, tenant, ca_file)


@pytest.fixture
def environment(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the program of the owner."""
    for name, value in cloud.environment(OWNER).items():
        monkeypatch.setenv(name, value)


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", all_pages()[PAGE].text(), re.DOTALL)


def _run(program: Path, cloud: Cloud, application: Application) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(program)],
        env={**kept, **cloud.environment(application)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_is_what_an_unchanged_program_prints(cloud: Cloud, tmp_path: Path) -> None:
    (source,) = _blocks("python")
    as_owner, as_reader, author = _blocks("text")
    program = tmp_path / "rooms.py"
    program.write_text(source)
    assert _run(program, cloud, OWNER) == as_owner
    assert _run(program, cloud, READER) == as_reader
    assert _author(cloud, "lobby") == author.strip()
    # Nobody else was asked for anything, and every token came from the tenant's endpoint.
    assert set(cloud.authority.requests) == {
        f"GET /{cloud.tenant.id}/v2.0/.well-known/openid-configuration",
        f"POST /{cloud.tenant.id}/oauth2/v2.0/token",
    }


def _author(cloud: Cloud, twin: str) -> str:
    """Who wrote a twin last, by its history."""
    headers = {"Authorization": f"Bearer {cloud.tenant.v1_application()}"}
    url = f"{cloud.server.url}/kastor/v1/digitaltwins/{twin}/history"
    context = ssl.create_default_context(cafile=str(cloud.server.ca_file))
    found = httpx2.get(url, headers=headers, verify=context).json()["value"]
    return str(found[-1]["actor"])


def _credential(application: Application, cloud: Cloud) -> ClientSecretCredential:
    return ClientSecretCredential(cloud.tenant.id, application.client_id, application.secret)


@pytest.mark.usefixtures("environment")
def test_without_a_role_and_without_a_valid_token_there_are_the_clouds_errors(
    cloud: Cloud,
) -> None:
    stranger = DigitalTwinsClient(cloud.server.url, _credential(STRANGER, cloud))
    with pytest.raises(HttpResponseError) as refused:
        stranger.get_digital_twin("lobby")
    assert refused.value.status_code == 403
    wrong = ClientSecretCredential(cloud.tenant.id, OWNER.client_id, "a guess")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        wrong.get_token("https://digitaltwins.azure.net/.default")
    foreign = DigitalTwinsClient(
        cloud.server.url, StaticCredential(cloud.tenant.v1_application(aud="x"))
    )
    with pytest.raises(ClientAuthenticationError) as unknown:
        foreign.get_digital_twin("lobby")
    assert unknown.value.status_code == 401


@pytest.mark.usefixtures("environment")
def test_the_asynchronous_client_with_its_credential(cloud: Cloud) -> None:
    async def work() -> list[object]:
        trust = str(cloud.ca_file)  # aiohttp has read the variables when it was imported
        credential = AsyncClientSecretCredential(
            *(cloud.tenant.id, READER.client_id, READER.secret), connection_verify=trust
        )
        async with (
            credential,
            AsyncDigitalTwinsClient(
                cloud.server.url, credential, connection_verify=trust
            ) as client,
        ):
            found = [each async for each in client.list_models()]
            with pytest.raises(HttpResponseError) as refused:
                await client.delete_digital_twin("lobby")
            assert refused.value.error is not None
            return [len(found), refused.value.status_code, refused.value.error.code]

    assert asyncio.run(work())[1:] == [403, "Forbidden"]
