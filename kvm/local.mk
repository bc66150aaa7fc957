noinst_LIBRARIES += kvm/libkvm.a
kvm_libkvm_a_SOURCES =
