cgroups_unit_ldadd = cgroups/libcgroups.a base/libbase.a $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/cgroups/test_tree

EXTRA_DIST += tests/unit/cgroups/cgtest.h

tests_unit_cgroups_test_tree_SOURCES = tests/unit/cgroups/test_tree.c
tests_unit_cgroups_test_tree_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cgroups_test_tree_LDADD = $(cgroups_unit_ldadd)
