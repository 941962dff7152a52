"""The command ``lamina``: the demo, and word2vec without writing a program."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina._config import __version__, show_config

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamina.word2vec import KeyedVectors

_VECTORS_HELP = (
    "a file of vectors: .bin is word2vec's binary format, .txt or .vec its text format (.bin.gz "
    "and the like too), any other name Lamina's own"
)

# What a user's files, words and settings can lead to; anything else is a bug, and shows itself.
_ERRORS = (
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def _demo(arguments: argparse.Namespace) -> None:
    from lamina import demo

    if not arguments.picture.parent.is_dir():
        raise FileNotFoundError(f"the folder of --picture does not exist: {arguments.picture}")
    demo.run(arguments.picture, seed=arguments.seed, verbose=not arguments.quiet)


def _run(arguments: argparse.Namespace) -> None:
    from lamina.running import run_program

    if run_program(arguments.program, arguments.arguments):
        sys.exit(1)


def _train(arguments: argparse.Namespace) -> None:
    from lamina.word2vec import LineSentence, PathLineSentences, Word2Vec

    output = Path(arguments.output)
    if not output.parent.is_dir():
        raise FileNotFoundError(f"the folder of --output does not exist: {output.parent}")
    verbose = 0 if arguments.quiet else 1
    reader = PathLineSentences if Path(arguments.corpus).is_dir() else LineSentence
    corpus = reader(arguments.corpus)
    checkpoint = {
        "checkpoint": arguments.checkpoint,
        "checkpoint_every": arguments.checkpoint_every,
    }
    if arguments.resume:
        if not arguments.checkpoint:
            raise ValueError("--resume needs --checkpoint, the file to go on from")
        model = Word2Vec.load(arguments.checkpoint)
        model.train(corpus, resume=True, verbose=verbose, **checkpoint)
    else:
        model = Word2Vec(
            corpus,
            vector_size=arguments.size,
            window=arguments.window,
            min_count=arguments.min_count,
            sample=arguments.sample,
            sg=int(arguments.skip_gram),
            hs=int(arguments.hierarchical),
            negative=arguments.negative,
            alpha=arguments.alpha,
            epochs=arguments.epochs,
            workers=arguments.workers,
            seed=arguments.seed,
            compute_loss=arguments.loss,
            verbose=verbose,
            **checkpoint,
        )
    _write(model, output)
    if verbose:
        seconds = model.total_train_time
        words = model.corpus_total_words * model.epochs
        print(
            f"{len(model.wv):,} vectors of {model.vector_size} numbers, trained on {words:,} words "
            f"in {seconds:.1f} s, {words / max(seconds, 1e-9) / 1e6:.2f} million a second: {output}"
        )
        if model.training_losses:
            print("loss by epoch: " + ", ".join(f"{loss:.4f}" for loss in model.training_losses))


def _write(model: Any, path: Path) -> None:
    """Write a model or vectors, in the format that the name of the file asks for."""
    kind = _kind(path)
    if kind == "native":
        model.save(path)
    else:
        getattr(model, "wv", model).save_word2vec_format(path, binary=kind == "binary")


def _kind(path: Path) -> str:
    suffixes = [s for s in path.suffixes if s not in {".gz", ".bz2", ".xz", ".zip"}]
    last = suffixes[-1] if suffixes else ""
    if len(suffixes) < len(path.suffixes) and last not in {".bin", ".txt", ".vec"}:
        raise ValueError(
            f"{path}: only the formats of word2vec are compressed; its name should end in "
            f".bin{path.suffix} or .txt{path.suffix}"
        )
    return {".bin": "binary", ".txt": "text", ".vec": "text"}.get(last, "native")


def _read(path: str, *, binary: bool | None = None, limit: int | None = None) -> KeyedVectors:
    """Read vectors in whichever format they are."""
    from lamina.word2vec import KeyedVectors

    kind = _kind(Path(path))
    if binary is not None:
        kind = "binary" if binary else "text"
    if limit is not None and limit < 1:
        raise ValueError(f"--limit must be at least 1, got {limit}")
    if kind == "native":
        vectors = KeyedVectors.load(path)
        if limit is None or limit >= len(vectors):
            return vectors
        first = KeyedVectors(vectors.vector_size, dtype=vectors.vectors.dtype)
        first.add_vectors(vectors.index_to_key[:limit], vectors.vectors[:limit])
        first.expandos = {name: values[:limit] for name, values in vectors.expandos.items()}
        return first
    return KeyedVectors.load_word2vec_format(path, binary=kind == "binary", limit=limit)


def _print_neighbours(neighbours: Sequence[tuple[str, float]]) -> None:
    width = max((len(word) for word, _ in neighbours), default=0)
    for word, similarity in neighbours:
        print(f"{word:<{width}}  {similarity:.4f}")


def _similar(arguments: argparse.Namespace) -> None:
    vectors = _read(arguments.file)
    _print_neighbours(vectors.most_similar(arguments.word, topn=arguments.topn))


def _analogy(arguments: argparse.Namespace) -> None:
    vectors = _read(arguments.file)
    _print_neighbours(
        vectors.most_similar(
            positive=[arguments.b, arguments.c], negative=[arguments.a], topn=arguments.topn
        )
    )


def _evaluate(arguments: argparse.Namespace) -> None:
    if not arguments.questions and not arguments.pairs:
        raise ValueError("nothing to evaluate on: give --questions FILE, --pairs FILE, or both")
    vectors = _read(arguments.file)
    if arguments.questions:
        accuracy, sections = vectors.evaluate_word_analogies(
            arguments.questions, restrict_vocab=arguments.restrict_vocab
        )
        width = max(len(section["section"]) for section in sections)
        for section in sections:
            right, wrong = len(section["correct"]), len(section["incorrect"])
            if right + wrong:
                share = right / (right + wrong)
                print(
                    f"{section['section']:<{width}}  {share:6.1%}  {right:6,} of {right + wrong:6,}"
                )
        print(f"analogies: {accuracy:.4f}")
    for pairs in arguments.pairs or []:
        pearson, spearman, unknown = vectors.evaluate_word_pairs(pairs)
        print(
            f"{Path(pairs).name}: Spearman {spearman[0]:.4f} (p {spearman[1]:.1e}), "
            f"Pearson {pearson[0]:.4f}, {unknown:.1f} % of pairs unknown"
        )


def _convert(arguments: argparse.Namespace) -> None:
    vectors = _read(arguments.input, limit=arguments.limit)
    _write(vectors, Path(arguments.output))
    print(f"{len(vectors):,} vectors of {vectors.vector_size} numbers: {arguments.output}")


def _phrases(arguments: argparse.Namespace) -> None:
    from lamina.word2vec.phrases import ENGLISH_CONNECTOR_WORDS, Phrases

    phrases = Phrases(
        corpus_file=arguments.corpus,
        min_count=arguments.min_count,
        threshold=arguments.threshold,
        scoring=arguments.scoring,
        connector_words=ENGLISH_CONNECTOR_WORDS if arguments.connectors else frozenset(),
    )
    phrases.transform_file(arguments.corpus, arguments.output)
    found = phrases.export_phrases()
    best = sorted(found.items(), key=lambda item: -item[1])[:10]
    print(f"{len(found):,} phrases joined: {arguments.output}")
    if best:
        print("highest scores: " + ", ".join(phrase for phrase, _ in best))


def _config(arguments: argparse.Namespace) -> None:
    del arguments
    show_config()


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults that say something: neither None nor False."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False:
            return action.help
        return super()._get_help_string(action)


def _command(
    commands: Any, name: str, function: Callable[[argparse.Namespace], None], help_text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help_text,
        description=help_text[0].upper() + help_text[1:] + ("" if help_text.endswith("?") else "."),
        formatter_class=_HelpFormatter,
    )
    parser.set_defaults(function=function)
    return parser


def _add_train(commands: Any) -> None:
    train = _command(commands, "train", _train, "learn word vectors from a text")
    train.add_argument(
        "corpus",
        help="a text file (.gz, .bz2, .xz, .zip too), a sentence a line or "
        "all in one line; or a folder of them",
    )
    train.add_argument(
        "-o",
        "--output",
        required=True,
        help="where to write: .bin word2vec's binary format, .txt or .vec its text "
        "format, any other name the whole model",
    )
    train.add_argument("--size", type=int, default=100, help="numbers in a vector")
    train.add_argument("--window", type=int, default=5, help="reach of a word's context")
    train.add_argument("--min-count", type=int, default=5, help="drop words seen less often")
    train.add_argument(
        "--sample",
        type=float,
        default=1e-3,
        help="thin words whose share exceeds this; 0 keeps all",
    )
    model = train.add_mutually_exclusive_group()
    model.add_argument("--skip-gram", action="store_true", help="skip-gram instead of CBOW")
    model.add_argument("--cbow", action="store_true", help="CBOW, which is the default")
    train.add_argument("--hierarchical", action="store_true", help="hierarchical softmax")
    train.add_argument(
        "--negative",
        type=int,
        default=None,
        help="negative samples (default: 5, or 0 with --hierarchical)",
    )
    train.add_argument("--epochs", type=int, default=5, help="passes over the corpus")
    train.add_argument("--alpha", type=float, default=0.025, help="first learning rate")
    train.add_argument("--workers", type=int, default=None, help="threads (default: all cores)")
    train.add_argument("--seed", type=int, default=1, help="of everything random")
    train.add_argument("--loss", action="store_true", help="compute and print the loss")
    train.add_argument("--checkpoint", default=None, help="a file to save the training to")
    train.add_argument(
        "--checkpoint-every", type=float, default=600.0, help="seconds between two checkpoints"
    )
    train.add_argument(
        "--resume", action="store_true", help="go on from --checkpoint with its settings"
    )
    train.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_queries(commands: Any) -> None:
    similar = _command(commands, "similar", _similar, "list the nearest words of a word")
    similar.add_argument("file", help=_VECTORS_HELP)
    similar.add_argument("word", help="whose neighbours to list")
    similar.add_argument("--topn", type=int, default=10, help="how many")

    analogy = _command(commands, "analogy", _analogy, "answer: A is to B as C is to what?")
    analogy.add_argument("file", help=_VECTORS_HELP)
    for name in "abc":
        analogy.add_argument(name, metavar=name.upper(), help="a word")
    analogy.add_argument("--topn", type=int, default=5, help="how many")

    evaluate = _command(
        commands, "evaluate", _evaluate, "test vectors on analogies and similarities"
    )
    evaluate.add_argument("file", help=_VECTORS_HELP)
    evaluate.add_argument("--questions", help="analogies, as in word2vec's questions-words.txt")
    evaluate.add_argument(
        "--pairs",
        action="append",
        help="word pairs and their similarity, tab-separated; may be repeated",
    )
    evaluate.add_argument(
        "--restrict-vocab",
        type=int,
        default=300_000,
        help="use the first so many words for the analogies",
    )

    convert = _command(commands, "convert", _convert, "write vectors in another format")
    convert.add_argument("input", help=_VECTORS_HELP)
    convert.add_argument("output", help="the same names decide: .bin, .txt or .vec, or any other")
    convert.add_argument("--limit", type=int, default=None, help="read the first so many words")

    phrases = _command(commands, "phrases", _phrases, "join words that belong together: new_york")
    phrases.add_argument("corpus", help="a text file, a sentence a line or all in one line")
    phrases.add_argument("-o", "--output", required=True, help="where to write the joined text")
    phrases.add_argument("--min-count", type=int, default=5, help="ignore rarer words and pairs")
    phrases.add_argument(
        "--threshold", type=float, default=10.0, help="the least score of a phrase"
    )
    phrases.add_argument(
        "--scoring", choices=["default", "npmi"], default="default", help="how pairs are scored"
    )
    phrases.add_argument(
        "--connectors", action="store_true", help="let 'of', 'the', 'and' ... stand inside a phrase"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lamina", description="Word vectors and networks at the full speed of a CPU."
    )
    parser.add_argument("--version", action="version", version=f"lamina {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = _command(commands, "demo", _demo, "train on a generated little language; needs no data")
    demo.add_argument(
        "--picture", type=Path, default=Path("lamina_demo.png"), help="where to draw the vectors"
    )
    demo.add_argument("--seed", type=int, default=1, help="of the language and of the training")
    demo.add_argument("--quiet", action="store_true", help="no progress bar")
    run = _command(
        commands, "run", _run, "run a program written for Keras or gensim: it imports Lamina"
    )
    run.add_argument("program", help="a Python file")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what it finds in sys.argv")
    word2vec = commands.add_parser(
        "word2vec",
        help="train word vectors, ask them, convert them",
        description="Train word vectors, ask them, convert them.",
    )
    subcommands = word2vec.add_subparsers(required=True, metavar="COMMAND")
    _add_train(subcommands)
    _add_queries(subcommands)
    _command(commands, "config", _config, "print versions, SIMD level and threads")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, 2 after an error, 130 after Ctrl-C."""
    parsed = _parser().parse_args(arguments)
    try:
        parsed.function(parsed)
    except KeyboardInterrupt:
        print("lamina: interrupted", file=sys.stderr)
        return 130
    except _ERRORS as error:
        text = str(error) or type(error).__name__
        if isinstance(error, KeyError) and error.args:  # str() would quote it
            text = str(error.args[0])
        elif isinstance(error, OSError) and error.strerror:  # str() would begin with [Errno 2]
            text = error.strerror + (f": {error.filename}" if error.filename else "")
        print(f"lamina: error: {' '.join(text.split())}", file=sys.stderr)
        return 2
    return 0
