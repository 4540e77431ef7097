# Every target is one line over make.py, so that machines without make run `python make.py TARGET`.
PYTHON ?= python3

.PHONY: up test smoke install lint bench strategy lock clean
up: ; @$(PYTHON) make.py up $(ARGS)
test: ; @$(PYTHON) make.py test $(ARGS)
smoke: ; @$(PYTHON) make.py smoke
install: ; @$(PYTHON) make.py install
lint: ; @$(PYTHON) make.py lint
bench: ; @$(PYTHON) make.py bench $(ARGS)
strategy: ; @$(PYTHON) make.py strategy $(ARGS)
lock: ; @$(PYTHON) make.py lock
clean: ; @$(PYTHON) make.py clean
