#!/usr/bin/env python3
"""The steps of a release that are more than a line. .github/workflows/release.yml says when each of them runs.

    release.py prepare VERSION|major|minor|patch     by hand, for the pull request: Cargo.toml, Cargo.lock, CHANGELOG.md
    release.py plan                                  checks that Cargo.toml's version can be released; prints it
    release.py collect DIGEST TARGET FOLDER          takes the binary out of a pushed image
    release.py pack SHARE FOLDER                     makes one file of the man page and the completions
    release.py join FOLDER RUN                       puts the images of both architectures under one digest; prints it
    release.py pull DIGEST                           pulls the image without a login, as users do
    release.py tag-image VERSION DIGEST FOLDER       the image's tag
    release.py publish VERSION DIGEST FOLDER         makes the release's commits, and tags them vX.Y.Z
    release.py release VERSION FOLDER                the release page with its files
    release.py move-major VERSION                    vX points at vX.Y.Z
    release.py check-shell DIGEST SHELL              pulls the image with a shell too, and checks that it has the same program
    release.py tag-shell VERSION SHELL               its tags, vX.Y.Z-shell and vX-shell

FOLDER is what `collect` and `pack` filled: `binaries/` with one file for each target, `digests/` with one name for each image,
`manual/` with the one file.

A release is two commits on top of the one that was tested. In the first, action.yml names the image by its digest, and
native/binaries.json each binary by its SHA-256; in the second, claude/action.yml names the first by its hash. So whoever
pins a release pins all of it. They are on no branch: on main, action.yml goes on saying `image: Dockerfile`. They are
made through GitHub's API with `gh`: GitHub signs them, and no git credentials are needed.

Each command can be run again after it, or one after it, failed. It skips what is there and correct, and stops if
it finds something else.
"""

import argparse
import datetime
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REPOSITORY = "org/port-mcp-auth"
IMAGE = f"ghcr.io/{REPOSITORY}"
ADDRESS = f"https://github.com/{REPOSITORY}"
TARGETS = ("aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu")
MANUAL = "port-mcp-auth-manual.tar.gz"

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
UNRELEASED = "## [Unreleased]"
NATIVE = "native/binaries.json"
COMPOSITE = "claude/action.yml"


class Refusal(Exception):
    """Why the release can't go on, for a person to read."""


def parse(version):
    match = VERSION.fullmatch(version)
    if not match:
        raise Refusal(f"{version!r} is no version: write it as 1.2.3, without v and without a suffix")
    return tuple(int(part) for part in match.groups())


def shown(version):
    return ".".join(map(str, version))


def followers(version):
    """The three versions that may come after this one."""
    major, minor, patch = version
    return {"patch": (major, minor, patch + 1), "minor": (major, minor + 1, 0), "major": (major + 1, 0, 0)}


def replaced(text, pattern, replacement, where):
    """`text` with the one match of `pattern` replaced; none or several are an error."""
    text, count = re.subn(pattern, lambda match: match.expand(replacement), text, flags=re.MULTILINE)
    if count != 1:
        raise Refusal(f"{where}: expected one line like {pattern!r}, found {count}")
    return text


# The version in Cargo.toml and Cargo.lock.

WORKSPACE_VERSION = r'(?<=^\[workspace\.package\]\nversion = ")[^"]*(?="$)'


def cargo_version(manifest):
    match = re.search(WORKSPACE_VERSION, manifest, re.MULTILINE)
    if not match:
        raise Refusal("Cargo.toml: [workspace.package] must begin with its version")
    return match[0]


def own_packages(lock):
    """(name, version) of the packages in Cargo.lock that come from this repository: they have no source."""
    for block in lock.split("\n\n"):
        if block.startswith("[[package]]") and "\nsource = " not in block:
            yield (
                re.search(r'^name = "(.*)"$', block, re.MULTILINE)[1],
                re.search(r'^version = "(.*)"$', block, re.MULTILINE)[1],
            )


def with_lock_version(lock, version):
    blocks = lock.split("\n\n")
    for at, block in enumerate(blocks):
        if block.startswith("[[package]]") and "\nsource = " not in block:
            blocks[at] = replaced(block, r'^version = ".*"$', f'version = "{version}"', "Cargo.lock")
    return "\n\n".join(blocks)


# CHANGELOG.md, in the form of keepachangelog.com.


def section(changelog, heading):
    """What stands under a heading of the second level, without the link definitions at the end of the file."""
    match = re.search(rf"^{re.escape(heading)}[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not match:
        raise Refusal(f"CHANGELOG.md has no section {heading}")
    return re.sub(r"^\[[^\]]+\]: \S+\n?", "", match[1], flags=re.MULTILINE).strip()


def notes(changelog, version):
    heading = f"## [{version}]"
    text = section(changelog, heading)
    if not text:
        raise Refusal(f"CHANGELOG.md: nothing stands under {heading}")
    if not re.search(rf"^{re.escape(heading)} - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        raise Refusal(f"CHANGELOG.md: the heading must be `{heading} - YYYY-MM-DD`")
    return text


def with_section(changelog, version, date, previous):
    """What was unreleased becomes the section of `version`."""
    if not section(changelog, UNRELEASED):
        raise Refusal(f"CHANGELOG.md: nothing stands under {UNRELEASED}, so there is nothing to release")
    if f"## [{version}]" in changelog:
        raise Refusal(f"CHANGELOG.md has a section {version} already")
    changelog = replaced(changelog, rf"^{re.escape(UNRELEASED)}$", f"{UNRELEASED}\n\n## [{version}] - {date}", "CHANGELOG.md")
    changelog = re.sub(r"^\[Unreleased\]: .*\n?", "", changelog, flags=re.MULTILINE)
    link = f"compare/v{previous}...v{version}" if previous else f"releases/tag/v{version}"
    links = f"[Unreleased]: {ADDRESS}/compare/v{version}...HEAD\n[{version}]: {ADDRESS}/{link}\n"
    first = re.search(r"^\[\d+\.\d+\.\d+\]: ", changelog, re.MULTILINE)
    if first:
        return changelog[: first.start()] + links + changelog[first.start() :]
    return changelog.rstrip("\n") + "\n\n" + links


# action.yml, native/binaries.json and claude/action.yml.


def pinned_image(action, version, digest):
    if not DIGEST.fullmatch(digest):
        raise Refusal(f"{digest!r} is no digest: sha256: and 64 hexadecimal digits")
    return replaced(action, r"^( +)image: Dockerfile$", rf"\1image: docker://{IMAGE}:v{version}@{digest}", "action.yml")


def pinned_binaries(text, version, sums):
    """What the action without Docker reads: which release to download, and what the files must be."""
    try:
        keys = {name: set(value) if isinstance(value, dict) else value for name, value in json.loads(text).items()}
    except (ValueError, AttributeError):
        keys = None
    if keys != {"version": None, "sha256": set(TARGETS)}:
        raise Refusal(f"{NATIVE}: expected an object with `version`, null, and `sha256`, an object with {' and '.join(TARGETS)}")
    return json.dumps({"version": version, "sha256": sums}, indent=2) + "\n"


def pinned_use(action, version, commit):
    """The composite action uses the commit that names the image; a file can't name the commit that it is part of."""
    major = parse(version)[0]
    return replaced(
        action,
        rf"^( +(?:- )?)uses: {REPOSITORY}@v{major}(?: +#.*)?$",
        rf"\1uses: {REPOSITORY}@{commit} # for v{version}",
        "claude/action.yml",
    )


# What the commands do.


def released(root):
    """All released versions, the newest last."""
    tags = subprocess.run(["git", "tag", "--list", "v*"], cwd=root, check=True, capture_output=True, text=True).stdout
    return sorted(parse(tag[1:]) for tag in tags.split() if VERSION.fullmatch(tag[1:]))


def prepare(root, wanted, today):
    manifest, lock, changelog = (root / name for name in ("Cargo.toml", "Cargo.lock", "CHANGELOG.md"))
    before = released(root)
    if wanted in ("major", "minor", "patch"):
        if not before:
            raise Refusal("nothing is released yet: name the first version")
        version = shown(followers(before[-1])[wanted])
    else:
        version = shown(parse(wanted))
    allowed(version, before)
    texts = {
        manifest: replaced(manifest.read_text(), WORKSPACE_VERSION, version, "Cargo.toml"),
        lock: with_lock_version(lock.read_text(), version),
        changelog: with_section(changelog.read_text(), version, today, shown(before[-1]) if before else None),
    }
    for path, text in texts.items():  # all or nothing: every refusal is behind us
        path.write_text(text)
    return version


def allowed(version, before):
    """A version follows the newest one without a gap."""
    if not before:
        return
    newest = before[-1]
    if parse(version) not in followers(newest).values():
        ways = ", ".join(shown(follower) for follower in followers(newest).values())
        raise Refusal(f"{version} can't follow {shown(newest)}: it is {ways}")


def plan(root):
    """Everything that can be wrong is found here, before anything is built."""
    version = cargo_version((root / "Cargo.toml").read_text())
    major = parse(version)[0]
    before = released(root)
    if parse(version) in before:
        raise Refusal(
            f"v{version} is there already. To finish a release that failed on its way, open its run and choose"
            ' "Re-run failed jobs". To make a new one, raise the version with `tools/release/release.py prepare`'
        )
    allowed(version, before)
    for name, locked in own_packages((root / "Cargo.lock").read_text()):
        if locked != version:
            raise Refusal(f"Cargo.lock has {name} {locked}, Cargo.toml says {version}")
    notes((root / "CHANGELOG.md").read_text(), version)
    first_files(root, version, "sha256:" + "0" * 64, dict.fromkeys(TARGETS, "0" * 64))
    pinned_use((root / COMPOSITE).read_text(), version, "0" * 40)
    if f"uses: {REPOSITORY}@v{major} " not in (root / ".github/workflows/release.yml").read_text():
        raise Refusal(f"release.yml must try {REPOSITORY}@v{major} in the end")
    return {"version": version, "tag": f"v{version}", "major": f"v{major}"}


def first_files(root, version, digest, sums):
    """What the first of the two commits changes. Without the action for runners that have no Docker, that is one file."""
    files = {"action.yml": pinned_image((root / "action.yml").read_text(), version, digest)}
    if (root / NATIVE).parent.exists():
        native = root / NATIVE
        files[NATIVE] = pinned_binaries(native.read_text() if native.exists() else "", version, sums)
    return files


# The image.


def run(*words, **options):
    """What a program prints. What it says about a failure goes to the log."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode:
        raise Refusal(f"`{' '.join(words[:5])}` failed with {done.returncode}")
    return done.stdout


def digest_of(image):
    """Of what the registry has under this name."""
    return json.loads(run("docker", "buildx", "imagetools", "inspect", image, "--format", "{{json .Manifest}}"))["digest"]


def collect(digest, target, folder):
    (folder / "digests").mkdir(parents=True, exist_ok=True)
    (folder / "binaries").mkdir(exist_ok=True)
    container = run("docker", "create", f"{IMAGE}@{digest}").strip()
    run("docker", "cp", f"{container}:/port-mcp-auth", str(folder / "binaries" / f"port-mcp-auth-{target}"))
    run("docker", "rm", container)
    (folder / "digests" / digest.removeprefix("sha256:")).touch()


def pack(share, folder):
    """The same files give the same archive: a job that is run again must not end with another release."""
    paths = sorted(path for path in share.rglob("*") if path.is_file())
    if not paths:
        raise Refusal(f"{share} has no files to pack")
    (folder / "manual").mkdir(parents=True, exist_ok=True)
    with (
        (folder / "manual" / MANUAL).open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in paths:
            entry = tarfile.TarInfo(str(path.relative_to(share)))  # of root, from 1970, for everybody to read
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(entry, content)


def join(folder, number):
    parts = sorted(f"{IMAGE}@sha256:{path.name}" for path in (folder / "digests").iterdir())
    if len(parts) != len(TARGETS):
        raise Refusal(f"expected the digests of {len(TARGETS)} images, found {len(parts)}")
    candidate = f"{IMAGE}:candidate-{number}"
    run("docker", "buildx", "imagetools", "create", "--tag", candidate, *parts)
    return digest_of(candidate)


PRIVATE = f"""\
{IMAGE} is private, so nobody can use a release that names it. A new package starts private. To make it public:
1. Open https://github.com/orgs/{REPOSITORY.split("/")[0]}/packages/container/{REPOSITORY.split("/")[1]}/settings
2. Under "Danger Zone", click "Change visibility", and choose "Public". If that can't be chosen, an owner of the organization
   allows it in the organization's settings, under "Packages", "Package creation".
3. On the page of this run, click "Re-run failed jobs"."""


def pull(digest):
    """Before any tag is made: with a private package, every job that uses the release would fail."""
    image = f"{IMAGE}@{digest}"
    with tempfile.TemporaryDirectory() as empty:  # no file with credentials
        words = ["docker", "pull", "--quiet", image]
        done = subprocess.run(words, env=os.environ | {"DOCKER_CONFIG": empty}, stderr=subprocess.PIPE, text=True, check=False)
    if not done.returncode:
        return
    sys.stderr.write(done.stderr)
    if re.search("unauthorized|denied", done.stderr):
        raise Refusal(PRIVATE)
    raise Refusal(f"{image} can't be pulled, for the reason above")


def program_of(image, path):
    """The SHA-256 of the program in an image."""
    container = run("docker", "create", image).strip()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program"
        run("docker", "cp", f"{container}:{path}", str(program))
        run("docker", "rm", container)
        return sha256(program)


def check_shell(digest, shell):
    pull(shell)
    if program_of(f"{IMAGE}@{shell}", "/usr/local/bin/port-mcp-auth") != program_of(f"{IMAGE}@{digest}", "/port-mcp-auth"):
        raise Refusal(f"{shell} has another program than {digest}")


def put_tag(name, digest):
    image = f"{IMAGE}:{name}"
    run("docker", "buildx", "imagetools", "create", "--tag", image, f"{IMAGE}@{digest}")
    if digest_of(image) != digest:
        raise Refusal(f"{image} is {digest_of(image)}, and not the {digest} that was tested")


def tag_image(root, version, digest, folder):
    release_commit(root, version, digest, folder)  # the tag of another release stays where it is
    put_tag(f"v{version}", digest)


def tag_shell(version, shell):
    """After `move_major`, which stops an old run that is run again."""
    put_tag(f"v{version}-shell", shell)
    put_tag(f"v{parse(version)[0]}-shell", shell)


# The commits and tags.


def github(method, path, body=None):
    """One call of GitHub's API."""
    words = ["gh", "api", "--method", method, f"repos/{os.environ['GITHUB_REPOSITORY']}/{path}"]
    if body is not None:
        words += ["--input", "-"]
    answer = run(*words, input=json.dumps(body) if body else None)
    return json.loads(answer) if answer else None


def tags(prefix):
    """The tags that begin like this, with their commits."""
    refs = github("GET", f"git/matching-refs/tags/{prefix}")
    return {ref["ref"].removeprefix("refs/tags/"): ref["object"]["sha"] for ref in refs}


def tree_with(base, files):
    """`base` with these files. The same files give the same hash, so it also tells whether a tree is the right one."""
    tree = [{"path": path, "mode": "100644", "type": "blob", "content": content} for path, content in files.items()]
    return github("POST", "git/trees", {"base_tree": base, "tree": tree})["sha"]


def tree_of(commit):
    return github("GET", f"git/commits/{commit}")["tree"]["sha"]


def parent_of(commit):
    return github("GET", f"git/commits/{commit}")["parents"][0]["sha"]


def binaries(folder):
    """The release's binaries, by target."""
    found = {path.name.removeprefix("port-mcp-auth-"): path for path in sorted((folder / "binaries").glob("port-mcp-auth-*"))}
    if tuple(found) != TARGETS:
        raise Refusal(f"{folder}/binaries: expected the binaries for {' and '.join(TARGETS)}, found {list(found)}")
    return found


def assets(folder):
    """The files of the release page, by name, without the list of their hashes."""
    manual = folder / "manual" / MANUAL
    if not manual.is_file():
        raise Refusal(f"{manual} is missing")
    return {path.name: path for path in (*binaries(folder).values(), manual)}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def release_commit(root, version, digest, folder):
    """The commit that is tagged with this version, if there is one. A tag for anything else is an error."""
    files, second = commits_files(root, version, digest, folder)
    last = tags(f"v{version}").get(f"v{version}")
    if last is None:
        return None
    head = os.environ["GITHUB_SHA"]
    first = parent_of(last)
    first_tree = tree_with(tree_of(head), files)
    if (parent_of(first), tree_of(first), tree_of(last)) != (head, first_tree, tree_with(first_tree, second(first))):
        raise Refusal(f"v{version} is there already, and is not the release of {digest} built from {head}")
    return last


def commits_files(root, version, digest, folder):
    """What the two commits change. The files of the second name the first."""
    assets(folder)  # whatever is missing for the release page, now
    sums = {target: sha256(path) for target, path in binaries(folder).items()}
    composite = (root / COMPOSITE).read_text()
    pinned_use(composite, version, "0" * 40)  # whatever is wrong with it, now
    return first_files(root, version, digest, sums), lambda first: {COMPOSITE: pinned_use(composite, version, first)}


def publish(root, version, digest, folder):
    if before := release_commit(root, version, digest, folder):
        return before
    head = os.environ["GITHUB_SHA"]
    files, second = commits_files(root, version, digest, folder)
    text = f"Use the image of v{version}\n\nIt was built from {head} and tested by its digest."
    tree = tree_with(tree_of(head), files)
    first = github("POST", "git/commits", {"message": text, "tree": tree, "parents": [head]})["sha"]
    text = f"Release v{version}\n\nThe composite action uses the commit before this one."
    tree = tree_with(tree, second(first))
    last = github("POST", "git/commits", {"message": text, "tree": tree, "parents": [first]})["sha"]
    github("POST", "git/refs", {"ref": f"refs/tags/v{version}", "sha": last})
    return last


def newer(version, there):
    """The newest of the tagged versions after this one."""
    versions = [parse(tag[1:]) for tag in there if VERSION.fullmatch(tag[1:])]
    return max((other for other in versions if other > parse(version)), default=None)


def move_major(version):
    major = f"v{parse(version)[0]}"
    there = tags(major)
    commit = there[f"v{version}"]
    later = newer(version, (tag for tag in there if tag.startswith(f"{major}.")))
    if later:
        # An old run that is run again must not take users back.
        raise Refusal(f"{major} stays where it is: v{shown(later)} is newer than v{version}")
    if there.get(major) == commit:
        return commit
    if major in there:
        github("PATCH", f"git/refs/tags/{major}", {"sha": commit, "force": True})
    else:
        github("POST", "git/refs", {"ref": f"refs/tags/{major}", "sha": commit})
    return commit


# The release page.


def the_release(tag):
    """With drafts, which the API finds by no tag."""
    found = [release for release in github("GET", "releases?per_page=100") if release["tag_name"] == tag]
    if len(found) > 1:
        raise Refusal(f"there are {len(found)} releases for {tag}: delete the drafts among them")
    return found[0] if found else None


def checked_assets(page, files):
    """Sorts the files of a release: which are right, and which are to be uploaded. Wrong ones are an error."""
    there = {asset["name"]: asset for asset in page["assets"]}
    if page["draft"] and (others := there.keys() - files.keys()):
        raise Refusal(f"the draft of {page['tag_name']} has files that are not of this release: {', '.join(sorted(others))}")
    missing = []
    for name, path in files.items():
        asset = there.get(name)
        if asset is None or asset["state"] != "uploaded":
            missing.append(name)
        elif asset["digest"] != f"sha256:{sha256(path)}":
            raise Refusal(
                f"{name} is in {page['tag_name']} already, and is another file: it has {asset['digest']},"
                f" this run has sha256:{sha256(path)}" + ("; delete the draft, and run this again" if page["draft"] else "")
            )
    broken = [asset for name, asset in there.items() if name in missing]
    return missing, broken


def release(root, version, folder):
    tag = f"v{version}"
    text = notes((root / "CHANGELOG.md").read_text(), version)
    there = tags("v")
    if tag not in there:
        raise Refusal(f"there is no tag {tag} to make a release of")
    files = assets(folder)
    sums = "".join(f"{sha256(path)}  {name}\n" for name, path in files.items())
    files["SHA256SUMS"] = folder / "SHA256SUMS"
    files["SHA256SUMS"].write_text(sums)

    # A draft first: once it is published, an immutable release takes no more files.
    page = the_release(tag) or github("POST", "releases", {"tag_name": tag, "name": tag, "body": text, "draft": True})
    missing, broken = checked_assets(page, files)
    if not page["draft"]:
        if missing:
            raise Refusal(f"{tag} is published without {', '.join(missing)}, and takes no more files: release the next version")
        return page["html_url"]
    for asset in broken:  # an upload that broke off
        github("DELETE", f"releases/assets/{asset['id']}")
    if missing:
        repository = os.environ["GITHUB_REPOSITORY"]
        run("gh", "release", "upload", tag, "--repo", repository, *(str(files[name]) for name in missing))
        missing, _ = checked_assets(the_release(tag), files)
        if missing:
            raise Refusal(f"{', '.join(missing)} did not arrive")
    latest = "false" if newer(version, there) else "true"
    body = {"name": tag, "body": text, "draft": False, "make_latest": latest}
    page = github("PATCH", f"releases/{page['id']}", body)
    if not page.get("immutable"):
        print(f"::warning::{tag} can be changed by hand: enable release immutability in the settings", file=sys.stderr)
    return page["html_url"]


def main(words, root):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, arguments in {
        "prepare": ["version"],
        "plan": [],
        "collect": ["digest", "target", "folder"],
        "pack": ["share", "folder"],
        "join": ["folder", "run"],
        "pull": ["digest"],
        "tag-image": ["version", "digest", "folder"],
        "publish": ["version", "digest", "folder"],
        "release": ["version", "folder"],
        "move-major": ["version"],
        "check-shell": ["digest", "shell"],
        "tag-shell": ["version", "shell"],
    }.items():
        command = commands.add_parser(name)
        for argument in arguments:
            command.add_argument(argument, type=Path if argument in ("folder", "share") else str)
    given = parser.parse_args(words)
    match given.command:
        case "prepare":
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            print(prepare(root, given.version, today))
        case "plan":
            print("\n".join(f"{name}={value}" for name, value in plan(root).items()))
        case "collect":
            collect(given.digest, given.target, given.folder)
        case "pack":
            pack(given.share, given.folder)
        case "join":
            print(f"digest={join(given.folder, given.run)}")
        case "pull":
            pull(given.digest)
        case "tag-image":
            tag_image(root, given.version, given.digest, given.folder)
        case "publish":
            print(f"commit={publish(root, given.version, given.digest, given.folder)}")
        case "release":
            print(f"url={release(root, given.version, given.folder)}")
        case "move-major":
            print(f"commit={move_major(given.version)}")
        case "check-shell":
            check_shell(given.digest, given.shell)
        case "tag-shell":
            tag_shell(given.version, given.shell)


def refused(refusal):
    """The way out. On a runner it is an annotation, which the page of the run shows."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        text = str(refusal).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::error title=Release::{text}", file=sys.stderr)
        sys.exit(1)
    sys.exit(f"release: {refusal}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:], Path(__file__).resolve().parents[2])
    except Refusal as refusal:
        refused(refusal)
