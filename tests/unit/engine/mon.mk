# The monitor, its clients, logs and events.
engine_unit_ldadd = engine/libengine.a runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(SECCOMP_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/engine/test_mon

EXTRA_DIST += tests/unit/engine/monfix.h

tests_unit_engine_test_mon_SOURCES = tests/unit/engine/test_mon.c
tests_unit_engine_test_mon_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_mon_LDADD = $(engine_unit_ldadd)
