netns_unit_ldadd = netns/libnetns.a base/libbase.a $(MNL_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/netns/test_addr \
	tests/unit/netns/test_nl

tests_unit_netns_test_addr_SOURCES = tests/unit/netns/test_addr.c
tests_unit_netns_test_addr_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_addr_LDADD = $(netns_unit_ldadd)

tests_unit_netns_test_nl_SOURCES = tests/unit/netns/test_nl.c
tests_unit_netns_test_nl_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_nl_LDADD = $(netns_unit_ldadd)
