"""The command ``lamina``: every subcommand, its help, and its errors."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

from lamina.cli import main
from lamina.word2vec import KeyedVectors, Word2Vec
from lamina.word2vec.little_language import LittleLanguage

COMMANDS = ["train", "similar", "analogy", "evaluate", "convert", "phrases"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    lines = (" ".join(sentence) for sentence in LittleLanguage(sentences=20_000))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "model.lamina"
    options = ["--size", "48", "--window", "9", "--skip-gram", "--sample", "0", "--quiet"]
    assert main(["word2vec", "train", str(corpus), "-o", str(path), *options]) == 0
    return path


def fails(capsys, *arguments):
    """Run a command that must fail; return its one line."""
    assert main([str(argument) for argument in arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert re.fullmatch(r"lamina: error: [^\n]+\n", output.err), output.err
    return output.err


@pytest.mark.parametrize(
    "command", [[], ["demo"], ["config"], ["word2vec"], *(["word2vec", c] for c in COMMANDS)]
)
def test_help(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: {' '.join(['lamina', *command])} ")
    assert "None" not in text
    assert "False" not in text
    # Every argument is explained, on its line or the next.
    for line, after in zip(text.splitlines(), [*text.splitlines()[1:], ""], strict=True):
        if re.match(r"  \S", line) and "  " not in line.strip() and line != "  COMMAND":
            assert after.startswith("      "), line


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["word2vec"],
        ["word2vec", "train"],
        ["word2vec", "train", "x"],
        ["word2vec", "train", "x", "-o", "y", "--size", "many"],
        ["word2vec", "train", "x", "-o", "y", "--cbow", "--skip-gram"],
        ["word2vec", "similar", "x"],
        ["networks"],
    ],
)
def test_a_wrong_command_line_shows_the_usage_and_one_line(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("usage: lamina")
    assert [line for line in lines if ": error: " in line] == lines[-1:]


def test_errors_of_training(capsys, tmp_path, corpus):
    train = ["word2vec", "train"]
    output = ["-o", tmp_path / "out"]
    assert "absent" in fails(capsys, *train, tmp_path / "absent", *output)
    assert "vector_size" in fails(capsys, *train, corpus, *output, "--size", "0")
    assert "alpha" in fails(capsys, *train, corpus, *output, "--alpha", "-1")
    assert "window" in fails(capsys, *train, corpus, *output, "--window", "0")
    assert "workers" in fails(capsys, *train, corpus, *output, "--workers", "0")
    assert "train nothing" in fails(capsys, *train, corpus, *output, "--negative", "0")
    assert "min_count" in fails(capsys, *train, corpus, *output, "--min-count", "10000000")
    assert "--checkpoint" in fails(capsys, *train, corpus, *output, "--resume")
    assert "does not exist" in fails(capsys, *train, corpus, "-o", tmp_path / "no" / "out")
    assert "compressed" in fails(capsys, *train, corpus, "-o", tmp_path / "out.gz")
    assert "is a folder" in fails(capsys, *train, corpus, "-o", tmp_path)
    missing = tmp_path / "no" / "checkpoint"
    assert "checkpoint" in fails(capsys, *train, corpus, *output, "--checkpoint", missing)
    (tmp_path / "empty").touch()
    assert "no words" in fails(capsys, *train, tmp_path / "empty", *output)
    assert not (tmp_path / "out").exists()


def test_errors_of_queries(capsys, tmp_path, trained):
    query = ["word2vec", "similar"]
    assert "word 'cappuccino' not in vocabulary" in fails(capsys, *query, trained, "cappuccino")
    assert "absent" in fails(capsys, *query, tmp_path / "absent", "king")
    assert "absent.bin" in fails(capsys, *query, tmp_path / "absent.bin", "king")
    assert str(tmp_path) in fails(capsys, *query, tmp_path, "king")
    (tmp_path / "text.bin").write_text("this is no file of vectors", encoding="utf-8")
    assert "text.bin" in fails(capsys, *query, tmp_path / "text.bin", "king")
    (tmp_path / "cut.bin").write_bytes(b"10 3\nking \xff\xff\xff\xff")
    assert "unexpected end" in fails(capsys, *query, tmp_path / "cut.bin", "king")
    assert "'zebra'" in fails(capsys, "word2vec", "analogy", trained, "man", "king", "zebra")
    assert "--questions" in fails(capsys, "word2vec", "evaluate", trained)
    assert "absent" in fails(
        capsys, "word2vec", "evaluate", trained, "--questions", tmp_path / "absent"
    )
    output = tmp_path / "no" / "out.txt"
    assert "does not exist" in fails(capsys, "word2vec", "convert", trained, output)
    assert "limit" in fails(
        capsys, "word2vec", "convert", trained, tmp_path / "o.txt", "--limit", "-3"
    )


def test_similar_and_analogy(capsys, trained):
    assert main(["word2vec", "similar", str(trained), "king", "--topn", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    wanted = KeyedVectors.load(trained).most_similar("king", topn=3)
    assert [line.split() for line in lines] == [[word, f"{s:.4f}"] for word, s in wanted]
    assert main(["word2vec", "analogy", str(trained), "man", "king", "woman"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("queen")
    assert len(lines) == 5


def test_evaluate(capsys, tmp_path, trained):
    questions, pairs = tmp_path / "questions.txt", tmp_path / "pairs.tsv"
    questions.write_text("\n".join(LittleLanguage.questions()), encoding="utf-8")
    pairs.write_text("king\tqueen\t9\nking\tsaw\t1\nman\twoman\t8\nman\tlow\t2\n", encoding="utf-8")
    command = ["word2vec", "evaluate", str(trained), "--questions", str(questions)]
    assert main([*command, "--pairs", str(pairs), "--pairs", str(pairs)]) == 0
    printed = capsys.readouterr().out
    assert float(re.search(r"^analogies: (\d\.\d+)$", printed, re.MULTILINE)[1]) > 0.9
    assert re.search(r"^gender +\d+\.\d% +\d+ of +90$", printed, re.MULTILINE)
    assert len(re.findall(r"^pairs.tsv: Spearman [01]\.\d+ ", printed, re.MULTILINE)) == 2


def test_convert_there_and_back(capsys, tmp_path, trained):
    original = KeyedVectors.load(trained)
    source = trained
    for name in ("a.bin", "b.txt.gz", "c.vec", "d.bin.gz", "e.lamina"):
        target = tmp_path / name
        assert main(["word2vec", "convert", str(source), str(target)]) == 0
        assert capsys.readouterr().out.endswith(f"{target}\n")
        source = target
    last = KeyedVectors.load(source)
    assert last.index_to_key == original.index_to_key
    np.testing.assert_array_equal(last.vectors, original.vectors)
    assert main(["word2vec", "convert", str(trained), str(source), "--limit", "7"]) == 0
    assert KeyedVectors.load(source).index_to_key == original.index_to_key[:7]


def test_phrases(capsys, tmp_path):
    corpus, output = tmp_path / "corpus.txt", tmp_path / "joined.txt"
    lines = ["i love new york", "you love it", "i see it is big", "new york is it"]
    lines = [*lines, "a new day", "a big day", "you see a"] * 50
    corpus.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["word2vec", "phrases", str(corpus), "-o", str(output), "--scoring", "npmi"]
    command += ["--threshold", "0.7"]
    assert main(command) == 0
    assert "\nhighest scores: new_york\n" in capsys.readouterr().out
    joined = "\n".join(lines).replace("new york", "new_york")
    assert output.read_text(encoding="utf-8") == joined + "\n"
    assert "absent" in fails(capsys, "word2vec", "phrases", tmp_path / "absent", "-o", output)


def test_train_with_a_checkpoint_and_resume(capsys, tmp_path, corpus):
    checkpoint, output = tmp_path / "checkpoint", tmp_path / "vectors.txt"
    command = ["word2vec", "train", str(corpus), "--checkpoint", str(checkpoint)]
    options = ["--size", "8", "--workers", "1", "--checkpoint-every", "0", "--loss", "--epochs=2"]
    assert main([*command, "-o", str(output), *options]) == 0
    printed = capsys.readouterr().out
    assert "vectors of 8 numbers, trained on 400,000 words" in printed
    assert re.search(r"^loss by epoch: \d\.\d{4}, \d\.\d{4}$", printed, re.MULTILINE)
    first = output.read_bytes()
    assert main([*command, "-o", str(tmp_path / "m"), "--resume", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    again = Word2Vec.load(tmp_path / "m")
    again.wv.save_word2vec_format(output, binary=False)
    assert output.read_bytes() == first


def test_demo(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "demo.png"
    assert main(["demo", "--picture", str(picture), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "king - man + woman = queen" in printed
    assert re.search(r"accuracy +100\.0%", printed)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_demo_finds_a_wrong_path_before_it_trains(capsys, tmp_path):
    assert "folder" in fails(capsys, "demo", "--picture", tmp_path / "no" / "demo.png")


def test_the_installed_command(tmp_path):
    command = Path(sys.executable).with_name("lamina")
    shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"lamina \d+\.\d+\.\d+\S*\n", shown.stdout)
    wrong = subprocess.run(
        [command, "word2vec", "similar", tmp_path / "absent", "x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)


_TRAINING = """
from lamina.word2vec import Word2Vec
from lamina.word2vec.little_language import LittleLanguage
Word2Vec(LittleLanguage(sentences=4000), compute_loss=True, workers=1, epochs=3, verbose={})
"""


@pytest.mark.parametrize("verbose", [0, 1])
def test_progress_in_a_terminal(verbose):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen([sys.executable, "-c", _TRAINING.format(verbose)], stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # raised when the other end is closed
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    assert process.wait(60) == 0
    text = shown.decode()
    if not verbose:
        assert text == ""
        return
    last = [line for line in re.split(r"[\r\n]+", text) if "epoch" in line][-1]
    assert re.search(r"epoch 3/3: 100%.*<00:00.* words/s.*lr 0\.\d{4}, loss \d\.\d{4}", last), last
    assert len(last) <= 100


def test_no_progress_without_a_terminal():
    finished = subprocess.run(
        [sys.executable, "-c", _TRAINING.format(1)], capture_output=True, check=True
    )
    assert (finished.stdout, finished.stderr) == (b"", b"")
