noinst_LIBRARIES += runtime/libruntime.a
runtime_libruntime_a_SOURCES = \
	runtime/mountopt.c runtime/mountopt.h \
	runtime/ns/caps.c runtime/ns/caps.h \
	runtime/ns/hooks.c runtime/ns/hooks.h \
	runtime/ns/keyring.c runtime/ns/keyring.h \
	runtime/ns/limits.c runtime/ns/limits.h \
	runtime/ns/lsm.c runtime/ns/lsm.h \
	runtime/ns/sched.c \
	runtime/ns/seccomp.c runtime/ns/seccomp.h \
	runtime/ns/seccomp_build.c runtime/ns/seccomp_int.h \
	runtime/ns/seccomp_cache.c \
	runtime/ns/seccomp_enosys.c \
	runtime/ns/tty.c runtime/ns/tty.h \
	runtime/ns/unixsock.c runtime/ns/unixsock.h \
	runtime/spec.c runtime/spec.h
