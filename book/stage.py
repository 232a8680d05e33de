"""Turns each notebook into what a reader of the page sees, and writes it where Sphinx looks for sources.

nbdev's directives decide: hidden cells go, exported code is marked with the module it goes to, all `#|` lines go. Nothing is executed.
What is left to Sphinx's own stage, because it needs the parsed page, is in extension.py.
"""
import json
import posixpath
import re
import unicodedata

import roadmap
from chapters import BRANCH, PARTS, REPOSITORY, SETTINGS, code_body, directives, is_dropped, source

CODE = re.compile(r'(?s)(```.*?```|`[^`\n]+`)')
BADGE = re.compile(r'\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)(?: In Colab, run first: [^\n]*)?\s*')
TITLE = re.compile(r'''(?:title\s*=\s*|set_title\(\s*|suptitle\(\s*)f?(['"])((?:(?!\1).)+)\1''')


def slug(heading):
    "The anchor that MyST gives to a heading. A link may also spell it as Jupyter does, with capitals."
    return re.sub(r'[^\w\- ]', '', unicodedata.normalize('NFC', heading).strip().lower()).replace(' ', '-')


def outside_code(text, change):
    "Applies `change` to the parts of a Markdown text that are not code."
    parts = CODE.split(text)
    parts[::2] = [change(part) for part in parts[::2]]
    return ''.join(parts)


def details(text):
    "Blank lines inside <details>, so that what is hidden is Markdown too, and the answer can be styled."
    text = re.sub(r'(?m)^([ \t]*)<details[^>]*>\s*<summary>(.*?)</summary>[ \t]*', r'\1<details class="answer">\n\1<summary>\2</summary>\n\n\1', text)
    return re.sub(r'[ \t]*\n?[ \t]*</details>', '\n\n</details>\n', text)


def links(text, chapter):
    "Fragments as MyST spells them; files of the repository that are no pages are linked where the repository is."
    def elsewhere(match):
        path = posixpath.normpath(posixpath.join(SETTINGS['nbs_path'], posixpath.dirname(chapter.doc), match[1]))
        return f']({REPOSITORY}/blob/{BRANCH}/{path})'
    text = re.sub(r'\]\((?![a-z]+:|#)([^)\s#]+(?<!\.ipynb))\)', elsewhere, text)
    return re.sub(r'\]\(([^)\s#]*\.ipynb|)#([^)\s]+)\)', lambda m: f']({m[1]}#{slug(m[2].replace("-", " "))})', text)


def numbered_formulas(text, prefix, count):
    "A label behind each displayed formula that stands on lines of its own, which numbers it."
    def label(match):
        count[0] += 1
        return f'{match[1]} ({prefix}-{count[0]})'
    return re.sub(r'(?ms)^(\$\$(?:(?!\$\$).)+\$\$)[ \t]*$', label, text)


def markdown(text, chapter, count):
    text = BADGE.sub('', text)
    text = outside_code(text, lambda part: links(part, chapter))
    text = details(text)
    # a label ends a paragraph, so only formulas that end one are numbered
    return numbered_formulas(text, f'eq-{chapter.doc.replace("/", "-")}', count) if chapter.number and not chapter.is_solution else text


def code(cell, chapter):
    "A code cell without its directives; what they said is left in tags and in `book`, for extension.py."
    text = source(cell)
    said = directives(text)
    tags = [name for name in ('export', 'exports', 'exporti', 'slow', 'cuda', 'notest') if name in said]
    if said.get('echo') == 'false': tags.append('remove-input')
    module = next((said[name] for name in ('export', 'exports', 'exporti') if said.get(name)), chapter.module)
    title = TITLE.search(text)
    about = dict(id=f"cell-{cell['id']}", module=module, alt=title[2].replace('\\n', ' ') if title else '')
    outputs = [o for o in cell['outputs'] if o.get('name') != 'stderr']  # libraries' chatter
    return dict(cell, source=code_body(text), outputs=outputs, metadata=dict(tags=tags, book=about))


def head(text, chapter, book):
    "The first cell: title, promise, and the strip that says where the reader is."
    strip = '' if chapter.doc == 'index' else roadmap.solution_head(chapter, book) if chapter.is_solution else roadmap.here(chapter, book)
    text = re.sub(r'(?m)^(> .+(?:\n>.*)*)$', r'\n{.promise}\n\1\n\n' + strip.replace('\\', r'\\') + '\n', text, count=1)
    return text if strip in text else f'{text}\n\n{strip}\n'


def toctree(book):
    parts = {name: [c.doc for c in book.values() if c.part == name and not c.is_solution] for name in PARTS.values()}
    blocks = [f'```{{toctree}}\n:hidden:\n:caption: {name}\n\n' + '\n'.join(docs) + '\n```' for name, docs in parts.items() if docs]
    return '\n\n'.join([*blocks, '```{toctree}\n:hidden:\n:caption: Reference\n\napi/index\n```'])


def home(cells, book):
    "The first page: the figure of the way data flows comes early and is clickable; the list of chapters is made from the chapters."
    kept, heading = [], ''
    for cell in cells:
        text = source(cell)
        if cell['cell_type'] == 'markdown' and text.startswith('## '): heading = text.strip()
        if heading == '## The way data flows': continue
        if heading == '## The chapters' and text.startswith('|'):
            rest = text.partition('\n\n')[2]
            cell = dict(cell, source=f'{roadmap.contents(book)}\n\n{rest}')
        kept.append(cell)
    first = next(i for i, cell in enumerate(kept) if source(cell).startswith('## '))
    figure = dict(cell_type='markdown', id='roadmap', metadata={}, source=f'## The way data flows\n\nEach numbered line is a chapter.\n\n{roadmap.roadmap(book)}\n')
    return [*kept[:first], figure, *kept[first:], dict(cell_type='markdown', id='toctree', metadata={}, source=toctree(book))]


def with_solutions(cells, chapter, book):
    "A line at the end of the exercises that leads to their solutions."
    if f'solutions/{chapter.doc}' not in book: return cells
    headings = [i for i, c in enumerate(cells) if c['cell_type'] == 'markdown' and source(c).startswith('## ')]
    exercises = next((n for n, i in enumerate(headings) if source(cells[i]).startswith('## Exercises')), None)
    if exercises is None: return cells
    end = headings[exercises + 1] if exercises + 1 < len(headings) else len(cells)
    line = dict(cell_type='markdown', id='solutions', metadata={}, source=f'[Solutions to these exercises](solutions/{chapter.doc.rsplit("/")[-1]}.ipynb), for when you have tried.')
    told = re.compile(r'Solutions (?:to .*?)?are in [^\n]*solutions/[^\n]*')                           # the notebook's own line, whose place this one takes
    cells = [dict(c, source=told.sub('', source(c))) if c['cell_type'] == 'markdown' else c for c in cells]
    return [*cells[:end], line, *cells[end:]]


def page(chapter, book):
    "The notebook as the page shows it, a dict."
    cells, count = [], [0]
    for cell in home(chapter.cells, book) if chapter.doc == 'index' else with_solutions(chapter.cells, chapter, book):
        if is_dropped(cell): continue
        if cell['cell_type'] == 'markdown' and source(cell).startswith('# '): cell = dict(cell, source=head(source(cell), chapter, book))
        if cell['cell_type'] == 'markdown': cells.append(dict(cell, source=markdown(source(cell), chapter, count)))
        elif cell['cell_type'] == 'code' and (code_body(source(cell)) or cell['outputs']): cells.append(code(cell, chapter))
    meta = dict(kernelspec=dict(name='python3', language='python', display_name='python3'), language_info=dict(name='python'))
    if chapter.is_solution: meta['orphan'] = True
    if chapter.doc == 'index': meta['html_theme.sidebar_secondary.remove'] = True
    return dict(cells=cells, metadata=meta, nbformat=4, nbformat_minor=5)


def write(path, text):
    "Only if it differs, so that Sphinx does not read an unchanged page again."
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding='utf-8') != text: path.write_text(text, encoding='utf-8')
    return path


def stage(book, pages, folder):
    "Writes the pages of all notebooks and `pages` ({name: Markdown}) into folder, and removes what is no longer part of the book."
    wanted = {write(folder / f'{doc}.ipynb', json.dumps(page(chapter, book), ensure_ascii=False)) for doc, chapter in book.items()}
    wanted |= {write(folder / f'{name}.md', text) for name, text in pages.items()}
    for path in folder.rglob('*'):
        if path.is_file() and path not in wanted: path.unlink()
