"""The glossary of nbs/91_notation.ipynb: which words it explains, and the cards that open on their first use in each chapter."""
import re
import unicodedata
from dataclasses import dataclass
from html import escape

from chapters import source

ENTRY = re.compile(r'(?m)^\*\*([^*\n]+)\.\*\*\s+(.+)$')
TEX = {r'\Vert': '‖', r'\|': '‖', r'\,': ' ', r'\ln': 'ln', r'\alpha': 'α', r'\beta': 'β', r'\cdot': '·', r'\ell': 'ℓ', r'\times': '×', r'\le': '≤', r'\ge': '≥', r'\rho': 'ρ', r'\tanh': 'tanh', r'\to': '→'}
EVERYDAY = {'family', 'epoch', 'frozen', 'report', 'split', 'row', 'rows', 'true', 'slope', 'tail', 'scale', 'group', 'span', 'grid', 'plan', 'block', 'agreement', 'expected',
            'kernel', 'reference', 'translator', 'translators', 'exchange', 'symmetric'}  # too often meant otherwise: linked only in the chapters that their entries name


@dataclass
class Term:
    words: list   # spellings, the first as in the glossary
    text: str     # the explanation as plain text
    anchor: str
    homes: list   # chapters that the entry names, such as 42_quantize

    def words_in(self, doc): return [w for w in self.words if w.lower() not in EVERYDAY or doc in self.homes]


def anchor(words): return 'term-' + re.sub(r'[^a-z0-9]+', '-', unicodedata.normalize('NFKD', words).encode('ascii', 'ignore').decode().lower()).strip('-')


def plain(markdown):
    "Markdown of one glossary entry as text, its small formulas too."
    def formula(match):
        tex = re.sub(r'\\(?:text|mathrm|mathcal)\s*\{?([A-Za-z-]+)\}?', r'\1', match[1])
        for code, sign in TEX.items(): tex = tex.replace(code, sign)
        return re.sub(r'\s+', ' ', tex)
    text = re.sub(r'\$([^$]+)\$', formula, markdown)
    text = re.sub(r'(?:,? *\[[\d, ]+\]\([^)]*\))+\.?\s*$', '', text)
    text = re.sub(r'\[([^\]]+)\]\([^)]*\)', r'\1', text)
    return re.sub(r'[*`]', '', text).strip()


def spellings(heading):
    "'BPE (byte-pair encoding)' is found under both; 'Nucleus, top-p; top-k' under three."
    inside = re.findall(r'\(([^)]+)\)', heading)
    words = [w.strip() for w in re.split(r'[,;/]', re.sub(r'\([^)]*\)', ',', heading)) if w.strip()]
    # "Agreement (top-1)" is not found under "top-1" alone
    words += [w for w in inside if len(w) > 2 and not re.search(r'\d', w)]
    return words


def glossary(book):
    "[Term] from the notation chapter, or nothing if there is none."
    chapter = next((c for c in book.values() if c.name == 'notation'), None)
    if chapter is None: return [], None
    text = '\n\n'.join(source(c) for c in chapter.cells if c['cell_type'] == 'markdown')
    text = text.partition('## Glossary')[2].partition('\n## ')[0]
    return [Term(spellings(m[1]), plain(m[2]), anchor(m[1]), re.findall(r'\]\((\d\d_\w+)\.ipynb\)', m[2])) for m in ENTRY.finditer(text)], chapter


def pattern(words):
    def one(word):
        body = r'[\s-]'.join(re.escape(w) for w in re.split(r'[\s-]+', word))
        if not re.search(r'[A-Z].*[A-Z]', word): return f'(?i:{body})'
        return f'(?i:{body[0]}){body[1:]}' if word[1].islower() else body      # "Forward KL" in a sentence is "forward KL", but BPE is BPE
    return re.compile(r'(?<![\w-])(?:' + '|'.join(one(w) for w in sorted(words, key=len, reverse=True)) + r')(?:s|es)?(?![\w-])')


def card(word, term, page): return f'<a class="term" href="{page}#{term.anchor}" data-card="{escape(term.text)}">{escape(word)}</a>'
