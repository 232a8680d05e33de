"""Builds the web book: `python book/build.py [folder]` writes it to _book/. Needs no network and executes no notebook.

1. stage.py writes what Sphinx reads to build/book/source: every notebook as a reader sees it, and the pages of the API reference.
2. Sphinx makes pages of them (conf.py, extension.py). A warning is an error.
3. The notebooks themselves are laid beside the pages, to download; slim.py takes off what no reader sees.
"""
import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import chapters
import reference
import slim
import stage
from sphinx.cmd.build import build_main


def main(out=chapters.ROOT / '_book'):
    began = time.time()
    work = chapters.ROOT / 'build/book'
    book = chapters.read_book()
    stage.stage(book, reference.pages(reference.read_library(), book), work / 'source')
    made = work / 'html'  # myst-nb leaves the pictures beside this folder
    shutil.rmtree(made, ignore_errors=True)
    os.environ['PYDEVD_DISABLE_FILE_VALIDATION'] = '1'
    code = build_main(['-b', 'html', '-c', str(Path(__file__).parent), '-d', str(work / 'doctrees'), '-j', 'auto', '-q', '-W', '--keep-going', '-E', '-a',
                       str(work / 'source'), str(made)])
    if code: return code
    for doc, chapter in book.items():
        target = made / 'notebooks' / f'{doc}.ipynb'
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(chapter.path, target)
    slim.slim(made)
    (made / '.nojekyll').touch()  # GitHub Pages would leave out folders that begin with _
    shutil.rmtree(made / '_sources', ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    shutil.move(made, out)
    pages = len(list(out.rglob('*.html')))
    print(f'{pages} pages in {os.path.relpath(out)} after {time.time() - began:.0f} s: open {os.path.relpath(out)}/index.html, or run "make serve"')
    return 0


if __name__ == '__main__': sys.exit(main(*(Path(a).resolve() for a in sys.argv[1:])))
