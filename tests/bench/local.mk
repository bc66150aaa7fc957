# Measures, and tests nothing: `make bench`, never a part of `make check`.
noinst_PROGRAMS += tests/bench/pace
tests_bench_pace_SOURCES = tests/bench/pace.c

bench: all
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/start
	@echo
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/pull
.PHONY: bench
EXTRA_DIST += tests/bench/pull tests/bench/start
