"""The tools around models, against gensim's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.utils import simple_preprocess


@settings(max_examples=200, deadline=None)
@given(st.text(), st.booleans(), st.integers(0, 5), st.integers(0, 20))
def test_simple_preprocess_is_gensims(text, deacc, shortest, longest):
    gensim = pytest.importorskip("gensim.utils")
    assert simple_preprocess(text, deacc, shortest, longest) == gensim.simple_preprocess(
        text, deacc, shortest, longest
    )
    raw = text.encode("utf-8")[:-1]
    assert simple_preprocess(raw, deacc) == gensim.simple_preprocess(raw, deacc)
