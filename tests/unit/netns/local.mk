netns_unit_ldadd = netns/libnetns.a base/libbase.a $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/netns/test_addr \
	tests/unit/netns/test_foreign_xt \
	tests/unit/netns/test_holder \
	tests/unit/netns/test_ipam \
	tests/unit/netns/test_nft \
	tests/unit/netns/test_nl \
	tests/unit/netns/test_pool \
	tests/unit/netns/test_portspec \
	tests/unit/netns/test_record

tests_unit_netns_test_addr_SOURCES = tests/unit/netns/test_addr.c
tests_unit_netns_test_addr_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_addr_LDADD = $(netns_unit_ldadd)

tests_unit_netns_test_foreign_xt_SOURCES = tests/unit/netns/test_foreign_xt.c
tests_unit_netns_test_foreign_xt_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_foreign_xt_LDADD = $(netns_unit_ldadd)

tests_unit_netns_test_holder_SOURCES = tests/unit/netns/test_holder.c
tests_unit_netns_test_holder_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_holder_LDADD = $(netns_unit_ldadd)

tests_unit_netns_test_nft_SOURCES = tests/unit/netns/test_nft.c
tests_unit_netns_test_nft_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_nft_LDADD = $(netns_unit_ldadd)

tests_unit_netns_test_nl_SOURCES = tests/unit/netns/test_nl.c
tests_unit_netns_test_nl_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_nl_LDADD = $(netns_unit_ldadd)

tests_unit_netns_test_portspec_SOURCES = tests/unit/netns/test_portspec.c
tests_unit_netns_test_portspec_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_portspec_LDADD = $(netns_unit_ldadd)

tests_unit_netns_test_ipam_SOURCES = tests/unit/netns/test_ipam.c
tests_unit_netns_test_ipam_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_ipam_LDADD = $(netns_unit_ldadd)

tests_unit_netns_test_pool_SOURCES = tests/unit/netns/test_pool.c
tests_unit_netns_test_pool_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_pool_LDADD = $(netns_unit_ldadd)

tests_unit_netns_test_record_SOURCES = tests/unit/netns/test_record.c
tests_unit_netns_test_record_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_netns_test_record_LDADD = $(netns_unit_ldadd)
