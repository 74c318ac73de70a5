#!/usr/bin/env python3
"""Runs the world of a folder made by `uptake export SCENARIO --network DIR`, slowly and from the text files alone.

    python3 bench/replay.py DIR

Prints how many nodes enter use in the very week of nodes.csv. Where an adapter for another engine begins: the process
is the one that DIR/README.md defines, in whole numbers, so no rounding is left to differ.
"""
import csv
import pathlib
import sys

LAYERS = ("geography", "pathway", "community", "ownership")


def rows(folder, name):
    with open(folder / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scaled(text, bits):
    """A hazard as a whole number of 2^-bits; None = never."""
    return None if text == "" else int(float(text) * 2**bits)


def adoption_weeks(folder, n_weeks=None, begins=0, skips_engaged=None, skips_implementing=None):
    """First boundary in use by node, None where there is none."""
    folder = pathlib.Path(folder)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    if skips_engaged is None:
        skips_engaged = "There is no stage before deciding." in readme
    if skips_implementing is None:
        skips_implementing = "It is then in use from boundary t + 1 on." in readme
    starts_engaged = "Everybody is engaged at the start." in readme
    begins = int(readme.split("The programme begins at boundary ")[1].split(":")[0])
    nodes = rows(folder, "nodes.csv")
    n = len(nodes)
    listeners = [[] for _ in range(n)]
    for tie in rows(folder, "ties.csv"):
        listeners[int(tie["from"])].append((int(tie["to"]), LAYERS.index(tie["layer"]), int(float(tie["weight"]) * 2**16)))
    weeks = {}
    for row in rows(folder, "weeks.csv"):
        weeks[int(row["class"]), int(row["week"])] = (
            scaled(row["external"], 32), [scaled(row[layer], 16) for layer in LAYERS])
    n_weeks = n_weeks or 1 + max(week for _, week in weeks)
    effort = {}
    for row in rows(folder, "effort.csv"):
        effort.setdefault(int(row["effort"]), []).append(
            (int(row["from_week"]), scaled(row["decide_factor"], 20), scaled(row["engage_hazard"], 32),
             float(row["success_effort"]), scaled(row["stop_factor"], 16)))
    stopping = [scaled(row["hazard"], 32) for row in rows(folder, "stopping.csv")] if (folder / "stopping.csv").exists() else []

    groups = [{}, {}]
    for i, node in enumerate(nodes):
        for g, layer in enumerate(LAYERS[2:]):
            if node[layer] != "":
                groups[g].setdefault(int(node[layer]), []).append(i)
    in_group = [{g: 0 for g in some} for some in groups]
    exposure = [[0, 0] for _ in range(n)]
    stage = ["unaware"] * n
    hazard = [0] * n        # cumulated on the clock that runs
    until = [None] * n      # last week of implementing
    since = [None] * n
    first = [None] * n

    def use(i, sign):
        for to, layer, weight in listeners[i]:
            exposure[to][layer] += sign * weight
        for g, layer in enumerate(LAYERS[2:]):
            if nodes[i][layer] != "":
                in_group[g][int(nodes[i][layer])] += sign

    def enter_use(i, boundary):
        stage[i], since[i], hazard[i] = "in use", boundary, 0
        if first[i] is None:
            first[i] = boundary
        use(i, +1)

    for week in range(begins, n_weeks):
        if week == begins:
            for i, node in enumerate(nodes):
                if node["start"] == "1":
                    enter_use(i, week)
                elif skips_engaged or starts_engaged:
                    stage[i] = "engaged"
        moves = []
        for i, node in enumerate(nodes):
            at = stage[i]
            if at == "stopped":
                continue
            step = next(s for s in reversed(effort[int(node["effort"])]) if s[0] <= week)
            if at == "engaged":
                external, peer = weeks[int(node["class"]), week]
                h = external + peer[0] * exposure[i][0] + peer[1] * exposure[i][1]
                for g, layer in enumerate(LAYERS[2:]):
                    if node[layer] != "":
                        group = int(node[layer])
                        h += peer[2 + g] * min(2**16, in_group[g][group] * 2**16 // (len(groups[g][group]) - 1))
                hazard[i] += step[1] * h
                if node["decide"] != "" and hazard[i] >= scaled(node["decide"], 32) * 2**20:
                    moves.append((i, "in use" if skips_implementing else "implementing"))
            elif at == "unaware":
                hazard[i] += step[2]
                if hazard[i] >= scaled(node["engage"], 32):
                    moves.append((i, "engaged"))
            elif at == "implementing" and until[i] == week:
                moves.append((i, "in use" if step[3] >= float(node["success_needs"]) else "stopped"))
            elif at == "in use" and stopping:
                hazard[i] += stopping[week - since[i]] * step[4]
                if hazard[i] >= scaled(node["stop"], 48):
                    moves.append((i, "stopped"))
        for i, to in moves:
            if stage[i] == "in use":
                use(i, -1)
            stage[i], hazard[i] = to, 0
            if to == "in use":
                enter_use(i, week + 1)
            elif to == "implementing":
                until[i] = week + int(nodes[i]["implementing_weeks"])
    return first


def main():
    folder = pathlib.Path(sys.argv[1])
    expected = [int(node["week"]) if node["week"] != "" else None for node in rows(folder, "nodes.csv")]
    found = adoption_weeks(folder)
    same = sum(a == b for a, b in zip(expected, found))
    in_use = sum(week is not None for week in found)
    print(f"{same} of {len(found)} nodes enter use in the very week of nodes.csv; {in_use} do at all")
    return 0 if same == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
