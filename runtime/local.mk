noinst_LIBRARIES += runtime/libruntime.a
runtime_libruntime_a_SOURCES = \
	runtime/mountopt.c runtime/mountopt.h \
	runtime/ns/caps.c runtime/ns/caps.h \
	runtime/ns/devnodes.c runtime/ns/devnodes.h \
	runtime/ns/hooks.c runtime/ns/hooks.h \
	runtime/ns/keyring.c runtime/ns/keyring.h \
	runtime/ns/limits.c runtime/ns/limits.h \
	runtime/ns/lsm.c runtime/ns/lsm.h \
	runtime/ns/maskpaths.c runtime/ns/maskpaths.h \
	runtime/ns/mount_make.c \
	runtime/ns/mount_target.c \
	runtime/ns/mounts.c runtime/ns/mounts.h \
	runtime/ns/mounts_int.h \
	runtime/ns/procfs.c runtime/ns/procfs.h \
	runtime/ns/rootfs.c runtime/ns/rootfs.h \
	runtime/ns/sched.c \
	runtime/ns/seccomp.c runtime/ns/seccomp.h \
	runtime/ns/seccomp_build.c runtime/ns/seccomp_int.h \
	runtime/ns/seccomp_cache.c \
	runtime/ns/seccomp_enosys.c \
	runtime/ns/setup.h \
	runtime/ns/sysctl.c runtime/ns/sysctl.h \
	runtime/ns/tty.c runtime/ns/tty.h \
	runtime/ns/unixsock.c runtime/ns/unixsock.h \
	runtime/spec.c runtime/spec.h
