#!/usr/bin/env python3
"""`penumbra bench data` beside OpenCV and torchvision, one core each, in turns, medians.

Usage: tests/bench/compare_views.py build [--python PYTHON_WITH_TORCHVISION] [--turns 3] [--images 48x1 ...]
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from finished import finished

HERE = Path(__file__).resolve().parent


def rows_of(command):
    return json.loads(finished(command, timeout=300).splitlines()[-1])["views"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--python", default=sys.executable, help="a Python that has torchvision and h5py")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--images", nargs="+", default=["48x1", "100x3", "224x3"])
    options = parser.parse_args()
    commands = ([options.build / "bin/penumbra", "bench", "data", "--seconds", "2", "--images", *options.images],
                [options.build / "tests/bench/opencv_views", "3", *options.images],
                [options.python, HERE / "peers/torchvision_views.py", "--seconds", "4", "--images", *options.images])
    turns = [[rows_of(command) for command in commands] for _ in range(options.turns)]
    print("| images | renderer, views/s | loader | OpenCV | torchvision | renderer to OpenCV | loader to torchvision | loader to renderer "
          "| renderer to bandwidth |\n|---|---|---|---|---|---|---|---|---|")
    for i, kind in enumerate(options.images):

        def median_of(value, i=i):
            return statistics.median(value(ours[i], opencv[i]["views_per_second"], vision[i]["views_per_second"]) for ours, opencv, vision in turns)

        renderer, loader = "renderer_views_per_second", "loader_views_per_second"
        print(f"| {kind} | {median_of(lambda o, c, v: o[renderer]):,.0f} | {median_of(lambda o, c, v: o[loader]):,.0f} "
              f"| {median_of(lambda o, c, v: c):,.0f} | {median_of(lambda o, c, v: v):,.0f} | {median_of(lambda o, c, v: o[renderer] / c):.2f} "
              f"| {median_of(lambda o, c, v: o[loader] / v):.1f} | {median_of(lambda o, c, v: o[loader] / o[renderer]):.2f} "
              f"| {median_of(lambda o, c, v: o[renderer] / o['bandwidth_views_per_second']):.3f} |")


if __name__ == "__main__":
    main()
