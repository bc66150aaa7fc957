# Programs that integration tests run.
it_programs = \
	tests/it/crash \
	tests/it/netfw \
	tests/it/netpeer
check_PROGRAMS += $(it_programs)
tests_it_crash_SOURCES = tests/it/crash.c
tests_it_netfw_SOURCES = tests/it/netfw.c
tests_it_netfw_LDADD = netns/libnetns.a base/libbase.a $(MNL_LIBS) $(YAJL_LIBS)
tests_it_netpeer_SOURCES = tests/it/netpeer.c
