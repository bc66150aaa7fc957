runtime_unit_ldadd = runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(SECCOMP_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/runtime/test_passwd \
	tests/unit/runtime/test_state \
	tests/unit/runtime/test_caps \
	tests/unit/runtime/test_devnodes \
	tests/unit/runtime/test_hooks \
	tests/unit/runtime/test_keyring \
	tests/unit/runtime/test_limits \
	tests/unit/runtime/test_lock \
	tests/unit/runtime/test_lsm \
	tests/unit/runtime/test_maskpaths \
	tests/unit/runtime/test_mount_cgroup \
	tests/unit/runtime/test_mount_idmap \
	tests/unit/runtime/test_mountopt \
	tests/unit/runtime/test_mounts \
	tests/unit/runtime/test_mounts_gaps \
	tests/unit/runtime/test_mounts_hostile \
	tests/unit/runtime/test_mounts_userns \
	tests/unit/runtime/test_netdev \
	tests/unit/runtime/test_rdt \
	tests/unit/runtime/test_rootfs \
	tests/unit/runtime/test_seccomp \
	tests/unit/runtime/test_seccomp_cache \
	tests/unit/runtime/test_seccomp_code \
	tests/unit/runtime/test_spec \
	tests/unit/runtime/test_spec_linux \
	tests/unit/runtime/test_spec_process \
	tests/unit/runtime/test_spec_seccomp \
	tests/unit/runtime/test_spec_vm \
	tests/unit/runtime/test_sysctl \
	tests/unit/runtime/test_tmpcopyup \
	tests/unit/runtime/test_tty \
	tests/unit/runtime/test_tty_proxy \
	tests/unit/runtime/test_vm_config \
	tests/unit/runtime/test_vm_frame \
	tests/unit/runtime/test_vm_keeper \
	tests/unit/runtime/test_vm_size \
	tests/unit/runtime/test_vm_stream

tests_unit_runtime_test_caps_SOURCES = tests/unit/runtime/test_caps.c
tests_unit_runtime_test_caps_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_caps_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_seccomp_SOURCES = tests/unit/runtime/test_seccomp.c
tests_unit_runtime_test_seccomp_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_seccomp_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_seccomp_cache_SOURCES = tests/unit/runtime/test_seccomp_cache.c
tests_unit_runtime_test_seccomp_cache_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_seccomp_cache_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_seccomp_code_SOURCES = tests/unit/runtime/test_seccomp_code.c
tests_unit_runtime_test_seccomp_code_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_seccomp_code_LDADD = $(runtime_unit_ldadd)

EXTRA_DIST += tests/unit/runtime/bpf.h tests/unit/runtime/child.h

tests_unit_runtime_test_hooks_SOURCES = tests/unit/runtime/test_hooks.c
tests_unit_runtime_test_hooks_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_hooks_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_limits_SOURCES = tests/unit/runtime/test_limits.c
tests_unit_runtime_test_limits_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_limits_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_lock_SOURCES = tests/unit/runtime/test_lock.c
tests_unit_runtime_test_lock_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_lock_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_keyring_SOURCES = tests/unit/runtime/test_keyring.c
tests_unit_runtime_test_keyring_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_keyring_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_lsm_SOURCES = tests/unit/runtime/test_lsm.c
tests_unit_runtime_test_lsm_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_lsm_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_tty_SOURCES = tests/unit/runtime/test_tty.c
tests_unit_runtime_test_tty_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_tty_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_tty_proxy_SOURCES = tests/unit/runtime/test_tty_proxy.c
tests_unit_runtime_test_tty_proxy_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_tty_proxy_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_mountopt_SOURCES = tests/unit/runtime/test_mountopt.c
tests_unit_runtime_test_mountopt_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_mountopt_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_spec_SOURCES = tests/unit/runtime/test_spec.c
tests_unit_runtime_test_spec_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_spec_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_spec_linux_SOURCES = tests/unit/runtime/test_spec_linux.c
tests_unit_runtime_test_spec_linux_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_spec_linux_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_spec_process_SOURCES = tests/unit/runtime/test_spec_process.c
tests_unit_runtime_test_spec_process_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_spec_process_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_spec_seccomp_SOURCES = tests/unit/runtime/test_spec_seccomp.c
tests_unit_runtime_test_spec_seccomp_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_spec_seccomp_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_spec_vm_SOURCES = tests/unit/runtime/test_spec_vm.c
tests_unit_runtime_test_spec_vm_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_spec_vm_LDADD = $(runtime_unit_ldadd)

EXTRA_DIST += tests/unit/runtime/spec_rows.h
tests_unit_runtime_test_netdev_SOURCES = tests/unit/runtime/test_netdev.c
tests_unit_runtime_test_netdev_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_netdev_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_rdt_SOURCES = tests/unit/runtime/test_rdt.c
tests_unit_runtime_test_rdt_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_rdt_LDADD = $(runtime_unit_ldadd)

EXTRA_DIST += tests/unit/runtime/atcall.h tests/unit/runtime/mntfix.h

tests_unit_runtime_test_devnodes_SOURCES = tests/unit/runtime/test_devnodes.c
tests_unit_runtime_test_devnodes_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_devnodes_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_maskpaths_SOURCES = tests/unit/runtime/test_maskpaths.c
tests_unit_runtime_test_maskpaths_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_maskpaths_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_mount_cgroup_SOURCES = tests/unit/runtime/test_mount_cgroup.c
tests_unit_runtime_test_mount_cgroup_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_mount_cgroup_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_mount_idmap_SOURCES = tests/unit/runtime/test_mount_idmap.c
tests_unit_runtime_test_mount_idmap_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_mount_idmap_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_mounts_SOURCES = tests/unit/runtime/test_mounts.c
tests_unit_runtime_test_mounts_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_mounts_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_mounts_hostile_SOURCES = tests/unit/runtime/test_mounts_hostile.c
tests_unit_runtime_test_mounts_hostile_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_mounts_hostile_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_mounts_userns_SOURCES = tests/unit/runtime/test_mounts_userns.c
tests_unit_runtime_test_mounts_userns_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_mounts_userns_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_rootfs_SOURCES = tests/unit/runtime/test_rootfs.c
tests_unit_runtime_test_rootfs_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_rootfs_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_sysctl_SOURCES = tests/unit/runtime/test_sysctl.c
tests_unit_runtime_test_sysctl_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_sysctl_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_tmpcopyup_SOURCES = tests/unit/runtime/test_tmpcopyup.c
tests_unit_runtime_test_tmpcopyup_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_tmpcopyup_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_passwd_SOURCES = tests/unit/runtime/test_passwd.c
tests_unit_runtime_test_passwd_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_passwd_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_state_SOURCES = tests/unit/runtime/test_state.c
tests_unit_runtime_test_state_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_state_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_mounts_gaps_SOURCES = tests/unit/runtime/test_mounts_gaps.c
tests_unit_runtime_test_mounts_gaps_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_mounts_gaps_LDADD = $(runtime_unit_ldadd)


tests_unit_runtime_test_vm_size_SOURCES = tests/unit/runtime/test_vm_size.c
tests_unit_runtime_test_vm_size_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_vm_size_LDADD = $(runtime_unit_ldadd)
tests_unit_runtime_test_vm_config_SOURCES = tests/unit/runtime/test_vm_config.c
tests_unit_runtime_test_vm_config_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_vm_config_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_vm_frame_SOURCES = tests/unit/runtime/test_vm_frame.c
tests_unit_runtime_test_vm_frame_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_vm_frame_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_vm_keeper_SOURCES = tests/unit/runtime/test_vm_keeper.c
tests_unit_runtime_test_vm_keeper_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_vm_keeper_LDADD = $(runtime_unit_ldadd)

tests_unit_runtime_test_vm_stream_SOURCES = tests/unit/runtime/test_vm_stream.c
tests_unit_runtime_test_vm_stream_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_runtime_test_vm_stream_LDADD = $(runtime_unit_ldadd)
