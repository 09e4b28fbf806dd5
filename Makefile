# 电子社保卡后台：所有命令都从这里进入。 `make help` 列出全部。
# Registry settings are those of your own pip configuration; PYTHON=… picks the interpreter.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
# The interpreter's own pip installs into the environment: no ensurepip is needed, which Debian keeps apart.
PIP = $(PYTHON) -m pip --python .venv/bin/python --disable-pip-version-check --quiet
BIN = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup dev demo serve test check drill bench fuzz openapi lock clean packages clients card

help: ## 列出全部命令 · list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(BIN)/.project ## 安装到 .venv（命令行为 .venv/bin/ecard） · install into .venv

demo: setup ## 一条命令看全流程：发卡、展码、核验 · see the main job run over HTTP
	@$(BIN)/ecard demo

serve: setup ## 启动服务 · run the server
	@$(BIN)/ecard serve

test: dev clients packages card ## 运行全部测试 · run every test
	$(PYTEST) $(addprefix --ignore=,$(APART)) --cov --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=90
	$(PYTEST) $(APART)

check: dev ## 静态检查与接口文档核对 · lint, types, layers, API document
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ecard openapi check

bench: dev clients ## 性能测量, 各项与其上限并列 · measure, each figure beside its limit
	$(BIN)/python -m tests.bench

drill: dev ## 故障演练, 负载下杀进程、断网、写满磁盘后核对账目 (LONG=1 全量) · break it under load, then compare every book
	$(BIN)/python -m tests.drill

fuzz: dev ## 用随机输入试验读卡的解析器, 每个 60 秒 · fuzz what parses a card's answers, 60 s each
	$(BIN)/python -m tests.fuzz

# Three workers on two cores: much of a test is waiting.
PYTEST = $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
# What these run is in other processes, or was counted before: without tracing they take two thirds of the time.
APART = $(addprefix tests/,races openapi docs clients auth/real auth/conformance cardio/test_pcscd.py \
	ecard/cli/test_rehearse.py ecard/test_document.py ecard/test_access_matrix.py) \
	$(sort $(shell find tests -name test_state_machine.py -o -name test_races.py | grep -v ^tests/races/))

openapi: setup ## 导出 openapi/openapi.json · export the API document
	$(BIN)/ecard openapi export

lock: dev ## 按 requirements*.in 重新锁定依赖 · pin the dependencies again, with hashes
	$(LOCK) requirements.in --output-file requirements.lock
	$(LOCK) requirements-dev.in --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) requirements-card.in --constraint requirements.lock --output-file requirements-card.lock

clean: ## 删除 .venv 与缓存, 不动数据 · remove what was built, never the data
	rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist
	rm -rf tests/clients/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-strip-extras --custom-compile-command "make lock"

# Each step leaves a stamp in .venv, so that pip runs only after a change.

dev: $(BIN)/.project $(BIN)/.dev

card: $(BIN)/.card

clients: $(BIN)/.clients

packages:
	@bash .ci/debian-install

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "需要 Python 3.11 或更高版本 · Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import pip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) 缺少 pip 或 venv, 例如 apt-get install python3-pip python3-venv · pip or venv is missing"; exit 1; }
	$(PYTHON) -m venv --without-pip .venv

$(BIN)/.locked: requirements.lock | $(BIN)/python
	@echo "正在安装依赖（首次约一分钟）… · installing, about a minute the first time"
	$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(BIN)/.project: pyproject.toml $(BIN)/.locked
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/.dev: requirements-dev.lock $(BIN)/.locked
	@echo "正在安装测试工具… · installing what tests need"
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# pyscard is built from source: where swig or libpcsclite is missing, physical cards are read in-process only.
$(BIN)/.card: requirements-card.lock $(BIN)/.locked
	@if command -v swig >/dev/null && test -e /usr/include/PCSC/winscard.h; then \
		echo "正在编译读卡组件… · building the reader's library" && \
		$(PIP) install --require-hashes -r requirements-card.lock && touch $@; \
	else echo "未安装读卡组件 (需要 swig 与 libpcsclite-dev) · pyscard is not installed: it needs swig and libpcsclite-dev"; fi

# npm is that of the Node in the development requirements.
$(BIN)/.clients: tests/clients/package-lock.json tests/clients/.npmrc $(BIN)/.dev
	$(BIN)/python -m tests.clients.node ci --silent
	@touch $@
