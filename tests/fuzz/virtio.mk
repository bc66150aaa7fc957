# Fuzz targets of kvm/virtio.
fuzz_targets += \
	tests/fuzz/fuzz_vio_balloon \
	tests/fuzz/fuzz_vio_blk \
	tests/fuzz/fuzz_vio_console \
	tests/fuzz/fuzz_vio_fs \
	tests/fuzz/fuzz_vio_mmio \
	tests/fuzz/fuzz_vio_net \
	tests/fuzz/fuzz_vio_pmem \
	tests/fuzz/fuzz_vio_queue \
	tests/fuzz/fuzz_vio_rng \
	tests/fuzz/fuzz_vio_vsock
EXTRA_DIST += tests/fuzz/vio_fuzz.h

tests_fuzz_fuzz_vio_balloon_SOURCES = tests/fuzz/fuzz_vio_balloon.c $(fuzz_main)
tests_fuzz_fuzz_vio_balloon_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vio_blk_SOURCES = tests/fuzz/fuzz_vio_blk.c $(fuzz_main)
tests_fuzz_fuzz_vio_blk_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vio_console_SOURCES = tests/fuzz/fuzz_vio_console.c $(fuzz_main)
tests_fuzz_fuzz_vio_console_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vio_fs_SOURCES = tests/fuzz/fuzz_vio_fs.c $(fuzz_main)
tests_fuzz_fuzz_vio_fs_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vio_mmio_SOURCES = tests/fuzz/fuzz_vio_mmio.c $(fuzz_main)
tests_fuzz_fuzz_vio_mmio_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vio_net_SOURCES = tests/fuzz/fuzz_vio_net.c $(fuzz_main)
tests_fuzz_fuzz_vio_net_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vio_pmem_SOURCES = tests/fuzz/fuzz_vio_pmem.c $(fuzz_main)
tests_fuzz_fuzz_vio_pmem_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vio_queue_SOURCES = tests/fuzz/fuzz_vio_queue.c $(fuzz_main)
tests_fuzz_fuzz_vio_queue_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vio_rng_SOURCES = tests/fuzz/fuzz_vio_rng.c $(fuzz_main)
tests_fuzz_fuzz_vio_rng_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vio_vsock_SOURCES = tests/fuzz/fuzz_vio_vsock.c $(fuzz_main)
tests_fuzz_fuzz_vio_vsock_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)
