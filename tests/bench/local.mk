# Measures, and tests nothing: `make bench`, never a part of `make check`.
noinst_PROGRAMS += tests/bench/clock tests/bench/netattach tests/bench/pace
tests_bench_clock_SOURCES = tests/bench/clock.c
tests_bench_netattach_SOURCES = tests/bench/netattach.c
tests_bench_netattach_LDADD = netns/libnetns.a base/libbase.a $(YAJL_LIBS)
tests_bench_pace_SOURCES = tests/bench/pace.c

bench: all
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/start
	@echo
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/pull
	@echo
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/net
	@echo
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/run
# The monitor against QEMU's microvm, in the lab; see tests/bench/vm.
bench-vm: all
	$(MAKE) $(AM_MAKEFLAGS) tests/guest/init
	$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/vm
.PHONY: bench bench-vm
EXTRA_DIST += tests/bench/net tests/bench/pull tests/bench/run tests/bench/start tests/bench/vm
