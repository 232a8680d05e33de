"""The command line as a person meets it.

Bad input gives exit code 2 and one line on stderr that names the trouble, no traceback, and leaves every file that was
there as it was.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_teacher

COMMAND = Path(sys.executable).parent / 'distill-nb'


@pytest.fixture(scope='session')
def home(tmp_path_factory):
    "A folder for caches, so that the tests neither read nor write the user's own."
    return tmp_path_factory.mktemp('home')


@pytest.fixture(scope='session')
def environment(home):
    return {**os.environ, 'HF_HOME': str(home / 'hf'), 'XDG_CACHE_HOME': str(home / 'cache'), 'DISTILL_NB_CACHE': str(home / 'cache' / 'distill_nb'), 'HF_HUB_OFFLINE': '1', 'MPLCONFIGDIR': str(home / 'mpl')}


@pytest.fixture(scope='session')
def command(home, environment):
    "command('train', ...) runs what a person would type."
    def run(*arguments):
        return subprocess.run([str(COMMAND), *map(str, arguments)], cwd=home, env=environment, text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    return run


@pytest.fixture(scope='session')
def distill_nb(home, environment):
    "The same in a process that is there already (warm_cli.py); file_limit is the size in bytes that no file may exceed."
    script = [sys.executable, Path(__file__).with_name('warm_cli.py'), 'transformers.generation', 'datasets', 'distill_nb.report']
    with subprocess.Popen(script, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        def run(*arguments, file_limit=None):
            server.stdin.write(json.dumps(dict(arguments=[str(a) for a in arguments], cwd=str(home), file_limit=file_limit)) + '\n')
            server.stdin.flush()
            return SimpleNamespace(**json.loads(server.stdout.readline()))
        yield run


@pytest.fixture(scope='session')
def teacher(tmp_path_factory): return tiny_teacher.save(tmp_path_factory.mktemp('models') / 'teacher')


@pytest.fixture(scope='session')
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp('data') / 'alpaca.json'
    path.write_text(json.dumps(tiny_teacher.records()), encoding='utf-8')
    return path


@pytest.fixture(scope='session')
def finished_run(command, teacher, data, tmp_path_factory):
    "The folder of a run that went well."
    folder = tmp_path_factory.mktemp('runs') / 'first'
    result = command('train', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--output-dir', folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def snapshot(*paths):
    "What is in these files and folders: {path: digest}."
    files = [f for p in map(Path, paths) for f in ([p] if p.is_file() else sorted(p.rglob('*'))) if f.is_file()]
    return {f: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def refused(result, *words):
    "The command gave up as it should: one line, which holds one of the words."
    lines = result.stderr.strip().splitlines()
    assert 'Traceback' not in result.stdout + result.stderr, result.stdout + result.stderr
    assert result.returncode == 2, f'exit code {result.returncode}\n{result.stdout}{result.stderr}'
    assert len(lines) == 1, f'{len(lines)} lines on stderr:\n{result.stderr}'
    assert any(word.lower() in lines[0].lower() for word in words), f'none of {words} in: {lines[0]}'


def test_train_evaluate_generate(distill_nb, finished_run, teacher, data):
    assert (finished_run / 'report.html').is_file()
    evaluated = distill_nb('evaluate', finished_run, '--data', data)
    assert evaluated.returncode == 0, evaluated.stderr
    assert 'nats' in evaluated.stdout or 'loss' in evaluated.stdout.lower()
    generated = distill_nb('generate', finished_run, 'Name three colours.')
    assert generated.returncode == 0, generated.stderr


def test_trimmed_vocabulary(distill_nb, teacher, data, tmp_path):
    "The student has fewer tokens than its teacher; it is measured, answers, and opens in transformers with its own tokenizer."
    from transformers import AutoModelForCausalLM, AutoTokenizer
    run = tmp_path / 'run'
    trained = distill_nb('train', '--preset', 'tiny', '--student-vocabulary', 'data', '--valid-fraction', 0.5, '--teacher', teacher, '--data', data, '--output-dir', run)
    assert trained.returncode == 0, trained.stderr
    assert 'vocabulary:' in trained.stdout and 'trimmed teacher' in trained.stdout
    evaluated = distill_nb('evaluate', run, '--data', data)
    assert evaluated.returncode == 0, evaluated.stderr
    assert 'trimmed teacher' in evaluated.stdout
    generated = distill_nb('generate', run, 'Name three colours.')
    assert generated.returncode == 0, generated.stderr
    model, words = (kind.from_pretrained(run / 'student') for kind in (AutoModelForCausalLM, AutoTokenizer))
    full = AutoTokenizer.from_pretrained(teacher)
    assert model.get_input_embeddings().weight.shape[0] == model.config.vocab_size == len(words) < len(full)
    text = 'Zebras, \u00e9t\u00e9 \u5317\u4eac'
    assert words.decode(words.encode(text)) == text and words.convert_ids_to_tokens(words.encode('Bread')) == full.convert_ids_to_tokens(full.encode('Bread'))
    assert model.config.eos_token_id == words.eos_token_id


def test_help_lists_the_commands(command):
    shown = command('--help')
    assert shown.returncode == 0
    for command in ('train', 'evaluate', 'generate'): assert command in shown.stdout


RECORD = dict(instruction='Say hello.', input='', output='Hello.')
BAD_DATA = {
    'empty file': ('empty.json', '', ['empty']),
    'no records': ('none.json', '[]', ['empty', 'no record', 'no row', '0 record']),
    'malformed JSON': ('broken.json', '[{"instruction": "Say hello.", "output": ', ['broken.json']),
    'malformed JSON Lines': ('broken.jsonl', json.dumps(RECORD) + '\n{"instruction": \n', ['two different prompts']),
    'wrong columns': ('columns.json', json.dumps([dict(who='I', what='sing')] * 9), ['who', 'instruction', 'output', 'columns']),
    'not a table': ('number.json', '17', ['number.json']),
    'not text': ('bytes.json', b'\xff\xfe\x00\x01\x80', ['bytes.json']),
}


@pytest.mark.parametrize('case', BAD_DATA)
def test_train_on_bad_data(distill_nb, teacher, tmp_path, case):
    name, content, words = BAD_DATA[case]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = snapshot(path, teacher)
    refused(distill_nb('train', '--preset', 'tiny', '--teacher', teacher, '--data', path, '--output-dir', tmp_path / 'run'), *words)
    assert snapshot(path, teacher) == before
    assert not snapshot(tmp_path / 'run'), 'a run that never began leaves no files'


def test_train_on_missing_data(command, teacher, tmp_path):
    refused(command('train', '--preset', 'tiny', '--teacher', teacher, '--data', tmp_path / 'nowhere.json', '--output-dir', tmp_path / 'run'), 'nowhere.json')
    assert not snapshot(tmp_path / 'run')


@pytest.mark.parametrize('kind', ['distilbert', 'bert', 't5'])
def test_teacher_that_is_not_causal(distill_nb, data, tmp_path, kind):
    model = tiny_teacher.save(tmp_path / kind, kind)
    before = snapshot(model)
    refused(distill_nb('train', '--preset', 'tiny', '--teacher', model, '--data', data, '--output-dir', tmp_path / 'run'), 'causal')
    assert snapshot(model) == before


def test_teacher_folder_without_a_model(distill_nb, data, tmp_path):
    (tmp_path / 'hollow').mkdir()
    refused(distill_nb('train', '--preset', 'tiny', '--teacher', tmp_path / 'hollow', '--data', data, '--output-dir', tmp_path / 'run'), 'hollow')


def test_teacher_out_of_reach(distill_nb, data, tmp_path):
    refused(distill_nb('train', '--preset', 'tiny', '--teacher', 'nobody/no-such-model', '--data', data, '--output-dir', tmp_path / 'run'), 'nobody/no-such-model')


def test_teacher_with_a_short_memory(distill_nb, data, tmp_path):
    "Rows fit into its 80 positions; prompt and sample answer together would not."
    teacher = tiny_teacher.save(tmp_path / 'short', n_positions=80)
    result = distill_nb('train', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--output-dir', tmp_path / 'run')
    assert result.returncode == 0, result.stderr


def test_output_folder_of_another_run(distill_nb, finished_run, teacher, data):
    before = snapshot(finished_run)
    result = distill_nb('train', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--seed', 1, '--output-dir', finished_run)
    refused(result, str(finished_run), finished_run.name)
    assert snapshot(finished_run) == before


def test_output_folder_is_a_file(distill_nb, teacher, data, tmp_path):
    (tmp_path / 'taken').write_text('mine')
    refused(distill_nb('train', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--output-dir', tmp_path / 'taken'), 'taken')
    assert (tmp_path / 'taken').read_text() == 'mine'


def test_impossible_option(distill_nb, teacher, data, tmp_path):
    result = distill_nb('train', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--temperature', 0, '--output-dir', tmp_path / 'run')
    refused(result, 'temperature')
    assert not snapshot(tmp_path / 'run')


@pytest.mark.parametrize('limit', [2_000, 60_000])
def test_full_disk(distill_nb, finished_run, teacher, data, tmp_path, limit):
    "Small files fit and the student does not, or hardly anything fits; what was there stays, and nothing looks like a checkpoint that is none."
    before = snapshot(finished_run, teacher, data)
    run = tmp_path / 'run'
    result = distill_nb('train', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--output-dir', run, file_limit=limit)
    refused(result, 'too large', 'no space', 'disk', 'write', 'save', str(run))
    assert snapshot(finished_run, teacher, data) == before
    from safetensors import safe_open
    for weights in run.rglob('*.safetensors'):
        with safe_open(weights, 'pt') as opened: assert list(opened.keys())


def test_evaluate_bad_input(distill_nb, finished_run, data, tmp_path):
    before = snapshot(finished_run)
    refused(distill_nb('evaluate', tmp_path / 'nowhere', '--data', data), 'nowhere')
    refused(distill_nb('evaluate', finished_run, '--data', tmp_path / 'nowhere.json'), 'nowhere.json')
    (tmp_path / 'broken.json').write_text('[{')
    refused(distill_nb('evaluate', finished_run, '--data', tmp_path / 'broken.json'), 'broken.json')
    assert snapshot(finished_run) == before


def test_generate_without_a_model(distill_nb, tmp_path):
    refused(distill_nb('generate', tmp_path, 'Name three colours.'), tmp_path.name)


def test_cache(distill_nb, teacher, data, tmp_path):
    "A cache is made once; a second call adds nothing, and damage is mended."
    words = ['cache', tmp_path / 'beliefs', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--k', 8]
    made = distill_nb(*words)
    assert made.returncode == 0 and not made.stderr, made.stderr
    assert '40 rows (40 new)' in made.stdout and 'MB' in made.stdout
    before = snapshot(tmp_path / 'beliefs')
    again = distill_nb(*words)
    assert again.returncode == 0 and '40 rows (0 new)' in again.stdout, again.stdout + again.stderr
    assert snapshot(tmp_path / 'beliefs') == before
    shard = next((tmp_path / 'beliefs').glob('*.arrow'))
    shard.write_bytes(shard.read_bytes()[:-100])
    mended = distill_nb(*words)
    assert mended.returncode == 0 and '40 rows (40 new)' in mended.stdout, mended.stdout + mended.stderr


def test_cache_bad_input(distill_nb, teacher, data, tmp_path):
    words = ['--preset', 'tiny', '--teacher', teacher, '--data', data]
    (tmp_path / 'taken').write_text('mine')
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'notes.txt').write_text('mine')
    made = distill_nb('cache', tmp_path / 'beliefs', *words, '--k', 8)
    assert made.returncode == 0, made.stderr
    before = snapshot(tmp_path, teacher, data)
    refused(distill_nb('cache', *words), 'DIR')
    refused(distill_nb('cache', tmp_path / 'taken', *words), 'taken')
    refused(distill_nb('cache', tmp_path / 'other', *words), 'other')
    refused(distill_nb('cache', tmp_path / 'new', *words, '--k', 0), 'k = 0')
    refused(distill_nb('cache', tmp_path / 'new', *words, '--k', 100_000), 'vocabulary')
    refused(distill_nb('cache', tmp_path / 'new', *words, '--temperature', 0), 'temperature')
    refused(distill_nb('cache', tmp_path / 'new', *words, '--divergence', 'reverse_kl'), 'forward_kl')
    refused(distill_nb('cache', tmp_path / 'new', *words, '--data', tmp_path / 'nowhere.json'), 'nowhere.json')
    refused(distill_nb('cache', tmp_path / 'beliefs', *words, '--k', 4), 'k 8, not 4')
    refused(distill_nb('cache', tmp_path / 'beliefs', *words, '--k', 8, '--temperature', 3), 'temperature')
    assert snapshot(tmp_path, teacher, data) == before


def test_cache_full_disk(distill_nb, teacher, data, tmp_path):
    "Nothing half-written is left, and with room again the same command goes on."
    words = ['cache', tmp_path / 'beliefs', '--preset', 'tiny', '--teacher', teacher, '--data', data]
    refused(distill_nb(*words, file_limit=20_000), 'too large', 'no space', 'disk', 'write')
    assert [p.name for p in snapshot(tmp_path)] == ['cache.json']
    made = distill_nb(*words)
    assert made.returncode == 0 and '40 rows (40 new)' in made.stdout, made.stderr


def test_bench(distill_nb, teacher, data, tmp_path):
    "A very short benchmark prints its table and leaves it in a file; what it cannot run it refuses."
    (tmp_path / 'task.toml').write_text(f'teacher_model_type = "{teacher}"\ndata = "{data}"\n')
    words = ['bench', '--preset', 'tiny', '--config', tmp_path / 'task.toml', '--steps', 1, '--rounds', 1, '--no-scaling', '--output-dir', tmp_path / 'bench']
    done = distill_nb(*words, '--variants', 'naive', 'cached')
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert 'tokens/s' in done.stdout and '| cached' in done.stdout
    found = json.loads((tmp_path / 'bench' / 'bench.json').read_text())
    assert [run['variant'] for run in found['runs']] == ['naive', 'cached'] and all(run['tokens'] > 0 for run in found['runs'])
    before = snapshot(tmp_path)
    refused(distill_nb(*words), 'other files')
    refused(distill_nb('bench', '--variants', 'fast', '--output-dir', tmp_path / 'new'), 'fast')
    assert snapshot(tmp_path) == before


def test_quantize_and_export(distill_nb, finished_run, data, tmp_path):
    "A quantized student is measured and asked like any other; other tools get their formats; what cannot be done is one line."
    from importlib.util import find_spec
    run = shutil.copytree(finished_run, tmp_path / 'run')
    assert (run / 'student/README.md').is_file()
    for bits in (8, 4):
        done = distill_nb('quantize', run, '--bits', bits)
        assert done.returncode == 0 and not done.stderr, done.stderr
        assert distill_nb('evaluate', run / f'student-int{bits}', '--data', data).returncode == 0
        assert distill_nb('generate', run / f'student-int{bits}', 'Name three colours.').returncode == 0
    before = snapshot(run)
    refused(distill_nb('quantize', run, '--bits', 4), 'exists')
    refused(distill_nb('export', run / 'student-int8', '--to', 'gguf'), 'quantized')
    refused(distill_nb('export', run, '--to', 'gguf', '--kind', 'q9'), 'q4_0')
    refused(distill_nb('quantize', tmp_path), 'no saved student')
    assert snapshot(run) == before
    for to in ('hf', 'gguf'):
        done = distill_nb('export', run, '--to', to)
        assert done.returncode == 0 and not done.stderr, done.stderr
    done = distill_nb('export', run, '--to', 'onnx')
    if all(map(find_spec, ('onnx', 'onnxscript'))): assert (done.returncode, done.stderr) == (0, '') and 'torch' not in done.stdout, done
    else: refused(done, "pip install 'distill_nb[ship]'")


def test_another_architecture(distill_nb, teacher, data, tmp_path):
    "A student given by a configuration file is trained, measured and asked like any other."
    shape = tmp_path / 'qwen3.json'
    shape.write_text(json.dumps(dict(model_type='qwen3', hidden_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=16, intermediate_size=48)))
    run = ['train', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--max-steps', 2]
    done = distill_nb(*run, '--student', shape, '--output-dir', tmp_path / 'run')
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / 'run/student/config.json').read_text())['model_type'] == 'qwen3'
    assert 'bits/byte' in distill_nb('evaluate', tmp_path / 'run').stdout
    assert distill_nb('generate', tmp_path / 'run', 'Name three colours.').returncode == 0
    refused(distill_nb('quantize', tmp_path / 'run'), 'qwen3')
    refused(distill_nb('export', tmp_path / 'run', '--to', 'gguf'), 'qwen3')
    assert distill_nb('export', tmp_path / 'run', '--to', 'hf').returncode == 0
    shape.write_text('{"model_type": "qwen33"}')
    refused(distill_nb(*run, '--student', shape, '--output-dir', tmp_path / 'none'), 'qwen3')
    refused(distill_nb(*run, '--student', shape, '--student-init', 'depth', '--output-dir', tmp_path / 'none'), 'random or embeddings')


def test_on_policy(distill_nb, teacher, data, tmp_path):
    "The student writes the answers that the teacher marks; a teacher of whom only a cache is left cannot."
    run = ['train', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--max-steps', 2, '--on-policy', 1, '--output-dir', tmp_path / 'run']
    assert distill_nb(*run).returncode == 0
    refused(distill_nb(*run, '--teacher-cache', tmp_path / 'cache'), 'the teacher has to run')


def test_compare(distill_nb, teacher, data, tmp_path):
    "Several runs, one table, one page; no page where a folder is none."
    page, first = tmp_path / 'page.html', tmp_path / 'first'
    done = distill_nb('train', '--preset', 'tiny', '--teacher', teacher, '--data', data, '--max-steps', 1, '--max-length', 256, '--valid-fraction', 0.2, '--output-dir', first)
    assert done.returncode == 0, done.stderr
    done = distill_nb('compare', first, shutil.copytree(first, tmp_path / 'second'), '--answers', 2, '--output', page)
    assert done.returncode == 0, done.stderr
    assert 'bits/byte' in done.stdout and '<html' in page.read_text()
    refused(distill_nb('compare', first, tmp_path / 'nothing', '--output', tmp_path / 'none.html'), 'nothing')
    assert not (tmp_path / 'none.html').exists()
    refused(distill_nb('compare', '--output', tmp_path / 'none.html'), 'DIR', 'folder')
