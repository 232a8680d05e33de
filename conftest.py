"""Lets pytest run the book: each code cell of a notebook under nbs/ is a test, against the installed library.

`nbdev_test` runs a notebook's own copy of the code that it exports, so it passes even when the module on disk is stale.
Here a cell that exports is not run: its names are taken from the installed module instead. The other cells see what users
of the library get, coverage counts the module's own lines, and a failure names notebook, cell and line.
A cell needs the cells before it, so the unit to select is a notebook: pytest nbs/23_losses.ipynb
"""
import ast
import gc
import importlib
import linecache
import os
import re
import symtable
import sys
import traceback
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
_parser = ConfigParser(delimiters=['='])
_parser.read(ROOT / 'settings.ini', encoding='utf-8')
SETTINGS = _parser['DEFAULT']
BOOK = ROOT / SETTINGS['nbs_path']
EXPORT = {'export', 'exports', 'exporti'}


def pytest_collect_file(file_path, parent):
    if file_path.suffix != '.ipynb' or BOOK not in file_path.parents: return None
    if any(part[0] in '_.' for part in file_path.relative_to(BOOK).parts): return None  # nbdev passes over these too
    return Notebook.from_parent(parent, path=file_path)


class CellFailed(Exception):
    "Carries a cell's own exception and what the cell had printed before it."
    def __init__(self, error, printed): self.error, self.printed = error, printed


class Notebook(pytest.File):
    "One notebook: its cells run in order and share one shell."
    def collect(self):
        from execnb.nbio import read_nb
        from nbdev.frontmatter import FrontmatterProc
        from nbdev.process import NBProcessor, extract_directives
        front = getattr(NBProcessor(self.path, procs=FrontmatterProc, process=True).nb, 'frontmatter_', {})
        skip_all = str(front.get('skip_exec', False)).lower() in ('true', '1', 'yes')
        self.module = None
        for number, cell in enumerate(read_nb(self.path).cells, 1):
            if cell.cell_type != 'code': continue
            directives = extract_directives(cell)
            if 'default_exp' in directives: self.module = directives['default_exp'][0]
            if not cell.source.strip(): continue
            yield Cell.from_parent(self, name=f'cell_{number}', number=number, source=cell.source, directives=directives,
                                   skip='the notebook says skip_exec' if skip_all else self.why_skip(cell.source, directives))

    @staticmethod
    def why_skip(source, directives):
        "The reason why nbdev_test would pass over this cell too, or None."
        flags = sorted(set(SETTINGS['tst_flags'].split()) & directives.keys())
        if flags: return f'marked {flags[0]}'
        if directives.get('eval:', [''])[0].lower() == 'false': return 'marked eval: false'
        if 'nbdev_export(' in source: return 'exports the notebook'
        return None

    def setup(self):
        from execnb.shell import CaptureShell
        self.before = dict(os.environ), list(sys.path), sys.modules['__main__'], os.getcwd()
        os.environ['IN_TEST'] = '1'  # as under nbdev_test
        self.shell, self.failed = CaptureShell(self.path), None
        self.shell.showtraceback = self.shell.showsyntaxerror = lambda *args, **kwargs: None  # pytest shows it
        os.chdir(self.path.parent)

    def teardown(self):
        import matplotlib as mpl
        mpl.pyplot.close('all')
        mpl.rcdefaults()
        self.shell._atexit_once()  # what IPython does at exit: names dropped, history's database closed
        self.shell = None
        environ, sys.path[:], sys.modules['__main__'], cwd = self.before
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(cwd)
        gc.collect()


class Cell(pytest.Item):
    "One code cell."
    def __init__(self, *, number, source, directives, skip, **kwargs):
        super().__init__(**kwargs)
        self.number, self.source, self.directives, self.skip = number, source, directives, skip
        self.where = f'{self.path.relative_to(ROOT)}, cell {number}'

    def reportinfo(self): return self.path, None, self.where

    def runtest(self):
        notebook = self.parent
        if notebook.failed: pytest.skip(f'{notebook.failed} failed')
        if self.skip: pytest.skip(self.skip)
        exports = EXPORT & self.directives.keys()
        printed = ''
        try:
            if exports: self.bind_installed(next(iter(self.directives[exports.pop()]), notebook.module))
            else:
                outputs = notebook.shell.run(self.source)
                printed = ''.join(''.join(o['text']) for o in outputs if o['output_type'] == 'stream')
                if notebook.shell.exc is not None: raise notebook.shell.exc
        except KeyboardInterrupt: raise
        except BaseException as error:
            notebook.failed = f'cell {self.number}'
            raise CellFailed(error, printed) from error

    def bind_installed(self, module_name):
        "Gives the notebook the names that this cell defines, with the values that they have in the installed module."
        if not module_name: raise ValueError(f'{self.where} exports, but no cell before it says "#| default_exp"')
        module = importlib.import_module(f"{SETTINGS['lib_name']}.{module_name}")
        names, required, star = bound_names(self.source)
        missing = sorted(required - vars(module).keys())
        if missing: raise ImportError(f'{module.__name__} has no {", ".join(missing)}: run nbdev_export')
        if star: names |= vars(module).keys()
        user_ns = self.parent.shell.user_ns
        user_ns.update((name, vars(module)[name]) for name in names if name in vars(module) and not name.startswith('__'))

    def repr_failure(self, excinfo):
        if not isinstance(excinfo.value, CellFailed): return super().repr_failure(excinfo)
        error, printed = excinfo.value.error, excinfo.value.printed
        frames = traceback.extract_tb(error.__traceback__)
        inputs = [i for i, frame in enumerate(frames) if is_cell(frame.filename)]
        frames = frames[inputs[0]:] if inputs else []
        here = {f.lineno for f in frames if ''.join(linecache.getlines(f.filename)).strip() == self.source.strip()}
        if isinstance(error, SyntaxError) and not frames: here = {error.lineno}
        lines = [f'{">" if n in here else " "} {n:3} {line}' for n, line in enumerate(self.source.splitlines(), 1)]
        trace = ''.join(traceback.format_list(frames)) + ''.join(traceback.format_exception_only(error))
        trace = re.sub(r'File "<ipython-input-[^"]*"|Cell In\[\d+\]', 'File "a cell"', trace)
        said = ['', 'printed before it failed:', printed[-2000:].rstrip()] if printed.strip() else []
        message = ''.join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        return '\n'.join([message, '', *lines, *said, '', trace.rstrip()])  # the first line is what pytest's summary repeats


def is_cell(filename): return filename.startswith('<ipython-input-') or 'ipykernel' in filename


def bound_names(source):
    "(every name that these lines bind at module level, the functions and classes among them, whether they import *)"
    source = re.sub(r'(?m)^\s*[%!].*$', '', source)  # nbdev exports no magics
    body = ast.parse(source).body
    names = {s.get_name() for s in symtable.symtable(source, 'cell', 'exec').get_symbols() if s.is_assigned() or s.is_imported()}
    required = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
    star = any(isinstance(node, ast.ImportFrom) and any(a.name == '*' for a in node.names) for node in body)
    return names, required, star
