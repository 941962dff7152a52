"""Whole programs as they are written for Keras, their files and pictures too: ``lamina run``."""

import numpy as np
import pytest

from lamina.running import run_program

RANDOM = np.random.default_rng(0)

# Reviews in folders, vectors of words in a text file, a network on both.
REVIEWS_AND_VECTORS = """
import os
imdb_dir = './aclImdb'
train_dir = os.path.join(imdb_dir, 'train')
labels = []
texts = []
for label_type in ['neg', 'pos']:
    dir_name = os.path.join(train_dir, label_type)
    for fname in os.listdir(dir_name):
        if fname[-4:] == '.txt':
            f = open(os.path.join(dir_name, fname), encoding='utf-8')
            texts.append(f.read())
            f.close()
            labels.append(0 if label_type == 'neg' else 1)

from keras.preprocessing.text import Tokenizer
from keras.preprocessing.sequence import pad_sequences
import numpy as np
maxlen = 20
max_words = 50
tokenizer = Tokenizer(num_words=max_words)
tokenizer.fit_on_texts(texts)
sequences = tokenizer.texts_to_sequences(texts)
word_index = tokenizer.word_index
print('Found %s unique tokens.' % len(word_index))
data = pad_sequences(sequences, maxlen=maxlen)
labels = np.asarray(labels)
print('Shape of data tensor:', data.shape)

embeddings_index = {}
f = open('./glove.txt', encoding='utf-8')
for line in f:
    values = line.split()
    embeddings_index[values[0]] = np.asarray(values[1:], dtype='float32')
f.close()
embedding_dim = 4
embedding_matrix = np.zeros((max_words, embedding_dim))
for word, i in word_index.items():
    embedding_vector = embeddings_index.get(word)
    if i < max_words:
        if embedding_vector is not None:
            embedding_matrix[i] = embedding_vector

from keras.models import Sequential
from keras.layers import Embedding, Flatten, Dense
model = Sequential()
model.add(Embedding(max_words, embedding_dim, input_length=maxlen))
model.add(Flatten())
model.add(Dense(32, activation='relu'))
model.add(Dense(1, activation='sigmoid'))
model.summary()
model.layers[0].set_weights([embedding_matrix])
model.layers[0].trainable = False
model.compile(optimizer='rmsprop', loss='binary_crossentropy', metrics=['acc'])
history = model.fit(data, labels, epochs=20, batch_size=4, verbose=0,
                    validation_data=(data, labels))
print('kept:', np.array_equal(model.layers[0].get_weights()[0], embedding_matrix.astype('float32')))
print('acc:', history.history['val_acc'][-1])
"""

AUTOENCODER = """
import numpy as np
from keras.layers import Input, Dense
from keras.models import Model
from keras.callbacks import TensorBoard
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt

encoding_dim = 8
input_img = Input(shape=(784,))
encoded = Dense(encoding_dim, activation='relu')(input_img)
decoded = Dense(784, activation='sigmoid')(encoded)
autoencoder = Model(input_img, decoded)
print(autoencoder.summary())
autoencoder.compile(optimizer='adadelta', loss='binary_crossentropy')

def load_mnist_data(path='mnist.npz'):
    f = np.load(path)
    x_train, y_train = f['x_train'], f['y_train']
    x_test, y_test = f['x_test'], f['y_test']
    f.close()
    return (x_train, y_train), (x_test, y_test)
(x_train, _), (x_test, _) = load_mnist_data()
x_train = x_train.astype('float32') / 255.
x_test = x_test.astype('float32') / 255.
x_train = x_train.reshape((len(x_train), np.prod(x_train.shape[1:])))
x_test = x_test.reshape((len(x_test), np.prod(x_test.shape[1:])))
autoencoder.fit(x_train, x_train, epochs=2, batch_size=16, shuffle=True, verbose=0,
                validation_data=(x_test, x_test),
                callbacks=[TensorBoard(log_dir='tb', histogram_freq=0, write_graph=False)])

ori_input = Input(shape=(784,))
encoder = Model(ori_input, autoencoder.get_layer('dense_1')(ori_input))
encoded_input = Input(shape=(encoding_dim,))
decoder = Model(encoded_input, autoencoder.get_layer('dense_2')(encoded_input))
encoded_imgs = encoder.predict(x_test)
decoded_imgs = decoder.predict(encoded_imgs)
n = 3
plt.figure(figsize=(6, 4))
for i in range(n):
    ax = plt.subplot(2, n, i + 1)
    plt.imshow(x_test[i].reshape(28, 28))
    plt.gray()
    ax.get_xaxis().set_visible(False)
    ax = plt.subplot(2, n, i + 1 + n)
    plt.imshow(decoded_imgs[i].reshape(28, 28))
plt.savefig('digits.png')
plt.close()
print(np.allclose(decoded_imgs, autoencoder.predict(x_test), atol=1e-6))
"""


@pytest.fixture(autouse=True)
def _fresh():
    from lamina.utils import clear_session, set_random_seed

    clear_session()
    set_random_seed(1)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run_text(text):
        program = tmp_path / "program.py"
        program.write_text(text, encoding="utf-8")
        code = run_program(program)
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    return run_text


def test_reviews_and_vectors_of_words_as_written(run, tmp_path):
    words = [f"w{number}" for number in range(30)]
    for label, part in (("neg", words[:20]), ("pos", words[10:])):
        folder = tmp_path / "aclImdb" / "train" / label
        folder.mkdir(parents=True)
        for number in range(10):
            text = " ".join(RANDOM.choice(part, 25))
            (folder / f"{number}_1.txt").write_text(text + "!", encoding="utf-8")
    lines = [f"{word} {number / 30} 0.5 -0.25 1e-1" for number, word in enumerate(words)]
    (tmp_path / "glove.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = run(REVIEWS_AND_VECTORS)
    assert "Found 30 unique tokens." in out
    assert "Shape of data tensor: (20, 20)" in out
    assert "Total params: 2,825" in out
    assert "kept: True" in out
    assert float(out.rpartition("acc: ")[2]) > 0.8


def test_an_autoencoder_and_its_picture_as_written(run, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("tensorboardX")
    pictures = RANDOM.integers(0, 256, (36, 28, 28), np.uint8)
    digits = np.arange(36) % 10
    np.savez(
        tmp_path / "mnist.npz",
        x_train=pictures[:32],
        y_train=digits[:32],
        x_test=pictures[32:],
        y_test=digits[32:],
    )
    out = run(AUTOENCODER)
    assert "dense_1 (Dense)" in out
    assert "Total params: 13,336" in out
    assert out.endswith("True\n")
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")
    assert list((tmp_path / "tb").rglob("events.out.tfevents*"))
