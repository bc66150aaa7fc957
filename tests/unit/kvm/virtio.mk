unit_tests += \
	tests/unit/kvm/test_vio_blk \
	tests/unit/kvm/test_vio_devs \
	tests/unit/kvm/test_vio_fs \
	tests/unit/kvm/test_vio_fuse \
	tests/unit/kvm/test_vio_mmio \
	tests/unit/kvm/test_vio_queue \
	tests/unit/kvm/test_vio_vsock
EXTRA_DIST += tests/unit/kvm/vio_driver.h tests/unit/kvm/vio_echo.h

tests_unit_kvm_test_vio_blk_SOURCES = tests/unit/kvm/test_vio_blk.c
tests_unit_kvm_test_vio_blk_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_vio_blk_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_vio_devs_SOURCES = tests/unit/kvm/test_vio_devs.c
tests_unit_kvm_test_vio_devs_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_vio_devs_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_vio_fs_SOURCES = tests/unit/kvm/test_vio_fs.c
tests_unit_kvm_test_vio_fs_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_vio_fs_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_vio_fuse_SOURCES = tests/unit/kvm/test_vio_fuse.c
tests_unit_kvm_test_vio_fuse_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_vio_fuse_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_vio_mmio_SOURCES = tests/unit/kvm/test_vio_mmio.c
tests_unit_kvm_test_vio_mmio_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_vio_mmio_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_vio_queue_SOURCES = tests/unit/kvm/test_vio_queue.c
tests_unit_kvm_test_vio_queue_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_vio_queue_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_vio_vsock_SOURCES = tests/unit/kvm/test_vio_vsock.c
tests_unit_kvm_test_vio_vsock_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_vio_vsock_LDADD = $(kvm_unit_ldadd)
