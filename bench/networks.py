"""Ten networks through fit and predict: Lamina, Keras on TensorFlow and on JAX, eager torch.

    python bench/networks.py [--rounds 3] [--threads N] [--only NAME] [--without SIDE] ...
    python bench/networks.py --level v3         everybody without AVX-512
    python bench/networks.py --draws 20         how far losses from the same weights are apart
    python bench/networks.py --memory           what 30 steps of fit take at most
    python bench/networks.py --growth           Lamina's memory after many steps and ten times more;
                                                with --steps 10000: after 1,000 and 10,000
    python bench/networks.py --profile NAME     Lamina's fit of one network alone, in this process;
                                                with --kernels, how long each of them takes

Each side is a process of its own with as many threads as the others; they take turns, begin with
the same weights and see the same data, and before anything is timed, what they predict and their
first losses must agree. torch is a loop written by hand, and predicts by the bare module. The ratio
is the median over the rounds of the best peer's time over Lamina's; exits with 1 below a target.
Peers that are not installed (keras, tensorflow-cpu, jax, torch) are left out, and named.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

import network_agreement
from common import at_least, describe_machine
from network_processes import LEVELS, SIDES, Remote, start_in_process

_REST = 0.15  # seconds, in which the threads of the last side fall asleep
_ONE_SAMPLE = 0.1  # milliseconds at most of the first five
_GROWTH = 10  # megabytes at most
PEERS = [side for side in SIDES if side != "lamina"]


def wanted(names):
    """Return the networks of these names, or else with these parts of names; all if there are none.

    So "ae" is the autoencoder alone, though others end in it.
    """
    from network_models import NETWORKS

    if not names:
        return list(NETWORKS)
    titles = []
    for name in names:
        found = [name] if name in NETWORKS else [t for t in NETWORKS if name.lower() in t.lower()]
        titles += found or sys.exit(f"no network is called {name!r}: {', '.join(NETWORKS)}")
    return list(dict.fromkeys(titles))


def start(arguments, how_often):
    """Return the sides that are there, Lamina first, and say which are not."""
    sides = [side for side in SIDES if side not in arguments.without]
    remotes = {side: Remote(side, arguments.threads, arguments.level) for side in sides}
    print(f"{arguments.threads} threads, {how_often}")
    for side in SIDES:
        about, absence = remotes[side].about() if side in remotes else (None, "as asked for")
        print(f"  {about}" if about else f"  without {SIDES[side]}: {absence}")
        if not about:
            remotes.pop(side, None)
    if "lamina" not in remotes:
        sys.exit("there is nothing to compare without Lamina")
    return remotes


def race(title, remotes, arguments):
    """Return lists of times by what is timed and by side, and Lamina's multiply-adds."""
    network_agreement.check(title, network_agreement.begin(title, remotes))
    for remote in remotes.values():
        time.sleep(_REST)
        remote.warm_up()
    predicted = ("batch", "one", "call", "loop")
    times = {what: {side: [] for side in remotes} for what in ("fit", *predicted)}
    for turn in range(arguments.rounds):
        for side in list(remotes)[:: -1 if turn % 2 else 1]:
            time.sleep(_REST)
            times["fit"][side].append(remotes[side].time_fit())
            if arguments.train_only:
                continue
            for what, found in zip(predicted, remotes[side].time_predictions(), strict=True):
                times[what][side].append(found)
    return times, remotes["lamina"].multiply_adds()


def ratio_to(times, peers):
    """Return the median ratio of the best of the peers to Lamina; None if there are no peers."""
    peers = [side for side in peers if side in times]
    if not peers:
        return None
    best = min(peers, key=lambda side: statistics.median(times[side]))
    return statistics.median(a / b for a, b in zip(times[best], times["lamina"], strict=True))


class Table:
    """Rows of a network, a number for each side, a ratio and its target; counts what is missed."""

    def __init__(self, heading, *more):
        names = [*SIDES.values(), "ratio", "target", *more]
        self.head = f"{heading:<27}" + "".join(f"{name:>12}" for name in names)
        self.missed = []

    def print_head(self):
        print(f"\n{self.head}")

    def row(self, title, numbers, ratio, target, *more, limit=None):
        """Print a row; `limit` is what Lamina's own number must stay below."""
        below = ratio is not None and ratio < target
        slow = limit is not None and numbers["lamina"] >= limit
        cells = [f"{numbers[s]:>12.{digits(numbers[s])}f}" if s in numbers else f"{'-':>12}"
                 for s in SIDES]  # fmt: skip
        cells += ["           -" if ratio is None else f"{ratio:>12.2f}", f"{target:>12.2f}"]
        cells += [f"{text:>12}" for text in more]
        print(f"{title:<27}" + "".join(cells) + ("  BELOW" if below or slow else ""), flush=True)
        self.missed += [title] if below or slow else []


def digits(number):
    return 3 if number < 10 else 2 if number < 100 else 1


def medians(times):
    return {side: statistics.median(values) for side, values in times.items() if values}


def run_race(arguments):
    from network_models import NETWORKS

    remotes = start(arguments, f"{arguments.rounds} rounds")
    machine, gigaflops = describe_machine(arguments.threads)
    print(machine)
    fit = Table("fit, ms a step", "of the peak")
    batch, one = Table("predict, ms a batch"), Table("predict, ms a sample", "model(x)", "loop, ns")
    found = {}
    fit.print_head()
    for title in arguments.only:
        times, (step_count, _) = found[title] = race(title, remotes, arguments)
        numbers, network = medians(times["fit"]), NETWORKS[title]
        share = 2e-6 * step_count * network.batch / numbers["lamina"] / gigaflops
        fit.row(title, numbers, ratio_to(times["fit"], PEERS), network.target, f"{share:.1%}")
    if not arguments.train_only:
        batch.print_head()
        for title, (times, _) in found.items():
            batch.row(title, medians(times["batch"]), ratio_to(times["batch"], PEERS), 1.0)
        one.print_head()
        small = list(NETWORKS)[:5]
        for title, (times, _) in found.items():
            call = f"{statistics.median(times['call']['lamina']):.3f}"
            loop = f"{statistics.median(times['loop']['lamina']):.0f}"
            limit = _ONE_SAMPLE if title in small else None
            ratio = ratio_to(times["one"], ["torch"])
            one.row(title, medians(times["one"]), ratio, 1.0, call, loop, limit=limit)
        print(f"the ratio is to torch's bare module; the first five below {_ONE_SAMPLE} ms")
        print("loop: a turn of one in Python, right after Lamina's predictions")
    for remote in remotes.values():
        remote.close()
    return fit.missed + batch.missed + one.missed


def run_draws(arguments):
    remotes = start(arguments, f"{arguments.draws} draws of the weights")
    missed = network_agreement.run_draws(arguments.only, remotes, arguments.draws)
    for remote in remotes.values():
        remote.close()
    return missed


def run_memory(arguments):
    """Compare the peaks of resident memory, a fresh process for each model and side."""
    from network_models import NETWORKS

    print(f"{arguments.threads} threads; 30 steps of fit, resident memory in MB")
    peaks, model = Table("peak, imports and all"), Table("peak beyond imports and data")
    rows = []
    for title in arguments.only:
        steps = max(n for n in (30, 15, 10, 6, 5, 3) if n <= NETWORKS[title].steps)
        whole, beyond = {}, {}
        for side in SIDES:
            if side in arguments.without:
                continue
            remote = Remote(side, arguments.threads, arguments.level)
            about, absence = remote.about()
            if about:
                whole[side], before = remote.memory(title, steps, 30 // steps)
                beyond[side] = whole[side] - before
            elif title == arguments.only[0]:
                print(f"  without {SIDES[side]}: {absence}")
            remote.close()
        rows.append((title, whole, beyond))
    for table, place in ((peaks, 1), (model, 2)):
        table.print_head()
        for row in rows:
            one_round = {side: [number] for side, number in row[place].items()}
            table.row(row[0], row[place], ratio_to(one_round, PEERS), 1.0)
    return peaks.missed + model.missed


def run_growth(arguments):
    """See whether Lamina's resident size grows with the number of steps."""
    print(f"{arguments.threads} threads; Lamina's resident memory in MB after so many steps of fit")
    missed = []
    for title in arguments.only:
        remote = Remote("lamina", arguments.threads, arguments.level)
        about, absence = remote.about()
        if not about:
            sys.exit(f"without Lamina: {absence}")
        (few, small), (many, big) = remote.grow(title, 20, arguments.steps)
        remote.close()
        grows = big - small > _GROWTH
        missed += [title] if grows else []
        print(f"{title:<27}{few:>8,} steps {small:>8.1f}{many:>8,} steps {big:>8.1f}"
              f"{big - small:>+8.1f}{'  GROWS' if grows else ''}", flush=True)  # fmt: skip
    return missed


def run_profile(arguments):
    times = None
    if arguments.kernels:
        from kernel_times import KernelTimes

        times = KernelTimes()
    side = start_in_process(arguments.threads, arguments.level)
    title = wanted([arguments.profile])[0]
    side.begin(title)
    epochs = max(1, round((arguments.steps or 1e3 / side.warm_up() * 5) / side.steps))
    steps = epochs * side.steps
    if times:
        times.clear()
    milliseconds = side.fit(epochs) / steps * 1e3
    print(f"{title}: {steps} steps, {milliseconds:.3f} ms each")
    if times:
        times.print(steps, milliseconds)
    return []


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--threads", type=at_least(1), default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", action="append", metavar="NAME", help="or a part of a name")
    parser.add_argument("--without", action="append", default=[], choices=PEERS)
    parser.add_argument("--train-only", action="store_true", help="no predict")
    parser.add_argument("--level", choices=LEVELS)
    parser.add_argument("--draws", type=at_least(1), metavar="N")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--profile", metavar="NAME", help="or a part of a name")
    parser.add_argument("--kernels", action="store_true", help="of --profile: time each kernel")
    parser.add_argument("--steps", type=at_least(1), help="of --profile or --growth")
    arguments = parser.parse_args()
    if arguments.steps and not (arguments.growth or arguments.profile):
        parser.error("argument --steps: of --profile or --growth alone")
    arguments.only = wanted(arguments.only)
    chosen = [
        run
        for asked, run in (
            (arguments.profile, run_profile),
            (arguments.draws, run_draws),
            (arguments.memory, run_memory),
            (arguments.growth, run_growth),
            (True, run_race),
        )
        if asked
    ]
    sys.exit(1 if chosen[0](arguments) else 0)


if __name__ == "__main__":
    main()
