"""Tokens that an issuer has signed: OpenID Connect and OAuth 2.0, Microsoft Entra among them.

`way` is asked for callers; it takes a token apart (`token_form`), finds the key (`issuer_keys`,
which keeps what `documents` and `key_set` have read), has PyJWT verify it, and makes of the claims
who that is (`claims`). What fetches documents over HTTP is handed in: `kastor.outside` has it.
"""
