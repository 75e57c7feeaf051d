#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads what dsmctl metrics has printed, and serves, by the parser of Prometheus' own client, and
compares it with what dsmctl stats said before and after; sums the rates of dsmctl stats --every up;
looks for what a dashboard asks for. metrics.py DIRECTORY DASHBOARD [URL]: see metrics.sh."""

import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

DIRECTORY, DASHBOARD = Path(sys.argv[1]), Path(sys.argv[2])
URL = sys.argv[3] if len(sys.argv) > 3 else None
KNOWN = {"read_miss": 24, "write_miss": 16, "upgrade": 10, "lock": 30, "eviction": 0,
         "futex": 12}  # of rank 1
SECONDS = {"fault_ns_total": "fault_seconds"}
BYTES = {"bytes_sent": "sent_bytes", "bytes_received": "received_bytes",
         "memory_budget": "memory_budget_bytes", "memory_used": "memory_used_bytes",
         "memory_home": "memory_home_bytes"}
LEVELS = {"memory_budget", "memory_used", "memory_home", "registered_bytes", "pages_pinned",
          "pages_away"}
failures = 0


def check(right, *text):
    global failures
    if not right:
        failures += 1
        print("metrics:", *text)


def load(name):
    return json.loads((DIRECTORY / name).read_text())["jobs"][0]


def by_rank(job):
    return {node["rank"]: node for node in job["nodes"]}


def read(text):
    families = list(text_string_to_metric_families(text))
    samples = {}
    for family in families:
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample)
    return {family.name: family for family in families}, samples


def values(samples, name, job):
    """By rank."""
    found = {}
    for sample in samples.get(name, []):
        if sample.labels["job"] == job:
            found[int(sample.labels["rank"])] = sample.value
    return found


def check_counters(families, samples, before, after):
    """Every counter of stats is there, with a value between two that it had."""
    early, late = by_rank(before), by_rank(after)
    for name in late[0]:
        if name in ("rank", "lock_waits", "barrier_waits"):
            continue
        metric = "dsm_" + SECONDS.get(name, BYTES.get(name, name))
        scale = 1e-9 if name in SECONDS else 1
        family = families.get(metric)
        check(family, "no", metric)
        if not family:
            continue
        kind = "gauge" if name in LEVELS else "counter"
        check(family.type == kind, metric, "is a", family.type)
        unit = "seconds" if scale != 1 else "bytes" if metric.endswith("_bytes") else ""
        check(family.unit == unit, metric, "is in", family.unit)
        check(family.documentation, metric, "is not explained")
        found = values(samples, metric if name in LEVELS else metric + "_total", before["job"])
        check(set(found) == {0, 1}, metric, "is of", found)
        for rank, value in found.items():
            least, most = early[rank][name] * scale, late[rank][name] * scale
            check(least - 1e-12 <= value <= most + 1e-12, metric, "is", value, "not", least, most)


def check_histograms(families, samples, latency):
    """As stats --latency --json has them, with its buckets joined."""
    for rank, node in by_rank(latency).items():
        for kind, waits in node.items():
            if kind == "rank":
                continue
            name = f"dsm_{kind}_wait_seconds"
            check(families[name].type == "histogram" and families[name].unit == "seconds", name)
            check(values(samples, name + "_count", latency["job"])[rank] == waits["count"], name)
            total = values(samples, name + "_sum", latency["job"])[rank]
            check(abs(total - waits["sum_ns"] / 1e9) < 1e-9, name, "sums up to", total)
            for sample in samples[name + "_bucket"]:
                if int(sample.labels["rank"]) != rank:
                    continue
                bound = float(sample.labels["le"]) * 1e9 + 1e-3
                below = sum(count for upto, count in waits["buckets"] if upto <= bound)
                check(sample.value == below, name, sample.labels, sample.value, "not", below)
            if rank == 1 and kind in KNOWN:
                # Before the load it has read where the mutex is.
                more = kind == "read_miss"
                check(waits["count"] == KNOWN[kind] + more, kind, "is", waits["count"])
            check(waits["p50_ns"] <= waits["p90_ns"] <= waits["p99_ns"] <= waits["max_ns"], kind)


def check_total(latency):
    for kind, waits in latency["total"].items():
        nodes = [node[kind] for node in latency["nodes"]]
        check(waits["count"] == sum(node["count"] for node in nodes), "total of", kind)
        check(waits["max_ns"] == max(node["max_ns"] for node in nodes), "longest of", kind)
        check(waits["p99_ns"] >= min(node["p99_ns"] for node in nodes), "p99 of", kind)
        check(waits["p50_ns"] <= max(node["p50_ns"] for node in nodes), "p50 of", kind)


def check_nodes(samples, job):
    check(values(samples, "dsm_up", job) == {0: 1, 1: 1}, "a node is not up")
    check(set(values(samples, "dsm_node_info", job)) == {0, 1}, "a node says not what it is")
    check(min(values(samples, "dsm_uptime_seconds", job).values()) > 0, "no time has passed")


def check_rates():
    """What is counted in all intervals together is what was counted while they passed."""
    lines = [json.loads(line) for line in (DIRECTORY / "rates").read_text().splitlines()]
    for name, most in (("read_misses", KNOWN["read_miss"]), ("upgrades", KNOWN["upgrade"]),
                       ("lock_waits", KNOWN["lock"])):
        counted = sum(line["interval"] * by_rank(line)[1][name] for line in lines)
        check(abs(counted - most) < 0.01, "rates of", name, "come to", counted, "not", most)
        both = sum(line["interval"] * line["total"][name] for line in lines)
        check(both >= counted - 0.01, "rates of all", name, "come to", both)
    seconds = sum(line["interval"] for line in lines)
    check(abs(seconds - lines[-1]["seconds"]) < 0.001, "intervals come to", seconds)
    check(by_rank(lines[0])[0]["memory_budget"] > 1 << 20, "a level was made a rate")


def expressions(at):
    if isinstance(at, dict):
        for key, value in at.items():
            if key in ("expr", "query", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(at, list):
        for value in at:
            yield from expressions(value)


def check_dashboard(samples):
    asked = " ".join(expressions(json.loads(DASHBOARD.read_text())))
    found = set(re.findall(r"\bdsm_[a-z0-9_]+", asked))
    check(len(found) > 10, "the dashboard asks for", found)
    for name in sorted(found):
        check(name in samples, "the dashboard asks for", name)


def check_http(names):
    with urllib.request.urlopen(URL) as answer:
        kind = answer.headers["Content-Type"]
        check(kind.startswith("application/openmetrics-text; version=1.0.0"), "it serves", kind)
        families, _ = read(answer.read().decode())
    check(set(families) == names, "HTTP has", set(families) ^ names)
    with urllib.request.urlopen(urllib.request.Request(URL, method="HEAD")) as answer:
        check(answer.read() == b"" and int(answer.headers["Content-Length"]) > 1000, "HEAD")
    for url, method, status in ((URL + "x", "GET", 404), (URL, "POST", 405)):
        try:
            urllib.request.urlopen(urllib.request.Request(url, b"x" if method == "POST" else None))
            check(False, method, url, "is answered")
        except urllib.error.HTTPError as error:
            check(error.code == status, method, url, "is", error.code)


def main():
    before, after, latency = load("before.json"), load("later.json"), load("latency.json")
    families, samples = read((DIRECTORY / "metrics").read_text())
    check_counters(families, samples, load("after.json"), after)
    check_histograms(families, samples, latency)
    check_total(latency)
    check_nodes(samples, before["job"])
    check_rates()
    check_dashboard(samples)
    if URL:
        check_http(set(families))
    print("metrics:", len(families), "families,", sum(map(len, samples.values())), "samples")
    sys.exit(failures != 0)


main()
