"""Takes off the finished pages what no reader sees: rules of the theme for things that the book has not, and spans that colour nothing.
And it marks the long lines of code with their indent, so that they fold under themselves and nobody has to scroll sideways to read one.

It brings a page from 2.2 MB to less than 1.5, most of it style sheets that also serve other sites.
"""
import html
import re

import tinycss2

PLAIN = 'n|p|w|o|ow|sa|si'  # names, punctuation, blanks, operators, prefixes and braces of strings: half of all spans, and code reads as well without
ALWAYS = {'collapsing', 'show', 'active', 'fade', 'dropdown-menu-end', 'search-result', 'highlighted', 'scrolled', 'hide'}


def used_classes(folder):
    "Every class on any page, and every word of the scripts, which may add some."
    used = set(ALWAYS)
    for page in folder.rglob('*.html'):
        for found in re.findall(r'class="([^"]*)"', page.read_text(encoding='utf-8')): used.update(found.split())
    for script in (folder / '_static').rglob('*.js'):
        if 'mathjax' not in script.parts: used.update(re.findall(r'[\w-]+', script.read_text(encoding='utf-8')))
    return used


def selector_lives(selector, used): return all(name in used for name in re.findall(r'\.(-?[A-Za-z_][\w-]*)', re.sub(r':not\([^)]*\)|"[^"]*"', '', selector)))


def shorter(css, used):
    "A style sheet without the rules whose every selector asks for a class that occurs nowhere, and without the icon fonts."
    kept = []
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if rule.type == 'qualified-rule':
            selectors = [s for s in re.split(r',(?![^(]*\))', tinycss2.serialize(rule.prelude)) if selector_lives(s, used) and not re.search(r'\.fa[bsr]?(?![\w])|\.fa-', s)]
            if selectors: kept.append(f"{','.join(s.strip() for s in selectors)}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif rule.type == 'at-rule' and rule.at_keyword in ('media', 'supports') and rule.content:
            inner = shorter(tinycss2.serialize(rule.content), used)
            if inner: kept.append(f'@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}')
        elif rule.type == 'at-rule' and rule.at_keyword == 'font-face': continue
        elif rule.type == 'at-rule': kept.append(rule.serialize())
    return '\n'.join(kept)


def signature(match):
    "A list inside a signature's term is not allowed in HTML; Sphinx makes one for each parameter on a line of its own."
    text = match[0]
    return text.replace('<dl>', '<span class="sig-lines">').replace('</dl>', '</span>').replace('<dd>', '<span class="sig-line">').replace('</dd>', '</span>')


FITS = 34  # characters that fit into a line on the narrowest phone


def together(text):
    "Code between two tags, with no place to fold at an arrow or a hyphen."
    return re.sub(r'-&gt;|[^\s,;:()\[\]{}=&|]{0,16}-[^\s,;:()\[\]{}=&|]{1,16}', r'<span class="to">\g<0></span>', text[0])


def folds(line):
    "A line with places to fold in its long words: behind a bracket, comma, slash or equals sign, and in front of a dot."
    places = {word.start() + place.end() for word in re.finditer(r'\S{24,}', plain(line)) for place in re.finditer(r'(?<=\S)[(\[{,;=/]+(?=[\w\'"*])|\S(?=\.[a-z_])', word[0])}
    out, at = [], 0
    for piece in re.findall(r'<[^>]*>|&#?\w+;|.', line):
        if len(piece) == 1 or piece[0] == '&':
            if at in places: out.append('<wbr>')
            at += 1
        out.append(piece)
    return ''.join(out)


def string(match): # a short one stays in one piece
    return f'{match[1]} to">{match[2]}</span>' if (' ' in match[2] or len(match[2]) > 6) and len(html.unescape(match[2])) < 17 else match[0]


def plain(line): return html.unescape(re.sub('<[^>]*>', '', line))


def foldable_line(line):
    "A line of code that may be too long for a screen as a box of its own, class L and its indent; Pygments closes its spans at each line's end."
    text = plain(line)
    line = re.sub(r'^((?:<[^>]*>)*)( +)(?=.)', r'\1<i>\2</i>', line)                     # half as wide on a phone; may stand inside a span, that of a string
    if len(text) <= FITS: return line
    line = folds(re.sub(r'[^<>]+(?=<|$)', together, re.sub(r'(<span class="s[12])">([^<]*)</span>', string, line)))
    return f'<span class="L{len(text) - len(text.lstrip(" "))}">{line}</span>'


def foldable(match): return match[1] + '\n'.join(map(foldable_line, match[2].split('\n'))) + '</pre>'


def foldable_output(match):
    "What a cell printed folds as code does, except for matrices and lines that stand in columns."
    if re.search(r'(tensor|array)\(\[\[', match[2]): return match[0]
    lines = match[2].split('\n')
    size = [len(plain(line)) for line in lines]
    alike = [0 < i < len(lines) - 1 and size[i - 1] == size[i] == size[i + 1] and '  ' in lines[i].strip() for i in range(len(lines))] # the middle one of three lines of one length
    columns = [any(alike[max(i - 1, 0):i + 2]) or bool(re.search(r'\S {3,}\S|^\||[│┃╭╰]', plain(line))) for i, line in enumerate(lines)]
    if all(columns[i] or size[i] <= FITS for i in range(len(lines))): return match[0]
    return match[1] + '\n'.join(f'<span class="row">{line}</span>' if column else foldable_line(line) for column, line in zip(columns, lines)) + '</pre>'


def slim(folder):
    used = used_classes(folder)
    for sheet in ('styles/pydata-sphinx-theme.css', 'styles/sphinx-book-theme.css', *(p.name for p in (folder / '_static').glob('mystnb*.css'))):
        path = folder / '_static' / sheet
        path.write_text(shorter(path.read_text(encoding='utf-8'), used), encoding='utf-8')
    indents = set()
    for page in folder.rglob('*.html'):
        if '_static' in page.parts: continue
        text = page.read_text(encoding='utf-8')
        text = re.sub(rf'<span class="(?:{PLAIN})">([^<]*)</span>', r'\1', text)
        text = re.sub(r'(?s)(<div class="highlight-(?:python|py|sh)[^>]*><div class="highlight"><pre>(?:<span></span>)?)(.*?)</pre>', foldable, text)
        text = re.sub(r'(?s)(<div class="(?:output |highlight-text)[^>]*><div class="highlight"><pre>(?:<span></span>)?)(.*?)</pre>', foldable_output, text)
        indents.update(int(n) for n in re.findall(r'<span class="L(\d+)">', text))
        text = re.sub(r'(?s)<dt class="sig .*?</dt>', signature, text)
        page.write_text(text, encoding='utf-8')
    with open(folder / '_static/book.css', 'a', encoding='utf-8') as sheet: sheet.writelines(f'.L{n}{{--indent:{n}ch}}\n' for n in sorted(indents))
    for leftover in (*(folder / '_static').rglob('*.map'), folder / '_static/scripts/fontawesome.js', *(folder / '_static').rglob('*macros.html')): leftover.unlink(missing_ok=True)
