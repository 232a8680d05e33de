"""The API reference: one page a module, made from the modules' source by reading it, not by importing it.

A docment is the comment behind a parameter; what it says of shape and unit becomes a row of the parameter's table. `# %% ../nbs/NN_x.ipynb #id`
lines, which nbdev leaves in the modules, say which cell of which chapter builds a name.
"""
import ast
import io
import re
import textwrap
import tokenize
from dataclasses import dataclass, field

from chapters import BRANCH, REPOSITORY, ROOT, SETTINGS

LIBRARY = SETTINGS['lib_name']
CELL = re.compile(r'(?m)^# %% (?:\.\./)?\S*?(\d\d_\w+)\.ipynb (?:#|)(\w+)$')


@dataclass
class Entry:
    "One public name."
    name: str
    kind: str                       # function, class, exception or data
    module: str
    signature: str = ''
    doc: str = ''
    rows: list = field(default_factory=list)     # (parameter, type, default, comment)
    returns: tuple = ('', '')                    # type, comment
    members: list = field(default_factory=list)  # public methods and attributes of a class, as Entries
    source: str = ''
    line: int = 0
    chapter: str = ''               # '23_losses'
    cell: str = ''                  # id of the cell that builds it

    @property
    def full(self): return f'{LIBRARY}.{self.module}.{self.name}'


def comments(source):
    "{line number: comment} of one module."
    return {t.start[0]: t.string.lstrip('#').strip() for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.COMMENT}


def parameters(node, said, first):
    "[(parameter, type, default, comment)] of a function; a comment belongs to a parameter that stands alone on its line."
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    defaults = dict(zip([p.arg for p in positional[len(positional) - len(a.defaults):]], a.defaults))
    defaults |= {p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults) if d is not None}
    every = [(p, p.arg) for p in positional] + ([(a.vararg, '*' + a.vararg.arg)] if a.vararg else [])
    every += [(p, p.arg) for p in a.kwonlyargs] + ([(a.kwarg, '**' + a.kwarg.arg)] if a.kwarg else [])
    ends = [max(p.end_lineno, defaults[p.arg].end_lineno if p.arg in defaults else 0) for p, _ in every]
    rows = []
    for (p, name), end in zip(every, ends):
        if name in ('self', 'cls') and p is every[0][0]: continue
        comment = said.get(end, '') if ends.count(end) == 1 and end < first else ''
        default = ast.unparse(defaults[p.arg]) if p.arg in defaults else ''
        rows.append((name, ast.unparse(p.annotation) if p.annotation else '', default, comment))
    return rows


def head_end(node): return node.body[0].lineno if node.body else node.end_lineno


def function(node, module, source, said, kind='function'):
    entry = Entry(node.name, kind, module, doc=ast.get_docstring(node) or '', source=ast.get_source_segment(source, node) or '', line=node.lineno)
    first = head_end(node)
    itself = next((a.lineno for a in node.args.args[:1] if a.arg == 'self' and a.lineno > node.lineno), None)
    said = {n: text for n, text in said.items() if n != itself}                                 # what is said of self alone, nobody has to know
    entry.rows = parameters(node, said, first)
    last_parameter = max([p.end_lineno for p in ast.walk(node.args) if hasattr(p, 'end_lineno')], default=node.lineno)
    one_line = re.match(r'(\w+): (.+)', said.get(node.lineno, '')) if node.lineno == first - 1 else None
    if one_line and one_line[1] in [row[0] for row in entry.rows]:                              # def f(x): # x: what it is
        entry.rows = [(*row[:3], one_line[2]) if row[0] == one_line[1] else row for row in entry.rows]
        said = {n: text for n, text in said.items() if n != node.lineno}
    after = [said[n] for n in range(last_parameter, first) if n in said and not any(said[n] == row[3] for row in entry.rows)]
    entry.returns = (ast.unparse(node.returns) if node.returns else '', ' '.join(after))
    entry.signature = f"({', '.join(one_parameter(*row) for row in entry.rows)})"
    return entry


def one_parameter(name, type_, default, _):
    return name + (f': {type_}' if type_ else '') + (f' = {default}' if default and type_ else f'={default}' if default else '')


def is_dataclass(node): return any('dataclass' in ast.unparse(d) for d in node.decorator_list)


def class_(node, module, source, said):
    bases = [ast.unparse(b) for b in node.bases]
    kind = 'exception' if any(b.endswith(('Error', 'Exception')) for b in bases) else 'class'
    entry = Entry(node.name, kind, module, doc=ast.get_docstring(node) or '', source=ast.get_source_segment(source, node) or '', line=node.lineno)
    if is_dataclass(node):
        for item in node.body:
            if not isinstance(item, ast.AnnAssign): continue
            default = ast.unparse(item.value) if item.value else ''
            factory = re.fullmatch(r'field\(default_factory=(.*)\)', default)
            entry.rows.append((item.target.id, ast.unparse(item.annotation), f'{factory[1]}()' if factory else default, said.get(item.end_lineno, '')))
    for item in node.body:
        if not isinstance(item, ast.FunctionDef): continue
        if item.name == '__init__':
            made = function(item, module, source, said)
            entry.rows = entry.rows or made.rows
        elif not item.name.startswith('_') or item.name == '__call__':
            member = function(item, module, source, said, 'method')
            if any(ast.unparse(d) in ('property', 'cached_property') for d in item.decorator_list): member.kind = 'property'
            if any(ast.unparse(d) == 'classmethod' for d in item.decorator_list): member.kind = 'classmethod'
            if any(ast.unparse(d) == 'staticmethod' for d in item.decorator_list): member.kind = 'staticmethod'
            entry.members.append(member)
    entry.signature = f"({', '.join(one_parameter(*row) for row in entry.rows)})" if entry.rows else ''
    return entry


def read_module(path):
    "([Entry] of the names in __all__, in the order of the file; the module's docstring)"
    source = path.read_text(encoding='utf-8')
    tree, said, module = ast.parse(source), comments(source), path.stem
    public, entries = [], {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == '__all__' for t in node.targets): public = ast.literal_eval(node.value)
        elif isinstance(node, ast.FunctionDef): entries[node.name] = function(node, module, source, said)
        elif isinstance(node, ast.ClassDef): entries[node.name] = class_(node, module, source, said)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(name, ast.Name):
                        text = ast.get_source_segment(source, node)
                        entries.setdefault(name.id, Entry(name.id, 'data', module, source=text, line=node.lineno, doc=said.get(node.end_lineno, '')))
    cells = [(source.count('\n', 0, m.start()) + 1, m[1], m[2]) for m in CELL.finditer(source)]
    found = [entries[name] for name in public if name in entries]
    for entry in found:
        before = [c for c in cells if c[0] <= entry.line]
        if before: _, entry.chapter, entry.cell = before[-1]
        for member in entry.members: member.chapter, member.cell = entry.chapter, entry.cell
    return sorted(found, key=lambda e: e.line), ast.get_docstring(tree) or ''


def read_library():
    "{module: ([Entry], docstring)}"
    paths = sorted((ROOT / SETTINGS['lib_path']).glob('*.py'))
    return {p.stem: read_module(p) for p in paths if not p.name.startswith('_')}


def public_names(library):
    "{name: [Entry]}: names of the modules, and 'Class.method' for methods."
    names = {}
    for entries, _ in library.values():
        for entry in entries:
            names.setdefault(entry.name, []).append(entry)
            for member in entry.members: names.setdefault(f'{entry.name}.{member.name}', []).append(entry)
    return names


# -- as pages ------------------------------------------------------------------------------------------------------------------

def code(text): return f'`` {text} ``' if '`' in text else f'`{text}`'


def plain(text):
    "A docstring or comment as Markdown that says what it says: no accidental emphasis, links or formulas."
    parts = re.split(r'(`[^`]+`)', ' '.join(text.split()))
    parts[::2] = [re.sub(r"(?<!\w)'(\w*)'", r"`'\1'`", re.sub(r'([\\*_\[\]<>$#|~])', r'\\\1', p)) for p in parts[::2]]
    return ''.join(parts)


def cell_text(text): return plain(text).replace('\n', ' ')


LONG = 8  # so many parameters make a signature that says less than the table


def table(rows, returns, typed):
    "Parameters and what comes back, with the comments' shapes and units; with types and defaults where the signature leaves them out."
    lines = ['| parameter | shape, unit, meaning |' + (' type and default |' if typed else ''), '|---|---|' + ('---|' if typed else '')]
    if not any(comment for *_, comment in rows) and not typed and not returns: return ''
    for name, type_, default, comment in rows:
        facts = (code(type_) if type_ else '') + (f' = {code(default)}' if default else '')
        lines.append(f'| {code(name)} | {cell_text(comment)} |' + (' ' + facts.replace('|', '\\|') + ' |' if typed else ''))
    if returns: lines.append(f'| *returns* | {cell_text(returns)} |' + (' |' if typed else ''))
    return '\n'.join(lines) + '\n'


def errors_apart(doc):
    "(what a docstring says, the sentences of it that speak of errors)"
    sentences = re.split(r'(?<=\.)\s+(?=[A-Z`])', ' '.join(doc.split()))
    errors = [s for s in sentences if re.search(r'\bRaises\b|\b[A-Z]\w*Error\b', s)]
    return (' '.join(s for s in sentences if s not in errors), ' '.join(errors)) if len(errors) < len(sentences) else (doc, '')


DIRECTIVE = {'function': 'py:function', 'class': 'py:class', 'exception': 'py:exception', 'data': 'py:data',
             'method': 'py:method', 'classmethod': 'py:method', 'staticmethod': 'py:method', 'property': 'py:property'}


def entry_page(entry, depth=3):
    name = entry.name
    fence = ':' * (depth + 2)
    returns, said = entry.returns
    typed = len(entry.rows) > LONG
    signature = '' if entry.kind in ('data', 'property') else ('(...)' if typed else entry.signature) + (f' -> {returns}' if returns else '')
    lines = [f'{fence}{{{DIRECTIVE[entry.kind]}}} {name}{signature}']
    if entry.kind in ('classmethod', 'staticmethod'): lines.append(f':{entry.kind}:')
    lines.append('')
    doc, errors = errors_apart(entry.doc)
    if doc: lines += [plain(doc), '']
    if entry.kind == 'data': lines += ['```python', entry.source, '```', '']
    if (entry.rows or said) and entry.kind != 'data': lines += [table(entry.rows, said, typed)]
    if errors: lines += [f'**Errors.** {plain(errors)}', '']
    if entry.kind in ('function', 'class', 'exception', 'data'):
        if entry.chapter: lines += [f'<p class="built-in"><a href="../{entry.chapter}.html#cell-{entry.cell}">Where chapter {int(entry.chapter[:2])} builds it</a></p>', '']
        if entry.kind != 'data':
            lines += ['<details class="source"><summary>Source</summary>', '', '```python', textwrap.dedent(entry.source), '```', '', '</details>', '']
    for member in entry.members: lines += [entry_page(member, depth - 1), '']
    return '\n'.join(lines + [fence])


def module_page(module, entries, doc, book):
    chapter = next((c for c in book.values() if c.module == module and not c.is_solution), None)
    full = f'{LIBRARY}.{module}'
    lines = [f'# {full}', '', f'{{.promise}}\n> {doc}' if doc else '', '']
    if chapter: lines += [f'Built in [{chapter.number} {chapter.title}](../{chapter.doc}.ipynb).', '']
    lines += [f'```{{py:module}} {full}', '```', '']
    lines += [f'Names: {", ".join(f"[`{e.name}`](#{e.full})" for e in entries)}', '']
    for entry in entries: lines += [f'## {entry.name}', '', entry_page(entry), '']
    return '\n'.join(lines)


def pages(library, book):
    "{page name: Markdown}: 'api/index' and one page a module."
    made = {f'api/{module}': module_page(module, entries, doc, book) for module, (entries, doc) in library.items()}
    index = ['# API reference', '', f'Every public name of `{LIBRARY}`, read from the modules: signatures, the comments on each parameter with shape and unit, what can go wrong, '
             f'and the source. The modules are exported from the chapters; [the repository]({REPOSITORY}/tree/{BRANCH}/{SETTINGS["lib_path"]}) has them as files.', '']
    order = sorted(library, key=lambda m: next((c.doc for c in book.values() if c.module == m), 'zz'))
    for module in order:
        entries, doc = library[module]
        index += [f'**[{LIBRARY}.{module}]({module}.md).** {doc}', '', '  '.join(f'[`{e.name}`](#{e.full})' for e in entries), '']
    index += ['', '```{toctree}', ':hidden:', '', *order, '```', '']
    made['api/index'] = '\n'.join(index)
    return made


if __name__ == '__main__':
    import chapters
    for name, text in pages(read_library(), chapters.read_book()).items(): print('=====', name, '\n', text)
