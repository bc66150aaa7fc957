kvm_unit_ldadd = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/kvm/test_bus \
	tests/unit/kvm/test_loop \
	tests/unit/kvm/test_mem

tests_unit_kvm_test_bus_SOURCES = tests/unit/kvm/test_bus.c
tests_unit_kvm_test_bus_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_bus_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_loop_SOURCES = tests/unit/kvm/test_loop.c
tests_unit_kvm_test_loop_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_loop_LDADD = $(kvm_unit_ldadd)

tests_unit_kvm_test_mem_SOURCES = tests/unit/kvm/test_mem.c
tests_unit_kvm_test_mem_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_kvm_test_mem_LDADD = $(kvm_unit_ldadd)
