# make        the laptop example, from nothing to results/report.html
# make test   all tests
# make fuzz  10,000 random inputs for configurations, schemas, expressions, files and commands, 1,000 for each public function
#             of arrays; `make test` tries some
# make guided-fuzz  texts of expressions, schemas and configurations that coverage leads to new branches (package atheris)
# make faults  drills: damaged files, full disks, killed processes; the table of docs/faults.md; FAULTS_OPTIONS='--only killed --seed 7'
# make mutants  changes of our code, a sample of each target: do the tests notice? the table of docs/developers.md; MUTANTS_OPTIONS='--only grid'
# make long   200 cycles, 10,000 image files and a week of monitoring in one process: what grows; the table of docs/long_runs.md
# make notebooks  every notebook run, as a notebook and as a page, in results/notebooks; 04 after `make`, 02 simulates jets for two minutes
# make lint   the linters that CI runs
# make test-other-machine  the numeric tests as on an old processor, with two threads, in another time zone, locale and order
# make test-oldest, test-newest  the builder's tests with the oldest packages that pyproject.toml allows, and the newest
# make test-slurm  drills on a real SLURM on this machine (root; slurmctld, slurmd, slurm-client, munge)
# make test-htcondor  the same on a real HTCondor (user namespaces; condor, or mmdebstrap and patchelf to install it apart)
# make test-container  the container definition built, and jobs run in it on that SLURM (bubblewrap, mmdebstrap)
# make container   the Apptainer image that jobs can run in
# make reference  config/config.yaml, docs/configuration.md and the tables of docs/schemas.md, written from the classes
# make docs  the documentation as a site that opens from the disk, results/site/index.html
# make study-tables  tables of runs in README and docs/, from the JSON of those that are there; STUDY_OPTIONS='study_more=results/study'
# make wheel  sdist and wheel, checked; the wheel tried in an environment that holds nothing else, and with all extras in
#             another: `calovision init` and `snakemake`, from nothing to the report
# make bench  speed against floors and other packages, in an environment of its own, 20 minutes; BENCH_OPTIONS=--quick: 4
PYTHON ?= $(firstword $(shell command -v python3.11 python3))
VENV := .venv
OLDEST := .oldest
NEWEST := .newest
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LINTERS := $(VENV)/.linters
JUPYTER := $(VENV)/.jupyter
BINDINGS := $(VENV)/.htcondor
SITE := $(VENV)/.docs
BENCH := .bench
DIST := dist
BENCH_INSTALLED := $(BENCH)/.installed
CORES ?= all
FUZZ_RUNS ?= 100000
# tests of numbers, and those of the builder alone, which needs no extra (but those with bounds checking, which ends older numba by a signal)
BUILDER_TESTS = $(wildcard $(foreach name,areas cli_images cli_inspect compiled conversion* depth expressions fuzz_[!b]* grid images jet_* jets kinematics \
	layer* masks ntuples* numbers* selection sparse_images splits storage*,tests/test_$(name).py))
NUMERIC_TESTS = $(wildcard $(foreach name,areas baselines* conversion* datasets* depth diagnostics evaluation* fuzz_* grid images jet_* jets \
	kinematics masks metrics* models* monitoring* numbers* reach* regression* scoring* sparse_images splits storage* tagging* training*,tests/test_$(name).py))
# what reads input from elsewhere gets 10,000 cases of each kind, computations 1,000
INPUT_FUZZ = $(foreach name,command_line configuration expressions files schemas storage,tests/test_fuzz_$(name).py) tests/test_expressions.py
# numpy, torch, oneDNN, OpenBLAS and numba each choose their code by the processor
OLD_PROCESSOR = NPY_DISABLE_CPU_FEATURES="$$($(BIN)/python -c "import numpy; print(*numpy.show_config('dicts')['SIMD Extensions']['found'])")" \
	ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Nehalem NUMBA_CPU_NAME=generic
OTHER_PLACE := TZ=Pacific/Chatham LC_ALL=$(firstword $(shell locale -a 2>/dev/null | grep -i -m1 "tr_TR.utf") C)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: all install test test-other-machine test-oldest test-newest audit mutants coverage docs study-tables fuzz guided-fuzz faults long test-slurm test-htcondor test-container notebooks lint reference wheel bench container clean

all: $(INSTALLED)
	$(BIN)/snakemake --cores $(CORES)
	@echo "The report is results/report.html"

install: $(INSTALLED)

test: $(INSTALLED)
	$(BIN)/python -m pytest

fuzz: $(INSTALLED)
	$(BIN)/python -m pytest --hypothesis-profile=fuzz --dist=worksteal $(INPUT_FUZZ)
	$(BIN)/python -m pytest --hypothesis-profile=more --dist=worksteal $(filter-out $(INPUT_FUZZ),$(wildcard tests/test_fuzz_*.py))

guided-fuzz: $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[fuzz]"
	for target in expressions schemas configurations; do mkdir -p results/fuzz/$$target; PYTHONPATH=tests $(BIN)/python tests/guided_fuzz.py \
		$$target results/fuzz/$$target config tests/schemas -runs=$(FUZZ_RUNS) -max_len=4000 -artifact_prefix=results/fuzz/ || exit 1; done

test-other-machine: $(INSTALLED)
	$(OLD_PROCESSOR) $(OTHER_PLACE) OMP_NUM_THREADS=2 NUMBA_NUM_THREADS=2 NUMBA_CACHE_DIR=$(CURDIR)/$(VENV)/numba $(BIN)/python -m pytest --random-order --hypothesis-profile=few $(NUMERIC_TESTS)

test-oldest test-newest: test-%: .%/.installed
	NUMBA_CACHE_DIR=$(CURDIR)/.$*/numba PYTHONPATH=tests .$*/bin/python -m pytest -p without_extras -W ignore::DeprecationWarning $(BUILDER_TESTS)

coverage: $(LINTERS)
	$(BIN)/python -m pytest --hypothesis-profile=few --cov --cov-report=term --cov-report=json:results/coverage.json --cov-fail-under=90

# known vulnerabilities of the exact packages; needs the advisories of PyPI
audit: $(LINTERS)
	$(BIN)/uv tool run pip-audit --strict --no-deps --disable-pip -r constraints.txt

faults: $(INSTALLED)
	PYTHONPATH=tests $(BIN)/python -m faults --write docs/faults.md $(FAULTS_OPTIONS)

mutants: $(LINTERS)
	PYTHONPATH=tests $(BIN)/python -m mutants --write docs/developers.md $(MUTANTS_OPTIONS)

long: $(INSTALLED)
	PYTHONPATH=tests $(BIN)/python -m long --write docs/long_runs.md $(LONG_OPTIONS)

test-slurm: $(INSTALLED)
	CALOVISION_TEST_SLURM=1 $(BIN)/python -m pytest --numprocesses=0 --durations=0 tests/slurm $(DRILLS)

test-htcondor: $(BINDINGS)
	CALOVISION_TEST_HTCONDOR=1 $(BIN)/python -m pytest --numprocesses=0 --durations=0 tests/htcondor $(DRILLS)

test-container: $(INSTALLED)
	CALOVISION_TEST_SLURM=1 CALOVISION_TEST_CONTAINER=1 $(BIN)/python -m pytest --numprocesses=0 --durations=0 tests/slurm/test_container.py

notebooks: $(JUPYTER) all
	$(BIN)/jupyter nbconvert --to notebook --execute --output-dir results/notebooks notebooks/*.ipynb
	$(BIN)/jupyter nbconvert --to html --output-dir results/notebooks results/notebooks/*.ipynb
	sed -i 's/href="\([0-9a-z_]*\)\.ipynb"/href="\1.html"/g' results/notebooks/*.html

lint: $(LINTERS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint

# The stamps make a second call skip the installation; touching pyproject.toml or constraints.txt repeats it.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[test]"
	# apart from the rest, since it makes every snakemake call warn; the tests give it a stub of HTCondor
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(VENV)/htcondor -c constraints.txt snakemake-executor-plugin-htcondor
	touch $@

# beside the plugin: HTCondor's Python interface, which only the drills need
$(BINDINGS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(VENV)/htcondor -c constraints.txt htcondor
	touch $@

$(SITE): $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[docs]"
	touch $@

$(JUPYTER): $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[notebooks]"
	touch $@

$(LINTERS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

$(OLDEST)/.installed $(NEWEST)/.installed: .%/.installed: pyproject.toml $(LINTERS)
	$(PYTHON) -m venv .$*
	VIRTUAL_ENV=$(CURDIR)/.$* $(BIN)/uv pip install --quiet --resolution $(if $(filter oldest,$*),lowest-direct,highest) -e ".[plot]" \
		pytest==9.2.0 pytest-xdist==3.8.0 hypothesis==6.170.15
	touch $@

reference: $(INSTALLED)
	$(BIN)/python -m calovision.workflow.reference

# the variable ends a notice on the future of MkDocs
docs: $(SITE)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "The site is results/site/index.html"

study-tables: $(INSTALLED)
	$(BIN)/python -m calovision.evaluation.study_tables README.md docs/*.md $(STUDY_OPTIONS)

# folders of wheels that pip would look in on this machine, as for torch for CPUs
FOUND_BY_PIP = $(shell $(BIN)/python -m pip config list | sed -n "s/.*find-links='\(.*\)'/\1/p" | sort -u)
uv_install = VIRTUAL_ENV=$(CURDIR)/$(DIST)/$(1) $(BIN)/uv pip install --quiet $(addprefix --find-links ,$(FOUND_BY_PIP)) -c constraints.txt \
	"$$(ls $(DIST)/*.whl)$(2)"

wheel: $(LINTERS)
	rm -rf $(DIST) && mkdir -p $(DIST)
	$(BIN)/python -m build --outdir $(DIST) .
	$(BIN)/twine check --strict $(DIST)/*
	$(BIN)/uv venv --quiet --python $(BIN)/python $(DIST)/plain
	$(call uv_install,plain,)
	cd $(DIST) && plain/bin/python $(CURDIR)/tests/smoke_wheel.py
	$(BIN)/uv venv --quiet --python $(BIN)/python $(DIST)/whole
	$(call uv_install,whole,[all])
	cd $(DIST) && whole/bin/python $(CURDIR)/tests/smoke_new_analysis.py

bench: $(BENCH_INSTALLED)
	PYTHONPATH=tests $(BENCH)/bin/python -m benchmarks $(BENCH_OPTIONS)

# EnergyFlow imports wasserstein, whose 1.1.0 works with numpy 2 but excludes it in its metadata.
$(BENCH_INSTALLED): pyproject.toml constraints.txt tests/benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet -c constraints.txt -e ".[all]" -r tests/benchmarks/requirements.txt
	$(BENCH)/bin/python -m pip install --quiet --no-deps wasserstein==1.1.0 hep-ml-lab==0.4.3
	touch $@

container:
	apptainer build --force workflow/container/calovision.sif workflow/container/calovision.def

clean:
	rm -rf $(VENV) $(OLDEST) $(NEWEST) $(BENCH) $(DIST) results .snakemake
