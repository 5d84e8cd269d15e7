#!/usr/bin/env python3
"""Writes the dashboards beside it from the tables below, one row a panel. Run it after a change; a test compares.

Usage: monitor/grafana/make_dashboards.py [--check]      --check: exit code 1 where a file differs from what it would write
"""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${ds}"}
RUN = '{run=~"$run"}'
WIDTH, HEIGHT = 24, 8

# Title, unit, width, queries as (expression, legend), and what the panel tells.
LINES, STAT, BARS, HEAT, TABLE = "timeseries", "stat", "bargauge", "heatmap", "table"

OVERVIEW = [
    (STAT, "Progress", "percentunit", 4, [(f"penumbra_progress_ratio{RUN}", "{{run}}")], "Share of all steps that is done."),
    (STAT, "Time to go", "s", 4, [(f"penumbra_eta_seconds{RUN}", "{{run}}")], "At the present pace."),
    (STAT, "Validation accuracy", "percentunit", 4, [('penumbra_evaluation{run=~"$run",measure="accuracy"}', "{{run}}")], "After the last epoch."),
    (STAT, "Images a second", "short", 4, [(f"penumbra_images_per_second{RUN}", "{{run}}")], "Over all ranks; two views count as one."),
    (STAT, "Ranks up", "short", 4, [('sum by (run) (penumbra_rank_up{run=~"$run"})', "{{run}}")], "Ranks that report."),
    (STAT, "State", "short", 4, [('penumbra_run_outcome{run=~"$run"}', "{{run}} {{outcome}}")], "Running, finished, stopped or failed."),
    (LINES, "Loss", "short", 12, [('penumbra_loss{run=~"$run",term="total"}', "{{run}}")], "Mean of the last log interval."),
    (LINES, "Loss by term", "short", 12, [('penumbra_loss{run=~"$run",term!="total"}', "{{run}} {{term}}")], "Unweighted terms."),
    (LINES, "Training accuracy by space", "percentunit", 12, [(f"penumbra_accuracy_ratio{RUN}", "{{run}} {{space}}")],
     "The ambiguous space counts its source's label."),
    (LINES, "Validation", "short", 12, [('penumbra_evaluation{run=~"$run",measure=~"accuracy|mean_class_accuracy|ece|nll|spearman_entropy"}', "{{run}} {{measure}}")],
     "Of the configured head."),
    (LINES, "Learning rate", "short", 8, [(f"penumbra_learning_rate{RUN}", "{{run}}")], "Of the last step."),
    (LINES, "Gradient norm", "short", 8, [(f"penumbra_gradient_norm{RUN}", "{{run}} {{net}}")], "Before clipping, of both nets and of each."),
    (LINES, "Steps that are not finite", "short", 8, [(f"increase(penumbra_non_finite_steps_total{RUN}[$__rate_interval])", "{{run}}")],
     "Skipped, or what a roll back followed."),
]

UNCERTAINTY = [
    (LINES, "Mean uncertainty by space", "short", 12, [(f"penumbra_uncertainty_mean{RUN}", "{{run}} {{space}}")], "Entropy over ln C, 0 to 1."),
    (LINES, "90th percentile of uncertainty", "short", 12, [('run_space:penumbra_uncertainty:p90_5m{run=~"$run"}', "{{run}} {{space}}")], "Over five minutes."),
    (HEAT, "Uncertainty, original space", "short", 12,
     [('sum by (le) (increase(penumbra_uncertainty_bucket{run=~"$run",space="original"}[$__rate_interval]))', "{{le}}")], "Faces by uncertainty."),
    (HEAT, "Uncertainty, ambiguous space", "short", 12,
     [('sum by (le) (increase(penumbra_uncertainty_bucket{run=~"$run",space="ambiguous"}[$__rate_interval]))', "{{le}}")], "Faces by uncertainty."),
    (BARS, "Uncertainty by class, original space", "short", 12, [('penumbra_class_uncertainty_mean{run=~"$run",space="original"}', "{{class}}")],
     "A minority class that is always uncertain calls for uncertainty.rank_within_class."),
    (BARS, "Uncertainty by class, ambiguous space", "short", 12, [('penumbra_class_uncertainty_mean{run=~"$run",space="ambiguous"}', "{{class}}")], "The same for f_a."),
    (LINES, "Label disagreement and uncertainty of the bank", "short", 8,
     [(f"penumbra_label_disagreement_mean{RUN}", "{{run}} disagreement n"), (f"penumbra_bank_uncertainty_mean{RUN}", "{{run}} uncertainty u")],
     "n says probably mislabelled, u says ambiguous."),
    (LINES, "Soft-label mass moved", "percentunit", 8, [(f"penumbra_soft_label_moved_ratio{RUN}", "{{run}}")], "Taken away from the given labels."),
    (LINES, "Agreement of the posteriors", "percentunit", 8, [(f"penumbra_posterior_agreement_ratio{RUN}", "{{run}}")], "Both nets name the same class."),
    (LINES, "Correlation of D with the mix", "short", 8, [(f"penumbra_divergence_mix_correlation{RUN}", "{{run}}")],
     "Far from 0: D tells how a face was mixed, not how ambiguous it is."),
    (LINES, "Attention: spatial standard deviation", "short", 8, [(f"penumbra_attention_spatial_std{RUN}", "{{run}} {{space}}")],
     "Falls when maps go flat, the cheap way to agree."),
    (LINES, "Attention: norm", "short", 8, [(f"penumbra_attention_norm{RUN}", "{{run}} {{space}}")], "Of the label's map."),
    (LINES, "Faces without common cells", "percentunit", 8, [(f"penumbra_attention_empty_ratio{RUN}", "{{run}}")], "Their consistency counts 0."),
]

RANKS = [
    (LINES, "Step time by phase, mean of the ranks", "s", 12, [('avg by (run, phase) (penumbra_step_phase_seconds{run=~"$run"})', "{{run}} {{phase}}")],
     "data: waiting for it; communication: what backward did not hide."),
    (LINES, "Lateness by rank", "s", 12, [(f"penumbra_rank_lateness_seconds{RUN}", "{{run}} rank {{member}}")], "How long the others waited for it at each collective."),
    (LINES, "Waiting for data by rank", "s", 12, [('penumbra_step_phase_seconds{run=~"$run",phase="data"}', "{{run}} rank {{rank}}")], "0 where the loader keeps up."),
    (LINES, "Exposed communication by rank", "s", 12, [('penumbra_step_phase_seconds{run=~"$run",phase="communication"}', "{{run}} rank {{rank}}")],
     "Long on all ranks but one: that one is the straggler."),
    (LINES, "Share of the step by phase", "percentunit", 8, [('run_phase:penumbra_step:ratio{run=~"$run"}', "{{run}} {{phase}}")], "Mean of the ranks."),
    (LINES, "Memory by rank", "bytes", 8, [(f"penumbra_resident_memory_bytes{RUN}", "{{run}} rank {{rank}}")], "Resident."),
    (LINES, "Reports dropped", "short", 8, [(f"increase(penumbra_reports_dropped_total{RUN}[$__rate_interval])", "{{run}} rank {{rank}}")],
     "The monitor was slow or gone; training did not wait."),
    (TABLE, "Ranks", "short", 24, [(f"penumbra_rank_up{RUN}", "")], "1: reports, 0: silent."),
]

CHECKPOINTS = [
    (STAT, "Age of the newest checkpoint", "s", 6, [('run:penumbra_checkpoint_age_seconds{run=~"$run"}', "{{run}}")], "Or of the start."),
    (STAT, "Checkpoints", "short", 6, [(f"penumbra_checkpoints_total{RUN}", "{{run}}")], "Since this start."),
    (STAT, "Failed checkpoints", "short", 6, [(f"penumbra_failed_checkpoints_total{RUN}", "{{run}}")], "Since this start."),
    (STAT, "Restarts", "short", 6, [(f"penumbra_restarts_total{RUN}", "{{run}}")], "Of the run."),
    (LINES, "Size", "bytes", 8, [(f"penumbra_checkpoint_bytes{RUN}", "{{run}}")], "All shards together."),
    (LINES, "Seconds to write", "s", 8, [(f"penumbra_checkpoint_write_seconds{RUN}", "{{run}}")], "From the copy to the name, behind the training."),
    (LINES, "Training stall", "s", 8, [(f"penumbra_checkpoint_stall_seconds{RUN}", "{{run}}")], "For which training stood still."),
    (LINES, "Steps a second", "short", 12, [('run:penumbra_steps:rate1m{run=~"$run"}', "{{run}}")], "0 is what PenumbraNoProgress waits for."),
    (LINES, "Ranks up", "short", 12, [('sum by (run) (penumbra_rank_up{run=~"$run"})', "{{run}}")], "A dip is a lost rank."),
]

COMPARISON = [
    (TABLE, "Runs", "short", 24, [(f"penumbra_run_info{RUN}", "")], "What is compared."),
    (LINES, "Loss over time", "short", 12, [('penumbra_loss{run=~"$run",term="total"}', "{{run}}")], "Runs side by side."),
    (LINES, "Validation accuracy over time", "percentunit", 12, [('penumbra_evaluation{run=~"$run",measure="accuracy"}', "{{run}}")], "Runs side by side."),
    (BARS, "Validation accuracy", "percentunit", 8, [('penumbra_evaluation{run=~"$run",measure="accuracy"}', "{{run}}")], "Now."),
    (BARS, "Calibration error", "short", 8, [('penumbra_evaluation{run=~"$run",measure="ece"}', "{{run}}")], "ECE of 15 bins, now."),
    (BARS, "Agreement with the annotators' entropy", "short", 8, [('penumbra_evaluation{run=~"$run",measure="spearman_entropy"}', "{{run}}")], "Spearman, now."),
    (BARS, "Images a second", "short", 12, [(f"penumbra_images_per_second{RUN}", "{{run}}")], "Now."),
    (BARS, "Mean uncertainty, original space", "short", 12, [('penumbra_uncertainty_mean{run=~"$run",space="original"}', "{{run}}")], "Now."),
]

DASHBOARDS = {
    "overview": ("Penumbra: run overview", OVERVIEW),
    "uncertainty": ("Penumbra: uncertainty", UNCERTAINTY),
    "ranks": ("Penumbra: ranks and stragglers", RANKS),
    "checkpoints": ("Penumbra: checkpoints and faults", CHECKPOINTS),
    "comparison": ("Penumbra: comparison of runs", COMPARISON),
}


def target(index, kind, expression, legend):
    out = {"refId": "ABCD"[index], "expr": expression, "legendFormat": legend, "datasource": SOURCE}
    if kind in (STAT, BARS, TABLE):
        out["instant"] = True
    if kind == TABLE:
        out["format"] = "table"
    if kind == HEAT:
        out["format"] = "heatmap"
    return out


def panel(number, place, row):
    kind, title, unit, width, queries, text = row
    out = {
        "id": number,
        "type": kind,
        "title": title,
        "description": text,
        "datasource": SOURCE,
        "gridPos": dict(place, w=width, h=4 if kind == STAT else HEIGHT),
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [target(i, kind, *query) for i, query in enumerate(queries)],
    }
    return out


def variables():
    return [
        {"name": "ds", "type": "datasource", "label": "Data source", "query": "prometheus"},
        {"name": "run", "type": "query", "label": "Run", "datasource": SOURCE, "query": "label_values(penumbra_run_outcome, run)", "refresh": 2,
         "multi": True, "includeAll": True, "current": {"text": "All", "value": "$__all"}, "sort": 1},
    ]


def dashboard(uid, title, rows):
    panels, x, y, height = [], 0, 0, 0
    for number, row in enumerate(rows, 1):
        width = row[3]
        if x + width > WIDTH:
            x, y, height = 0, y + height, 0
        panels.append(panel(number, {"x": x, "y": y}, row))
        x, height = x + width, max(height, panels[-1]["gridPos"]["h"])
    return {
        "uid": f"penumbra-{uid}",
        "title": title,
        "tags": ["penumbra"],
        "timezone": "browser",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": variables()},
        "annotations": {"list": []},
        "panels": panels,
    }


def main():
    differs = False
    for uid, (title, rows) in DASHBOARDS.items():
        text = json.dumps(dashboard(uid, title, rows), indent=1) + "\n"
        path = FOLDER / f"{uid}.json"
        if "--check" in sys.argv[1:]:
            differs |= not path.exists() or path.read_text() != text
        else:
            path.write_text(text)
    if differs:
        sys.exit("dashboards differ from their tables: run monitor/grafana/make_dashboards.py")


if __name__ == "__main__":
    main()
