"""The command line, with its imports already made, so that a test of it does not wait ten seconds for torch and transformers.

A process that imports once; each request forks a fresh child, which runs the installed `distill-nb` on its arguments.
A line of JSON in, {arguments, cwd, file_limit}, gives a line of JSON out, {returncode, stdout, stderr}.
"""
import json
import os
import resource
import selectors
import sys
import traceback
from importlib.metadata import entry_points


def child(main, request, stdout, stderr):
    "Runs one command and ends the process. Sizes of files are limited while it runs, and only then."
    with open(os.devnull) as nothing: os.dup2(nothing.fileno(), 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.chdir(request['cwd'])
    sys.argv = ['distill-nb', *request['arguments']]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if request['file_limit']: resource.setrlimit(resource.RLIMIT_FSIZE, (request['file_limit'], hard))
    try: sys.exit(main())
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str): print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with open(os.devnull, 'w') as nothing: os.dup2(nothing.fileno(), 2)
    os._exit(code)


def serve(main, request):
    "The answer to one request."
    (out, to_out), (err, to_err) = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid: child(main, request, to_out, to_err)
    os.close(to_out)
    os.close(to_err)
    said, ready = {out: b'', err: b''}, selectors.DefaultSelector()
    for pipe in said: ready.register(pipe, selectors.EVENT_READ)
    while ready.get_map():
        for key, _ in ready.select():
            piece = os.read(key.fd, 1 << 16)
            said[key.fd] += piece
            if not piece:
                ready.unregister(key.fd)
                os.close(key.fd)
    _, status = os.waitpid(pid, 0)
    return dict(returncode=os.waitstatus_to_exitcode(status), stdout=said[out].decode(errors='replace'), stderr=said[err].decode(errors='replace'))


if __name__ == '__main__':
    command, = entry_points(group='console_scripts', name='distill-nb')
    command_line = command.load()
    for module in sys.argv[1:]: __import__(module)
    for line in sys.stdin: print(json.dumps(serve(command_line, json.loads(line))), flush=True)
