"""Trains a small classifier and saves it with its signature, for `mlflow models serve`."""

import shutil

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

random = np.random.default_rng(0)
people = pd.DataFrame(
    {
        "age": random.integers(18, 80, 500).astype(float),
        "income": random.normal(3000, 800, 500).round(2),
        "debt": random.exponential(900, 500).round(2),
    }
)
pays = np.where(people.income - people.debt + random.normal(0, 500, 500) > 1800, "pays", "defaults")
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(people, pays)
signature = infer_signature(people, model.predict(people))
shutil.rmtree("model", ignore_errors=True)  # of an earlier run
mlflow.sklearn.save_model(model, "model", signature=signature)
