#!/usr/bin/env python3
"""Draws the panels of a dashboard from what a Prometheus holds, for the manual and to look at where there is no Grafana.

Usage: monitor/grafana/draw.py DASHBOARD.json PROMETHEUS_URL OUT.png [--minutes N]      takes matplotlib (PyPI)
"""

import argparse
import json
import time
import urllib.parse
import urllib.request

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

INTERVAL = "30s"
COLUMNS = 24


def ask(url, path, **parameters):
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
        return json.load(answer)["data"]["result"]


def label_of(legend, metric):
    for name, value in metric.items():
        legend = legend.replace("{{" + name + "}}", value)
    return legend


def expression_of(target):
    return target["expr"].replace("$__rate_interval", INTERVAL).replace("$run", ".*")


def draw_lines(axes, url, panel, span):
    end = time.time()
    for target in panel["targets"]:
        for series in ask(url, "query_range", query=expression_of(target), start=end - span, end=end, step=max(1, span / 300)):
            at = [(point[0] - end) / 60 for point in series["values"]]
            axes.plot(at, [float(point[1]) for point in series["values"]], label=label_of(target["legendFormat"], series["metric"]), linewidth=1)
    axes.legend(fontsize=5, loc="best", ncols=2)
    axes.set_xlabel("minutes", fontsize=6)


def draw_heat(axes, url, panel, span):
    end = time.time()
    series = ask(url, "query_range", query=expression_of(panel["targets"][0]), start=end - span, end=end, step=max(1, span / 150))
    series = sorted((one for one in series if one["metric"]["le"] != "+Inf"), key=lambda one: float(one["metric"]["le"]))
    rows = [[float(point[1]) for point in one["values"]] for one in series]
    shares = [[b - a for a, b in zip(below, row)] for below, row in zip([[0] * len(rows[0])] + rows[:-1], rows)]
    axes.imshow(shares, aspect="auto", origin="lower", extent=(-span / 60, 0, 0, 1), cmap="magma", interpolation="nearest")
    axes.set_xlabel("minutes", fontsize=6)


def draw_now(axes, url, panel):
    names, values = [], []
    for target in panel["targets"]:
        for series in ask(url, "query", query=expression_of(target)):
            names.append(label_of(target["legendFormat"], series["metric"]) or ", ".join(f"{k}={v}" for k, v in series["metric"].items() if k not in
                                                                                        ("__name__", "job", "instance")))
            values.append(float(series["value"][1]))
    if panel["type"] == "bargauge":
        axes.barh(names, values)
        axes.tick_params(labelsize=5)
        return
    axes.axis("off")
    text = "\n".join(f"{name}   {value:.4g}" for name, value in zip(names, values))
    axes.text(0.02, 0.95, text, va="top", fontsize=7 if panel["type"] == "stat" else 6, family="monospace")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dashboard")
    parser.add_argument("url")
    parser.add_argument("out")
    parser.add_argument("--minutes", type=float, default=5)
    options = parser.parse_args()
    with open(options.dashboard, encoding="utf-8") as file:
        board = json.load(file)
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    figure = pyplot.figure(figsize=(12, height * 0.3 + 0.5), dpi=80)
    figure.suptitle(board["title"], fontsize=10)
    grid = figure.add_gridspec(height, COLUMNS, hspace=8, wspace=6, left=0.04, right=0.99, top=1 - 0.6 / figure.get_figheight(), bottom=0.3 / figure.get_figheight())
    for panel in board["panels"]:
        at = panel["gridPos"]
        axes = figure.add_subplot(grid[at["y"] : at["y"] + at["h"] - 1, at["x"] : at["x"] + at["w"]])
        axes.set_title(panel["title"], fontsize=7, loc="left")
        axes.tick_params(labelsize=6)
        if panel["type"] == "timeseries":
            draw_lines(axes, options.url, panel, 60 * options.minutes)
        elif panel["type"] == "heatmap":
            draw_heat(axes, options.url, panel, 60 * options.minutes)
        else:
            draw_now(axes, options.url, panel)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
