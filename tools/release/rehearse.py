#!/usr/bin/env python3
"""Rehearses releases. Start it with tools/release/rehearse.

It runs .github/workflows/release.yml as GitHub would: job by job, each in a checkout of its own, with the outputs of the jobs
before it. What the workflow's own steps run is real, git and the registry are real; GitHub, Docker and the actions of others
are programs in fakes/ and the class Uses. Then it checks

- the first release, with a package that starts private, and a second release after it;
- that every job can be run again when all is done, and changes nothing;
- that a job can fail before, between and after its calls that change something, and in the middle of an upload: run again,
  it ends with the same release.
"""

import concurrent.futures
import contextlib
import functools
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import release
import yaml

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
OWN = "org/port-mcp-auth"
IMAGE = f"ghcr.io/{OWN}"
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
PLATFORMS = {"ubuntu-24.04": "linux/amd64", "ubuntu-24.04-arm": "linux/arm64"}

# Steps that need what is not here, or that other checks run (the toolchain, and the image's own tests), with their outputs.
LEFT_OUT = {
    "tools/ci/toolchain": {},
    "python3 tools/release/test_release.py": {},
    "Let the tests' name server listen on port 53": {},
    'tests/container/test "$TESTED"': {},
    "Start the sandbox": dict.fromkeys(("client_id", "client_secret", "auth_base_url", "mcp_url"), "x"),
}

# What a step's environment keeps of this machine's.
KEPT = {"HOME", "LANG", "TMPDIR", "PYTHONDONTWRITEBYTECODE"}


# Whoever commits.
NOBODY = {f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Failed(Exception):
    """A job failed: where, and what it printed."""


def git(*words, folder, **options):
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True, **options).stdout.strip()


# The world: a folder with all that GitHub and the registry keep. It can be copied.


def new_world(folder):
    """The repository as it is in the work tree, on `main` of a bare repository that has no tags."""
    (folder / "registry").mkdir(parents=True)
    origin = folder / "origin.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(origin), folder=folder)
    objects = Path(git("rev-parse", "--path-format=absolute", "--git-path", "objects", folder=ROOT))
    (origin / "objects/info/alternates").write_text(f"{objects}\n")
    new = os.environ | NOBODY | {"GIT_OBJECT_DIRECTORY": str(origin / "objects"), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects)}
    state = git("stash", "create", folder=ROOT, env=new) or "HEAD"
    start = git("commit-tree", f"{state}^{{tree}}", "-m", "Start", folder=ROOT, env=new)
    git("update-ref", "refs/heads/main", start, folder=origin)
    (folder / "private").touch()


def prepare(world, scratch, version):
    """The pull request that a release starts with, merged."""
    clone = scratch / f"prepare-{version}"
    git("clone", "--quiet", str(world / "origin.git"), str(clone), folder=scratch)
    changelog = clone / "CHANGELOG.md"
    if not release.section(changelog.read_text(), release.UNRELEASED):
        if f"## [{version}] - " in changelog.read_text():
            return  # that is what was merged last
        changelog.write_text(changelog.read_text().replace(release.UNRELEASED, f"{release.UNRELEASED}\n\n- A change.", 1))
    subprocess.run([sys.executable, "tools/release/release.py", "prepare", version], cwd=clone, check=True, stdout=subprocess.DEVNULL)
    git("commit", "--quiet", "--all", "--message", "Prepare", folder=clone, env=os.environ | NOBODY)
    git("push", "--quiet", "origin", "main", folder=clone)


def dispatch(world, number):
    """A run of the workflow, started by hand on `main`."""
    run = world / "runs" / number
    (run / "artifacts").mkdir(parents=True)
    (run / "head").write_text(git("rev-parse", "main", folder=world / "origin.git"))
    (run / "outputs.json").write_text("{}")


@contextlib.contextmanager
def registry(world):
    """Debian's registry, on this world's files. A private one wants a login for everything, a public one for nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(world / "registry")}},
        "http": {"addr": address},
    }
    if (world / "private").exists():
        settings["auth"] = {"silly": {"realm": "http://localhost/none", "service": "none"}}
    (world / "registry.yml").write_text(yaml.safe_dump(settings))
    process = subprocess.Popen(["docker-registry", "serve", "registry.yml"], cwd=world, stderr=subprocess.DEVNULL)
    try:
        while not answers(address):
            if process.poll() is not None:
                raise Failed("the registry does not start")
            time.sleep(0.01)
        yield address
    finally:
        process.kill()
        process.wait()


def answers(address):
    host, _, port = address.partition(":")
    with socket.socket() as one:
        return one.connect_ex((host, int(port))) == 0


# The workflow.


def lookup(context, path):
    value = context
    for part in path.split("."):
        if part not in value:
            raise Failed(f"the workflow names {path}, which is not there")
        value = value[part]
    return value


def filled(text, context):
    """A value of the workflow with its expressions replaced. Only names are known, as the workflow needs no more."""
    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda match: str(lookup(context, match[1])), str(text))


def filled_all(values, context):
    return {name: filled(value, context) for name, value in (values or {}).items()}


def instances():
    """All jobs in their order, those with a matrix once for each of its values: (name, values)."""
    for name, job in WORKFLOW["jobs"].items():
        matrix = job.get("strategy", {}).get("matrix", {})
        if "include" in matrix:
            variants = matrix["include"]
        else:
            variants = [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())]
        yield from ((name, variant) for variant in variants)


class Job:
    """One run of one job on a new machine."""

    def __init__(self, world, number, job, variant, address, folder, interrupt):
        self.world, self.run_folder, self.job, self.folder = world, world / "runs" / number, job, folder
        self.workspace = folder / "work" / "repository" / "repository"
        for path in (self.workspace, folder / "temp", folder / "docker", folder / "login"):
            path.mkdir(parents=True)
        finished = json.loads((self.run_folder / "outputs.json").read_text())
        needs = job.get("needs", [])
        permissions = [f"{what}={how}" for what, how in job["permissions"].items()]
        self.context = {
            "github": {
                "actor": "somebody",
                "ref": "refs/heads/main",
                "repository": OWN,
                "run_id": number,
                "sha": (self.run_folder / "head").read_text(),
                "token": " ".join(permissions),
            },
            "matrix": variant,
            "needs": {need: finished[need] for need in ([needs] if isinstance(needs, str) else needs)},
            "steps": {},
        }
        runner = filled(job["runs-on"], self.context)
        self.environment = {name: value for name, value in os.environ.items() if name in KEPT} | {
            "PATH": f"{HERE / 'fakes'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "FAKE_STATE": str(world),
            "FAKE_DOCKER": str(folder / "docker"),
            "FAKE_PLATFORM": PLATFORMS[runner],
            "FAKE_REGISTRY": address,
            "FAKE_INTERRUPT": interrupt,
            "DOCKER_CONFIG": str(folder / "login"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": OWN,
            "GITHUB_RUN_ID": self.context["github"]["run_id"],
            "GITHUB_SHA": self.context["github"]["sha"],
            "RUNNER_TEMP": str(folder / "temp"),
            "RUNNER_WORKSPACE": str(self.workspace.parent),
        }
        self.context["env"] = filled_all(WORKFLOW["env"], self.context)
        self.context["env"] |= filled_all(job.get("env"), self.context)
        self.log = []

    def run(self):
        for number, step in enumerate(self.job["steps"]):
            self.step(number, step)
        return {name: filled(value, self.context) for name, value in self.job.get("outputs", {}).items()}

    def step(self, number, step):
        outputs = self.folder / f"outputs-{number}"
        outputs.touch()
        environment = self.environment | self.context["env"] | filled_all(step.get("env"), self.context)
        environment["GITHUB_OUTPUT"] = str(outputs)
        if "uses" in step:
            Uses(self, environment, outputs).run(step["uses"], filled_all(step.get("with"), self.context))
        elif (name := step.get("name", step["run"])) in LEFT_OUT:
            outputs.write_text("".join(f"{key}={value}\n" for key, value in LEFT_OUT[name].items()))
        else:
            self.call(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", filled(step["run"], self.context)], environment)
        if "id" in step:
            lines = outputs.read_text().splitlines()
            self.context["steps"][step["id"]] = {"outputs": dict(line.split("=", 1) for line in lines)}

    def call(self, words, environment):
        done = subprocess.run(
            words,
            cwd=self.workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log.append(done.stdout)
        if done.returncode:
            raise Failed("".join(self.log))
        return done.stdout


class Uses:
    """The actions of others, as far as a release needs their effects."""

    def __init__(self, job, environment, outputs):
        self.job, self.environment, self.outputs = job, environment, outputs
        self.actions = {
            "actions/attest": self.attest,
            "actions/checkout": self.checkout,
            "actions/download-artifact": self.download,
            "actions/upload-artifact": self.upload,
            "docker/build-push-action": self.build,
            "docker/login-action": self.login,
            "docker/setup-buildx-action": lambda _: None,
            OWN: self.own,
        }

    def run(self, name, given):
        name, _, self.version = name.partition("@")
        self.actions[name](given)

    def changes(self, name, path, text):
        """A file of the world, written as the fakes' changes are: it counts, and can be interrupted."""
        script = "import sys; from pathlib import Path; from interrupt import changes; p = Path(sys.argv[2]);"
        script += "changes(sys.argv[1], lambda: (p.parent.mkdir(parents=True, exist_ok=True), p.write_text(sys.argv[3])))"
        self.job.call([sys.executable, "-c", script, name, str(path), text], self.environment | {"PYTHONPATH": str(HERE / "fakes")})

    def checkout(self, given):
        if given != {"persist-credentials": "False"} | ({"fetch-tags": "True", "fetch-depth": "0"} if len(given) > 1 else {}):
            raise Failed(f"checkout with {given} is not known here")
        tags = [] if len(given) > 1 else ["--no-tags"]
        origin = str(self.job.world / "origin.git")
        git("clone", "--quiet", "--shared", "--no-checkout", *tags, origin, str(self.job.workspace), folder=self.job.folder)
        # The many small files that no release reads stay away, for speed.
        git("sparse-checkout", "set", "--no-cone", "/*", "!/tests", "!/docs", "!/src", "/tests/container", folder=self.job.workspace)
        git("checkout", "--quiet", "--detach", self.environment["GITHUB_SHA"], folder=self.job.workspace)
        git("remote", "remove", "origin", folder=self.job.workspace)  # no way back without credentials

    def upload(self, given):
        folder = self.job.workspace / given["path"]
        files = {str(path.relative_to(folder)): path.read_bytes().decode("latin-1") for path in sorted(folder.rglob("*")) if path.is_file()}
        self.changes("actions/upload-artifact", self.job.run_folder / "artifacts" / given["name"], json.dumps(files))

    def download(self, given):
        for artifact in sorted((self.job.run_folder / "artifacts").glob(given["pattern"])):
            for name, content in json.loads(artifact.read_text()).items():
                path = self.job.workspace / given["path"] / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode("latin-1"))

    def login(self, given):
        login = {"auths": {given["registry"]: {"auth": given["password"]}}}
        Path(self.environment["DOCKER_CONFIG"], "config.json").write_text(json.dumps(login))

    def build(self, given):
        arguments = dict(line.split("=", 1) for line in given["build-args"].split())
        if f"name={IMAGE},push-by-digest=true" not in given["outputs"]:
            raise Failed(f"{given['outputs']} does not push {IMAGE} by its digest")
        what = ["fake-build", IMAGE, given["platforms"]]
        if "file" in given:
            if not (self.job.workspace / given["file"]).exists():
                raise Failed(f"{given['file']} is not there")
            what = ["fake-shell", IMAGE, given["platforms"], arguments["PROGRAM"]]
        words = ["docker", *what, arguments["VERSION"], arguments["REVISION"]]
        self.outputs.write_text(f"digest={self.job.call(words, self.environment)}")

    def attest(self, given):
        subject = given.get("subject-digest") or given["subject-path"]
        if "id-token=write" not in self.job.context["github"]["token"]:
            raise Failed("actions/attest needs id-token: write")
        name = "actions/attest " + ("image" if "subject-digest" in given else "files")
        files = sorted(path.name for pattern in given.get("subject-path", "").split() for path in self.job.workspace.glob(pattern))
        self.changes(name, self.job.world / "attested" / re.sub(r"[/:\s]+", "_", subject.strip()), "\n".join(files))

    def own(self, given):
        """What a user gets: the action of the tag, and its image without a login."""
        action = git("show", f"{self.version}:action.yml", folder=self.job.world / "origin.git")
        place = self.job.folder / "work" / "_actions" / OWN / self.version
        place.mkdir(parents=True)
        (place / "action.yml").write_text(action)
        self.job.call(["docker", "pull", "--quiet", yaml.safe_load(action)["runs"]["image"].removeprefix("docker://")], self.environment)
        self.outputs.write_text("access_token=token")


# What there is in the end.


def described(world):
    """All of a world that anybody can see, with names in the place of the commits, which differ by their time."""
    origin = world / "origin.git"
    refs = dict(line.split() for line in git("for-each-ref", "--format=%(refname:short) %(objectname)", folder=origin).splitlines())
    releases = {tag: commit for tag, commit in refs.items() if "." in tag}
    names = {}
    for tag, commit in releases.items():
        names |= {commit: f"<{tag}>", git("rev-parse", f"{commit}^", folder=origin): f"<first of {tag}>"}
    form = ["--format=%H %P%n%B", "--patch", "--unified=0", "--no-color", "--reverse"]
    for tag, commit in releases.items():
        # The lines that begin with `index` have hashes of contents that have a commit in them.
        refs[f"changes of {tag}"] = re.sub("^index .*", "", git("log", *form, "-2", commit, folder=origin), flags=re.MULTILINE)
    return {
        "git": {name: functools.reduce(lambda text, commit: text.replace(commit, names[commit]), names, refs[name]) for name in refs},
        "releases": described_releases(world),
        "image": described_image(world),
        "runs": {str(path.relative_to(world)): path.read_text() for path in sorted(world.glob("runs/**/*")) if path.is_file()},
        "attested": {path.name: path.read_text() for path in sorted(world.glob("attested/*"))},
    }


def described_releases(world):
    pages = world / "github.json"
    found = json.loads(pages.read_text()) if pages.exists() else []
    for page in found:
        for asset in page["assets"]:
            del asset["id"]
        page["assets"].sort(key=lambda asset: asset["name"])
    return found


def described_image(world):
    """Tags and digests, as the registry's files have them."""
    manifests = world / "registry/docker/registry/v2/repositories" / OWN / "_manifests"
    links = sorted(manifests.glob("tags/*/current/link"))
    return {path.parent.parent.name: path.read_text() for path in links} | {
        "digests": sorted(path.name for path in manifests.glob("revisions/sha256/*"))
    }


# The rehearsal.


class Rehearsal:
    def __init__(self, scratch):
        self.scratch, self.numbers = scratch, itertools.count()
        self.known = set()  # the calls that were interrupted already
        self.interruptions = []

    def folder(self):
        return self.scratch / str(next(self.numbers))

    def copy(self, world):
        return Path(shutil.copytree(world, self.folder()))

    def job(self, world, number, name, variant, interrupt=""):
        """Runs a job, and returns the calls that changed something. If it ends well, other jobs see its outputs."""
        calls = world / "calls"
        calls.unlink(missing_ok=True)
        job_folder = self.folder()
        with registry(world) as address:
            outputs = Job(world, number, WORKFLOW["jobs"][name], variant, address, job_folder, interrupt).run()
        shutil.rmtree(job_folder)
        known = json.loads((world / "runs" / number / "outputs.json").read_text())
        (world / "runs" / number / "outputs.json").write_text(json.dumps(known | {name: {"outputs": outputs}}, sort_keys=True))
        made = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return made

    def fails(self, world, number, name, variant, why, interrupt=""):
        try:
            self.job(world, number, name, variant, interrupt)
        except Failed as failed:
            if why not in str(failed):
                raise
            return
        raise Failed(f"{name}: expected it to fail with: {why}")

    def release(self, world, number):
        """A whole run. Notes for each job how to interrupt it."""
        for name, variant in instances():
            if (world / "private").exists() and name == "test":
                self.private(world, number, name, variant)
            before = self.copy(world)
            made = self.job(world, number, name, variant)
            after = described(world)
            for at, call in enumerate(made):
                kind = (name, str(variant), re.sub(r"\d+", "N", call), made[:at].count(call))
                if kind in self.known:
                    continue  # the release before had it
                self.known.add(kind)
                # A failure before a call leaves the same as one after the call before it: a failed job's machine is gone.
                modes = {"before": at == 0, "half": call.endswith("(in parts)"), "after": True}
                for mode in (mode for mode, wanted in modes.items() if wanted):
                    self.interruptions.append((before, after, number, name, variant, f"{at}:{mode}", call))

    def private(self, world, number, name, variant):
        """The package is not public yet: nothing may name the image."""
        before = described(world)
        self.fails(world, number, name, variant, "Change visibility")
        check(described(world) == before, "the refused pull changed something")
        check(not before["releases"] and set(before["git"]) == {"main"}, "there is a release before the image was pulled")
        check(set(before["image"]) == {f"candidate-{number}", "digests"}, "the image has a tag before it was pulled")
        (world / "private").unlink()
        print("private package: stopped before any tag, with what to click", flush=True)

    def interrupted(self, before, after, number, name, variant, interrupt, call):
        world = self.copy(before)
        self.fails(world, number, name, variant, "interrupted", interrupt)
        self.job(world, number, name, variant)
        check(described(world) == after, f"{name}, interrupted at {interrupt} {call}, ends otherwise", described(world), after)
        shutil.rmtree(world)

    def again(self, world, number):
        """Every job once more, when all is done. The first one says that there is nothing to do."""
        done = described(world)
        (plan, variant), *others = instances()
        self.fails(world, number, plan, variant, "is there already")
        for name, variant in others:
            made = self.job(world, number, name, variant)
            check(described(world) == done, f"{name}, run again, changes something: {made}", described(world), done)


def check(right, message, *worlds):
    if right:
        return
    for world in worlds:
        print(json.dumps(world, indent=1), file=sys.stderr)
    raise Failed(message)


def check_release(world, number, version):
    """What a release has to be, found without release.py."""
    digests = json.loads((world / "runs" / number / "outputs.json").read_text())["join"]["outputs"]
    digest = digests["digest"]
    head, tag = (world / "runs" / number / "head").read_text(), f"v{version}"
    show = functools.partial(git, folder=world / "origin.git")
    check(show("rev-parse", tag) == show("rev-parse", f"v{version.partition('.')[0]}"), "the major tag is elsewhere")
    check(show("rev-parse", f"{tag}~2") == head, "the release is not two commits on what was tested")
    changed = show("diff", "--name-only", head, tag).splitlines()
    check(
        {"action.yml", "claude/action.yml"} <= set(changed) <= {"action.yml", "claude/action.yml", release.NATIVE}, f"it changes {changed}"
    )
    check(yaml.safe_load(show("show", f"{tag}:action.yml"))["runs"]["image"] == f"docker://{IMAGE}:{tag}@{digest}", "another image")
    check(f"uses: {OWN}@{show('rev-parse', f'{tag}~1')} " in show("show", f"{tag}:claude/action.yml"), "another commit")
    check(described_image(world)[tag] == digest, "the image's tag is elsewhere")
    shells = {described_image(world)[f"{name}-shell"] for name in (tag, f"v{version.partition('.')[0]}")}
    check(shells == {digests["shell"]}, "the tags of the image with a shell are elsewhere")
    (page,) = (page for page in described_releases(world) if page["tag_name"] == tag)
    check(page["immutable"] and page["latest"] and not page["draft"], "the release is not published as the latest")
    check(page["body"] == release.notes(show("show", f"{head}:CHANGELOG.md"), version), "other notes")
    files = sorted([*(f"port-mcp-auth-{target}" for target in release.TARGETS), release.MANUAL])
    check([asset["name"] for asset in page["assets"]] == ["SHA256SUMS", *files], "other files")
    check("\n".join(files) in described(world)["attested"].values(), "not every file is attested")
    check(all(asset["state"] == "uploaded" for asset in page["assets"]), "a file is not complete")
    print(f"{tag}: tags, digest, files and notes are right", flush=True)


def main():
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        rehearsal = Rehearsal(Path(scratch))
        world = rehearsal.folder()
        new_world(world)
        version = release.cargo_version((ROOT / "Cargo.toml").read_text())
        prepare(world, rehearsal.scratch, version)
        dispatch(world, "1")
        rehearsal.release(world, "1")
        check_release(world, "1", version)
        rehearsal.again(world, "1")
        print("every job can be run again, and changes nothing", flush=True)

        following = release.shown(release.followers(release.parse(version))["minor"])
        prepare(world, rehearsal.scratch, following)
        dispatch(world, "2")
        rehearsal.release(world, "2")
        check_release(world, "2", following)
        done = described(world)
        rehearsal.fails(world, "1", "publish", {}, "stays where it is")
        check(described(world) == done, "the run of the first release, run again, changes something")
        print("the first release's run, run again, leaves the major tag at the second", flush=True)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
            for result in [workers.submit(rehearsal.interrupted, *words) for words in rehearsal.interruptions]:
                result.result()
    count = len(rehearsal.interruptions)
    print(f"{count} interruptions, each ended with the same release; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"rehearse: {failed}")
