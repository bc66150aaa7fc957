noinst_LIBRARIES += base/libbase.a
base_libbase_a_SOURCES = \
	base/arena.c base/arena.h \
	base/cleanup.h \
	base/date.c base/date.h \
	base/err.c base/err.h \
	base/fd.c base/fd.h \
	base/file.c base/file.h \
	base/json.c base/json.h \
	base/json_parse.c \
	base/jw.c \
	base/log.c base/log.h \
	base/path.c base/path.h \
	base/proc.c base/proc.h \
	base/signame.c base/signame.h \
	base/str.c base/str.h \
	base/sys.h \
	base/which.c base/which.h
