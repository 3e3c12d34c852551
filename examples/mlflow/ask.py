"""Asks the model in each form that MLflow takes: python ask.py URL"""

import json
import random
import sys
import urllib.request

NAMES = ["age", "income", "debt"]
JSON, CSV = "application/json", "text/csv"


def ask(kind: str, body: str) -> None:
    head = {"Content-Type": kind}
    request = urllib.request.Request(f"{sys.argv[1]}/invocations", body.encode(), head)
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(body[:20], answer.read().decode())


random.seed(0)
rows = [
    [float(random.randint(18, 80)), random.gauss(3000, 800), random.expovariate(1 / 900)]
    for _ in range(25)
]
records = [dict(zip(NAMES, row, strict=True)) for row in rows]
columns = {name: [record[name] for record in records] for name in NAMES}
ask(JSON, json.dumps({"dataframe_split": {"columns": NAMES, "data": rows}}))
ask(JSON, json.dumps({"dataframe_records": records}))
ask(JSON, json.dumps({"instances": records}))
ask(JSON, json.dumps({"inputs": columns}))
ask(CSV, "\n".join(",".join(map(str, line)) for line in [NAMES, *rows]))
