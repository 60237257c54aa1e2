# What the Makefiles of all folders share. Bare `make` lists what a folder can do; ENVIRONMENT=name says for which
# environment of moulin.yml: `make deploy ENVIRONMENT=dev`, or `export ENVIRONMENT=dev` once.
ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
MOULIN ?= moulin
TERRAFORM = sh $(ROOT)/live/terraform.sh $(ENVIRONMENT)

# Terraform asks before it changes anything; with YES=1, and in CI, it does not.
APPROVE := $(if $(YES)$(CI),-auto-approve)

.DEFAULT_GOAL := help
.PHONY: help need-environment

help: ## list the actions
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST)) $(ROOT)/project.mk

need-environment:
	@test -n "$(ENVIRONMENT)" || { echo "say which environment: make $(MAKECMDGOALS) ENVIRONMENT=dev" >&2; exit 2; }
