base_unit_ldadd = base/libbase.a $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/base/test_arena \
	tests/unit/base/test_err \
	tests/unit/base/test_fd \
	tests/unit/base/test_file \
	tests/unit/base/test_json \
	tests/unit/base/test_jw \
	tests/unit/base/test_log \
	tests/unit/base/test_path \
	tests/unit/base/test_proc \
	tests/unit/base/test_signame \
	tests/unit/base/test_str \
	tests/unit/base/test_which

tests_unit_base_test_arena_SOURCES = tests/unit/base/test_arena.c
tests_unit_base_test_arena_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_arena_LDADD = $(base_unit_ldadd)

tests_unit_base_test_err_SOURCES = tests/unit/base/test_err.c
tests_unit_base_test_err_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_err_LDADD = $(base_unit_ldadd)

tests_unit_base_test_fd_SOURCES = tests/unit/base/test_fd.c
tests_unit_base_test_fd_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_fd_LDADD = $(base_unit_ldadd)

tests_unit_base_test_file_SOURCES = tests/unit/base/test_file.c
tests_unit_base_test_file_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_file_LDADD = $(base_unit_ldadd)

tests_unit_base_test_json_SOURCES = tests/unit/base/test_json.c
tests_unit_base_test_json_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_json_LDADD = $(base_unit_ldadd)

tests_unit_base_test_jw_SOURCES = tests/unit/base/test_jw.c
tests_unit_base_test_jw_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_jw_LDADD = $(base_unit_ldadd)

tests_unit_base_test_log_SOURCES = tests/unit/base/test_log.c
tests_unit_base_test_log_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_log_LDADD = $(base_unit_ldadd)

tests_unit_base_test_path_SOURCES = tests/unit/base/test_path.c
tests_unit_base_test_path_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_path_LDADD = $(base_unit_ldadd)

tests_unit_base_test_proc_SOURCES = tests/unit/base/test_proc.c
tests_unit_base_test_proc_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_proc_LDADD = $(base_unit_ldadd)

tests_unit_base_test_signame_SOURCES = tests/unit/base/test_signame.c
tests_unit_base_test_signame_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_signame_LDADD = $(base_unit_ldadd)

tests_unit_base_test_str_SOURCES = tests/unit/base/test_str.c
tests_unit_base_test_str_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_str_LDADD = $(base_unit_ldadd)

tests_unit_base_test_which_SOURCES = tests/unit/base/test_which.c
tests_unit_base_test_which_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_base_test_which_LDADD = $(base_unit_ldadd)
