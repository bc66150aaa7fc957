noinst_LIBRARIES += runtime/libruntime.a
runtime_libruntime_a_SOURCES = \
	runtime/mountopt.c runtime/mountopt.h \
	runtime/spec.c runtime/spec.h
