"""Who may ask for what: accounts of people and tokens of programs. For admins."""

from __future__ import annotations

from starlette.responses import Response

from yamldag.store import tokens, users
from yamldag.store.database import Database
from yamldag.web import acts
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages.question import Question, answered
from yamldag.web.pages.question import asked as question_page
from yamldag.web.route import Kind, Route


def people(ask: Ask) -> Response:
    with ask.site.writing() as database:
        everyone, programs = users.users(database), tokens.tokens(database)
    shown = [
        {"name": each.name, "role": each.role, "created": each.created, "disabled": each.disabled}
        for each in everyone
    ]
    return ask.page("people.html", users=shown, tokens=[(each, each.works(ask.now)) for each in programs])


def ask_disable(ask: Ask) -> Response:
    return _ask(
        ask, "disable", "Every session of theirs ends at once. The account stays, and can be enabled again."
    )


def ask_enable(ask: Ask) -> Response:
    return _ask(ask, "enable", "They may log in again, by the password that they had.")


def _ask(ask: Ask, verb: str, says: str) -> Response:
    name = ask.path["name"]
    with ask.site.writing() as database:
        found = users.user(database, name)
    if found is None:
        return ask.missing()
    title = f"{verb.capitalize()} {name}"
    question = Question(
        title, (says,), verb.capitalize(), ("yamldag", "users", verb, name), "/people", bad=verb == "disable"
    )
    return question_page(ask, question)


def disable(ask: Ask) -> Response:
    name = ask.path["name"]
    last = "is the only admin who may log in: make another one first"
    outcome: list[str] = []

    def work(database: Database) -> str:
        def write() -> str:
            admins = [
                each.name for each in users.users(database) if each.role == "admin" and each.disabled is None
            ]
            if admins == [name]:
                return "refused: the only admin"
            return "disabled" if users.disable(database, name, ask.now) else "unchanged"

        outcome.append(database.write(write))
        return outcome[0]

    acts.done(ask, ask.deed("user.disable", name), work)
    if outcome[0].startswith("refused"):
        return ask.failed(409, "That would lock everybody out", f"{name} {last}.")
    return answered(ask, "/people", "done" if outcome[0] == "disabled" else "unchanged")


def enable(ask: Ask) -> Response:
    name = ask.path["name"]

    def work(database: Database) -> str:
        return "enabled" if database.write(lambda: users.enable(database, name)) else "unchanged"

    outcome = acts.done(ask, ask.deed("user.enable", name), work)
    return answered(ask, "/people", "done" if outcome == "enabled" else "unchanged")


def ask_revoke(ask: Ask) -> Response:
    name = ask.path["name"]
    with ask.site.writing() as database:
        if name not in {each.name for each in tokens.tokens(database)}:
            return ask.missing()
    says = ("What asks by it is refused from now on, for good. A new token wants a new name.",)
    question = Question(
        f"Revoke the token {name}", says, "Revoke", ("yamldag", "tokens", "revoke", name), "/people", bad=True
    )
    return question_page(ask, question)


def revoke(ask: Ask) -> Response:
    name = ask.path["name"]

    def work(database: Database) -> str:
        return "revoked" if database.write(lambda: tokens.revoke(database, name, ask.now)) else "unchanged"

    outcome = acts.done(ask, ask.deed("token.revoke", name), work)
    return answered(ask, "/people", "done" if outcome == "revoked" else "unchanged")


_DISABLE, _ENABLE = "/people/{name}/disable", "/people/{name}/enable"
_REVOKE = "/tokens/{name}/revoke"

ROUTES = (
    Route("people", "GET", "/people", people, Role.ADMIN, Kind.PAGE),
    Route("ask_disable", "GET", _DISABLE, ask_disable, Role.ADMIN, Kind.PAGE),
    Route("disable", "POST", _DISABLE, disable, Role.ADMIN, Kind.ACTION),
    Route("ask_enable", "GET", _ENABLE, ask_enable, Role.ADMIN, Kind.PAGE),
    Route("enable", "POST", _ENABLE, enable, Role.ADMIN, Kind.ACTION),
    Route("ask_revoke", "GET", _REVOKE, ask_revoke, Role.ADMIN, Kind.PAGE),
    Route("revoke", "POST", _REVOKE, revoke, Role.ADMIN, Kind.ACTION),
)
