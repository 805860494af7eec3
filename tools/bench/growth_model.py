"""A model of many jobs behind one address: which of them get a token within Port's limit, and when."""

import heapq
import math
import random
import re
from dataclasses import dataclass

from harness import ROOT

from bench.figures import table

MINUTE, HOUR = 60, 3600
JOBS = 10_000
ENOUGH = 0.999  # the share of jobs with a token that counts as all of them


def constant(file, pattern):
    """What the source says, as text, so that the model follows it."""
    found = re.search(pattern, (ROOT / file).read_text())
    assert found, f"{file} has no {pattern}"
    return found.groups()


MAX_ATTEMPTS = int(constant("src/net/retry.rs", r"MAX_ATTEMPTS: u32 = (\d+);")[0])
FIRST_PAUSE = int(constant("src/net/retry.rs", r"FIRST_PAUSE: Duration = Duration::from_millis\((\d+)\);")[0]) / 1000


def seconds(duration):
    """A duration as the inputs have it, such as `15m`."""
    return int(duration[:-1]) * {"s": 1, "m": MINUTE}[duration[-1]]


@dataclass(frozen=True)
class Limit:
    """How many requests from one address are answered in a window. The first request after a window begins the next one."""

    requests: int
    window: float  # seconds

    @classmethod
    def of_port(cls, name):
        """Port's, as the sandbox has it."""
        pattern = rf"const {name}: Self = Self {{ requests: (\d+), burst: (\d+), window: Duration::from_mins\((\d+)\) }};"
        requests, burst, minutes = map(int, constant("tests/sandbox/src/options.rs", pattern))
        return cls(requests + burst, minutes * MINUTE)

    @classmethod
    def read(cls, text):
        """As the sandbox reads it, such as `100+10/5m`."""
        count, window = text.split("/")
        return cls(sum(map(int, count.split("+"))), seconds(window))


API, OAUTH = Limit.of_port("PORT"), Limit.of_port("PORT_OAUTH")


class Address:
    """Where one address stands in its window."""

    def __init__(self, limit):
        self.limit, self.ends, self.used = limit, -math.inf, 0

    def ask(self, now):
        """0 if the request is answered, otherwise how long the answer says to wait: whole seconds, as `Retry-After` has them."""
        if now >= self.ends:
            self.ends, self.used = now + self.limit.window, 0
        if self.used < self.limit.requests:
            self.used += 1
            return 0
        return math.ceil(self.ends - now)


@dataclass
class Outcome:
    """What became of the jobs."""

    jobs: int
    waits: list  # of those that got a token, in order
    requests: int

    @property
    def share(self):
        return len(self.waits) / self.jobs

    def wait(self, quantile):
        """A quantile of the waits of those that got a token."""
        return self.waits[min(len(self.waits) - 1, int(quantile * len(self.waits)))] if self.waits else math.nan


def simulate(arrivals, limit, timeout, addresses=1, counted=(0.0, math.inf)):
    """What becomes of jobs that start at these times. The policy is that of `src/net/retry.rs`; a request takes no time."""
    begin, end = counted
    chance = random.Random(1)  # noqa: S311 - the same jobs each time
    places = [Address(limit) for _ in range(addresses)]
    queue = [(start, number, 1, start, chance.randrange(addresses)) for number, start in enumerate(arrivals)]
    heapq.heapify(queue)
    waits, requests = [], 0
    while queue:
        now, number, attempt, start, place = heapq.heappop(queue)
        counts = begin <= start < end
        requests += counts
        asked = places[place].ask(now)
        if not asked:
            if counts:
                waits.append(now - start)
            continue
        pause = asked + chance.uniform(0, FIRST_PAUSE * 2 ** (attempt - 1))
        if attempt < MAX_ATTEMPTS and pause < start + timeout - now:
            heapq.heappush(queue, (now + pause, number, attempt + 1, start, place))
    return Outcome(sum(begin <= start < end for start in arrivals), sorted(waits), requests)


def evenly(jobs, hours):
    """One after the other, at the same distance."""
    return [number * HOUR / jobs for number in range(jobs * hours)]


def at_random(jobs, hours):
    """Independent of each other: a Poisson process."""
    chance, now, found = random.Random(2), 0.0, []  # noqa: S311 - the same jobs each time
    while (now := now + chance.expovariate(jobs / HOUR)) < hours * HOUR:
        found.append(now)
    return found


def on_the_hour(jobs, hours):
    """All in the first minute of each hour, as many cron schedules are."""
    chance = random.Random(3)  # noqa: S311 - the same jobs each time
    return [hour * HOUR + chance.uniform(0, MINUTE) for hour in range(hours) for _ in range(jobs)]


ARRIVALS = {"evenly": evenly, "at random": at_random, "all in the first minute": on_the_hour}


def in_an_hour(arrivals, jobs, limit, timeout, addresses=1, before=2):
    """The jobs of an hour that meet those that the hours before left, and those of the hour after."""
    return simulate(arrivals(jobs, before + 2), limit, timeout, addresses, (before * HOUR, (before + 1) * HOUR))


def least(enough, start):
    """The least number for which it is enough, if every larger one is too. No number below `start` is."""
    low, high = start - 1, start
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def addresses_for(arrivals, limit, timeout):
    """How many addresses all jobs of an hour need."""
    an_hour = limit.requests * HOUR / limit.window
    return least(lambda count: in_an_hour(arrivals, JOBS, limit, timeout, count).share >= ENOUGH, math.ceil(JOBS / an_hour))


def limit_for(arrivals, window, timeout):
    """How many requests in a window all jobs of an hour need behind one address."""
    return least(
        lambda requests: in_an_hour(arrivals, JOBS, Limit(requests, window), timeout).share >= ENOUGH, math.ceil(JOBS * window / HOUR)
    )


def jobs_for(arrivals, limit, timeout):
    """How many jobs an hour get a token behind one address."""
    return least(lambda jobs: in_an_hour(arrivals, jobs, limit, timeout, before=20).share < ENOUGH, limit.requests) - 1


def at_once(limit, timeout):
    """How many jobs that start at the same time get a token."""
    return len(simulate([0.0] * (limit.requests * (MAX_ATTEMPTS + 1)), limit, timeout).waits)


def duration(seconds):
    """As people say it."""
    return f"{seconds:.0f} s" if seconds < 2 * MINUTE else f"{seconds / MINUTE:.1f} min"


def show_hour():
    """What becomes of the jobs of an hour behind one address."""
    rows = []
    cases = [(API, "api", name, timeout) for name in ARRIVALS for timeout in ("60s", "6m", "15m")]
    for limit, endpoint, name, timeout in [*cases, (OAUTH, "mcp", "at random", "60s"), (OAUTH, "mcp", "at random", "20m")]:
        found = in_an_hour(ARRIVALS[name], JOBS, limit, seconds(timeout))
        waits = [duration(found.wait(quantile)) for quantile in (0.5, 0.99)]
        rows.append([f"`{endpoint}`, {name}", f"`{timeout}`", f"{100 * found.share:.1f} %", *waits, f"{found.requests:,}"])
    return table(["`token_endpoint`, jobs start", "`timeout`", "get a token", "they wait, p50", "p99", "requests"], rows)


def show_needs():
    """What would be enough for the jobs of an hour."""
    rows = []
    for name, arrivals in ARRIVALS.items():
        for timeout in ("60s", "15m"):
            count = addresses_for(arrivals, API, seconds(timeout))
            requests = limit_for(arrivals, API.window, seconds(timeout))
            rows.append([f"`api`, {name}", f"`{timeout}`", f"{count:,}", f"{requests:,}"])
    rows.append(
        ["`mcp`, at random", "`60s`", f"{addresses_for(at_random, OAUTH, 60):,}", f"{limit_for(at_random, OAUTH.window, 60):,} in 15"]
    )
    return table(
        ["`token_endpoint`, jobs start", "`timeout`", "addresses, with Port's limit", "requests in 5 minutes, from one address"], rows
    )


def show_fits():
    """What fits behind one address."""
    rows = []
    for name, limit in (("api", API), ("mcp", OAUTH)):
        for timeout in ("60s", "6m", "15m") if limit is API else ("60s", "20m"):
            fits = at_once(limit, seconds(timeout)), jobs_for(at_random, limit, seconds(timeout))
            rows.append([f"`{name}`", f"`{timeout}`", *(f"{jobs:,}" for jobs in fits)])
    return table(["token from", "`timeout`", "jobs that start at once", "jobs in an hour, at random times"], rows)
