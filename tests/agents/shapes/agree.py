"""Whether the step says of each shape what the clients make of it."""

AGENT = "claude-code"  # the agent that the step is run for
FOR_THE_AGENT = "The agent would have no tools"  # the title of an error that is about the agent alone

OVER = "it is over when the agent comes"
# Shapes in which the step may differ from the clients, and why.
EXCEPTIONS = {
    "nan": "it is no JSON, and only Python takes it",
    "408-once": OVER,
    "408-list-once": OVER,
    "429-once": OVER,
    "429-list-once": OVER,
}


def has_tools(result):
    """Whether a client had any tool."""
    return bool(result and result.get("tools"))


def wrong_failure(results):
    """The clients that had tools although the step failed for them."""
    error = results["step"].get("error")
    if error is None:
        return []
    judged = [AGENT] if error.startswith(FOR_THE_AGENT) else [client for client in results if client != "step"]
    return [client for client in judged if has_tools(results.get(client))]


def is_green(result):
    """Whether the step said nothing of the connection or the schema."""
    return "error" not in result and "warned" not in result


def wrong_success(results):
    """Whether the step was green although the agent had no tools."""
    return is_green(results["step"]) and not has_tools(results[AGENT])


def note(results):
    """What is no mistake, but could be said better; empty if there is nothing."""
    step, agent = results["step"], results[AGENT]
    others = [result for client, result in results.items() if client != "step"]
    if is_green(step) and has_tools(agent):
        if agent["tools"] < step["tools"]:
            return "green, though Claude Code leaves out a tool"
        if not all(map(has_tools, others)):
            return "green, though another client has no tools"
    if "warned" in step and has_tools(agent):
        return "a warning, though Claude Code has tools"
    if "warned" in step and not any(map(has_tools, others)):
        return "only a warning, though no client has tools"
    return ""


def judged(shown):
    """The shapes with wrong failures, those with wrong successes, and those with each note."""
    shapes = {shape["name"]: shape["results"] for shape in shown["shapes"] if {"step", AGENT} <= set(shape["results"])}
    failures = [name for name, results in shapes.items() if wrong_failure(results)]
    successes = [name for name, results in shapes.items() if wrong_success(results)]
    notes = {}
    for name, results in shapes.items():
        if name not in failures + successes and (said := note(results)):
            notes.setdefault(said, []).append(name)
    return failures, successes, notes


def faults(shown):
    """What must not be so, a line each."""
    failures, successes, _ = judged(shown)
    lines = [f"wrong failure: {name}" for name in failures if name not in EXCEPTIONS]
    lines += [f"wrong success: {name}" for name in successes if name not in EXCEPTIONS]
    return lines + [f"no longer an exception: {name}" for name in EXCEPTIONS if name not in failures + successes]


def markdown(shown):
    """The section of RESULTS.md."""
    failures, successes, notes = judged(shown)
    lines = [
        "## Does the step agree?",
        "",
        "The step ran with `client: claude-code`, so Claude Code's column counts. A **wrong failure** is a shape with which the step",
        "fails although Claude Code has tools, or, where the error is one for every agent, although any client has. A **wrong",
        "success** is a shape with which the step says nothing although Claude Code has no tools.",
        "",
    ]
    for title, found in (("wrong failures", failures), ("wrong successes", successes)):
        lines.append(f"- {len(found)} {title}{': ' if found else ''}{', '.join(map(explained, found))}")
    lines += [f"- {len(found)} times {said}: {', '.join(f'`{name}`' for name in found)}" for said, found in notes.items()]
    return [*lines, ""]


def explained(name):
    return f"`{name}` ({EXCEPTIONS[name]})" if name in EXCEPTIONS else f"`{name}`"
