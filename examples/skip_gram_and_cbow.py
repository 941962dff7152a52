"""Skip-gram and CBOW, each with the three objectives that word2vec's formulas allow.

    python examples/skip_gram_and_cbow.py [CORPUS]

CORPUS is a text of words between spaces (text8 by default). What every model finds nearest to
"two" is printed, and how its loss falls.
"""

import sys

from lamina.models import word2vec

corpus = sys.argv[1] if len(sys.argv) > 1 else "text8"
sentences = word2vec.Text8Corpus(corpus)

architectures = {
    "skip-gram": {"sg": 1},
    "CBOW, context averaged": {"sg": 0, "cbow_mean": 1},
    "CBOW, context summed": {"sg": 0, "cbow_mean": 0},
}
objectives = {
    "negative sampling": {"negative": 5},
    "hierarchical softmax": {"hs": 1},
    # Exact: every word's probability at every step. So only the most frequent words are kept.
    "exact softmax": {"objective": "softmax", "max_final_vocab": 200, "epochs": 2},
}

for architecture, inputs in architectures.items():
    for objective, outputs in objectives.items():
        model = word2vec.Word2Vec(
            sentences, vector_size=100, alpha=0.025, compute_loss=True, **inputs, **outputs
        )
        neighbours = ", ".join(word for word, _ in model.wv.most_similar("two", topn=5))
        losses = " -> ".join(f"{loss:.2f}" for loss in model.training_losses)
        print(f"{architecture}, {objective}\n  loss {losses}\n  two: {neighbours}")
