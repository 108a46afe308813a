"""Tokens that must not let in, each with the reason that the log has to give."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .issuer import AUDIENCE, Issuer
from .keys import KeyPair, encoded, key_pair, token_of

FORM = "it does not have the form of a signed token"
ALGORITHM = "its algorithm is not allowed"
NO_KEY = "its issuer has no such key"
SIGNATURE = "its signature is wrong"
NOT_JSON = "it holds what is no JSON"
NOT_OBJECT = "it holds no JSON object where one belongs"
ISSUER = "its issuer is none that is set"
AUDIENCE_IS_OTHER = "it is meant for another audience"
TIME = "a time of it is no number"
NOBODY = "it does not say in `sub` or `oid` for whom it was made"
HEADER = "its header asks for what is not done here"
USE = "it is an ID token or another one that is no access token"
KIND = "it is no access token"
NO_TOKEN = "it holds what is none of a token"
NOT_FORMED = "it is not well formed"


@dataclass
class Scene:
    """Whom the server trusts, and who attacks it.

    Attributes:
        issuer, other: issuers that the server trusts.
        evil: an issuer that it does not know.
    """

    issuer: Issuer
    other: Issuer
    evil: Issuer

    @property
    def key(self) -> KeyPair:
        return self.issuer.keys[self.issuer.signing]

    @property
    def wrong_key(self) -> KeyPair:
        """A key of the attacker's under the id of the right one."""
        return KeyPair(self.key.kid, "RS256", self.evil.keys[self.evil.signing].private)

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        usual: dict[str, Any] = {"iss": self.issuer.url, "aud": AUDIENCE, "sub": "someone"}
        return {**usual, "iat": now, "nbf": now, "exp": now + 3_600, **more}

    def text(self, **more: Any) -> str:
        return json.dumps(self.claims(**more))

    def with_header(self, key: KeyPair | None = None, **more: Any) -> str:
        """A token that is right but for its header, or else for its key."""
        return token_of(self.issuer.header(self.key, **more), self.claims(), key or self.key)

    def with_payload(self, payload: str | bytes) -> str:
        data = payload.encode() if isinstance(payload, str) else payload
        return token_of(self.issuer.header(), data, self.key)


Make = Callable[[Scene], str]


def _unsigned(algorithm: str, signature: str = "") -> Make:
    def make(scene: Scene) -> str:
        parts = (scene.issuer.header(alg=algorithm), scene.claims())
        return ".".join([encoded(json.dumps(each).encode()) for each in parts] + [signature])

    return make


def _confused(secret: Callable[[KeyPair], bytes], algorithm: str = "HS256") -> Make:
    def make(scene: Scene) -> str:
        signed = _unsigned(algorithm)(scene).removesuffix(".")
        digest = hmac.digest(secret(scene.key), signed.encode(), "sha256")
        return f"{signed}.{encoded(digest)}"

    return make


def _claim(**claims: Any) -> Make:
    return lambda scene: scene.issuer.token(**claims)


def _header(**header: Any) -> Make:
    return lambda scene: scene.with_header(**header)


def _payload(change: Callable[[str], str | bytes]) -> Make:
    return lambda scene: scene.with_payload(change(scene.text()))


def _key_id(key_id: Any) -> Make:
    return lambda scene: scene.with_header(scene.wrong_key, kid=key_id)


def _pointing(name: str) -> Make:
    """A header that says where the key is; the key there would fit."""

    def make(scene: Scene) -> str:
        value: Any = f"{scene.evil.url}/keys"
        if name == "jwk":
            value = scene.wrong_key.jwk()
        if name == "x5c":
            value = [encoded(scene.wrong_key.public_pem())]
        return scene.with_header(scene.wrong_key, **{name: value})

    return make


def _pointing_elsewhere(name: str) -> Make:
    """As above, with an id of a key that the issuer does not have."""

    def make(scene: Scene) -> str:
        key = scene.evil.keys[scene.evil.signing]
        where: Any = key.jwk() if name == "jwk" else f"{scene.evil.url}/keys"
        header = {"typ": "JWT", "alg": "RS256", "kid": key.kid, name: where}
        return token_of(header, scene.claims(), key)

    return make


def _changed(change: Callable[[str], str]) -> Make:
    return lambda scene: change(scene.issuer.token())


def _spare_bits(token: str) -> str:
    """The same bytes in another spelling: bits behind the last whole byte are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


def _twice(name: str, value: str) -> Callable[[str], str]:
    return lambda text: f'{{"{name}": {value}, {text[1:]}'


def _twice_in_header(scene: Scene) -> str:
    text = json.dumps(scene.issuer.header())
    return token_of(f'{{"alg": "none", {text[1:]}'.encode(), scene.claims(), scene.key)


def _other_algorithm(scene: Scene) -> str:
    key = scene.issuer.add(key_pair("declared-rs256", "RS256", 7))
    scene.issuer.published = [key.jwk(alg="RS256")]
    del scene.issuer.keys[key.kid]
    return scene.issuer.token(KeyPair(key.kid, "PS256", key.private))


def _pem(key: KeyPair) -> bytes:
    return key.public_pem()


ATTACKS: dict[str, tuple[Make, str]] = {
    "none": (_unsigned("none"), FORM),
    "none-signed": (_unsigned("none", "c2lnbmF0dXJl"), ALGORITHM),
    "none-capital": (_unsigned("NonE", "c2lnbmF0dXJl"), ALGORITHM),
    "no-signature": (_unsigned("RS256"), FORM),
    "no-algorithm": (_header(alg=None), NO_TOKEN),
    "algorithm-list": (_header(alg=["RS256"]), NO_TOKEN),
    "algorithm-unknown": (_header(alg="ES256K"), ALGORITHM),
    "confused-pem": (_confused(_pem), ALGORITHM),
    "confused-pem-stripped": (_confused(lambda key: _pem(key).strip()), ALGORITHM),
    "confused-jwk": (_confused(lambda key: json.dumps(key.jwk()).encode()), ALGORITHM),
    "confused-empty": (_confused(lambda _: b""), ALGORITHM),
    "confused-512": (_confused(_pem, "HS512"), ALGORITHM),
    "confused-claims-rs256": (_confused(_pem, "RS256"), SIGNATURE),
    "kid-path": (_key_id("../../../../../../dev/null"), NO_KEY),
    "kid-sql": (_key_id("x' UNION SELECT 'AAAA' -- "), NO_KEY),
    "kid-url": (lambda scene: _key_id(f"{scene.evil.url}/keys")(scene), NO_KEY),
    "kid-command": (_key_id("$(touch /tmp/kastor-owned)|x"), NO_KEY),
    "kid-nul": (_key_id("key\u0000-1"), NO_KEY),
    "kid-long": (_key_id("k" * 257), "its key id is too long"),
    "kid-list": (_key_id(["key-0"]), NO_TOKEN),
    "kid-null": (_key_id(None), NO_TOKEN),
    "kid-of-another": (lambda scene: scene.with_header(kid=scene.other.signing), NO_KEY),
    "jku": (_pointing("jku"), SIGNATURE),
    "jwk": (_pointing("jwk"), SIGNATURE),
    "x5u": (_pointing("x5u"), SIGNATURE),
    "x5c": (_pointing("x5c"), SIGNATURE),
    "jku-of-unknown": (_pointing_elsewhere("jku"), NO_KEY),
    "jwk-of-unknown": (_pointing_elsewhere("jwk"), NO_KEY),
    "x5u-of-unknown": (_pointing_elsewhere("x5u"), NO_KEY),
    "expired": (lambda scene: scene.issuer.token(exp=int(time.time()) - 61), "it has expired"),
    "expired-long-ago": (_claim(exp=0), "it has expired"),
    "not-yet": (lambda s: s.issuer.token(nbf=int(time.time()) + 120), "it is not valid yet"),
    "issued-later": (lambda s: s.issuer.token(iat=int(time.time()) + 120), "it is not valid yet"),
    "without-expiry": (_claim(exp=None), "it has no exp"),
    "expiry-null": (
        _payload(lambda text: text.replace('"exp": ', '"exp": null, "x": ')),
        "it has no exp",
    ),
    "expiry-text": (_claim(exp="9999999999"), TIME),
    "expiry-true": (_claim(exp=True), "it has expired"),
    "expiry-list": (_claim(exp=[9_999_999_999]), NOT_FORMED),
    "expiry-endless": (
        _payload(lambda text: text.replace('"exp": ', '"exp": 1e999, "x": ')),
        NOT_FORMED,
    ),
    "expiry-nan": (_payload(lambda text: text.replace('"exp": ', '"exp": NaN, "x": ')), NO_TOKEN),
    "expiry-digits": (
        _payload(lambda text: text.replace('"exp": ', f'"exp": {"9" * 5_000}, "x": ')),
        NOT_FORMED,
    ),
    "audience-other": (_claim(aud="https://other.example"), AUDIENCE_IS_OTHER),
    "audience-longer": (_claim(aud=f"{AUDIENCE}.evil.example"), AUDIENCE_IS_OTHER),
    "audience-path": (_claim(aud=f"{AUDIENCE}/other"), AUDIENCE_IS_OTHER),
    "audience-capital": (_claim(aud=AUDIENCE.upper()), AUDIENCE_IS_OTHER),
    "audience-any": (_claim(aud="*"), AUDIENCE_IS_OTHER),
    "audience-empty": (_claim(aud=[]), "it has no aud"),
    "audience-object": (_claim(aud={AUDIENCE: True}), AUDIENCE_IS_OTHER),
    "audience-mixed": (_claim(aud=[AUDIENCE, 1]), AUDIENCE_IS_OTHER),
    "without-audience": (_claim(aud=None), "it has no aud"),
    "issuer-unknown": (lambda scene: scene.evil.token(), ISSUER),
    "issuer-unknown-same-key": (lambda s: s.issuer.token(iss=s.evil.url), ISSUER),
    "issuer-slash": (lambda scene: scene.issuer.token(iss=f"{scene.issuer.url}/"), ISSUER),
    "issuer-trusted-other": (lambda scene: scene.issuer.token(iss=scene.other.url), NO_KEY),
    "issuer-list": (
        lambda scene: scene.issuer.token(iss=[scene.issuer.url]),
        NO_TOKEN,
    ),
    "without-issuer": (_claim(iss=None), "it names no issuer"),
    "huge": (_claim(filler="x" * 20_000), "it is too long"),
    "huge-header": (_header(filler="x" * 5_000), "its header is too long"),
    "deep": (_payload(lambda text: f'{{"a": {"[" * 4_000}{"]" * 4_000}, {text[1:]}'), NO_TOKEN),
    "deep-enough": (
        _payload(lambda text: f'{{"a": {"[" * 70}{"]" * 70}, {text[1:]}'),
        "its JSON is nested too deep",
    ),
    "deep-header": (
        lambda scene: token_of(
            f'{{"a": {"[" * 70}{"]" * 70}, {json.dumps(scene.issuer.header())[1:]}'.encode(),
            scene.claims(),
            scene.key,
        ),
        "its JSON is nested too deep",
    ),
    "twice-expiry": (_payload(_twice("exp", "1")), NOT_JSON),
    "twice-issuer": (_payload(_twice("iss", '"http://evil.example"')), NOT_JSON),
    "twice-deep": (_payload(_twice("a", '{"b": 1, "b": 2}')), NOT_JSON),
    "twice-in-header": (_twice_in_header, NOT_JSON),
    "payload-array": (_payload(lambda text: f"[{text}]"), NO_TOKEN),
    "payload-text": (_payload(lambda _: '"text"'), NO_TOKEN),
    "payload-bytes": (_payload(lambda _: b"\xff\xfe\x00"), NO_TOKEN),
    "payload-utf-16": (_payload(lambda text: text.encode("utf-16")), NO_TOKEN),
    "algorithm-of-another-kind": (_header(alg="ES256"), NO_KEY),
    "algorithm-not-declared": (_other_algorithm, NO_KEY),
    "crit": (_header(crit=["exp"]), HEADER),
    "crit-b64": (_header(crit=["b64"], b64=False), HEADER),
    "nested": (_header(cty="JWT"), HEADER),
    "compressed": (_header(zip="DEF"), HEADER),
    "encrypted-header": (_header(enc="A256GCM"), HEADER),
    "logout-token": (_header(typ="logout+jwt"), KIND),
    "type-number": (_header(typ=1), NO_TOKEN),
    "id-token": (_claim(at_hash="x"), USE),
    "id-token-by-type": (_claim(typ="ID"), USE),
    "bound-to-a-key": (
        _claim(cnf={"jkt": "x"}),
        "it is bound to a key of its holder, which is not supported",
    ),
    "nobody": (_claim(sub=None), NOBODY),
    "subject-number": (_claim(sub=7), "it is not well formed"),
    "subject-list": (_claim(sub=["someone"]), "it is not well formed"),
    "subject-empty": (_claim(sub=" "), NOBODY),
    "subject-lines": (_claim(sub="someone\nadmin"), NOBODY),
    "subject-long": (_claim(sub="s" * 256), NOBODY),
    "subject-oid-number": (_claim(sub=None, oid=7), NOBODY),
    "groups-many": (
        _claim(groups=["g"] * 1_001),
        "a claim of it has more than 1000 values",
    ),
    "signed-by-another": (lambda scene: scene.with_header(scene.wrong_key), SIGNATURE),
    "signature-of-another": (
        lambda s: s.issuer.token(a=1).rpartition(".")[0] + "." + s.issuer.token().split(".")[2],
        SIGNATURE,
    ),
    "signature-short": (_changed(lambda token: token[:-2]), SIGNATURE),
    "signature-spare-bits": (_changed(_spare_bits), FORM),
    "padded": (_changed(lambda token: f"{token}=="), FORM),
    "blank-inside": (_changed(lambda token: token.replace(".", " .", 1)), FORM),
    "line-inside": (_changed(lambda token: token.replace(".", ".\t", 1)), FORM),
    "empty-parts": (lambda _: "..", FORM),
    "not-latin": (_changed(lambda token: token[:-1] + "\xe9"), FORM),
    "digest": (lambda s: f"a.b.{hashlib.sha256(s.key.public_pem()).hexdigest()}", FORM),
}
