"""What the database keeps can be read by this machine's keys, by nobody else, and under no other name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.canaries import CANARIES
from yamldag.operators import strongbox
from yamldag.operators.secrets import KEYS, UnresolvedError
from yamldag.operators.strongbox import Strongbox


def box(*keys: str) -> Strongbox:
    return Strongbox(keys, "a test")


def test_a_value_comes_back_and_is_not_seen_meanwhile() -> None:
    ours = box(strongbox.new_key())
    for value in CANARIES:
        token = ours.closed("secret", "db", value)
        assert value not in token
        assert ours.opened("secret", "db", token) == value


def test_the_newest_key_closes_and_each_opens() -> None:
    old, new = strongbox.new_key(), strongbox.new_key()
    before = box(old).closed("secret", "db", "hunter2")
    both = box(new, old)
    assert both.opened("secret", "db", before) == "hunter2"
    after = both.closed("secret", "db", "hunter2")
    assert box(new).opened("secret", "db", after) == "hunter2"
    with pytest.raises(UnresolvedError, match="encrypted by a key that is not in a test"):
        box(old).opened("secret", "db", after)


@pytest.mark.parametrize(("kind", "name"), [("secret", "other"), ("connection", "db")])
def test_a_value_under_another_name_is_refused(kind: str, name: str) -> None:
    ours = box(strongbox.new_key())
    token = ours.closed("secret", "db", "hunter2")
    with pytest.raises(UnresolvedError, match="was kept for another"):
        ours.opened(kind, name, token)


@pytest.mark.parametrize("token", ["", "nonsense", "gAAAAA=="])
def test_what_is_no_token_is_refused_in_words(token: str) -> None:
    with pytest.raises(UnresolvedError, match="encrypted by a key"):
        box(strongbox.new_key()).opened("secret", "db", token)


def test_keys_that_are_none_are_named_by_where_they_are() -> None:
    with pytest.raises(UnresolvedError, match=r"a key of \$YAMLDAG_STORE_KEYS is none"):
        strongbox.of({KEYS: "short"}, "/nowhere")


def test_the_environment_gives_several_keys(tmp_path: Path) -> None:
    old, new = strongbox.new_key(), strongbox.new_key()
    token = box(old).closed("secret", "db", "hunter2")
    for given in (f"{new},{old}", f" {new}\n{old} "):
        assert strongbox.of({KEYS: given}, str(tmp_path)).opened("secret", "db", token) == "hunter2"


def test_a_file_of_keys_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    assert strongbox.make(str(tmp_path))
    path = Path(strongbox.path(str(tmp_path)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    first = path.read_text()
    assert not strongbox.make(str(tmp_path))
    assert path.read_text() == first
    assert os.listdir(path.parent) == ["store.key"]


def test_a_file_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    strongbox.make(str(tmp_path))
    path = Path(strongbox.path(str(tmp_path)))
    path.chmod(0o640)
    with pytest.raises(UnresolvedError, match="others may read it: `chmod 600"):
        strongbox.of({}, str(tmp_path))


def test_without_keys_it_is_said_where_they_were_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UnresolvedError, match=r"neither `\$YAMLDAG_STORE_KEYS` nor `.*store\.key`"):
        strongbox.of({}, str(tmp_path))


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography.fernet", None)
    with pytest.raises(UnresolvedError, match=r"pip install 'yamldag\[secrets\]'"):
        box("x")
    with pytest.raises(UnresolvedError, match=r"pip install 'yamldag\[secrets\]'"):
        strongbox.new_key()
