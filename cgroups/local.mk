noinst_LIBRARIES += cgroups/libcgroups.a
cgroups_libcgroups_a_SOURCES = \
	cgroups/cgroup.h \
	cgroups/resources.c cgroups/resources.h
