# make demo: learn from a small data set and write a report.   make test: everything that is checked.
# PIP_ARGS is handed to pip, e.g. to take PyTorch's CPU build from another index.
PYTHON ?= python3
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
export TORCHINDUCTOR_FORCE_DISABLE_CACHES := 1

.PHONY: install demo test lint unit sanitize results clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt CMakeLists.txt $(wildcard cmake/*.cmake cmake/*/* csrc/*.hpp csrc/*.cpp csrc/cuda/* csrc/levels/* src/*.hpp src/*.cpp)
	@command -v $(PYTHON) >/dev/null || { echo "specfast needs Python 3.11 or newer: $(PYTHON) was not found"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "specfast needs Python 3.11 or newer; $(PYTHON) is older"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "specfast needs Python's venv module (on Debian: apt install python3-venv)"; exit 1; }
	@$(PYTHON) -c 'import os, sysconfig; raise SystemExit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || { echo "specfast needs Python's headers (on Debian: apt install python3-dev)"; exit 1; }
	@command -v $${CXX:-c++} >/dev/null || { echo "specfast needs a C++17 compiler (on Debian: apt install g++)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -c constraints.txt "scikit-build-core>=0.10" "pybind11>=2.13" "cmake>=3.22" ninja
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -c constraints.txt --no-build-isolation -e ".[learn,formats,nufft,dev]"
	@touch $@

demo: install
	$(BIN)/specfast learn examples/data/diffusion.nc --basis hermite --hold-out 16 --steps 600 --overwrite --out demo_run
	@echo "Open demo_run/report.html in a browser."

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/clang-format --dry-run --Werror csrc/*.hpp csrc/*.cpp csrc/cuda/* csrc/levels/* src/*.hpp src/*.cpp tests/sanitize/*.cpp tests/cuda/*

# Workers that wait for each other must not spin: the cores are shared.
TEST := OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n auto --dist loadfile

unit: install
	$(TEST)

sanitize:
	tests/sanitize/run 300

# Every page of docs/results, in about two hours on two cores; nothing should run beside it. DATA is a folder with the observation files.
results: install
	$(BIN)/specfast experiments --out docs/results
	@test -z "$(DATA)" || for pair in bounded:burgers nonlocal:nonlocal schroedinger:schroedinger; do \
		$(BIN)/specfast experiments $${pair%:*} --train $(DATA)/$${pair#*:}_train.nc --out docs/results || exit 1; done
	$(BIN)/specfast bench --baselines --plot docs/results

test: lint
	$(TEST)

clean:
	rm -rf $(VENV) build demo_run
