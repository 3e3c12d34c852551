"""What fuzzing found is found again in every run: each kept input keeps its promise."""

from __future__ import annotations

import pytest

from fuzz.targets import CORPUS, TARGETS

MAX_CORPUS = 500_000


@pytest.mark.parametrize("target", TARGETS)
def test_every_kept_input_holds(target):
    inputs = sorted((CORPUS / target).iterdir())
    assert inputs, "a target without a corpus"
    for file in inputs:
        try:
            TARGETS[target](file.read_bytes())
        except Exception as error:
            raise AssertionError(f"{file}: python -m fuzz.run {target} {file}") from error


def test_the_corpus_stays_small_and_has_no_folder_of_no_target():
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
    assert sum(file.stat().st_size for file in CORPUS.glob("*/*")) < MAX_CORPUS
