"""Renders README.md from nbs/index.ipynb, with the outputs that the notebook holds; nothing is executed.

python tools/readme.py           writes README.md and its figures
python tools/readme.py --check   writes nothing; exits 1 and says what differs when they are out of date
"""
import difflib
import posixpath
import re
import sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK, README, FIGURES = 'nbs/index.ipynb', 'README.md', 'nbs/README_files'
NOTE = '<!-- Rendered from nbs/index.ipynb by "make readme": edit the notebook, not this file. -->\n\n'


def directives(source):
    "What the `#|` lines at the top of a cell say."
    found = []
    for line in source.splitlines():
        if not line.startswith('#|'): break
        found.append(line[2:].strip())
    return found


def visible(cell):
    "Drops hidden cells and front matter; takes directive lines out of the others."
    if cell.cell_type == 'raw': return False
    if cell.cell_type == 'markdown': return not cell.source.lstrip().startswith('---\n')
    said = directives(cell.source)
    if any(d.split()[:1] in (['hide'], ['default_exp']) for d in said): return False
    cell.source = '\n'.join(cell.source.splitlines()[len(said):]).strip()
    if any(re.fullmatch(r'(echo:\s*false|hide_input|hide-input)', d) for d in said): cell.metadata['transient'] = {'remove_source': True}
    for output in cell.outputs:
        for kind in ('text/html', 'text/markdown'):
            if kind in output.get('data', {}):
                output['data'][kind] = re.sub(r'(?s)<(style|script)\b.*?</\1>\s*', '', output['data'][kind])
    cell.outputs = [o for o in cell.outputs if o.get('name') != 'stderr']
    return bool(cell.source)


def from_root(markdown):
    "Links are relative to nbs/ in the notebook and to the top folder in README.md; those inside code stay."
    def fix(match):
        before, target, after = match.groups()
        if re.match(r'[a-z][a-z0-9+.-]*:|[#/]', target): return match.group(0)
        return before + posixpath.normpath(posixpath.join('nbs', target)) + after
    parts = re.split(r'(?s)(```.*?```|`[^`\n]*`)', markdown)
    parts[::2] = [re.sub(r'(\]\(|\b(?:src|href)=")([^)\s"]+)([)\s"])', fix, part) for part in parts[::2]]
    return ''.join(parts)


def render(root=ROOT):
    "({path: bytes} of README.md and its figures)"
    notebook = nbformat.read(root / NOTEBOOK, 4)
    notebook.metadata['language_info'] = {'name': 'python'}
    notebook.cells = [cell for cell in notebook.cells if visible(cell)]
    for cell in notebook.cells:
        if cell.cell_type == 'markdown': cell.source = from_root(cell.source)
    exporter = MarkdownExporter(config=Config({
        'NbConvertBase': {'display_data_priority': ['text/markdown', 'text/html', 'image/svg+xml', 'image/png', 'image/jpeg', 'text/plain']}}))
    resources = {'output_files_dir': FIGURES, 'unique_key': 'figure'}
    body, resources = exporter.from_notebook_node(notebook, resources)
    body = re.sub(r'\x1b\[[0-9;]*m', '', body)
    body = re.sub(r'[ \t]+(?=\n)', '', body)
    # a line "*Figure: what it shows.*" under a figure is its alternative text, too
    body = re.sub(r'!\[\w+\](\([^)]+\))(?=\s+\*Figure: ([^*]+)\*)', r'![\2]\1', body)
    body = NOTE + re.sub(r'\n{3,}', '\n\n', body).strip() + '\n'
    files = {README: body.encode()}
    files.update({path: data for path, data in resources.get('outputs', {}).items()})
    return files


def main(check, root=ROOT):
    wanted = render(root)
    existing = {README, *(p.relative_to(root).as_posix() for p in (root / FIGURES).glob('*'))}
    existing = {p for p in existing if (root / p).exists()}
    stale = sorted(p for p in wanted if p not in existing or (root / p).read_bytes() != wanted[p])
    extra = sorted(existing - wanted.keys())
    if check:
        if README in stale and README in existing:
            old, new = (root / README).read_text(encoding='utf-8').splitlines(), wanted[README].decode().splitlines()
            print('\n'.join(list(difflib.unified_diff(old, new, README, NOTEBOOK, lineterm='', n=1))[:30]))
        for path in stale: print(f'{path} is not what {NOTEBOOK} gives: run make readme')
        for path in extra: print(f'{path} is shown nowhere in {NOTEBOOK}: run make readme')
        return 1 if stale or extra else 0
    for path in stale:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(wanted[path])
        print(f'wrote {path}')
    for path in extra:
        (root / path).unlink()
        print(f'removed {path}')
    return 0


if __name__ == '__main__':
    if sys.argv[1:] not in ([], ['--check']): sys.exit(__doc__)
    sys.exit(main('--check' in sys.argv))
