"""Known vulnerabilities of the crates in Cargo.lock, from RustSec's advisory database, as scripts/advisories.toml has them."""

import dataclasses
import datetime
import pathlib
import re
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / "scripts" / "advisories.toml"
UPSTREAM = "https://github.com/rustsec/advisory-db"

HEADER = """\
# Advisories of the RustSec database on the crates in Cargo.lock, in all versions. scripts/dependencies hands them to cargo-deny.
#
# `date` says how new the database was, `crates` which ones were looked up in it, with or without an advisory. To refresh all
# of it: `scripts/dependencies --refresh DIRECTORY`, with a clone of {upstream}.
# To add a single crate by hand: its advisories, if there are any, and its name in `crates`.

"""


@dataclasses.dataclass(frozen=True)
class Advisory:
    """What is known of one vulnerability. `patched` and `unaffected` are version requirements, as Cargo's."""

    id: str
    package: str
    date: str
    informational: str | None
    patched: tuple
    unaffected: tuple
    what: str


@dataclasses.dataclass(frozen=True)
class Facts:
    """The advisories on some crates, and the day of the database that they were read from."""

    date: datetime.date
    crates: frozenset
    advisories: tuple

    def age(self, today):
        return (today - self.date).days

    def missing(self, names):
        """Those of some crates that nobody has looked up."""
        return sorted(set(names) - self.crates)


def locked():
    """The names of the crates in Cargo.lock that come from a registry."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {package["name"] for package in lock["package"] if "source" in package}


def read():
    """The facts in scripts/advisories.toml."""
    document = tomllib.loads(FILE.read_text())
    advisories = tuple(advisory(entry, entry["what"]) for entry in document["advisory"])
    return Facts(document["date"], frozenset(document["crates"]), advisories)


def advisory(entry, what):
    """An advisory, from the keys that scripts/advisories.toml and the database have in common."""
    return Advisory(entry["id"], entry["package"], str(entry["date"]), entry.get("informational"),
                    tuple(entry.get("patched", [])), tuple(entry.get("unaffected", [])), what)


def text(facts):
    """The facts as scripts/advisories.toml: the same facts give the same file, byte for byte."""
    lines = [HEADER.format(upstream=UPSTREAM), f"date = {facts.date}\n", "crates = [\n"]
    line = "   "
    for name in sorted(facts.crates):
        if len(line) + len(name) + 4 > 120:
            lines.append(line + "\n")
            line = "   "
        line += f' "{name}",'
    lines += [line + "\n", "]\n"]
    for found in sorted(facts.advisories, key=lambda found: (found.package, found.id)):
        lines.append(f"\n[[advisory]]\n{keys(found)}what = {quoted(found.what)}\n{versions(found)}")
    return "".join(lines)


def keys(found):
    informational = f"informational = {quoted(found.informational)}\n" if found.informational else ""
    return f"id = {quoted(found.id)}\npackage = {quoted(found.package)}\ndate = {quoted(found.date)}\n{informational}"


def versions(found):
    return "".join(f"{key} = [{', '.join(quoted(each) for each in requirements)}]\n"
                   for key, requirements in (("patched", found.patched), ("unaffected", found.unaffected)))


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_database(facts, directory):
    """Writes the facts as a database in RustSec's own form: a file for each advisory, TOML in front, Markdown below."""
    for found in facts.advisories:
        file = directory / "crates" / found.package / f"{found.id}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        page = f"https://rustsec.org/advisories/{found.id}.html"
        file.write_text(f"```toml\n[advisory]\n{keys(found)}\n[versions]\n{versions(found)}```\n\n"
                        f"# {found.package}: {found.what}\n\nSee {page}\n")
    # cargo-deny wants a clone, and looks at this file's time only. How old the facts are is said elsewhere.
    (directory / ".git").mkdir()
    (directory / ".git" / "FETCH_HEAD").touch()


def read_database(directory, date, crates, known):
    """Reads a clone of the database, for some crates. What is `known` keeps its words; the others get the database's terms."""
    words = {found.id: found.what for found in known}
    found = []
    for name in sorted(crates):
        for file in sorted((directory / "crates" / name).glob("RUSTSEC-*.md")):
            front = re.match(r"```toml\n(.*?)^```", file.read_text(), re.DOTALL | re.MULTILINE)
            if not front:
                raise ValueError(f"{file} does not begin with TOML")
            entry = tomllib.loads(front[1])
            head = entry["advisory"]
            if "withdrawn" in head:
                continue
            terms = ", ".join(head.get("categories", [])) or head.get("informational") or "vulnerability"
            found.append(advisory({**head, **entry["versions"]}, words.get(head["id"], terms)))
    return Facts(date, frozenset(crates), tuple(found))
