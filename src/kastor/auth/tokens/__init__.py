"""Static access tokens: a file of their hashes, with names, roles, graphs and ends.

`lines` is its form, `file` reads and replaces it, `changes` are those that the command line makes,
`store` tells callers by it, and `notices` tells whoever runs the server what to see to.
"""

from kastor.auth.tokens.changes import (
    MadeToken,
    create_token,
    list_tokens,
    make_token,
    revoke_token,
    rotate_token,
)
from kastor.auth.tokens.lines import PREFIX, StaticToken, TokenFileError
from kastor.auth.tokens.store import TokenStore, read_principals

__all__ = (
    "PREFIX",
    "MadeToken",
    "StaticToken",
    "TokenFileError",
    "TokenStore",
    "create_token",
    "list_tokens",
    "make_token",
    "read_principals",
    "revoke_token",
    "rotate_token",
)
