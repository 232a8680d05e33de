"""Sphinx's settings for the web book. `make book` (book/build.py) writes the sources that this reads."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from chapters import REPOSITORY, SETTINGS

project = SETTINGS['title']
author = SETTINGS['author']
copyright = SETTINGS['copyright']
release = version = SETTINGS['version']
language = 'en'

extensions = ['myst_nb', 'sphinx_copybutton', 'sphinx.ext.mathjax', 'extension']
templates_path = ['templates']
nb_execution_mode = 'off'
nb_render_markdown_format = 'myst'
nb_merge_streams = True
myst_enable_extensions = ['dollarmath', 'colon_fence', 'attrs_block', 'attrs_inline']
myst_heading_anchors = 4
myst_update_mathjax = False
myst_dmath_double_inline = True
suppress_warnings = ['myst.header', 'mystnb.mime_priority']
numfig = True
numfig_secnum_depth = 1
numfig_format = {'figure': 'Figure %s'}
math_numfig = True
math_eqref_format = 'equation {number}'
add_module_names = False
python_maximum_signature_line_length = 60
toc_object_entries = False
highlight_language = 'python'

# MathJax in parts, so that a page loads the parts of it that it needs and no menu
mathjax_path = 'mathjax/startup.js'
mathjax_options = {'defer': 'defer'}
mathjax3_config = {
    'loader': {'load': ['input/tex', 'output/chtml']},
    'tex': {'packages': ['base', 'ams', 'newcommand', 'noundefined']},
    'options': {'ignoreHtmlClass': 'bd-article', 'processHtmlClass': 'math'},
    'chtml': {'scale': 0.95},
}

html_theme = 'sphinx_book_theme'
html_title = project
html_static_path = ['static']
html_css_files = ['book.css']
html_js_files = [('book.js', {'defer': 'defer'})]
html_favicon = 'static/favicon.svg'
html_secnumber_suffix = ' '
html_copy_source = False
html_use_index = False
html_domain_indices = False
html_show_sphinx = False
html_sidebars = {'**': ['book-nav.html']}
html_theme_options = {
    'repository_url': REPOSITORY,
    'use_download_button': False,
    'use_fullscreen_button': False,
    'use_repository_button': True,
    'pygments_light_style': 'a11y-high-contrast-light',
    'pygments_dark_style': 'a11y-high-contrast-dark',
    'toc_title': 'On this page',
    'show_toc_level': 2,
    'search_bar_text': 'Search the book',
    'back_to_top_button': False,
    'footer_content_items': ['book-footer.html'],
}
copybutton_selector = 'div.cell_input div.highlight > pre, div.highlight-sh pre, div.highlight-py pre, div.highlight-python pre'
copybutton_exclude = '.linenos, .gp, .go'
