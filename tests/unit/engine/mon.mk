# The monitor, its clients, logs and events.
engine_unit_ldadd = engine/libengine.a runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(SECCOMP_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/engine/test_attach \
	tests/unit/engine/test_events \
	tests/unit/engine/test_log \
	tests/unit/engine/test_mon \
	tests/unit/engine/test_mon_client \
	tests/unit/engine/test_restart \
	tests/unit/engine/test_stamp

EXTRA_DIST += tests/unit/engine/monfix.h

tests_unit_engine_test_attach_SOURCES = tests/unit/engine/test_attach.c
tests_unit_engine_test_attach_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_attach_LDADD = $(engine_unit_ldadd)

tests_unit_engine_test_events_SOURCES = tests/unit/engine/test_events.c
tests_unit_engine_test_events_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_events_LDADD = $(engine_unit_ldadd)

tests_unit_engine_test_log_SOURCES = tests/unit/engine/test_log.c
tests_unit_engine_test_log_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_log_LDADD = $(engine_unit_ldadd)

tests_unit_engine_test_mon_SOURCES = tests/unit/engine/test_mon.c
tests_unit_engine_test_mon_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_mon_LDADD = $(engine_unit_ldadd)

tests_unit_engine_test_restart_SOURCES = tests/unit/engine/test_restart.c
tests_unit_engine_test_restart_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_restart_LDADD = $(engine_unit_ldadd)

tests_unit_engine_test_stamp_SOURCES = tests/unit/engine/test_stamp.c
tests_unit_engine_test_stamp_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_stamp_LDADD = $(engine_unit_ldadd)

tests_unit_engine_test_mon_client_SOURCES = tests/unit/engine/test_mon_client.c
tests_unit_engine_test_mon_client_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_mon_client_LDADD = $(engine_unit_ldadd)
