noinst_LIBRARIES += kvm/libkvm.a
kvm_libkvm_a_SOURCES = \
	kvm/bus.c kvm/bus.h \
	kvm/caps.h \
	kvm/cmos.c kvm/cmos.h \
	kvm/config.c kvm/config.h \
	kvm/config_dev.c \
	kvm/config_dump.c \
	kvm/config_int.h \
	kvm/control.c kvm/control.h \
	kvm/counters.c \
	kvm/devices.c kvm/devices.h \
	kvm/hang.c kvm/hang.h \
	kvm/irq.c kvm/irq.h \
	kvm/jail.c kvm/jail.h \
	kvm/jail_calls.c \
	kvm/kvm.c kvm/kvm.h \
	kvm/layout.h \
	kvm/loop.c kvm/loop.h \
	kvm/machine.c kvm/machine.h \
	kvm/machine_boot.c \
	kvm/machine_int.h \
	kvm/mem.c kvm/mem.h \
	kvm/ports.c kvm/ports.h \
	kvm/serial.c kvm/serial.h \
	kvm/vcpu.c kvm/vcpu.h \
	kvm/x86/acpi.c kvm/x86/acpi.h \
	kvm/x86/aml.c kvm/x86/aml.h \
	kvm/x86/boot.c kvm/x86/boot.h \
	kvm/x86/bzimage.c kvm/x86/bzimage.h \
	kvm/x86/compact.c kvm/x86/compact.h \
	kvm/x86/cpuid.c kvm/x86/cpuid.h \
	kvm/x86/elf.c kvm/x86/elf.h \
	kvm/x86/load.c kvm/x86/load.h \
	kvm/x86/lz4.c \
	kvm/x86/mptable.c kvm/x86/mptable.h \
	kvm/x86/unpack.c kvm/x86/unpack.h
include kvm/virtio/local.mk

# The monitor of a machine, linked statically with kvm/ and base/ alone: a process a machine.
pkglibexec_PROGRAMS += vmm
vmm_SOURCES = kvm/vmm.c
vmm_LDFLAGS = $(CS_STATIC_LDFLAGS)
vmm_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_STATIC_LIBS)

pkglibexec_PROGRAMS += unpack-kernel
unpack_kernel_SOURCES = kvm/unpack_kernel.c
unpack_kernel_LDFLAGS = $(CS_STATIC_LDFLAGS)
unpack_kernel_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_STATIC_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS)

# What a machine for a container starts with.
dist_pkglibexec_SCRIPTS = kvm/guest/make-guest kvm/guest/debian-kernel kvm/guest/initramfs

# Kernels for guests; the tailored one is built from Debian's linux-source, which takes minutes.
EXTRA_DIST += kvm/guest
guest-kernel:
	$(srcdir)/kvm/guest/build-kernel "$${XDG_CACHE_HOME:-$$HOME/.cache}/caisson/guest-tailored"
.PHONY: guest-kernel
