"""What a command shows to a server to be let in: a token, or a login that makes tokens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kastor.cli.output import Exit, fail
from kastor.extras import install_extra

if TYPE_CHECKING:
    from kastor.cli.contexts import SavedContext
    from kastor.client import AccessError
    from kastor.client.credentials import Credential

VARIABLE = "KASTOR_TOKEN"
_AZURE_HOSTS = ".digitaltwins.azure.net"
_MOST_BYTES = 65_536
_NO_TOKEN, _NOT_ALLOWED = 401, 403


def credential_of(
    saved: SavedContext | None, url: str, variable: str = VARIABLE
) -> Credential | None:
    """Return what to show at an address; ends the command where it cannot be had.

    The token of the variable, KASTOR_TOKEN unless another is named, comes before that of the
    context, and this before a login. A host of Azure Digital Twins is logged in to where there is
    no token.
    """
    if found := os.environ.get(variable, "").strip():
        return _token(found, variable)
    if saved is not None and saved.token_file is not None:
        return _token(_text_of(Path(saved.token_file)), saved.token_file)
    if saved is not None and saved.token_variable is not None:
        name = saved.token_variable
        if not (found := os.environ.get(name, "").strip()):
            fail(f"The variable {name} is not set: the context takes its token from there.")
        return _token(found, name)
    if saved is not None and saved.token is not None:
        return saved.token
    if (saved is not None and saved.login) or _is_azure(url):
        return AzureLogin()
    return None


def words_of(error: AccessError) -> str:
    """Return what to do where a server lets nobody in; the contract's own answers say little."""
    if error.status == _NO_TOKEN:
        return (
            "The server wants a token, and takes none that it does not know or that has expired: "
            "set KASTOR_TOKEN (see `kastor token create`), or save one with `kastor context add`."
        )
    if error.status == _NOT_ALLOWED and not error.code:
        return (
            "The token does not allow this. Take one of another role, such as that of `kastor "
            "token create --role owner`."
        )
    return str(error)


class AzureLogin:
    """Tokens of Microsoft Entra, as `azure-identity` finds the credentials for them.

    Of a managed identity, of variables, of `az login` and more: its `DefaultAzureCredential`.
    """

    def __init__(self) -> None:
        try:
            from azure.identity import DefaultAzureCredential
        except ImportError:
            fail(
                f"Azure Digital Twins wants a token of Microsoft Entra: {install_extra('entra')}, "
                "or set KASTOR_TOKEN.",
                Exit.NO_ACCESS,
            )
        from kastor.logs import library_logger

        library_logger("azure").setLevel("CRITICAL")  # what it warns of, the command tells
        self._credential = DefaultAzureCredential()

    def get_token(self, *scopes: str) -> Any:  # any: azure.core.credentials.AccessToken
        """Return a token.

        Raises:
            CredentialError: there is none to be had.
        """
        from azure.core.exceptions import AzureError

        from kastor.client import CredentialError

        try:
            return self._credential.get_token(*scopes)
        except (AzureError, ValueError):
            # What it says is a page about every way that it tried.
            raise CredentialError(
                "no way to log in to Azure worked. Run `az login`, or set KASTOR_TOKEN to a token "
                "(`az account get-access-token --resource https://digitaltwins.azure.net`)."
            ) from None


def _is_azure(url: str) -> bool:
    host = urlsplit(url if "://" in url else f"https://{url}").hostname or ""
    return host.endswith(_AZURE_HOSTS)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it holds no text"
        fail(f"The token of the context cannot be read from {path}: {reason}.")


def _token(text: str, place: str) -> str:
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        fail(f"{place} holds no token: it has characters that no token has.", Exit.USAGE)
    return text
