"""A model behind plain FastAPI: nested JSON for one home, a list of records for many."""

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Home(BaseModel):
    city: str
    rooms: int


class Applicant(BaseModel):
    age: float
    income: float
    home: Home
    debts: tuple[float, float]


class Decision(BaseModel):
    label: str
    score: float


def decide(applicant: Applicant) -> Decision:
    rest = applicant.income - sum(applicant.debts) - 300 * applicant.home.rooms
    score = min(max(rest / 4000 + (applicant.age - 40) / 200, 0.0), 1.0)
    return Decision(label="granted" if score > 0.5 else "refused", score=round(score, 4))


@app.post("/predict")
def predict(applicant: Applicant) -> Decision:
    return decide(applicant)


@app.post("/predict/batch")
def batch(applicants: list[Applicant]) -> list[Decision]:
    return [decide(applicant) for applicant in applicants]
