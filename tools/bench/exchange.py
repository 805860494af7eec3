"""The exchange alone: the same request and a token as an output, by the action and by what could stand in its place."""

import json
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness import read_file_command, wait_until

from bench import alternatives, sandbox
from bench.figures import median_and_range, ratios, rounded, size, table, with_range

HOST = "127.0.0.1"
WARM_UP = 2  # rounds that don't count: they fill the caches of files


@dataclass
class Measured:
    """What one program took, a figure for each round."""

    program: alternatives.Program
    wall: list  # seconds
    cpu: list  # seconds
    peak: list  # bytes
    requests: float = 0

    def add(self, took):
        """One more round."""
        for name in ("wall", "cpu", "peak"):
            getattr(self, name).append(took[name])


def run_once(timed, program, environment, folder):
    """One run, and what it took. It must give a token, if it asks for one."""
    result, output = Path(folder) / "result", Path(environment["GITHUB_OUTPUT"])
    alternatives.empty(environment)
    words = [timed, result, *program.words]
    done = subprocess.run(
        words, env=environment | program.environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    took = {"code": None} if done.returncode else json.loads(result.read_text())
    token = read_file_command(output.read_text()).get("access_token", "")
    if took["code"] != 0 or (program.agent and token.count(".") != 2):
        raise RuntimeError(f"{program.label} gave no token:\n{done.stdout}")
    return took


def measure(action, sandbox_program, native, rounds, folder):
    """All programs, in rounds. Each round runs each of them once, in another order, so that what disturbs one disturbs all."""
    folder = Path(folder)
    with sandbox.running(sandbox_program, folder / "sandbox") as port:
        inputs = port.inputs(HOST) | {"verify": "false"}
        environment = alternatives.environment(inputs, folder)
        found = [Measured(program, [], [], []) for program in alternatives.programs(action, native, inputs, port.ca_file, folder)]
        chance = random.Random(1)  # noqa: S311 - the same order each time
        for number in range(WARM_UP + rounds):
            for each in chance.sample(found, len(found)):
                took = run_once(native["timed"], each.program, environment, folder)
                if number >= WARM_UP:
                    each.add(took)
        sent = (WARM_UP + rounds) * sum(bool(each.program.agent) for each in found)
        wait_until("the last request is in the log", lambda: len(port.requests()) >= sent)
        agents = [dict(request["headers"])["user-agent"] for request in port.requests()]
    for each in found:
        each.requests = sum(bool(each.program.agent) and agent.startswith(each.program.agent) for agent in agents) / (WARM_UP + rounds)
    return found


def show(found):
    """The table of what it took."""
    action, *_ = found

    def times(name, each):
        return "1" if each is action else with_range(ratios(getattr(each, name), getattr(action, name)))

    rows = [
        [
            each.program.label,
            f"{with_range(each.wall, 1e3)} ms",
            times("wall", each),
            f"{rounded(1e3 * median_and_range(each.cpu)[0])} ms",
            times("cpu", each),
            f"{rounded(median_and_range(each.peak)[0] / 2**20)} MiB",
            times("peak", each),
            f"{each.requests:g}",
        ]
        for each in found
    ]
    return table(["", "wall time", "ratio", "CPU time", "ratio", "peak memory", "ratio", "requests"], rows)


def show_needs(found):
    """The table of what has to be there first."""
    rows = [
        [each.program.label, size(each.program.needs.unpacked()), size(each.program.needs.packed()), each.program.contents]
        for each in found
    ]
    return table(["", "unpacked", "compressed", "what is counted"], rows).replace("| --: |\n", "| --- |\n", 1)
