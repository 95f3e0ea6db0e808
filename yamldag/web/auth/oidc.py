"""Logging in elsewhere: OpenID Connect with PKCE, state and nonce. The extra `yamldag[oidc]`.

The provider is named by variables: YAMLDAG_OIDC_ISSUER, _CLIENT_ID, _CLIENT_SECRET (none for a public client), _ROLES
(`staff=viewer,ops=operator`: what a value of the role claim may do), _ROLE_CLAIM (`groups`), _NAME_CLAIM
(`preferred_username`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from yamldag.store.names import ROLES
from yamldag.web.auth.shown import NAME

ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")
"""By which an identity may be signed: never by a secret that both know, never by nothing."""
FLOW = 600.0
"""Seconds within which somebody must have logged in at the provider."""
_FLOWS = 1000
_FRESH = 600.0
"""Seconds for which what the provider says of itself is kept."""
_LEEWAY = 60.0
_MOST = 1_000_000
_PREFIX = "YAMLDAG_OIDC_"


class Denied(Exception):  # noqa: N818
    """Who comes from the provider is let in by nobody; the words say why."""


class BadProvider(ValueError):  # noqa: N818
    """The variables that name it are wrong."""


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    role: str
    mark: str
    """Of the account that is theirs alone: made of who they are at which provider."""


@dataclass(frozen=True, slots=True)
class _Flow:
    nonce: str
    verifier: str
    back: str
    until: float


@dataclass(slots=True)
class Provider:
    issuer: str
    client_id: str
    client_secret: str | None
    roles: Mapping[str, str]
    role_claim: str = "groups"
    name_claim: str = "preferred_username"
    transport: httpx.BaseTransport | None = None
    _flows: dict[str, _Flow] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: tuple[float, dict[str, Any], Any] | None = None

    def begin(self, back: str, here: str, now: float) -> tuple[str, str]:
        """Where to send the browser, and the state that it is to keep. Raises Denied."""
        settings, _ = self._said(now)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        with self._lock:
            self._flows = {key: each for key, each in self._flows.items() if each.until > now}
            if len(self._flows) >= _FLOWS:
                raise Denied("too many people log in at this moment: try again")
            self._flows[_digest(state)] = _Flow(nonce, verifier, back, now + FLOW)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": here,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._endpoint(settings, 'authorization_endpoint')}?{urlencode(query)}", state

    def finish(self, query: Mapping[str, str], kept: str, here: str, now: float) -> tuple[Person, str]:
        """Who has come back, and the way back here. A state counts once. Raises Denied."""
        given = query.get("state", "")
        with self._lock:
            flow = self._flows.pop(_digest(given), None)
        if flow is None or flow.until <= now or not hmac.compare_digest(given.encode(), kept.encode()):
            raise Denied("that login was begun elsewhere, or too long ago: begin again")
        if query.get("iss", self.issuer) != self.issuer:
            raise Denied("the answer is another provider's")
        if "code" not in query:
            raise Denied("the provider has not let you in")
        claims = self._claims(self._exchange(query["code"], flow.verifier, here, now), now)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), flow.nonce.encode()):
            raise Denied("the identity is of another login")
        return self._person(claims), flow.back

    # What the provider says

    def _said(self, now: float, *, anew: bool = False) -> tuple[dict[str, Any], Any]:
        """Its settings and its keys."""
        if self._known is not None and not anew and now - self._known[0] < _FRESH:
            return self._known[1], self._known[2]
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        settings = self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if settings.get("issuer") != self.issuer:
            raise Denied("the provider calls itself something else than YAMLDAG_OIDC_ISSUER")
        try:
            keys = KeySet.import_key_set(self._ask("GET", self._endpoint(settings, "jwks_uri")))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError):
            raise Denied("the provider's keys can't be read") from None
        self._known = (now, settings, keys)
        return settings, keys

    def _endpoint(self, settings: Mapping[str, Any], name: str) -> str:
        url = settings.get(name)
        if not isinstance(url, str) or not _is_safe(url):
            raise Denied(f"the provider's `{name}` is no https address")
        return url

    def _exchange(self, code: str, verifier: str, here: str, now: float) -> str:
        """The signed identity that a code stands for."""
        settings, _ = self._said(now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": here,
            "client_id": self.client_id,
            "code_verifier": verifier,
        }
        auth = None if self.client_secret is None else (self.client_id, self.client_secret)
        told = self._ask("POST", self._endpoint(settings, "token_endpoint"), data=form, auth=auth)
        if not isinstance(told.get("id_token"), str):
            raise Denied("the provider gave no identity")
        return str(told["id_token"])

    def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        try:
            with httpx.Client(
                timeout=10, follow_redirects=False, transport=self.transport, trust_env=False
            ) as client:
                answer = client.request(method, url, **more)
            told = answer.json() if answer.is_success and len(answer.content) <= _MOST else None
        except (httpx.HTTPError, ValueError):
            told = None
        if not isinstance(told, dict):
            raise Denied("the provider can't be asked at this moment")
        return told

    # Who it is

    def _claims(self, token: str, now: float) -> dict[str, Any]:
        claims = self._verified(token, now)
        audience = claims.get("aud")
        listed = audience if isinstance(audience, list) else [audience]
        until, since = claims.get("exp"), claims.get("iat")
        if claims.get("iss") != self.issuer or self.client_id not in listed:
            raise Denied("the identity is not for here")
        if len(listed) > 1 and claims.get("azp") != self.client_id:
            raise Denied("the identity is not for here")
        if not isinstance(until, int | float) or not isinstance(since, int | float):
            raise Denied("the identity says no time")
        if until <= now - _LEEWAY or since > now + _LEEWAY:
            raise Denied("the identity is of another time")
        return claims

    def _verified(self, token: str, now: float) -> dict[str, Any]:
        """Signed by a key of the provider's, which may have a new one since."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        for anew in (False, True):
            _, keys = self._said(now, anew=anew)
            try:
                return dict(jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims)
            except (JoseError, ValueError, KeyError, TypeError):
                continue
        raise Denied("the identity is not signed by the provider")

    def _person(self, claims: Mapping[str, Any]) -> Person:
        name, subject = claims.get(self.name_claim), claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise Denied("the provider does not say who you are")
        if not isinstance(name, str) or not NAME.fullmatch(name) or name == "local":
            raise Denied(f"the provider's `{self.name_claim}` is no name for an account here")
        given = claims.get(self.role_claim)
        groups = given if isinstance(given, list) else [given]
        found = [self.roles[each] for each in groups if isinstance(each, str) and each in self.roles]
        if not found:
            raise Denied(f"none of your `{self.role_claim}` has a role here: ask an admin")
        mark = hashlib.sha256(f"{self.issuer}\n{subject}".encode()).hexdigest()
        return Person(name, max(found, key=ROLES.index), f"oidc {mark}")


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return (
        bool(parts.hostname)
        and not parts.username
        and (parts.scheme == "https" or (parts.scheme == "http" and local))
    )


def provider_of(environment: Mapping[str, str], say: Callable[[str], None]) -> Provider | None:
    """The one that the variables name. None: none, or the extra is not installed, which `say` tells. Raises
    BadProvider."""
    given = {
        name.removeprefix(_PREFIX): value for name, value in environment.items() if name.startswith(_PREFIX)
    }
    if not given:
        return None
    missing = [name for name in ("ISSUER", "CLIENT_ID", "ROLES") if not given.get(name)]
    if missing:
        raise BadProvider(f"{_PREFIX}{missing[0]} is missing")
    if not _is_safe(given["ISSUER"]):
        raise BadProvider(f"{_PREFIX}ISSUER wants an https address, found `{given['ISSUER']}`")
    roles = dict(part.strip().rpartition("=")[::2] for part in given["ROLES"].split(","))
    wrong = [role for value, role in roles.items() if role not in ROLES or not value]
    if wrong:
        raise BadProvider(f"{_PREFIX}ROLES wants pairs like `ops=operator`, of the roles {', '.join(ROLES)}")
    try:
        import joserfc  # noqa: F401
    except ImportError:
        say("nobody can log in by OpenID Connect: `pip install 'yamldag[oidc]'` installs what that takes")
        return None
    return Provider(
        given["ISSUER"],
        given["CLIENT_ID"],
        given.get("CLIENT_SECRET") or None,
        {value.strip(): role for value, role in roles.items()},
        given.get("ROLE_CLAIM") or "groups",
        given.get("NAME_CLAIM") or "preferred_username",
    )
