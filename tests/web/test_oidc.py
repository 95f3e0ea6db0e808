"""Logging in at a provider: a small stand-in speaks OpenID Connect, and lies in every way that it can."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from tests.web.browser import BASE
from tests.web.conftest import Hosted, add_user, hosted_by
from tests.web.seeds import NOW, seed
from yamldag.store import users
from yamldag.store.database import open_database
from yamldag.web.address import address_of
from yamldag.web.app import application
from yamldag.web.auth.oidc import BadProvider, Provider, provider_of

ISSUER = "https://id.example"
KEY = RSAKey.generate_key(2048, {"kid": "k1"})
OTHER = RSAKey.generate_key(2048, {"kid": "k1"})


class StandIn:
    """A provider. `claims` are what it says of whoever logs in; `sign` is how."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.header: dict[str, str] = {"alg": "RS256", "kid": "k1"}
        self.key: Any = KEY
        self.settings: dict[str, Any] = {}
        self.asked: list[dict[str, list[str]]] = []
        self.challenge = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("openid-configuration"):
            told = {
                "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys",
            }  # fmt: skip
            return httpx.Response(200, json=told | self.settings)
        if request.url.path == "/keys":
            return httpx.Response(200, json=KeySet([KEY]).as_dict(private=False))
        form = parse_qs(request.content.decode())
        self.asked.append(form)
        token = jwt.encode(self.header, self.claims, self.key, algorithms=["RS256", "HS256", "none"])
        return httpx.Response(200, json={"id_token": token})


class Visit:
    """A browser that logs in elsewhere."""

    def __init__(self, house: Hosted, there: StandIn) -> None:
        self.house, self.there = house, there

    def begin(self, back: str = "/") -> tuple[str, dict[str, str]]:
        """The state cookie, and what the provider is asked."""
        answer = self.house.anyone.get(f"/login/oidc?next={back}")
        assert answer.status_code == 303
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()
        }
        self.there.claims = {
            "iss": ISSUER, "aud": "yamldag", "sub": "123", "exp": NOW + 60, "iat": NOW, "nonce": query["nonce"],
            "preferred_username": "mira", "groups": ["staff", "ops"],
        }  # fmt: skip
        return answer.headers["set-cookie"].partition(";")[0], query

    def back(self, cookie: str, query: dict[str, str], **more: str) -> httpx.Response:
        given = {"code": "c0de", "state": query["state"], **more}
        path = "/login/oidc/back?" + "&".join(f"{name}={value}" for name, value in given.items() if value)
        return self.house.anyone.being(cookie=cookie).get(path)

    def account(self) -> users.User | None:
        database = open_database(self.house.seeded.url)
        try:
            return users.user(database, "mira")
        finally:
            database.close()


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    there = StandIn()
    house = hosted_by(seed(tmp_path, 1, 1, 1), address_of("127.0.0.1", 8080))
    add_user(house.seeded, "root", "admin")
    roles = {"staff": "viewer", "ops": "operator"}
    provider = Provider(ISSUER, "yamldag", "s3cret", roles, transport=httpx.MockTransport(there))
    site = replace(house.site, provider=provider)
    return Visit(Hosted(house.seeded, site, application(site), house.now), there)


def test_who_comes_back_has_an_account_and_a_session(visit: Visit) -> None:
    cookie, query = visit.begin("/runs/x")
    assert (query["code_challenge_method"], query["redirect_uri"]) == ("S256", f"{BASE}/login/oidc/back")
    answer = visit.back(cookie, query)
    assert answer.status_code == 200
    assert '0;url=/runs/x"' in answer.text
    assert "SameSite=strict" in answer.headers["set-cookie"]
    session = answer.cookies[visit.house.site.address.cookie]
    mira = visit.house.anyone.being(cookie=f"{visit.house.site.address.cookie}={session}")
    assert mira.get("/api/v1/me").json() == {"name": "mira", "role": "operator", "via": "session"}
    [form] = visit.there.asked
    assert len(form["code_verifier"][0]) >= 43
    assert "client_secret" not in form, "it goes in the header"


def test_the_verifier_is_what_the_challenge_was_made_of(visit: Visit) -> None:
    import base64
    import hashlib

    cookie, query = visit.begin()
    visit.back(cookie, query)
    made = hashlib.sha256(visit.there.asked[0]["code_verifier"][0].encode()).digest()
    assert base64.urlsafe_b64encode(made).decode().rstrip("=") == query["code_challenge"]


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": ["yamldag", "other"]}, {"aud": []}, {"exp": NOW - 61},
        {"exp": None}, {"exp": "soon"}, {"iat": NOW + 61}, {"nonce": "other"}, {"nonce": None}, {"sub": ""}, {"sub": 7},
        {"preferred_username": "../x"}, {"preferred_username": "local"}, {"preferred_username": None}, {"groups": []},
        {"groups": ["nobody"]}, {"groups": {"staff": 1}}, {"groups": None},
    ],
)  # fmt: skip
def test_an_identity_that_lies_lets_nobody_in(visit: Visit, lie: dict[str, Any]) -> None:
    cookie, query = visit.begin()
    visit.there.claims |= lie
    answer = visit.back(cookie, query)
    assert (answer.status_code, visit.account()) == (401, None)
    assert visit.house.site.address.cookie not in answer.cookies


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "RS256", "kid": "k1"}, OTHER),
        ({"alg": "HS256", "kid": "k1"}, OctKey.import_key(json.dumps(KEY.as_dict(private=False)))),
        ({"alg": "HS256"}, OctKey.import_key("s3cret" * 8)),
        ({"alg": "none"}, None),
    ],
)
def test_an_identity_that_others_signed_lets_nobody_in(
    visit: Visit, header: dict[str, str], key: Any
) -> None:
    cookie, query = visit.begin()
    if key is None:  # by hand: no library makes one
        visit.there.key = KEY
        token = jwt.encode({"alg": "RS256"}, visit.there.claims, KEY).split(".")
        import base64

        nothing = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        forged = f"{nothing}.{token[1]}."
        visit.there.__class__ = type("Forger", (StandIn,), {"__call__": _forging(forged)})
    else:
        visit.there.header, visit.there.key = header, key
    assert visit.back(cookie, query).status_code == 401
    assert visit.account() is None


def _forging(token: str) -> Callable[[StandIn, httpx.Request], httpx.Response]:
    def answer(self: StandIn, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"id_token": token})
        return StandIn.__call__(self, request)

    return answer


def test_a_state_is_of_one_browser_and_counts_once(visit: Visit) -> None:
    cookie, query = visit.begin()
    assert visit.back("yamldag-elsewhere=other", query).status_code == 401
    assert visit.back(cookie, query).status_code == 401, "it was tried"
    cookie, query = visit.begin()
    assert visit.back(cookie, query).status_code == 200
    assert visit.back(cookie, query).status_code == 401
    cookie, query = visit.begin()
    visit.house.now[0] += 601
    assert visit.back(cookie, query).status_code == 401


def test_an_answer_of_another_provider_and_a_refusal_let_nobody_in(visit: Visit) -> None:
    cookie, query = visit.begin()
    assert visit.back(cookie, query, iss="https://evil.example").status_code == 401
    cookie, query = visit.begin()
    assert visit.back(cookie, query, code="", error="access_denied").status_code == 401


def test_an_account_of_that_name_is_not_taken_over(visit: Visit) -> None:
    add_user(visit.house.seeded, "mira", "admin")
    cookie, query = visit.begin()
    answer = visit.back(cookie, query)
    assert answer.status_code == 401
    assert "is not the provider" in answer.text


def test_another_subject_is_another_person(visit: Visit) -> None:
    cookie, query = visit.begin()
    assert visit.back(cookie, query).status_code == 200
    cookie, query = visit.begin()
    visit.there.claims["sub"] = "456"
    assert visit.back(cookie, query).status_code == 401


def test_a_role_is_what_it_is_at_the_provider_by_now(visit: Visit) -> None:
    for groups, role in ((["ops"], "operator"), (["staff"], "viewer")):
        cookie, query = visit.begin()
        visit.there.claims["groups"] = groups
        assert visit.back(cookie, query).status_code == 200
        account = visit.account()
        assert account is not None
        assert account.role == role


def test_a_password_opens_no_account_of_the_provider_s(visit: Visit) -> None:
    cookie, query = visit.begin()
    visit.back(cookie, query)
    account = visit.account()
    assert account is not None
    for word in (account.password, "", "123"):
        assert visit.house.anyone.post("/login", {"name": "mira", "password": word}).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"issuer": "https://evil.example"},
    ],
)
def test_a_provider_that_leads_elsewhere_is_not_asked(visit: Visit, wrong: dict[str, str]) -> None:
    visit.there.settings = wrong
    if "issuer" in wrong:
        assert visit.house.anyone.get("/login/oidc").status_code == 503
        return
    cookie, query = visit.begin()
    assert visit.back(cookie, query).status_code == 401
    assert visit.there.asked == []


def test_where_nobody_logs_in_elsewhere_there_is_no_such_page(hosted: Hosted) -> None:
    assert hosted.anyone.get("/login/oidc").status_code == 404
    assert "organisation" not in hosted.anyone.get("/login").text


GOOD = {
    "YAMLDAG_OIDC_ISSUER": ISSUER,
    "YAMLDAG_OIDC_CLIENT_ID": "x",
    "YAMLDAG_OIDC_ROLES": "a=admin, b c=viewer",
}


def test_variables_name_the_provider() -> None:
    made = provider_of(GOOD, pytest.fail)
    assert made is not None
    assert made.roles == {"a": "admin", "b c": "viewer"}
    assert provider_of({}, pytest.fail) is None


@pytest.mark.parametrize(
    "wrong",
    [{"YAMLDAG_OIDC_ISSUER": ""}, {"YAMLDAG_OIDC_ISSUER": "http://id.example"}, {"YAMLDAG_OIDC_ROLES": "a=root"},
     {"YAMLDAG_OIDC_ROLES": "admin"}, {"YAMLDAG_OIDC_CLIENT_ID": ""}],
)  # fmt: skip
def test_wrong_variables_are_told(wrong: dict[str, str]) -> None:
    with pytest.raises(BadProvider, match=r"YAMLDAG_OIDC_"):
        provider_of(GOOD | wrong, pytest.fail)
