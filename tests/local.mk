# Every test speaks TAP: unit tests (a Check program a file), lint scripts, integration tests.
# automake's driver reads it and leaves a .log and a .trs beside each in the build tree.
TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/.build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = timeout -k 10 300 bash

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
EXTRA_DIST += tests/unit/unit.h
