kvm_unit_ldadd = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/kvm/test_bus \
	tests/unit/kvm/test_chips \
	tests/unit/kvm/test_config \
	tests/unit/kvm/test_hang \
	tests/unit/kvm/test_kernel \
	tests/unit/kvm/test_loop \
	tests/unit/kvm/test_mem \
	tests/unit/kvm/test_tables \
	tests/unit/kvm/test_vcpu

tests_unit_kvm_test_bus_SOURCES = tests/unit/kvm/test_bus.c
tests_unit_kvm_test_bus_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_bus_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_chips_SOURCES = tests/unit/kvm/test_chips.c
tests_unit_kvm_test_chips_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_chips_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_config_SOURCES = tests/unit/kvm/test_config.c
tests_unit_kvm_test_config_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_config_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_hang_SOURCES = tests/unit/kvm/test_hang.c
tests_unit_kvm_test_hang_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_hang_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_kernel_SOURCES = tests/unit/kvm/test_kernel.c
tests_unit_kvm_test_kernel_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_kernel_LDADD = $(kvm_unit_ldadd) $(ZSTD_LIBS) $(ZLIB_LIBS)

tests_unit_kvm_test_loop_SOURCES = tests/unit/kvm/test_loop.c
tests_unit_kvm_test_loop_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_loop_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_mem_SOURCES = tests/unit/kvm/test_mem.c
tests_unit_kvm_test_mem_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_mem_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_tables_SOURCES = tests/unit/kvm/test_tables.c
tests_unit_kvm_test_tables_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_tables_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_vcpu_SOURCES = tests/unit/kvm/test_vcpu.c
tests_unit_kvm_test_vcpu_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_vcpu_LDADD = $(kvm_unit_ldadd)

include tests/unit/kvm/virtio.mk
