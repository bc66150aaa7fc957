# Every test speaks TAP: unit tests (a Check program a file), fuzz seeds, lint scripts,
# integration tests. automake's driver reads it and leaves a .log and a .trs beside each in the
# build tree.
TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/.build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = timeout -k 10 300 bash
PKG_CFLAGS = $(SECCOMP_CFLAGS) $(CAP_CFLAGS) $(MNL_CFLAGS) $(YAJL_CFLAGS) $(CHECK_CFLAGS)
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
	PKG_CFLAGS='$(PKG_CFLAGS)' SANITIZE='$(enable_sanitize)'; \
	export top_srcdir top_builddir PKG_CFLAGS SANITIZE;

# Unit tests. Each folder lists its own in unit_tests.
unit_tests =
UNIT_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)

include tests/unit/base/local.mk
include tests/unit/cgroups/local.mk
include tests/unit/runtime/local.mk
include tests/unit/cli/local.mk
include tests/fuzz/local.mk

if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
EXTRA_DIST += tests/tap.sh tests/unit/unit.h

check-unit: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(unit_tests) $(seed_tests)' VERBOSE=1
.PHONY: check-unit

# Lint: seconds, part of `make check`.
lint_tests = \
	tests/lint/forbid \
	tests/lint/format \
	tests/lint/headers \
	tests/lint/layers \
	tests/lint/manpages \
	tests/lint/shell \
	tests/lint/spelling \
	tests/lint/symbols
TESTS += $(lint_tests)
EXTRA_DIST += .clang-format .clang-tidy tests/lint

lint: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(lint_tests)' VERBOSE=1
check-format:
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/lint/format
format:
	cd $(srcdir) && git ls-files '*.c' '*.h' | xargs clang-format -i
tidy:
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/lint/tidy
cppcheck:
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/lint/cppcheck
.PHONY: lint check-format format tidy cppcheck

# Integration tests: real containers, so they need root. Every tests/it/NN-name.sh is one.
check-it: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS VERBOSE=1 \
		TESTS="$$(cd $(srcdir) && echo tests/it/[0-9]*.sh)"
.PHONY: check-it
EXTRA_DIST += tests/it
