"""`outrider report` of two files, rows or profiles, and of what cannot be compared."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from tests.report.conftest import outrider


def write(path: Path, rows: int, shift: float, seed: int, *, blanks: float = 0.0) -> Path:
    rng = random.Random(seed)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["age", "plan", "spent", "score"])
        for _ in range(rows):
            spent = "" if rng.random() < blanks else round(rng.expovariate(1), 3)
            plan = rng.choices(["basic", "pro"], [3, 1])[0]
            out.writerow([round(rng.gauss(shift, 1), 3), plan, spent, round(rng.random(), 3)])
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    write(folder / "a.csv", 4000, 0.0, 1)
    write(folder / "same.csv", 2000, 0.0, 2)
    write(folder / "moved.csv", 2000, 0.7, 3, blanks=0.1)
    for name in ("a", "moved"):
        like = ["--like", "a.json"] if name != "a" else ["--outputs", "score"]
        built = outrider("profile", "build", f"{name}.csv", "-o", f"{name}.json", *like, cwd=folder)
        assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.parametrize("pair", [("a.csv", "moved.csv"), ("a.json", "moved.json"),
                                  ("a.json", "moved.csv")])  # fmt: skip
def test_what_moved_is_named_whatever_the_samples_are(files: Path, pair: tuple[str, str]) -> None:
    outputs = ["--outputs", "score"] if pair[0].endswith("csv") else []
    done = outrider("report", *pair, *outputs, "--format", "json", "--fail-on", "drift", cwd=files)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["kind"] == ("data" if pair[1].endswith("csv") else "profiles")
    assert (report["reference"], report["current"]) == pair
    columns = {c["name"]: c for c in report["models"][0]["columns"]}
    assert {name for name, c in columns.items() if c["state"] == "drift"} == {"age", "spent"}
    assert columns["age"]["test"] == "location"
    assert columns["age"]["direction"] == "up"
    assert columns["age"]["effect"] == pytest.approx(0.7, abs=0.1)
    assert columns["spent"]["missing"] == {"reference": 0.0, "now": pytest.approx(0.1, abs=0.03)}
    assert columns["spent"]["missing_rose"] is True
    assert columns["score"]["side"] == "output"
    assert columns["age"]["since"] is None
    assert any("not since when" in caveat for caveat in report["models"][0]["caveats"])


def test_alike_samples_are_no_drift(files: Path) -> None:
    done = outrider("report", "a.csv", "same.csv", "--fail-on", "drift", "--fail-on", "missing",
                    "--fail-on", "insufficient", cwd=files)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "No drift in 4 columns" in done.stdout


@pytest.mark.parametrize(("fail_on", "status"), [("missing", 1), ("findings", 2), ("never", 0)])
def test_each_choice_is_of_its_own(files: Path, fail_on: str, status: int) -> None:
    done = outrider("report", "a.csv", "moved.csv", "--fail-on", fail_on, cwd=files)
    assert done.returncode == status


def test_few_rows_are_said_to_be_few_and_fail_where_that_is_asked_for(files: Path) -> None:
    few = write(files / "few.csv", 5, 3.0, 4)
    done = outrider("report", "a.csv", str(few), "--fail-on", "drift", cwd=files)
    assert done.returncode == 0
    assert "Nothing can be judged yet" in done.stdout
    done = outrider("report", "a.csv", str(few), "--fail-on", "insufficient", cwd=files)
    assert done.returncode == 1


def test_a_column_that_is_gone_is_drift_and_one_that_is_new_is_told(files: Path) -> None:
    for path, names in (("x.csv", ["a", "b"]), ("y.csv", ["a", "c"])):
        rows = "\n".join(f"{n % 7},{n % 5}" for n in range(300))
        (files / path).write_text(",".join(names) + "\n" + rows + "\n")
        outrider("profile", "build", path, "-o", path.replace("csv", "json"), cwd=files)
    done = outrider("report", "x.json", "y.json", "--format", "json", cwd=files)
    columns = {c["name"]: c for c in json.loads(done.stdout)["models"][0]["columns"]}
    assert (columns["b"]["test"], columns["b"]["missing_rose"]) == ("gone", True)
    assert columns["c"]["test"] == "new"
    assert columns["a"]["state"] == "stable"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.csv"], "wanted REFERENCE and CURRENT"),
        (["a.csv", "none.csv"], "none.csv"),
        (["a.csv", "a.txt"], "--data-format csv"),
        (["a.json", "a.csv", "--admin", "http://127.0.0.1:1"], "--admin and no files"),
        (["a.csv", "moved.csv", "--level", "2"], "--level"),
        (["a.csv", "moved.csv", "-o", "r.doc"], ".html, .htm, .json, .md, .xml"),
        (["a.csv", "moved.csv", "-o", "none/r.html"], "none/r.html"),
        (["--admin", "ftp://x"], "wanted http://HOST:PORT"),
        (["--token", "a\nb"], "--token"),
        (["--outputs", "score"], "--outputs: 'score': is of rows in files"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    files: Path, arguments: list[str], said: str
) -> None:
    done = outrider("report", *arguments, cwd=files)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def test_personal_names_are_hidden_as_in_logs(files: Path) -> None:
    header = "age,mail of bob@example.com\n"
    for name in ("p.csv", "q.csv"):
        rows = (f"{n % 9},{'gold' if n % 2 else 'call +49 151 23456789'}\n" for n in range(400))
        (files / name).write_text(header + "".join(rows))
    for form in ("html", "json", "markdown", "junit"):
        done = outrider("report", "p.csv", "q.csv", "--format", form, cwd=files)
        assert done.returncode == 0
        assert "bob@example.com" not in done.stdout
        assert "23456789" not in done.stdout


def test_it_is_written_whole_or_to_a_pipe_as_it_comes(files: Path) -> None:
    done = outrider("report", "a.csv", "same.csv", "-o", "-", "--format", "html", cwd=files)
    assert done.stdout.startswith("<!doctype html>")
    target = files / "kept.html"
    assert outrider("report", "a.csv", "same.csv", "-o", str(target), cwd=files).returncode == 0
    assert target.read_text().endswith("</html>\n")
    done = outrider("report", "a.csv", "same.csv", "-o", "/dev/null", "--format", "html", cwd=files)
    assert (done.returncode, Path("/dev/null").is_char_device()) == (0, True)


def test_where_times_are_told_what_is_natural_is_allowed_for(files: Path) -> None:
    """Three weeks whose days differ by themselves, against the day after them."""
    chance = random.Random(5)
    began = 1_790_000_000 // 86400 * 86400

    def lines(days: range) -> str:
        found = ["at,load"]
        for day in days:
            middle = chance.gauss(0, 1)
            found += [
                f"{began + day * 86400 + n * 480},{chance.gauss(middle, 1):.3f}" for n in range(180)
            ]
        return "\n".join(found) + "\n"

    (files / "weeks.csv").write_text(lines(range(21)))
    (files / "day.csv").write_text(lines(range(21, 22)))
    states = {}
    for name, more in (("blind", ["--columns", "load"]), ("timed", ["--timestamp", "at"])):
        done = outrider("report", "weeks.csv", "day.csv", *more, "--format", "json", cwd=files)
        assert done.returncode == 0, done.stderr
        [model] = json.loads(done.stdout)["models"]
        states[name] = {c["name"]: c["state"] for c in model["columns"]}["load"]
        assert any("independent" in caveat for caveat in model["caveats"]) is (name == "blind")
    assert states == {"blind": "drift", "timed": "stable"}
