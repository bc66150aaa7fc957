# Programs that integration tests run.
it_programs = \
	tests/it/crash \
	tests/it/netfw \
	tests/it/netpeer \
	tests/it/nettap
check_PROGRAMS += $(it_programs)
tests_it_crash_SOURCES = tests/it/crash.c
tests_it_netfw_SOURCES = tests/it/netfw.c
tests_it_netfw_LDADD = netns/libnetns.a base/libbase.a $(YAJL_LIBS)
tests_it_nettap_SOURCES = tests/it/nettap.c
tests_it_nettap_LDADD = netns/libnetns.a base/libbase.a $(YAJL_LIBS)
tests_it_netpeer_SOURCES = tests/it/netpeer.c

it_programs += tests/it/layer
tests_it_layer_SOURCES = tests/it/layer.c
tests_it_layer_LDADD = images/libimages.a base/libbase.a $(ISAL_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS) \
	$(CRYPTO_LIBS) $(YAJL_LIBS)
# The first process of a test's guest: static, whatever the rest of the tree is.
it_programs += tests/guest/init
check_PROGRAMS += tests/guest/init
tests_guest_init_SOURCES = tests/guest/bench.c tests/guest/bench.h tests/guest/devices.c tests/guest/devices.h tests/guest/init.c
tests_guest_init_CFLAGS = -std=gnu17 -O2 -Wall -Wextra
tests_guest_init_LDFLAGS = -static
it_programs += tests/it/rootfs
check_PROGRAMS += tests/it/rootfs
tests_it_rootfs_SOURCES = tests/it/rootfs.c
tests_it_rootfs_LDADD = $(tests_it_layer_LDADD)
# The same of a guest that means ill.
it_programs += tests/guest/hostile
check_PROGRAMS += tests/guest/hostile
tests_guest_hostile_SOURCES = tests/guest/hostile.c tests/guest/hostile.h tests/guest/hostile_fs.c tests/guest/hostile_wild.c
tests_guest_hostile_CFLAGS = $(tests_guest_init_CFLAGS)
tests_guest_hostile_LDFLAGS = -static
