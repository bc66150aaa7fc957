# Every test speaks TAP: unit tests (a Check program a file), fuzz seeds, lint scripts,
# integration tests. automake's driver reads it and leaves a .log and a .trs beside each in the
# build tree.
TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/.build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = timeout -k 60 600 bash
PKG_CFLAGS = $(SECCOMP_CFLAGS) $(YAJL_CFLAGS) $(CHECK_CFLAGS) $(CURL_CFLAGS) \
	$(ZSTD_CFLAGS) $(ZLIB_CFLAGS) $(CRYPTO_CFLAGS)
if SANITIZE
sanitize = yes
else
sanitize = no
endif
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
	PKG_CFLAGS='$(PKG_CFLAGS)' SANITIZE='$(sanitize)'; \
	export top_srcdir top_builddir PKG_CFLAGS SANITIZE;

# Unit tests. Each folder lists its own in unit_tests.
unit_tests =
UNIT_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)

include tests/unit/base/local.mk
include tests/unit/cgroups/local.mk
include tests/unit/netns/local.mk
include tests/unit/images/local.mk
include tests/unit/kvm/local.mk
include tests/unit/runtime/local.mk
include tests/unit/engine/mon.mk
include tests/unit/cli/local.mk
include tests/unit/engine/conf.mk
include tests/fuzz/local.mk

if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
EXTRA_DIST += tests/tap.sh tests/unit/fixture.h tests/unit/unit.h

check-unit: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(unit_tests) $(seed_tests)' VERBOSE=1
.PHONY: check-unit

# Lint: seconds, part of `make check`.
lint_tests = \
	tests/lint/forbid \
	tests/lint/format \
	tests/lint/headers \
	tests/lint/layers \
	tests/lint/manopts \
	tests/lint/manpages \
	tests/lint/parity \
	tests/lint/shell \
	tests/lint/spelling \
	tests/lint/symbols \
	tests/lint/tested
TESTS += $(lint_tests)
EXTRA_DIST += .clang-format .clang-tidy tests/.clang-tidy tests/lint

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
# Checkers that .clang-tidy leaves out, with its reasons.
scan-build:
	rm -rf scan-build.tmp && mkdir scan-build.tmp
	cd scan-build.tmp && scan-build --use-cc=clang $(abs_top_srcdir)/configure --quiet
	cd scan-build.tmp && scan-build --use-cc=clang --status-bugs -o report \
		-disable-checker deadcode.DeadStores \
		-disable-checker optin.performance.Padding \
		-disable-checker unix.Malloc \
		$(MAKE) $(AM_MAKEFLAGS) -j"$$(nproc)" caisson-oci images/libimages.a
	rm -rf scan-build.tmp
.PHONY: lint check-format format tidy cppcheck scan-build

# Every fuzz target for FUZZ_SECONDS, in a tree configured with --enable-fuzzers.
fuzz: all
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/fuzz/run
.PHONY: fuzz

# Command lines beside podman, minutes.
check-compat: all
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/it/compat.sh
.PHONY: check-compat

# Integration tests: real containers, so they need root. Every tests/it/NN-name.sh is one.
include tests/it/local.mk
check-it: all
	$(MAKE) $(AM_MAKEFLAGS) $(it_programs)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS VERBOSE=1 \
		TESTS="$$(cd $(srcdir) && echo tests/it/[0-9]*.sh)"
# Layers beside what other programs make of them: minutes, so not among the rest.
check-layers: all
	$(MAKE) $(AM_MAKEFLAGS) tests/it/layer
	$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/it/layers-compare.sh
.PHONY: check-it check-layers
EXTRA_DIST += tests/it

include tests/lab/local.mk

include tests/bench/local.mk

# A folder in EXTRA_DIST is taken from the build tree as well, with what was built there.
dist-hook:
	cd $(distdir)/tests && find . -type f | while read -r f; do \
		test -e "$(abs_top_srcdir)/tests/$$f" || rm -f "$$f"; done
	find $(distdir)/tests -name .deps -exec rm -rf {} +
