"""The way data flows, as a clickable figure for the first page and as the strip "you are here" at the head of each chapter."""
from html import escape

from chapters import BRANCH, REPOSITORY, SETTINGS

# stage: (heading, what flows out of it, chapters by number). A chapter that is named nowhere joins the stage of its part.
STAGES = {
    'configuration': ('Configuration', ('01',)),
    'data': ('Data', ('02', '03', '29')),
    'teacher': ('Teacher, frozen', ('21', '25')),
    'student': ('Student', ('11', '12', '13', '26', '27')),
    'losses': ('Losses', ('22', '23', '24')),
    'training': ('Training', ('31', '32', '33', '34')),
    'judging': ('Judging, shipping', ('41', '42', '43', '44', '45')),
    'experiments': ('Experiments', ()),
    'lookup': ('To look things up', ()),
}
PART_STAGE = {'0': 'data', '1': 'student', '2': 'losses', '3': 'training', '4': 'judging', '5': 'experiments', '9': 'lookup'}
SPOKEN = ('The way data flows: records become token ids; teacher and student both score them; the losses compare the two; '
          'training makes the difference smaller; then the student is judged and shipped.')


def stages(book):
    "{stage: [Chapter]}, every chapter of the book in exactly one."
    home = {number: stage for stage, (_, numbers) in STAGES.items() for number in numbers}
    found = {stage: [] for stage in STAGES}
    for c in book.values():
        if c.number and not c.is_solution: found[home.get(c.number) or PART_STAGE[c.number[0]]].append(c)
    return found


ROW, HEAD, PAD = 27, 28, 6


def box(stage, chapters, x, y, width, columns=1):
    "(svg, height) of one stage: a heading and a link for each chapter."
    rows = -(-len(chapters) // columns)
    height, cell = HEAD + ROW * rows + PAD, (width - 2 * PAD) / columns
    parts = [f'<g class="stage {stage}"><rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
             f'<text class="head" x="{x + 12}" y="{y + 19}">{STAGES[stage][0]}</text>']
    for i, c in enumerate(chapters):
        cx, cy, label = x + PAD + cell * (i % columns), y + HEAD + ROW * (i // columns), escape(c.name.replace(' and ', ' & '))
        parts.append(f'<a href="{c.doc}.html"><title>{escape(c.title)}: {escape(c.promise)}</title>'
                     f'<rect class="chapter" x="{cx:g}" y="{cy}" width="{cell - (4 if columns > 1 else 0):g}" height="{ROW - 3}" rx="5"/>'
                     f'<text x="{cx + 6:g}" y="{cy + 17}"><tspan class="number">{c.no}</tspan> {label}</text></a>')
    return ''.join(parts) + '</g>', height


def arrow(points, text='', at=None):
    line = f'<path class="flow" d="M{points}" marker-end="url(#MARK)"/>'
    return line + (f'<text class="flow" x="{at[0]}" y="{at[1]}" text-anchor="middle">{text}</text>' if text else '')


def svg(width, height, body, name):
    marker = (f'<defs><marker id="{name}-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
              '<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>')
    return f'<svg class="{name}" viewBox="-1 -1 {width + 2} {height + 2}" role="group" aria-label="{SPOKEN}">{marker}{"".join(body).replace("MARK", name + "-tip")}</svg>'


def wide(by):
    w, gap = 150, 40
    x = [i * (w + gap) for i in range(5)]
    teacher, h_teacher = box('teacher', by['teacher'], x[1], 0, w)
    y_student = h_teacher + 34
    student, h_student = box('student', by['student'], x[1], y_student, w)
    tall = y_student + h_student
    def height(stage): return HEAD + ROW * len(by[stage]) + PAD
    def centred(stage, column):
        y = max(0, (tall - height(stage)) / 2)
        return box(stage, by[stage], x[column], y, w)[0], y
    configuration, h_configuration = box('configuration', by['configuration'], x[0], 0, w)
    y_data = h_configuration + 34
    data, h_data = box('data', by['data'], x[0], y_data, w)
    losses, y_losses = centred('losses', 2)
    training, _ = centred('training', 3)
    judging, _ = centred('judging', 4)
    middle = tall / 2
    y_from = min(max(y_data + h_data / 2, middle), y_data + h_data - 12)
    to_teacher, to_student = h_teacher / 2, y_student + h_student / 2
    into = [max(y_losses + 14, middle - 22), middle + 22]
    flows = [arrow(f'{x[0] + w / 2} {h_configuration}V{y_data - 2}'),
             arrow(f'{x[0] + w} {y_data + 30}C{x[0] + w + 18} {y_data + 30} {x[1] - 18} {to_teacher} {x[1] - 2} {to_teacher}', 'ids', (x[1] - 15, to_teacher - 8)),
             arrow(f'{x[0] + w} {y_from}C{x[0] + w + 18} {y_from} {x[1] - 18} {to_student} {x[1] - 2} {to_student}'),
             arrow(f'{x[1] + w} {to_teacher}C{x[1] + w + 20} {to_teacher} {x[2] - 20} {into[0]} {x[2] - 2} {into[0]}', 'logits', (x[1] + w + 20, to_teacher - 8)),
             arrow(f'{x[1] + w} {to_student}C{x[1] + w + 20} {to_student} {x[2] - 20} {into[1]} {x[2] - 2} {into[1]}', 'logits', (x[1] + w + 20, to_student + 17)),
             arrow(f'{x[2] + w} {middle}H{x[3] - 2}'), arrow(f'{x[3] + w} {middle}H{x[4] - 2}')]
    y, below = tall + 26, []
    # training changes the student: back along the bottom
    flows.append(arrow(f'{x[3] + w / 2} {middle + height("training") / 2}V{tall - 10}Q{x[3] + w / 2} {tall} {x[3] + w / 2 - 10} {tall}'
                       f'H{x[1] + w + 14}Q{x[1] + w + 8} {tall} {x[1] + w + 8} {tall - 8}V{tall - 14}Q{x[1] + w + 8} {tall - 20} {x[1] + w + 2} {tall - 20}', 'gradients', (x[2] + w / 2, tall - 7)))
    for stage, left, width, columns in (('experiments', 0, x[2] + w, 2), ('lookup', x[3], x[4] + w - x[3], 2)):
        if by[stage]: below.append(box(stage, by[stage], left, y, width, columns))
    total = y + max((h for _, h in below), default=-26)
    return svg(x[4] + w, total, [*flows, configuration, data, teacher, student, losses, training, judging, *(b for b, _ in below)], 'roadmap-wide')


def tall(by):
    width, gap, down = 350, 14, 26
    half, y, parts = (width - gap) / 2, 0, []
    def row(*names):
        nonlocal y
        boxes = [box(n, by[n], i * (half + gap), y, half) for i, n in enumerate(names)] if len(names) > 1 else [box(names[0], by[names[0]], 0, y, width, 2)]
        parts.extend(b for b, _ in boxes)
        bottoms = [y + h for _, h in boxes]
        y = max(bottoms) + down
        return bottoms
    first = row('configuration', 'data')
    parts.append(arrow(f'{half} 40H{half + gap - 2}'))
    for c in (half / 2, half + gap + half / 2): parts.append(arrow(f'{half + gap + half / 2} {first[1]}L{c} {y - 2}'))
    second = row('teacher', 'student')
    for c, bottom, aim in ((half / 2, second[0], width / 2 - 30), (half + gap + half / 2, second[1], width / 2 + 30)): parts.append(arrow(f'{c} {bottom}L{aim} {y - 2}'))
    for name in ('losses', 'training', 'judging'):
        bottom, = row(name)
        if name != 'judging': parts.append(arrow(f'{width / 2} {bottom}V{y - 2}'))
    for name in ('experiments', 'lookup'):
        if by[name]: row(name)
    return svg(width, y - down, parts, 'roadmap-tall')


def roadmap(book):
    "The figure of the first page, for wide and for narrow screens."
    by = stages(book)
    return f'<nav class="roadmap" aria-label="Roadmap">{wide(by)}{tall(by)}</nav>'


def colab(chapter): return f"https://colab.research.google.com/github/{SETTINGS['user']}/{SETTINGS['repo']}/blob/{BRANCH}/{SETTINGS['nbs_path']}/{chapter.doc}.ipynb"
def edit(chapter): return f"{REPOSITORY}/edit/{BRANCH}/{SETTINGS['nbs_path']}/{chapter.doc}.ipynb"


def buttons(chapter, book, up):
    "Where else this page can be had."
    items = [(colab(chapter), 'Open in Colab', ''), (f'{up}notebooks/{chapter.doc}.ipynb', 'Download notebook', ' download'), (edit(chapter), 'Edit on GitHub', '')]
    if f'solutions/{chapter.doc}' in book: items.append((f'solutions/{chapter.doc}.html', 'Solutions', ''))
    if chapter.module and not chapter.is_solution: items.append((f'api/{chapter.module}.html', f"API of {SETTINGS['lib_name']}.{chapter.module}", ''))
    return '<ul class="page-links">' + ''.join(f'<li><a href="{escape(url)}"{more}>{text}</a></li>' for url, text, more in items) + '</ul>'


def here(chapter, book):
    "The strip at a chapter's head: a small roadmap with this chapter's box lit, times and prerequisites, links."
    groups = []
    for stage, chapters in stages(book).items():
        if not chapters or (stage == 'lookup' and chapter not in chapters): continue
        boxes = ''.join(f'<a href="{c.doc}.html" title="{escape(c.title)}" aria-label="{c.no} {escape(c.title)}"'
                        f'{" aria-current=page" if c is chapter else ""}>{c.no}</a>' for c in chapters)
        groups.append(f'<li class="{stage}"><span class="stage-name">{STAGES[stage][0]}</span><span class="boxes">{boxes}</span></li>')
    by_number = {c.number: c for c in book.values() if c.number and not c.is_solution}
    facts = [('Reading', f'about {chapter.reading_time}')]
    if chapter.runs: facts.append(('Running', chapter.runs))
    needs = ', '.join(f'<a href="{by_number[n].doc}.html">{by_number[n].no} {escape(by_number[n].name)}</a>' for n in chapter.needs)
    if chapter.number < '90': facts.append(('Read before', needs or 'nothing'))
    lines = ''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in facts)
    return (f'<div class="chapter-head"><nav class="you-are-here" aria-label="You are here"><ol>{"".join(groups)}</ol></nav>'
            f'<dl class="facts">{lines}</dl>{buttons(chapter, book, "")}</div>')


def solution_head(chapter, book):
    of = book.get(chapter.doc.split('/')[1])
    back = f'<p>The exercises are in <a href="../{of.doc}.html#exercises">{of.no} {escape(of.title)}</a>.</p>' if of else ''
    return f'<div class="chapter-head">{back}{buttons(chapter, book, "../")}</div>'


def contents(book):
    "All chapters with their promise, for the first page: {part: [line]} as Markdown."
    lines, part = [], None
    for c in book.values():
        if not c.number or c.is_solution: continue
        if c.part != part:
            part = c.part
            lines.append(f'\n**{part}**\n')
        lines.append(f'- [{c.no} {c.title}]({c.doc}.ipynb). {c.promise} *({c.reading_time})*')
    return '\n'.join(lines)
