"""king - man + woman = queen, learnt from a text.

    python examples/king_man_woman.py [TEXT8]

TEXT8 is the first 100 MB of cleaned Wikipedia (http://mattmahoney.net/dc/text8.zip, unpacked).
"""

import sys

from lamina.models import word2vec

corpus = sys.argv[1] if len(sys.argv) > 1 else "text8"

sentences = word2vec.Text8Corpus(corpus)
model = word2vec.Word2Vec(sentences, vector_size=200)
model.save("text8.model")

model = word2vec.Word2Vec.load("text8.model")
most_similar = model.wv.most_similar(positive=["woman", "king"], negative=["man"], topn=1)
print(most_similar)
