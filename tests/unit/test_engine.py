"""The compiled database is cached, safely: damaged, read-only, shared and foreign caches cost time and nothing else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from imgscan.errors import RuleError
from imgscan.match.engine import EVERY_BYTE, Engine
from imgscan.rules import cache
from imgscan.rules.load import RuleSet
from tests.support.layers import RULES, TOKEN
from tests.unit.test_anchors import rule

TEXT = b"tok_abcdefgh01234567"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGSCAN_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def database(home):
    (found,) = home.glob("database-*.hs")
    return found


def test_a_database_is_written_once_and_then_read(home, monkeypatch):
    Engine(RULES)
    monkeypatch.setattr("imgscan.match.engine._compile", None)
    assert Engine(RULES).scan(TEXT)


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 5000])
def test_a_damaged_database_is_made_anew(home, damage):
    Engine(RULES)
    database(home).write_bytes(damage)
    assert Engine(RULES).scan(TEXT)
    assert len(database(home).read_bytes()) > len(damage)


def test_a_flipped_bit_is_damage(home):
    Engine(RULES)
    content = bytearray(database(home).read_bytes())
    content[-1] ^= 1
    database(home).write_bytes(content)
    assert cache.read(database(home).name) is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a directory")
    monkeypatch.setenv("IMGSCAN_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert Engine(RULES).scan(TEXT)


def test_a_cache_that_others_may_write_to_is_not_used(home):
    Engine(RULES)
    home.chmod(home.stat().st_mode | stat.S_IWOTH)
    assert cache.read(database(home).name) is None


def test_no_cache_leaves_nothing_behind(home):
    Engine(RULES, use_cache=False)
    assert not home.exists()


def test_only_our_own_entries_are_cleared(home):
    Engine(RULES)
    (home / "letter.txt").write_text("not ours")
    assert cache.clear() == 1
    assert [path.name for path in home.iterdir()] == ["letter.txt"]


def test_old_entries_go_when_there_are_many(home):
    for number in range(cache.MAX_ENTRIES + 3):
        cache.write(f"rules-{number:032x}.msgpack", b"content")
    assert len(cache.entries()) == cache.MAX_ENTRIES


def test_what_cannot_take_its_place_leaves_nothing_behind(home):
    (home / "rules-x.msgpack").mkdir(parents=True)
    home.chmod(0o700)
    cache.write("rules-x.msgpack", b"content")
    assert [path.name for path in home.iterdir()] == ["rules-x.msgpack"]


def test_processes_that_start_at_once_do_not_disturb_each_other(home):
    program = "from tests.unit.test_engine import *; assert Engine(RULES).scan(TEXT)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    running = [subprocess.Popen([sys.executable, "-c", program], env=environment) for _ in range(4)]
    assert [process.wait(timeout=60) for process in running] == [0] * 4
    assert [path.suffix for path in home.iterdir()] == [".hs"]


def test_no_rules_find_nothing(home):
    assert Engine(RuleSet.of([])).scan(TEXT) == []


def test_nothing_is_found_in_nothing(home):
    assert Engine(RULES).scan(b"") == []


def test_a_pattern_that_hyperscan_refuses_is_a_rule_error(home):
    with pytest.raises(RuleError, match="hyperscan refuses"):
        Engine(RuleSet.of([rule("(?P<secret>a)", anchor="a*")]), use_cache=False)
    assert TOKEN.anchor is None


def test_the_literal_that_makes_hyperscan_look_at_every_byte_is_no_hit(home):
    assert Engine(RULES).scan(EVERY_BYTE + TEXT + EVERY_BYTE) == [(len(EVERY_BYTE + TEXT), 0)]
