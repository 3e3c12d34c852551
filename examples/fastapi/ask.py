"""Asks the model 20 times for one applicant and once for 20: python ask.py URL"""

import json
import random
import sys
import urllib.request
from typing import Any


def applicant(random: random.Random) -> dict[str, Any]:
    return {
        "age": random.randint(18, 80),
        "income": round(random.gauss(3000, 800), 2),
        "home": {"city": random.choice(["Bonn", "Graz", "Lyon"]), "rooms": random.randint(1, 6)},
        "debts": [round(random.expovariate(1 / 400), 2) for _ in range(2)],
    }


def ask(path: str, question: object) -> None:
    head = {"Content-Type": "application/json"}
    request = urllib.request.Request(sys.argv[1] + path, json.dumps(question).encode(), head)
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(path, answer.read().decode())


applicants = [applicant(random.Random(n)) for n in range(20)]
for one in applicants:
    ask("/predict", one)
ask("/predict/batch", applicants)
