"""What `make test` runs: each step under a headline with its time, stopping at the first failure.

python tests/run.py                 every step but slow
python tests/run.py sync readme     these steps alone
"""
import difflib
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SECONDS_A_NOTEBOOK = 120  # what one notebook may take
SKIP = shutil.ignore_patterns('.ipynb_checkpoints', '__pycache__', '.*')


class Failed(Exception):
    "A check found something wrong; the text says what, and where it can what to do."


def run(*command, cwd=ROOT, env=None, minutes=30, echo=True):
    "Runs a command, showing its output as it comes; returns (exit code, output). Ends it, and what it started, when time is up."
    env = {**os.environ, **(env or {})}
    process = subprocess.Popen([str(c) for c in command], cwd=cwd, env=env, text=True, errors='replace', bufsize=1, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    late = threading.Event()
    def end(*_):
        late.set()
        os.killpg(process.pid, signal.SIGKILL)
    timer = threading.Timer(minutes * 60, end)
    timer.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if echo: print('   ' + line, end='', flush=True)
        process.wait()
    except KeyboardInterrupt:
        end()
        raise
    finally: timer.cancel()
    if late.is_set(): raise Failed(f'{Path(str(command[0])).name} was still running after {minutes} minutes')
    return process.returncode, ''.join(lines)


def must(*command, **kwargs):
    "The output of a command that has to succeed; it is shown if it does not."
    code, output = run(*command, echo=False, **kwargs)
    if code: raise Failed(f'{" ".join(str(c) for c in command)}\nended with exit code {code}\n{output[-4000:]}')
    return output


def notebooks():
    "The notebooks of the book, as nbdev sees them."
    found = sorted((ROOT / 'nbs').rglob('*.ipynb'))
    return [p for p in found if not any(part[0] in '_.' for part in p.relative_to(ROOT / 'nbs').parts)]


def sync():
    """notebooks clean, exported modules in sync
    On a copy, so that it changes nothing and does not mind uncommitted work."""
    wrong, pins = [], (ROOT / 'settings.ini').read_text(encoding='utf-8') + (ROOT / 'tools/setup.sh').read_text(encoding='utf-8')
    for path in notebooks():
        name, book = path.relative_to(ROOT), json.loads(path.read_text(encoding='utf-8'))
        if (book['nbformat'], book['nbformat_minor']) < (4, 5): wrong.append(f'{name} is nbformat {book["nbformat"]}.{book["nbformat_minor"]}; save it as 4.5')
        for number, cell in enumerate(book['cells'], 1):
            if any(o['output_type'] == 'error' for o in cell.get('outputs', [])): wrong.append(f'{name}, cell {number}: an error is among its outputs')
            if 'In Colab, run first' in (text := ''.join(cell['source'])):
                wrong += [f'{name}, cell {number}: {pin} is pinned otherwise in settings.ini or tools/setup.sh' for pin in re.findall(r'[\w-]+==[\d.]*\d', text) if pin not in pins]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copy(ROOT / 'settings.ini', copy)
        shutil.copytree(ROOT / 'nbs', copy / 'nbs', ignore=SKIP)
        # modules are made afresh, so that one which no notebook exports any more comes to light
        (copy / 'distill_nb').mkdir()
        shutil.copy(ROOT / 'distill_nb/__init__.py', copy / 'distill_nb')
        def both(pattern): return {p.relative_to(top).as_posix() for top in (ROOT, copy) for p in top.glob(pattern) if '.ipynb_checkpoints' not in p.parts}
        def text(top, name): return (top / name).read_text(encoding='utf-8') if (top / name).exists() else None
        must(BIN / 'nbdev_clean', cwd=copy)
        must(BIN / 'nbdev_export', cwd=copy)
        for name in sorted(both('nbs/**/*.ipynb')):
            if text(ROOT, name) != text(copy, name): wrong.append(f'{name} is not clean: run nbdev_clean')
        for name in sorted(both('distill_nb/**/*.py')):
            old, new = text(ROOT, name), text(copy, name)
            if old == new: continue
            if new is None: wrong.append(f'{name} is exported by no notebook: remove it')
            elif old is None: wrong.append(f'{name} is missing: run nbdev_export')
            else:
                diff = difflib.unified_diff(old.splitlines(), new.splitlines(), name, 'what its notebook exports', lineterm='', n=1)
                wrong.append('\n'.join([f'{name} is out of date: run nbdev_export', *list(diff)[:20]]))
    if wrong: raise Failed('\n'.join(wrong))
    print(f'   {len(notebooks())} notebooks')


def readme():
    "README.md is what nbs/index.ipynb gives"
    code, _ = run(sys.executable, 'tools/readme.py', '--check')
    if code: raise Failed('README.md is out of date')


def book():
    "the web book, in which a warning is an error"
    code, _ = run(sys.executable, 'book/build.py', env={'OMP_NUM_THREADS': '1'}, minutes=10)
    if code: raise Failed('the web book was not built')


def browser():
    "the web book in a real browser"
    if not (ROOT / '_book/index.html').exists(): book()
    code, _ = run(sys.executable, 'tests/browser.py', minutes=15)
    if code: raise Failed('the web book has the faults listed above')


def jupyter():
    "one notebook, drawn by lot, in a real Jupyter kernel from top to bottom"
    seed = os.environ.get('SEED') or str(random.randrange(10**6))
    chosen = random.Random(seed).choice([p for p in notebooks() if p.name != 'index.ipynb'])
    print(f'   {chosen.relative_to(ROOT)} (SEED={seed} draws it again)', flush=True)
    skipped = {'slow', 'cuda', 'notest'}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, 'nbs')
        shutil.copytree(ROOT / 'nbs', copy, ignore=SKIP)
        path = copy / chosen.relative_to(ROOT / 'nbs')
        content = json.loads(path.read_text(encoding='utf-8'))
        def runs(cell):
            text = ''.join(cell['source'])
            return cell['cell_type'] != 'code' or not (skipped & set(re.findall(r'(?m)^#\| ?(\w+)', text)) or re.search(r'(?m)^#\| ?eval: false', text) or 'nbdev_export(' in text)
        content['cells'] = [cell for cell in content['cells'] if runs(cell)]
        path.write_text(json.dumps(content), encoding='utf-8')
        code, _ = run(BIN / 'jupyter', 'execute', '--inplace', f'--timeout={SECONDS_A_NOTEBOOK}', path, cwd=path.parent, env={'OMP_NUM_THREADS': '2', 'JUPYTER_PLATFORM_DIRS': '1'}, minutes=10)
        if code: raise Failed(f'{chosen.relative_to(ROOT)} does not run in Jupyter')
        done = json.loads(path.read_text(encoding='utf-8'))['cells']
        ran = sum(cell.get('execution_count') is not None for cell in done)
        if ran != sum(cell['cell_type'] == 'code' and bool(''.join(cell['source']).strip()) for cell in done): raise Failed('not every cell was run')
        print(f'   {ran} cells')


def nbdev_test(*flags, minutes=30, limit=SECONDS_A_NOTEBOOK):
    "nbdev_test over every notebook"
    # each worker on one thread: two torch processes that both want both cores slow each other many times over
    code, output = run(BIN / 'nbdev_test', '--n_workers', 2, '--timing', *flags, env={'OMP_NUM_THREADS': '1'}, minutes=minutes)
    if code or 'Success.' not in output.splitlines(): raise Failed(f'nbdev_test did not say "Success." (exit code {code})')
    times = re.findall(r'(?m)^(\S+\.ipynb): (\d+) secs$', output)
    late = [f'{name} took {seconds} s; {limit} s is the limit' for name, seconds in times if limit and int(seconds) > limit]
    if late: raise Failed('\n'.join(late))
    print(f'   {len(notebooks())} notebooks')


def pytest():
    "the same cells against the installed library, and the command line, with coverage"
    code, _ = run(sys.executable, '-m', 'pytest', '-q', '--durations=10', '--durations-min=5', '--cov=distill_nb', '--cov-report=term-missing', 'nbs', 'tests')
    if code: raise Failed(f'pytest ended with exit code {code}')


def wheel():
    "a wheel built, installed outside the tree and used"
    with tempfile.TemporaryDirectory() as folder:
        source, env, work = Path(folder, 'source'), Path(folder, 'env'), Path(folder, 'work')
        source.mkdir()
        work.mkdir()
        for name in ('settings.ini', 'setup.py', 'MANIFEST.in', 'README.md', 'LICENSE', 'constraints.txt'): shutil.copy(ROOT / name, source)
        shutil.copytree(ROOT / 'distill_nb', source / 'distill_nb', ignore=SKIP)
        must(sys.executable, '-m', 'build', '--wheel', '--no-isolation', '--outdir', folder, source)
        built, = Path(folder).glob('*.whl')
        print(f'   {built.name}, {built.stat().st_size / 1e6:.2f} MB')
        must('bash', 'tools/setup.sh', 'python', env={'VENV': str(env), 'PYTHON': sys.executable})
        must('bash', 'tools/setup.sh', 'torch', env={'VENV': str(env)})
        must(env / 'bin/python', '-m', 'pip', 'install', '-q', '-c', ROOT / 'constraints.txt', built)
        must(env / 'bin/python', '-m', 'pip', 'check')
        listed = must(env / 'bin/python', '-m', 'pip', 'list', '--format=freeze').lower()
        tools = re.findall(r'(?m)^((?:nbdev|fastcore|execnb|jupyter|ipykernel|ipython|pytest)\S*)==', listed)
        if tools: raise Failed(f'the library brings tools of the book along: {", ".join(tools)}')
        print(f'   installed with {len(listed.splitlines())} packages, none of the book\'s tools')

        outside = {'HF_HUB_OFFLINE': '1', 'PYTHONPATH': '', 'PYTHONSAFEPATH': '1'}
        def there(*command): return must(*command, cwd=work, env=outside)
        there(env / 'bin/distill-nb', '--help')
        data = Path(there(env / 'bin/python', '-c', 'from distill_nb.data import default_data_path; print(default_data_path())').splitlines()[-1])
        if not (data.is_file() and data.is_relative_to(env)): raise Failed(f'the default data is not in the wheel: {data}')
        there(env / 'bin/python', ROOT / 'tests/tiny_teacher.py', 'teacher')
        there(env / 'bin/distill-nb', 'train', '--preset', 'tiny', '--teacher', 'teacher', '--max-steps', 1, '--output-dir', 'run')
        there(env / 'bin/distill-nb', 'generate', 'run', 'Name three colours.')
        print(f'   distill-nb --help, train (1 step on {data.name}) and generate work there')


TOOLS = ['llama_cpp', 'onnxruntime', 'lm_eval']  # import names, which mark the cells that need them; all come with the extra ship


def slow():
    """nbdev_test over every notebook, slow cells included
    The tools of chapter 43 run where they are installed. Chapters 42 and 43 measure DISTILLED, or runs/laptop, or a student of two steps."""
    there = [tool for tool in TOOLS if importlib.util.find_spec(tool)]
    missing = [tool for tool in TOOLS if tool not in there]
    if missing: print(f'   not installed, so their cells are passed over: {", ".join(missing)}\n   all of them: {BIN / "python"} -m pip install -c constraints.txt -e ".[ship]" (compiles llama.cpp: up to an hour)', flush=True)
    with tempfile.TemporaryDirectory() as folder:
        run_folder = Path(os.environ.get('DISTILLED', ROOT / 'runs/laptop')).resolve()
        if not (run_folder / 'student').is_dir():
            run_folder = Path(folder, 'run')
            print('   no runs/laptop (make distill): chapters 42 and 43 get a student of two steps', flush=True)
            must(BIN / 'distill-nb', 'train', '--preset', 'laptop', '--max-steps', 2, '--warmup-steps', 1, '--eval-every', 2, '--output-dir', run_folder)
        os.environ |= dict(DISTILLED=str(run_folder), HEAL_STEPS=os.environ.get('HEAL_STEPS', '2'))
        nbdev_test('--flags', ' '.join(['slow', *there]), minutes=180, limit=None)


STEPS = [sync, readme, book, browser, nbdev_test, pytest, jupyter, wheel]


def main(names):
    known = {step.__name__: step for step in [*STEPS, slow]}
    if set(names) - known.keys(): sys.exit(f'no such step: {", ".join(sorted(set(names) - known.keys()))} (there are {", ".join(known)})')
    steps = [known[name] for name in names] or STEPS
    began, times = time.time(), []
    for number, step in enumerate(steps, 1):
        print(f'\n== {number}/{len(steps)} {step.__name__}: {step.__doc__.splitlines()[0]}', flush=True)
        start = time.time()
        try: step()
        except Failed as wrong:
            print(f'{wrong}\n\nFAILED in step {step.__name__} after {time.time() - start:.0f} s; again with: make test ONLY={step.__name__}', flush=True)
            return 1
        times.append(f'{step.__name__} {time.time() - start:.0f} s')
        print(f'   ok, {time.time() - start:.1f} s', flush=True)
    print(f'\n{", ".join(times)}; {time.time() - began:.0f} s in all')
    print(f'steps: {len(times)} passed, 0 failed')
    return 0


if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
