netns_unit_ldadd = netns/libnetns.a base/libbase.a $(MNL_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)

# unit_tests += tests/unit/…, sorted, one a line
