"""Executes notebooks in place, each in a fresh kernel, and cleans them: what `make run NB=23_losses` does.

python tools/execute.py nbs/23_losses.ipynb          slow cells are passed over and keep their committed outputs
python tools/execute.py --slow nbs/23_losses.ipynb   slow cells too
"""
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


class Client(NotebookClient):
    "Passes over what nbdev_test would pass over, outputs included."
    def __init__(self, *args, slow, **kwargs):
        super().__init__(*args, **kwargs)
        missing = [tool for tool in ('llama_cpp', 'onnxruntime', 'lm_eval') if not importlib.util.find_spec(tool)]
        flags = ['notest', 'cuda', *missing] + ['slow'] * (not slow)
        self.passed_over = re.compile(rf'(?m)^#\|\s*({"|".join(flags)})\b|^#\|\s*eval:\s*false|nbdev_export\(')

    async def async_execute_cell(self, cell, cell_index, **kwargs):
        if cell.cell_type == 'code' and self.passed_over.search(cell.source): return cell
        return await super().async_execute_cell(cell, cell_index, **kwargs)


NOISE = re.compile(r'IProgress not found|torchao|torch/utils/_pytree|^\r|^\s*$')  # what libraries say to whoever runs a notebook, and no reader needs: progress bars begin with \r


def without_noise(outputs): return [o for o in outputs if not (o.get('name') == 'stderr' and NOISE.search(o['text']))]


def execute(path, slow):
    notebook = nbformat.read(path, as_version=4)
    client = Client(notebook, slow=slow, timeout=None, kernel_name='python3', resources=dict(metadata=dict(path=str(path.parent))))
    try: client.execute()
    except CellExecutionError as error: sys.exit(f'{path.name}: a cell failed, and the file is as it was\n{error}')
    for cell in notebook.cells:
        if cell.cell_type == 'code': cell.outputs = without_noise(cell.outputs)
    nbformat.write(notebook, path)
    subprocess.run([BIN / 'nbdev_clean', '--fname', path], check=True, cwd=ROOT)


if __name__ == '__main__':
    paths = [Path(word).resolve() for word in sys.argv[1:] if word != '--slow']
    if not paths: sys.exit(__doc__)
    missing = [str(path) for path in paths if not path.is_file()]
    if missing: sys.exit(f'no such notebook: {", ".join(missing)}')
    os.environ['JUPYTER_PLATFORM_DIRS'] = '1'
    for path in paths: execute(path, '--slow' in sys.argv)
