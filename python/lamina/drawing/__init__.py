"""Pictures made of nothing but text: layouts, shapes and SVG, for notebooks and `plot_model`.

It stands on nothing, so that whatever has a picture of itself can draw it.
"""
