"""What the book consists of: reads every notebook under nbs/ and says of each its number, title, promise, part and times."""
import json
import re
from configparser import ConfigParser
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_parser = ConfigParser(delimiters=['='])
_parser.read(ROOT / 'settings.ini', encoding='utf-8')
SETTINGS = _parser['DEFAULT']
NBS = ROOT / SETTINGS['nbs_path']
REPOSITORY = f"https://github.com/{SETTINGS['user']}/{SETTINGS['repo']}"
BRANCH = SETTINGS['branch']

PARTS = {'0': 'The door', '1': 'The student', '2': 'Teaching', '3': 'Training', '4': 'Judging and shipping', '5': 'Experiments', '9': 'Back matter'}
WORDS_A_MINUTE, CODE_LINES_A_MINUTE = 200, 12  # a reader who wants to understand, not skim
LINK = re.compile(r'\]\((?:\.\./)?(\d\d_\w+)\.ipynb')


@dataclass
class Chapter:
    "One notebook. `doc` is its name as a page: '23_losses', 'solutions/23_losses' or 'index'."
    doc: str
    path: Path
    cells: list = field(repr=False)
    title: str = ''
    promise: str = ''
    module: str = ''
    words: int = 0
    code_lines: int = 0
    runs: str = ''                              # 'about ten seconds', as the notebook says it
    needs: list = field(default_factory=list)   # numbers of the chapters to have read

    @property
    def number(self): return re.match(r'(?:solutions/)?(\d\d)_|', self.doc).group(1) or ''
    @property
    def no(self): return self.number.lstrip('0')
    @property
    def name(self): return self.doc.rsplit('/')[-1].partition('_')[2].replace('_', ' ').replace('mlp', 'MLP')
    @property
    def part(self): return PARTS.get(self.number[:1], '')
    @property
    def is_solution(self): return self.doc.startswith('solutions/')
    @property
    def minutes(self): return max(1, round(self.words / WORDS_A_MINUTE + self.code_lines / CODE_LINES_A_MINUTE))
    @property
    def reading_time(self):
        if self.minutes < 50: return f'{5 * round(self.minutes / 5) or self.minutes} minutes'
        quarters = round(self.minutes / 15)
        return f"{quarters // 4 or ''}{' ¼½¾'[quarters % 4].strip()} hour{'s' if quarters > 4 else ''}"


def source(cell): return ''.join(cell['source'])


def directives(text):
    "{name: rest} of the `#|` lines at the top of a code cell."
    found = {}
    for line in text.splitlines():
        if not line.startswith('#|'): break
        name, _, rest = line[2:].strip().partition(' ')
        found[name.rstrip(':')] = rest.strip()
    return found


def is_dropped(cell):
    "Cells that a reader of the page does not see at all."
    if cell['cell_type'] == 'raw': return True
    return cell['cell_type'] == 'code' and bool({'hide', 'default_exp'} & directives(source(cell)).keys())


def code_body(text): return '\n'.join(line for line in text.splitlines() if not line.startswith('#|')).strip('\n')


def prose(text):
    "Markdown without what is not read as words: code blocks, formulas, links' targets, tags."
    text = re.sub(r'(?s)```.*?```|\$\$.*?\$\$', ' ', text)
    text = re.sub(r'\]\([^)]*\)|<[^>]+>', ' ', text)
    return text


def sentence_about(label, text):
    "The words between a bold label such as '**It runs**' and the end of its sentence, one line."
    found = re.search(rf'(?s)\*\*(?:{label})\*\*(.*?)(?:[.;:](?:\s|$)|\n\n|$)', text)
    return ' '.join(found.group(1).split()) if found else ''


def running_time(text):
    said = sentence_about(r'It runs|Time\.', text) or (re.search(r'It runs( in [^.;:]*)', text) or ['', ''])[1]
    said = re.sub(r"\bon (?:a laptop's CPU|a laptop CPU|a laptop|two cores)\b.*|, with no download.*|, except .*|, from .*|, and the first .*", '', said)
    said = re.sub(r'^\s*(?:in\s+)?', '', said).strip(' ,')
    return said[:1].lower() + said[1:]


def prerequisites(text, known):
    "Numbers of the chapters named in the line on what to have read, in their order."
    line = re.search(r'(?s)\*\*(?:You should have read|You need|Read before\.)\*\*(.*?)(?:\*\*|\n\n|$)', text)
    if not line: return None
    words = re.sub(r'(?:Symbols and words of the whole book|The symbols are).*', '', line.group(1))
    numbers = [m[1][:2] for m in LINK.finditer(words)]
    for list_ in re.findall(r'[Cc]hapters? ((?:\d\d?(?:, | and )?)+)', words): numbers += [n.zfill(2) for n in re.findall(r'\d+', list_)]
    numbers += [n[:2] for n in re.findall(r'`(\d\d)_\w+`', words)]
    return sorted({n for n in numbers if n in known and int(n) < 90}, key=int)


def read_chapter(path, known=()):
    doc = path.relative_to(NBS).with_suffix('').as_posix()
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    chapter = Chapter(doc, path, cells)
    for cell in cells:
        text = source(cell)
        if cell['cell_type'] == 'code':
            chapter.module = chapter.module or directives(text).get('default_exp', '')
            if not is_dropped(cell) and directives(text).get('echo') != 'false':
                chapter.code_lines += sum(bool(line.strip()) for line in code_body(text).splitlines())
        elif cell['cell_type'] == 'markdown': chapter.words += len(prose(text).split())
    head = '\n\n'.join(source(c) for c in cells[:8] if c['cell_type'] == 'markdown')
    chapter.title = re.search(r'(?m)^# (.+)$', head).group(1).strip()
    promise = re.search(r'(?m)^> (.+(?:\n> ?.+)*)$', head)
    chapter.promise = ' '.join(promise.group(1).replace('\n>', ' ').split()) if promise else ''
    chapter.runs = running_time(head)
    needs = prerequisites(head, known)
    if needs is None and chapter.number and not chapter.is_solution: needs = sorted(imported(cells, known) - {chapter.number}, key=int)
    chapter.needs = needs or []
    return chapter


def imported(cells, known):
    "Numbers of the chapters whose modules a notebook imports."
    names = {name[3:]: name[:2] for name in (p.stem for p in NBS.glob('[0-9]*.ipynb'))}
    text = '\n'.join(source(c) for c in cells if c['cell_type'] == 'code')
    return {names[m] for m in re.findall(rf"from {SETTINGS['lib_name']}\.(\w+) import", text) if m in names}


def read_book():
    "{doc: Chapter}, in the order of reading; solutions last."
    paths = sorted(NBS.glob('*.ipynb')) + sorted((NBS / 'solutions').glob('*.ipynb'))
    known = {p.stem[:2] for p in paths if p.stem[:2].isdigit()}
    book = {c.doc: c for c in (read_chapter(p, known) for p in paths if p.stem[0] not in '_.')}
    return {doc: book[doc] for doc in sorted(book, key=lambda d: (d.startswith('solutions/'), d != 'index', d))}


if __name__ == '__main__':
    for c in read_book().values(): print(c.doc, '|', c.title, '|', c.module, '|', c.words, c.code_lines, c.reading_time, '| needs', c.needs, '| runs', c.runs)
