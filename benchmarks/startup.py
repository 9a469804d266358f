"""How long it takes until labelkit is there: `import labelkit` and `labelkit --help`, beside an empty interpreter.

    python benchmarks/startup.py [--rounds 15]

They are run in turn, so that a noisy machine hurts all of them; the medians count.
Aim: `labelkit --help` under 0.3 s.
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import labelkit": ["-c", "import labelkit"],
    "labelkit --help": ["-m", "labelkit", "--help"],
    "labelkit apply --help": ["-m", "labelkit", "apply", "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    floor = statistics.median(seconds["python -c pass"][1:])
    print(f"{'':24}{'median':>10}{'x empty interpreter':>22}")
    for name, measured in seconds.items():
        middle = statistics.median(measured[1:])  # the first round fills the disk cache
        print(f"{name:24}{middle:>9.3f}s{middle / floor:>22.1f}")


if __name__ == "__main__":
    main()
