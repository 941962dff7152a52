"""The documentation's settings: `sphinx-build -W --keep-going docs build/docs`."""

import re

from lamina import __version__

project = "Lamina"
author = "The Lamina developers"
release = version = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["Thumbs.db"]

html_theme = "furo"
html_show_copyright = False
html_title = f"Lamina {release}"

# What stands in single backticks in a docstring is code.
smartquotes = False
default_role = "code"
add_module_names = False  # Dense, not lamina.layers.core.Dense
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {
    "members": True,
    # What every layer, loss and the like has stands at its base class alone.
    "exclude-members": "build, call, compute_mask, compute_output_shape, from_config, get_config",
}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Shapes", "params_style"), "Source", "Formula"]
python_use_unqualified_type_names = True
myst_heading_anchors = 3


# A bar or a star that does not stand in backticks.
_PLAIN = re.compile(r"[|*](?=(?:[^`]*`+[^`]*`+)*[^`]*$)")


def _keep_formulas(_app, _what, _name, _object, _options, lines):
    """Let |x * y| be what it says, and not reST's substitutions and emphasis."""
    lines[:] = [_PLAIN.sub(r"\\\g<0>", line) for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", _keep_formulas, priority=100)
