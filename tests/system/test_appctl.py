# SPDX-License-Identifier: GPL-3.0-or-later
"""appctl: what it refuses, and that it changes nothing then; install, upgrade and remove with a small package, and
what becomes of one that was interrupted. Installations of the whole package are tried elsewhere."""
import fcntl
import io
import json
import re
import tarfile

import jsonschema
import pytest
from app_bundle import BUNDLE, HERE, HOOKS, LOCK, System, bundle, end_all_of, key, package, stage
from postfix import wait_until
from sealpost import DATA, ROOT, VERSION

(DONE, FAILED, USAGE, SIGNATURE, PART, ARCHITECTURE, RELEASE, SPACE, OLDER, NEWER_ARCHIVE, DECLINED, ABSENT, _, APPLIANCE,
 BUSY) = range(15)


@pytest.fixture
def keys(folder):
    return key(folder, "vendor")


@pytest.fixture
def system(folder):
    with System(folder) as it:
        yield it


def repack(path, change):
    """The bundle with its members as CHANGE leaves them, the signature as it was."""
    with tarfile.open(path) as tar:
        members = [(m, tar.extractfile(m).read()) for m in tar.getmembers()]
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for member, data in change(members):
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def without(suffix):
    return lambda members: [(m, data) for m, data in members if not m.name.endswith(suffix)]


def one_bit(suffix):
    def turn(members):
        return [(m, data[:-1] + bytes([data[-1] ^ 1]) if m.name.endswith(suffix) else data) for m, data in members]
    return turn


def with_member(name):
    return lambda members: [*members, (tarfile.TarInfo(name), b"foreign")]


def twice(members):
    return [*members, members[-1]]


TAMPERED = {
    "a package with one bit turned": (one_bit(".deb"), PART, "is not as it was signed"),
    "an app.json with one bit turned": (one_bit("app.json"), PART, "is not as it was signed"),
    "checksums with one bit turned": (one_bit("SHA256SUMS"), SIGNATURE, "or was changed since"),
    "a signature with one bit turned": (one_bit(".sig"), SIGNATURE, "or was changed since"),
    "no signature": (without(".sig"), PART, "lacks its SHA256SUMS.sig"),
    "no checksums": (without("SHA256SUMS"), PART, "lacks its SHA256SUMS"),
    "no package": (without(".deb"), PART, "lacks a part of it, debian"),
    "no app.json": (without("app.json"), PART, "lacks a part of it, app.json"),
    "a part that nobody signed": (with_member("debian12-amd64/foreign.deb"), PART, "a part that nobody signed"),
    "a name that leads out of the folder": (with_member("../../etc/cron.d/foreign"), PART, "a name that no bundle has"),
    "a name from the root": (with_member("/etc/cron.d/foreign"), PART, "a name that no bundle has"),
    "a part that is there twice": (twice, PART, "has a file twice"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_bundle_that_was_tampered_with_is_refused_and_changes_nothing(folder, keys, system, what):
    change, status, sentence = TAMPERED[what]
    made = repack(bundle(folder, keys[0]), change)
    before = system.changes()
    told = system.appctl("install", "--key", keys[1], made, status=status, says=sentence)
    assert told.endswith("Nothing was changed.\n") and told.count("\n") == 1
    assert system.changes() == before


def test_a_bundle_that_was_cut_is_refused(folder, keys, system):
    made = bundle(folder, keys[0])
    made.write_bytes(made.read_bytes()[:3000])
    system.appctl("install", "--key", keys[1], made, status=PART, says="only a part of one")
    made.write_bytes(b"")
    system.appctl("install", "--key", keys[1], made, status=PART)
    system.appctl("install", "--key", keys[1], folder / "none.app", status=PART, says="There is no bundle")
    assert system.changes() == []


def test_a_bundle_is_taken_from_those_only_whose_key_the_appliance_has(folder, keys, system):
    made = bundle(folder, keys[0])
    _, other = key(folder, "other")
    system.appctl("install", "--key", other, made, status=SIGNATURE, says="was not signed by the owner of")
    system.appctl("install", made, status=SIGNATURE, says="trusts no vendor yet")
    trusted = system.root / "etc/appliance/app-keys"
    trusted.mkdir(parents=True)
    (trusted / "other.pem").write_bytes(other.read_bytes())
    before = system.changes()
    system.appctl("install", made, status=SIGNATURE, says="by none whose key is in")
    assert system.changes() == before
    (trusted / "vendor.pem").write_bytes(keys[1].read_bytes())
    system.people().appctl("install", made, says="is installed")


def manifest_says(**what):
    return lambda app: app.update(what)


UNFIT = {
    "another architecture": ({"machine": "s390x"}, ARCHITECTURE, "is for s390x, and this machine is"),
    "another Debian": ({"debian": "11"}, RELEASE, "is for Debian 11, and this is Debian"),
    "another app": ({"change": manifest_says(name="other")}, USAGE, 'has the app "other"'),
    "a kind of manifest of the future": ({"change": manifest_says(manifest=2)}, APPLIANCE, "does not know yet"),
    "more room than there is": ({"change": manifest_says(disk_mib={"system": 1, "data": 900_000_000})}, SPACE, "MiB free for /var/lib/sealpost"),
    "more room for programs": ({"change": manifest_says(disk_mib={"system": 900_000_000, "data": 1})}, SPACE, "MiB free for /usr"),
    "a package of another version": ({"change": lambda app: app["packages"][0].update(version="9.9")}, PART, "is not the package"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_a_bundle_that_is_not_for_this_system_is_refused_and_changes_nothing(folder, keys, system, what):
    more, status, sentence = UNFIT[what]
    made = bundle(folder, keys[0], **more)
    system.appctl("install", "--key", keys[1], made, status=status, says=sentence)
    assert system.changes() == []


def test_an_appliance_that_is_too_old_is_told_so(folder, keys, system):
    made = bundle(folder, keys[0], change=manifest_says(appliance={"minimum_version": "3.2"}))
    (system.root / "etc/appliance").mkdir()
    (system.root / "etc/appliance/version").write_text("3.1.9\n")
    before = system.changes()
    system.appctl("install", "--key", keys[1], made, status=APPLIANCE, says="wants version 3.2 of the appliance")
    assert system.changes() == before
    (system.root / "etc/appliance/version").write_text("3.10\n")
    system.people().appctl("install", "--key", keys[1], made)


def test_app_json_may_be_laid_out_in_any_way_that_json_allows(folder, keys, system):
    made = stage(folder)
    app = json.loads((made / "app.json").read_text("utf-8"))
    app["summary"]["en"] = 'a "quoted"\\word, {not} [a] structure: \t\u00fc'
    text = json.dumps(app, indent="\t", separators=("\n,", " \r\n: "))
    (made / "app.json").write_text(text, "utf-8")
    BUNDLE.sign(made, keys[0])
    BUNDLE.pack(made, folder / "odd.app", 0)
    system.people().appctl("install", "--key", keys[1], folder / "odd.app", says=f"sealpost {VERSION}+deb{HERE} is installed")
    (made / "app.json").write_text(text[:-2], "utf-8")
    BUNDLE.sign(made, keys[0])
    BUNDLE.pack(made, folder / "cut.app", 0)
    system.appctl("install", "--key", keys[1], folder / "cut.app", status=PART, says="cannot be read")


def test_what_is_installed_is_not_replaced_by_something_older(folder, keys, system):
    old, new = bundle(folder, keys[0], "old.app", version="1.9.0"), bundle(folder, keys[0], "new.app", version="1.10.0")
    system.appctl("upgrade", "--key", keys[1], new, status=ABSENT, says="is not installed")
    system.people().appctl("install", "--key", keys[1], new)
    before = system.changes()
    for command in ("install", "upgrade"):
        system.appctl(command, "--key", keys[1], old, status=OLDER, says="older than 1.10.0")
    assert system.changes() == before


def test_an_archive_is_not_given_to_a_program_that_cannot_read_it(folder, keys, system):
    new = bundle(folder, keys[0], "new.app", version="2.0", change=manifest_says(formats={"catalog": 900}))
    old = bundle(folder, keys[0], "old.app")
    system.people().appctl("install", "--key", keys[1], new)
    system.run("runuser", "-u", "sealpost", "--", "sealpost", "init")
    system.appctl("remove")
    before = system.changes()
    system.appctl("install", "--key", keys[1], old, status=NEWER_ARCHIVE, says="was written by a newer version (2.0")
    assert system.changes() == before
    system.appctl("install", "--key", keys[1], new)


def test_two_at_a_time_are_not_let_in(folder, keys, system):
    made = bundle(folder, keys[0])
    with open(system.root / LOCK, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        system.appctl("install", "--key", keys[1], made, status=BUSY, says="Another appctl is at work")
    assert system.changes() == []


def test_wrong_usage_is_told(folder, system):
    for words in ((), ("instal",), ("install",), ("upgrade", "--key"), ("install", "a", "b"), ("status", "--with-data"),
                  ("install", "--force", "a")):
        system.appctl(*words, status=USAGE, says="usage: appctl")
    assert system.changes() == []


# --- an app's life ---

def import_some(system):
    system.run("cp", "-r", DATA / "mail", "/srv/mail")
    system.run("runuser", "-u", "sealpost", "--", "sealpost", "init")
    system.run("runuser", "-u", "sealpost", "--", "sealpost", "import", "/srv/mail", says="49 archived")


def test_install_upgrade_remove_and_install_again_find_the_same_archive(folder, keys, system):
    old, new = bundle(folder, keys[0], "old.app", version="1.0"), bundle(folder, keys[0], "new.app", version="1.1")
    system.people().appctl("install", "--key", keys[1], old, says="the first who opens /archive/")
    import_some(system)
    told = system.appctl("upgrade", "--key", keys[1], new, says=f"upgraded from 1.0+deb{HERE} to 1.1+deb{HERE}")
    assert "The catalog of 49 mails is backed up: full" in told
    system.appctl("status", says="49 mails")
    system.appctl("remove", says="the archive stays in /var/lib/sealpost")
    assert not (system.root / HOOKS).exists() and not (system.root / "usr/bin/sealpost").exists()
    system.appctl("status", status=ABSENT, says="these archives are kept: /var/lib/sealpost/default")
    system.appctl("install", "--key", keys[1], new)
    system.appctl("status", says="49 mails")


def test_an_archive_is_deleted_only_if_its_name_is_typed(folder, keys, system):
    system.people().appctl("install", "--key", keys[1], bundle(folder, keys[0]))
    import_some(system)
    system.run("install", "-d", "-o", "sealpost", "/srv/packs")
    system.run("runuser", "-u", "sealpost", "--", "sealpost", "medium", "add", "/srv/packs", "--active")
    (system.root / "srv/packs/of somebody else").write_text("stays")
    before = system.changes()
    for typed in ("", "yes\n", "Default\n"):
        told = system.appctl("remove", "--with-data", typed=typed, status=DECLINED, says="Nothing was changed")
        assert "49 of its mails are on local media of this machine, and will be gone for good" in told
    # To count them the archive was opened.
    assert all(row[0].startswith("var/lib/sealpost/default/") for row in set(system.changes()) - set(before))
    system.appctl("remove", "--with-data", typed="default\n", says="is gone, and with it its archives")
    assert not (system.root / "var/lib/sealpost").exists() and not (system.root / "etc/sealpost").exists()
    assert [path.name for path in (system.root / "srv/packs").iterdir()] == ["of somebody else"]
    system.appctl("remove", status=ABSENT)


def test_data_that_a_removal_left_can_be_deleted_later(folder, keys, system):
    system.people().appctl("install", "--key", keys[1], bundle(folder, keys[0]))
    import_some(system)
    system.appctl("remove")
    system.appctl("remove", "--with-data", typed="default\n", says="How many mails it has cannot be told")
    assert not (system.root / "var/lib/sealpost").exists()


@pytest.mark.parametrize("command, place", [("install", "apt"), ("install", "postinst"), ("upgrade", "apt"), ("upgrade", "postinst"),
                                            ("remove", "prerm")])
def test_what_was_interrupted_can_be_said_again(folder, keys, system, command, place):
    """Killed before apt begins, or in the middle of dpkg's work, as by a power cut."""
    first, made = bundle(folder, keys[0], "old.app", version="1.0"), bundle(folder, keys[0], "new.app", version="1.1")
    args = () if command == "remove" else ("--key", keys[1], made)
    system.people()
    if command != "install":
        system.appctl("install", "--key", keys[1], first)
    if command == "upgrade":
        import_some(system)
    system.run("mkfifo", f"/run/hold-{place}")
    process = system.begin(command, *args)
    wait_until((system.root / "run/held").exists)
    end_all_of(process)
    wait_until(system.is_free)
    system.run("rm", f"/run/hold-{place}")
    if command != "install":
        system.appctl("status", says=f"the last {command} was not finished")
    system.appctl(command, *args)
    assert not (system.root / "var/lib/sealpost/.app/step").exists()
    if command != "remove":
        assert f"1.1+deb{HERE}" in system.run("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "sealpost")
    if command == "upgrade":
        system.appctl("status", says="49 mails")


# --- app.json ---

def schema():
    return json.loads((ROOT / "package/app.schema.json").read_text("utf-8"))


def test_app_json_holds_to_its_schema(folder):
    made = stage(folder, change=lambda app: None)
    jsonschema.Draft201909Validator.check_schema(schema())
    jsonschema.Draft201909Validator(schema()).validate(json.loads((made / "app.json").read_text("utf-8")))


def test_app_json_names_what_the_package_has(folder):
    app = json.loads((ROOT / "package/app.json").read_text("utf-8"))
    for hook, path in app["hooks"].items():
        made = ROOT / "package/appliance" / path.rpartition("/")[2]
        assert made.stat().st_mode & 0o111, f"{hook}: {made} is no program"
    tmpfiles = (ROOT / "package/systemd/sealpost.tmpfiles").read_text("utf-8").split()
    for kind in ("data", "settings", "runtime"):
        assert set(app[kind]) <= set(tmpfiles), kind
    assert app["menu"]["en"] == ["Modules", "Mail server", "Archiving"]


def test_packages_for_several_systems_lie_side_by_side(folder, keys, system):
    """The one for this Debian is taken."""
    made = stage(folder)
    rows = json.loads((made / "app.json").read_text("utf-8"))
    rows["packages"] += BUNDLE.take([package(folder, debian="99")], made, "99")
    rows["debian"].append("99")
    (made / "app.json").write_text(json.dumps(rows), "utf-8")
    BUNDLE.sign(made, keys[0])
    BUNDLE.pack(made, folder / "two.app", 0)
    system.people().appctl("install", "--key", keys[1], folder / "two.app", says=f"{VERSION}+deb{HERE} is installed")


def test_the_packages_are_built_with_what_package_deps_installs():
    control = (ROOT / "package/debian/control").read_text("utf-8")
    built_with = set(re.findall(r"^ (lib\S+|zlib1g)-dev\b", control.partition("Package:")[0], re.MULTILINE))
    installed = set(re.findall(r"\b(lib\S+|zlib1g)-dev\b", (ROOT / "package/deps").read_text("utf-8").partition("for option")[0]))
    assert built_with == installed - {"libc6"}
