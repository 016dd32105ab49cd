"""The questionnaire's data: for each question a file of text, `q05.md`, and its check, `q05.py`.

The engine, `cnn_notes.engine`, reads the texts without importing the checks. A new question is a new
pair of files; `make export` gives it a heading on page 14 and a line in its index.
"""
from typing import NamedTuple

class near(NamedTuple):
    "A measured number, and how far from it a claim may be"
    value: float # what was found
    within: float # the tolerance, in the same unit
    def __repr__(self): return f'{self.value:.4g} (give or take {self.within:.2g})'

def same(**ways):
    "What several ways of finding a thing agree on"
    first,*rest = ways.values()
    assert all(o == first for o in rest), f'the ways disagree: {ways}'
    return first
