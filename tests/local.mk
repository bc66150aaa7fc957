# Unit tests: a Check program a file. Each folder lists its own in unit_tests.
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
