"""The page that shows a study: sections of pictures, tables and sentences, in one HTML file."""

from tune_stability.page.html import render_page

__all__ = ["render_page"]
