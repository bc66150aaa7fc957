# Programs that integration tests run.
it_programs = \
	tests/it/crash
check_PROGRAMS += $(it_programs)
tests_it_crash_SOURCES = tests/it/crash.c
