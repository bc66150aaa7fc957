noinst_LIBRARIES += kvm/libkvm.a
kvm_libkvm_a_SOURCES = \
	kvm/bus.c kvm/bus.h \
	kvm/config.h \
	kvm/irq.c kvm/irq.h \
	kvm/layout.h \
	kvm/loop.c kvm/loop.h \
	kvm/mem.c kvm/mem.h
