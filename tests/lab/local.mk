# The lab: the same tests on an emulated host with cgroup v2, AppArmor and real KVM; minutes.
if HAVE_CHECK
# Those of engine, images, netns and kvm are not made for its pace, but for one that wants a real
# /dev/kvm.
lab_unit_tests = $(filter-out tests/unit/engine/% tests/unit/images/% tests/unit/netns/% \
		tests/unit/kvm/%,$(unit_tests)) \
	tests/unit/kvm/test_vcpu
endif

check-lab: all
	@$(MAKE) $(AM_MAKEFLAGS) $(lab_unit_tests) $(it_programs)
	@$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/lab/check $(lab_unit_tests)
# The lab itself.
check-lab-self:
	@bash $(srcdir)/tests/lab/selftest.sh
.PHONY: check-lab check-lab-self
EXTRA_DIST += tests/lab
