"""The Sphinx side of the book: what can only be done once a page is parsed.

Chapters are numbered by their files. Cells get anchors and marks, `*Figure: …*` lines become captions, names of the library and words of the
glossary become links, `chapter 23` becomes a link.
"""
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.environment.collectors.toctree import TocTreeCollector
from sphinx.transforms import SphinxTransform

import chapters
import reference
import terms

BOOK = chapters.read_book()
LIBRARY = reference.read_library()
NAMES = reference.public_names(LIBRARY)
TERMS, NOTATION = terms.glossary(BOOK)
BY_NUMBER = {int(c.number): c for c in BOOK.values() if c.number and not c.is_solution}
BUILT = {}  # id of a cell -> first public name that it builds
for _entries, _ in LIBRARY.values():
    for _entry in _entries: BUILT.setdefault(f'cell-{_entry.cell}', _entry)
CHAPTER_WORD = re.compile(r'\b([Cc]hapter) (\d\d?)\b(?!\.\d)')


def up(docname): return '../' * docname.count('/')
def html(text): return nodes.raw('', text, format='html')


def first_child(node): return next((c for c in node.children if c.astext()), None)


def inside(node, *kinds):
    while node is not None:
        if isinstance(node, kinds): return True
        node = node.parent
    return False


class Cells(SphinxTransform):
    "Anchors, marks and captions of code cells."
    default_priority = 400

    def apply(self, **kwargs):
        docname = self.env.docname
        for cell in list(self.document.findall(lambda n: isinstance(n, nodes.container) and n.get('nb_element') == 'cell_code')):
            about, tags = cell['cell_metadata'].get('book', {}), cell['cell_metadata'].get('tags', [])
            anchor = about.get('id')
            if anchor and anchor not in self.document.ids:
                cell['ids'].append(anchor)
                self.document.ids[anchor] = cell
            marks = self.marks(about, tags, docname)
            if marks: cell.insert(0, html(f'<p class="cell-marks">{marks}</p>'))
            for image in cell.findall(nodes.image): image['alt'] = about.get('alt') or 'Figure; the text below it says what it shows.'
            self.caption(cell)

    def marks(self, about, tags, docname):
        marks = []
        if {'export', 'exports', 'exporti'} & set(tags) and about.get('module') in LIBRARY:
            name, entry = f"{reference.LIBRARY}.{about['module']}", BUILT.get(about['id'])
            target = f"{up(docname)}api/{about['module']}.html" + (f'#{entry.full}' if entry else '')
            marks.append(f'<span class="mark exported">exported to <a href="{target}"><code>{name}</code></a></span>')
        if 'slow' in tags: marks.append('<span class="mark slow">slow: a quick run skips this cell</span>')
        if 'cuda' in tags: marks.append('<span class="mark slow">runs on a GPU</span>')
        return ''.join(marks)

    def caption(self, cell):
        "The paragraph `*Figure: …*` right after a cell with a picture becomes the caption of a numbered figure."
        bundles = [b for b in cell.findall(nodes.container) if b.get('nb_element') == 'mime_bundle'
                   and any(m.get('mime_type', '').startswith(('image/', 'text/html')) for m in b.children)]
        paragraph = cell.next_node(descend=False, siblings=True)
        if not bundles or not isinstance(paragraph, nodes.paragraph): return
        said = first_child(paragraph)
        if not isinstance(said, nodes.emphasis) or not said.astext().startswith('Figure: '): return
        first = said.children[0]
        said.replace(first, nodes.Text(first.astext()[len('Figure: '):]))
        text = said.children + [c for c in paragraph.children[paragraph.children.index(said) + 1:] if c.astext()]
        start = text[0].astext()
        text[0] = nodes.Text(start[:1].upper() + start[1:]) if isinstance(text[0], nodes.Text) else text[0]
        caption, bundle = nodes.caption('', '', *text), bundles[-1]
        figure = nodes.figure('', ids=[f"figure-{cell['ids'][-1][5:]}"] if cell['ids'] else [], classes=['book-figure'])
        bundle.parent.replace(bundle, figure)
        figure += [nodes.container('', bundle, classes=['picture']), caption]
        self.document.note_explicit_target(figure, figure)
        paragraph.parent.remove(paragraph)


class Links(SphinxTransform):
    "Links from names of the library, from words of the glossary, from `chapter 23`."
    default_priority = 410

    def apply(self, **kwargs):
        docname = self.env.docname
        chapter = BOOK.get(docname)
        if NOTATION and chapter is NOTATION: self.anchors()
        self.names(docname, chapter)
        if chapter is not None:
            self.chapter_words(chapter)
            if chapter is not NOTATION and chapter.number and not chapter.is_solution: self.first_uses(chapter)

    def anchors(self):
        by_heading = {t.anchor for t in TERMS}
        for paragraph in self.document.findall(nodes.paragraph):
            bold = first_child(paragraph)
            if isinstance(bold, nodes.strong):
                anchor = terms.anchor(bold.astext().rstrip('.'))
                if anchor in by_heading: paragraph['ids'].append(anchor)

    def names(self, docname, chapter):
        own = set()
        if chapter is not None:
            text = '\n'.join(chapters.source(c) for c in chapter.cells if c['cell_type'] == 'code')
            own = set(re.findall(r'\w+', ' '.join(re.findall(rf'(?m)^from {reference.LIBRARY}\.\w+ import (.+)$', text))))
        module = chapter.module if chapter is not None else docname.removeprefix('api/')
        for literal in list(self.document.findall(nodes.literal)):
            if inside(literal, nodes.reference, addnodes.pending_xref, nodes.title, addnodes.desc_signature): continue
            text = literal.astext()
            entry = self.entry(text, own, module)
            file = re.fullmatch(r'(\d\d_\w+)(?:\.ipynb)?', text)
            if entry is not None:
                if entry.full.endswith(f'.{docname.removeprefix("api/")}.{text}'): continue
                target = addnodes.pending_xref('', refdomain='py', reftype='obj', reftarget=entry.full, refdoc=docname, refexplicit=True, classes=['api'])
            elif file and file[1] in BOOK and file[1] != docname:
                target = addnodes.pending_xref('', refdomain='std', reftype='doc', reftarget='/' + file[1], refdoc=docname, refexplicit=True)
            else: continue
            literal.parent.replace(literal, target)
            target += literal

    def entry(self, text, own, module):
        "The API entry that an inline code means, or None. A short everyday word counts only where this page imports or builds it."
        full = re.fullmatch(rf'(?:{reference.LIBRARY}\.)?(\w+)\.(\w+)(?:\(.*\))?', text)
        if full and full[1] in LIBRARY: return next((e for e in NAMES.get(full[2], []) if e.module == full[1]), None)
        call = re.fullmatch(r'(\w+(?:\.\w+)?)(?:\(.*\))?', text)
        if not call: return None
        name = call[1]
        found = NAMES.get(name, [])
        here = [e for e in found if e.module == module]
        if here: return here[0]
        distinctive = '_' in name or '.' in name or (name[:1].isupper() and not name.isupper())
        if len(found) == 1 and (distinctive or name in own): return found[0]
        return None

    def texts(self):
        "Pieces of running text: not in links, code, headings, captions, tables."
        for text in list(self.document.findall(nodes.Text)):
            if inside(text, nodes.reference, addnodes.pending_xref, nodes.literal, nodes.literal_block, nodes.title, nodes.raw, nodes.math, nodes.math_block,
                      nodes.caption, nodes.strong, nodes.entry, nodes.block_quote, nodes.comment): continue
            if inside(text, nodes.container) or not inside(text, nodes.paragraph): continue
            yield text

    def put(self, text, match, link):
        before, after = text.astext()[:match.start()], text.astext()[match.end():]
        text.parent.replace(text, [n for n in (nodes.Text(before) if before else None, link, nodes.Text(after) if after else None) if n is not None])

    def chapter_words(self, chapter):
        seen = set()
        for text in self.texts():
            match = CHAPTER_WORD.search(text.astext())
            if not match or int(match[2]) not in BY_NUMBER: continue
            other = BY_NUMBER[int(match[2])]
            if other.doc == chapter.doc or (other.doc, id(text.parent)) in seen: continue
            seen.add((other.doc, id(text.parent)))
            target = addnodes.pending_xref('', nodes.inline('', match[0]), refdomain='std', reftype='doc', reftarget='/' + other.doc, refdoc=self.env.docname, refexplicit=True)
            self.put(text, match, target)

    def first_uses(self, chapter):
        "Each term of the glossary where the chapter first uses it."
        open_terms = {t.anchor: (t, terms.pattern(words)) for t in TERMS if (words := t.words_in(chapter.doc))}
        queue = [text for text in self.texts() if not inside(text, nodes.emphasis)]  # not in titles of books and papers
        while queue and open_terms:
            text = queue.pop(0)
            found = [(m, t) for t, p in open_terms.values() if (m := p.search(text.astext()))]
            if not found: continue
            match, term = min(found, key=lambda f: (f[0].start(), -len(f[0][0])))
            del open_terms[term.anchor]
            parent, after = text.parent, text.astext()[match.end():]
            self.put(text, match, html(terms.card(match[0], term, f'{up(self.env.docname)}{NOTATION.doc}.html')))
            if after:
                rest = next(n for n in reversed(parent.children) if isinstance(n, nodes.Text) and n.astext() == after)
                queue.insert(0, rest)


def unbroken(words):
    "Text of a table's cell without breaks inside `1.2 ± 0.1`, `3% to 5%`, `(2.3–2.5)`, `(B, T, D)`, `8 of 9`, `9 x 576` and short words with a hyphen."
    words = re.sub(r'(?<=[\d%]) (±|to|→|of|x) (?=[-+−]?\d)', '\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}', words)
    words = re.sub(r'\([^()]{1,22}\)', lambda match: match[0].replace(' ', '\N{NO-BREAK SPACE}').replace('–', '\N{WORD JOINER}–\N{WORD JOINER}') if re.search(r'\d|, \w\b', match[0]) else match[0], words)
    return re.sub(r'(?<![\w/_.-])[A-Za-z]{2,6}-[A-Za-z\d]{1,6}(?![\w/_.-])', lambda match: match[0].replace('-', '\N{NON-BREAKING HYPHEN}'), words)


class Lines(SphinxTransform):
    """No line ends between a short inline formula and the mark behind it, nor inside the numbers and shapes of a table. `*Table: …*` is a caption.
    Columns of numbers are right-aligned, as the notebook shows them itself, and a column of sentences is known to the style sheet."""
    default_priority = 420

    def apply(self, **kwargs):
        for body in self.document.findall(nodes.tbody):
            columns = list(zip(*(row.children for row in body.children)))
            for place, column in enumerate(columns):
                texts = [entry.astext() for entry in column]
                if any(map(str.isdigit, ''.join(texts))) and all(', ' not in t and not re.sub(r'\bto\b|[\d\s.,±→()+−%×–-]', '', t) for t in texts):
                    for entry in (*column, *(row.children[place] for row in body.parent.findall(nodes.row) if isinstance(row.parent, nodes.thead))):
                        if not any(c.startswith('text-') for c in entry['classes']): entry['classes'].append('text-right')
                if max(map(len, texts)) <= 40: continue
                if place < len(columns) - 1:
                    for entry in column: entry['classes'].append('long')                         # which must not become a tower
                elif place > 1: body.parent.parent['classes'].append('explained')                # on a phone it stands below the others
        for parent in list(self.document.findall(nodes.TextElement)):
            if isinstance(parent, (nodes.literal, nodes.math, nodes.FixedTextElement)):                      # code, formulas and raw HTML
                if inside(parent, nodes.entry) and len(parent.astext()) < 17: parent['classes'].append('together')          # a shape
                continue
            if isinstance(parent, nodes.paragraph) and isinstance(first_child(parent), nodes.emphasis) and parent.astext().startswith('Table: '): parent['classes'].append('table-caption')
            in_table, children = inside(parent, nodes.entry), []
            for child in parent.children:
                if isinstance(child, nodes.Text):
                    words, before = re.sub(r'(?<=\d) %', '\N{NO-BREAK SPACE}%', child.astext()), children[-1] if children else None
                    if words and isinstance(before, nodes.math) and words[0] in '.,;:!?)’”' and len(before.astext()) < 30:
                        children[-1] = nodes.inline('', '', before, nodes.Text(words[0]), classes=['together'])
                        words = words[1:]
                    if not inside(parent, nodes.reference, addnodes.desc_content): words = re.sub(r'(^|(?<=[\s(\[]))-(?=\d)' if before is None else r'(?<=[\s(\[])-(?=\d)', '−', words)
                    if in_table and not inside(parent, nodes.reference): words = unbroken(words)
                    if words: children.append(nodes.Text(words))
                else: children.append(child)
            parent.children = []
            parent.extend(children)


class Numbers(EnvironmentCollector):
    "Chapters carry the number of their file, sections count within them; figures and formulas follow."
    def clear_doc(self, app, env, docname): pass
    def merge_other(self, app, env, docnames, other): pass
    def process_doc(self, app, doctree): pass

    def get_updated_docs(self, app, env):
        env.toc_secnumbers = {}
        for docname, chapter in BOOK.items():
            if not chapter.number or chapter.is_solution: continue
            env.toc_secnumbers[docname] = found = {}
            self.number(env.tocs[docname], (int(chapter.number),), found)
            env.titles[docname]['secnumber'] = (int(chapter.number),)
        TocTreeCollector().assign_figure_numbers(env)
        return list(env.toc_secnumbers)

    def number(self, entries, number, found, depth=0):
        count = 0
        for item in entries.children:
            if not isinstance(item, nodes.list_item): continue
            count += 1
            mine = number if depth == 0 else (*number, count)
            link = item[0][0]
            if depth < 2:
                link['secnumber'] = mine
                found[link['anchorname']] = mine
            else: found[link['anchorname']] = ()
            for sub in item.children[1:]:
                if isinstance(sub, nodes.bullet_list): self.number(sub, mine, found, depth + 1)


def context(app, pagename, templatename, context, doctree):
    "What the templates show besides the page itself."
    chapter = BOOK.get(pagename)
    base = up(pagename)
    parts = []
    for c in BOOK.values():
        if not c.number or c.is_solution: continue
        if not parts or parts[-1]['name'] != c.part: parts.append(dict(name=c.part, chapters=[]))
        parts[-1]['chapters'].append(dict(url=f'{base}{c.doc}.html', no=int(c.number), title=c.title, promise=re.sub('[`*]', '', c.promise), current=c is chapter,
                                          within=pagename == f'solutions/{c.doc}'))
    context['parts'], context['base'] = parts, base
    context['api'] = [dict(url=f'{base}api/{m}.html', name=m, current=pagename == f'api/{m}') for m in sorted(LIBRARY)] if pagename.startswith('api/') else []
    if chapter is not None and chapter.promise: context['description'] = chapter.promise
    else: context['description'] = chapters.SETTINGS['description']


def copy_mathjax(app, error):
    "The parts of MathJax that conf.py asks for, from the package sphinx-mathjax-offline, which would copy all of its nine megabytes."
    if error: return
    here = Path(find_spec('sphinx-mathjax-offline').origin).parent / 'static/mathjax'
    for part in ('startup.js', 'core.js', 'input/tex.js', 'input/tex/extensions', 'output/chtml.js', 'output/chtml/fonts'):
        source, target = here / part, Path(app.outdir, '_static/mathjax', part)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def setup(app):
    app.connect('build-finished', copy_mathjax)
    app.add_transform(Cells)
    app.add_transform(Links)
    app.add_transform(Lines)
    app.add_env_collector(Numbers)
    app.connect('html-page-context', context)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
