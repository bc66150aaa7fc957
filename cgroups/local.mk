noinst_LIBRARIES += cgroups/libcgroups.a
cgroups_libcgroups_a_SOURCES = \
	cgroups/attach.c \
	cgroups/cgroup.h \
	cgroups/cgroup_int.h \
	cgroups/convert.c cgroups/convert.h \
	cgroups/delegate.c \
	cgroups/devbpf.c \
	cgroups/devices.c cgroups/devices.h \
	cgroups/devrules.c \
	cgroups/file.c \
	cgroups/freeze.c \
	cgroups/host.c \
	cgroups/kill.c \
	cgroups/limits.c cgroups/limits.h \
	cgroups/limits_io.c \
	cgroups/limits_list.c \
	cgroups/limits_v1.c \
	cgroups/limits_v2.c \
	cgroups/oom.c \
	cgroups/path.c \
	cgroups/resources.c cgroups/resources.h \
	cgroups/stat.c cgroups/stat.h \
	cgroups/stat_cpu.c \
	cgroups/stat_io.c \
	cgroups/stat_memory.c \
	cgroups/tree.c \
	cgroups/walk.c
