# Everything here sets itself up: the first call makes .venv, later calls find it ready.
#
#   make distill                 teach a small model with a real teacher (PRESET=laptop), with the baseline and a report
#   make distill PRESET=recipe   the same with another preset; ARGS='--max-steps 20' adds any option of distill-nb train
#   make test                    every check of the project; ONLY='sync readme' runs some of its steps
#   make test-slow               the notebooks with their slow cells
#   make run NB=23_losses        executes a chapter in place; SLOW=1 with its slow cells, which otherwise keep what they showed
#   make capstone                chapter 51 anew: its presets, three seeds, with and without teacher (hours)
#   make trial-grid              chapter 52 anew: temperature and alpha, three seeds (an hour); what its results file holds is not run again
#   make trial-loss              chapter 53 anew: fourteen ways to teach, five seeds, and two accidents (hours)
#   make trial-size              chapter 54 anew: students of five sizes, with and without teacher (an hour)
#   make notebooks               JupyterLab on the book
#   make readme                  README.md from nbs/index.ipynb
#   make book                    the web book in _book/, from the notebooks as they are committed; nothing is executed
#   make serve                   the web book at http://localhost:8000 (PORT=8000)
#   make setup                   the environment and nothing else
#
# Which torch: TORCH=auto (default; on Linux the CPU build wherever one can be had), TORCH=cpu (that or nothing),
# TORCH=registry (the package registry's own build: CUDA on Linux), or the address of a PyTorch index, such as
# TORCH=https://download.pytorch.org/whl/cu130. It counts when .venv is first made.

PRESET ?= laptop
ARGS   ?=
ONLY   ?=
SLOW   ?=
TORCH  ?= auto
PORT   ?= 8000
VENV   := .venv
BIN    := $(VENV)/bin

export TORCH VENV PYTHON

.PHONY: help distill test test-slow run capstone trial-grid trial-loss trial-size notebooks readme book serve constraints setup
help:
	@sed -n 's/^#  //p' Makefile

distill: $(VENV)/.library
	$(BIN)/distill-nb train --preset $(PRESET) --baseline $(ARGS)

test: $(VENV)/.dev
	$(BIN)/python tests/run.py $(ONLY)

test-slow: $(VENV)/.dev
	$(BIN)/python tests/run.py slow

run: $(VENV)/.dev
	$(BIN)/python tools/execute.py $(if $(SLOW),--slow) nbs/$(NB).ipynb

# What nbs/results/capstone.json holds already is not run again: remove it, and runs/capstone, to begin anew.
capstone: $(VENV)/.dev
	$(BIN)/python tools/execute.py --slow nbs/51_capstone.ipynb

# What nbs/results holds is not run again: remove grid.json, which_loss.json and accidents.json, or size.json to begin anew.
trial-grid: $(VENV)/.dev
	$(BIN)/python tools/execute.py --slow nbs/52_temperature_and_alpha.ipynb

trial-loss: $(VENV)/.dev
	$(BIN)/python tools/execute.py --slow nbs/53_which_loss.ipynb

trial-size: $(VENV)/.dev
	$(BIN)/python tools/execute.py --slow nbs/54_how_small.ipynb

notebooks: $(VENV)/.dev
	$(BIN)/jupyter lab --notebook-dir=nbs

readme: $(VENV)/.dev
	$(BIN)/python tools/readme.py

book: $(VENV)/.dev
	$(BIN)/python book/build.py

serve: book
	@echo "http://localhost:$(PORT), until Ctrl-C"
	@cd _book && ../$(BIN)/python -m http.server $(PORT) --bind localhost

constraints: $(VENV)/.dev
	$(BIN)/python tools/constraints.py

setup: $(VENV)/.dev

# Each stamp file says that one layer of .venv is in place; a layer is redone when a file that it depends on changes.
$(VENV)/.python:
	@bash tools/setup.sh python
	@touch $@

$(VENV)/.torch: constraints.txt | $(VENV)/.python
	@bash tools/setup.sh torch
	@touch $@

$(VENV)/.library: $(VENV)/.torch settings.ini setup.py
	@bash tools/setup.sh library
	@touch $@

$(VENV)/.dev: $(VENV)/.torch settings.ini setup.py
	@bash tools/setup.sh dev
	@touch $@ $(VENV)/.library
