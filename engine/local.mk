noinst_LIBRARIES += engine/libengine.a
engine_libengine_a_SOURCES = \
	engine/attach.h \
	engine/bring.h \
	engine/cdi.c engine/cdi.h \
	engine/config.c engine/config.h \
	engine/config_caps.c \
	engine/config_devices.c \
	engine/config_int.h \
	engine/config_mounts.c \
	engine/config_ns.c \
	engine/config_process.c \
	engine/config_resources.c \
	engine/config_security.c \
	engine/engine.c engine/engine.h \
	engine/etcfiles.c engine/etcfiles.h \
	engine/events.h \
	engine/imageconf.c engine/imageconf.h \
	engine/log.h \
	engine/monitor.h \
	engine/mountspec.c engine/mountspec.h \
	engine/mountspec_csv.c \
	engine/mountspec_int.h \
	engine/mountspec_tmpfs.c \
	engine/record.c engine/record.h \
	engine/seccomp_default.c engine/seccomp_default.h \
	engine/seccomp_int.h \
	engine/seccomp_profile.c \
	engine/status.c engine/status.h \
	engine/store.c engine/store.h \
	engine/strv.c engine/strv.h \
	engine/user.c engine/user.h
