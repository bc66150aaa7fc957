kvm_unit_ldadd = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(CHECK_LIBS)

# unit_tests += tests/unit/…, sorted, one a line
