# SPDX-License-Identifier: GPL-3.0-or-later
"""Who mistypes a command is told how it reads, and nothing is done."""
import pytest
from sealpost import FAILED, USAGE, files_below

WRONG = [
    ("init", "extra"), ("init", "--medium"), ("init", "--colour"),
    ("key",), ("key", "lose"), ("key", "export"), ("key", "export", "--password-prompt=x"),
    ("key", "import", "a", "b", "--password-file", "f"),
    ("key", "import", "a"), ("key", "show", "extra"),
    ("import",), ("import", "--since"), ("import", "--since", "yesterday", "x"),
    ("import", "--until", "2024-13", "x"), ("import", "--jobs", "many", "x"),
    ("import", "--dry-run=yes", "x"),
    ("search", "--limit", "few"), ("search", "--ofset", "1"),
    ("show",), ("show", "a", "b"), ("show", "a", "--raw", "--part", "1"), ("show", "--part", "-1"),
    ("export", "--all"), ("export", "--to", "x"), ("export", "--all", "query", "--to", "x"),
    ("export", "--all", "--format", "pst", "--to", "x"),
    ("verify",), ("verify", "--all", "a"), ("delete",), ("erase",), ("erase", "disk"),
    ("erase", "index", "media"), ("note",), ("note", "a", "b"), ("index",), ("index", "burn"),
    ("rebuild", "extra"), ("rebuild", "--medium", "x", "--colour"), ("medium",), ("medium", "eject"),
    ("spool",), ("spool", "list", "x"), ("spool", "show"), ("spool", "show", "a", "b"),
    ("spool", "drop"), ("spool", "burn", "a"), ("spool", "expire", "x"), ("status", "extra"),
    ("status", "--colour"),
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_call_gives_its_usage_and_does_nothing(archive, words):
    before = files_below(archive.path)
    ran = archive.run(*words, status=USAGE, says=f"usage: sealpost {words[0]} ")
    assert ran.err.startswith(f"sealpost {words[0]}: ") and not ran.out
    assert files_below(archive.path) == before


def test_help_names_every_verb_and_an_unknown_one_points_there(archive):
    text = archive.text("help")
    for verb in {words[0] for words in WRONG}:
        assert f"\n  {verb} " in text
    archive.run("serach", "x", status=USAGE, says='there is no verb "serach"')
    archive.run(status=USAGE, says="usage: sealpost")


def test_each_verb_tells_how_it_is_called(archive):
    for verb in {words[0] for words in WRONG}:
        told = archive.text(verb, "--help")
        assert told.startswith(f"{verb}: ") and f"usage: sealpost {verb} " in told
        assert archive.text("help", verb) == told


@pytest.mark.parametrize("query, at", [("from:", 5), ("(a OR", 3), ('"a b', 0), ("a has:legs", 2),
                                       ("after:yesterday", 0), ("larger:much", 0)])
def test_a_mistake_in_a_query_is_pointed_at(archive, query, at):
    lines = archive.run("search", "--", query, status=FAILED, says="^").err.splitlines()
    place = lines.index("  " + query)
    assert lines[place + 1].strip() == "^"
    assert at <= lines[place + 1].index("^") - 2 <= len(query)


def test_a_place_without_an_archive_is_told_so(archive, folder):
    for words in (["status"], ["search", "x"], ["import", "x"]):
        archive.run(*words, "--archive", folder / "nothing", status=FAILED,
                    says="holds no archive key")
    assert not (folder / "nothing").exists()
