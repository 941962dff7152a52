"""From raw texts, sequences and pictures to the arrays that networks take."""

from lamina._lazy import lazy_names

# ``lamina.preprocessing.text.Tokenizer`` works after ``import lamina``.
__getattr__, __dir__ = lazy_names(__name__, {}, ("image", "sequence", "text"))
