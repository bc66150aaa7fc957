cgroups_unit_ldadd = cgroups/libcgroups.a base/libbase.a $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/cgroups/test_convert \
	tests/unit/cgroups/test_devrules \
	tests/unit/cgroups/test_host \
	tests/unit/cgroups/test_kill \
	tests/unit/cgroups/test_limits_v1 \
	tests/unit/cgroups/test_limits_v2 \
	tests/unit/cgroups/test_oom \
	tests/unit/cgroups/test_path \
	tests/unit/cgroups/test_resources \
	tests/unit/cgroups/test_stats \
	tests/unit/cgroups/test_tree \
	tests/unit/cgroups/test_v2

EXTRA_DIST += tests/unit/cgroups/cgtest.h

tests_unit_cgroups_test_convert_SOURCES = tests/unit/cgroups/test_convert.c
tests_unit_cgroups_test_convert_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_convert_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_devrules_SOURCES = tests/unit/cgroups/test_devrules.c
tests_unit_cgroups_test_devrules_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_devrules_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_host_SOURCES = tests/unit/cgroups/test_host.c
tests_unit_cgroups_test_host_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_host_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_kill_SOURCES = tests/unit/cgroups/test_kill.c
tests_unit_cgroups_test_kill_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_kill_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_limits_v1_SOURCES = tests/unit/cgroups/test_limits_v1.c
tests_unit_cgroups_test_limits_v1_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_limits_v1_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_limits_v2_SOURCES = tests/unit/cgroups/test_limits_v2.c
tests_unit_cgroups_test_limits_v2_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_limits_v2_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_oom_SOURCES = tests/unit/cgroups/test_oom.c
tests_unit_cgroups_test_oom_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_oom_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_path_SOURCES = tests/unit/cgroups/test_path.c
tests_unit_cgroups_test_path_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_path_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_resources_SOURCES = tests/unit/cgroups/test_resources.c
tests_unit_cgroups_test_resources_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_resources_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_stats_SOURCES = tests/unit/cgroups/test_stats.c
tests_unit_cgroups_test_stats_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_stats_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_tree_SOURCES = tests/unit/cgroups/test_tree.c
tests_unit_cgroups_test_tree_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_tree_LDADD = $(cgroups_unit_ldadd)

tests_unit_cgroups_test_v2_SOURCES = tests/unit/cgroups/test_v2.c
tests_unit_cgroups_test_v2_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_v2_LDADD = $(cgroups_unit_ldadd)
